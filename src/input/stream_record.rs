//! A record of a stream that gets exactly one answer: a document, or a rejection.

use super::candidate::Candidate;
use super::collector::LocatedRecord;
use super::raw_record::RawRecord;
use super::refusal::Refusal;
use crate::config::InputConfig;
use crate::deadline::guard::Guard;
use crate::record::{Place, Reason, Rejection};

/// A line or a row of a stream, not yet parsed.
pub(crate) struct StreamRecord {
    /// Its number, from 1.
    number: u64,
    /// What is to be parsed, or why it cannot be, with the bytes that the rejection shows the beginning of.
    content: Result<Box<dyn RawRecord>, (Refusal, Vec<u8>)>,
}

impl StreamRecord {
    /// The record with this number.
    pub(super) fn new(number: u64, record: impl RawRecord + 'static) -> Self {
        Self { number, content: Ok(Box::new(record)) }
    }

    /// A record with this number that cannot be parsed.
    pub(super) fn refused(number: u64, refusal: Refusal, bytes: Vec<u8>) -> Self {
        Self { number, content: Err((refusal, bytes)) }
    }

    /// About how many bytes of memory it takes.
    pub(crate) fn memory_bytes(&self) -> usize {
        match &self.content {
            Ok(record) => record.memory_bytes(),
            Err((_, bytes)) => bytes.len(),
        }
    }

    /// Parses the record.
    ///
    /// # Errors
    /// The rejection of a record that cannot be a document.
    pub(crate) fn parse(self, settings: &InputConfig, guard: &Guard) -> Result<Candidate, Rejection> {
        let place = Place { line: Some(self.number), ..Place::file("-") };
        let record = match self.content {
            Ok(record) => record,
            Err((refusal, bytes)) => return Err(refusal.into_rejection(place, &bytes)),
        };
        let located = LocatedRecord { place: place.clone(), name: String::new(), record };
        match Candidate::parse(located, settings, guard, false)? {
            Some(candidate) => Ok(candidate),
            None => Err(Refusal::new(Reason::MissingText, "is no article").into_rejection(place, b"")),
        }
    }
}
