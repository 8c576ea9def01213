//! A parsed record that has no id yet: a candidate for a document.

use super::copies::Sketch;
use super::intake::LocatedRecord;
use super::raw_record::Parsed;
use super::refusal::{EXCERPT_BYTES, Refusal};
use super::text::mojibake::is_garbled;
use super::text::{dates, language};
use crate::config::InputConfig;
use crate::deadline::guard::Guard;
use crate::digest::sha256_of_all;
use crate::record::{Metadata, Place, Rejection, TextFlag};

/// A record with its text and everything that admission needs to know of it.
pub(crate) struct Candidate {
    pub(crate) place: Place,
    /// The id in the record itself.
    pub(crate) own_id: Option<String>,
    /// The id to use if the record has none: the name of its file, with a number.
    pub(crate) name: String,
    pub(crate) metadata: Metadata,
    pub(crate) text: String,
    pub(crate) encoding: &'static str,
    pub(crate) flags: Vec<TextFlag>,
    /// A digest that differs between two versions of the record.
    pub(crate) digest: [u8; 32],
    /// The sketch by which copies are found, unless the record is not compared with others.
    pub(crate) sketch: Option<Sketch>,
    /// True if the configuration asks for the record's language, or the language is unknown.
    pub(crate) is_wanted: bool,
}

impl Candidate {
    /// Parses a raw record within the limits of `guard`. The candidate gets a sketch if it `is_compared` with other documents.
    /// `None` if the record is no article and is not meant to be one.
    ///
    /// # Errors
    /// The rejection of a record that cannot be a document.
    pub(crate) fn parse(
        located: LocatedRecord,
        settings: &InputConfig,
        guard: &Guard,
        is_compared: bool,
    ) -> Result<Option<Self>, Rejection> {
        let LocatedRecord { place, name, record } = located;
        let bytes = record.excerpt_source();
        let excerpt = bytes[..bytes.len().min(EXCERPT_BYTES)].to_vec();
        let guarded = guard.at(
            &place,
            || String::from_utf8_lossy(&excerpt),
            || {
                let Some(mut parsed) = record.parse(settings)? else { return Ok(None) };
                let is_wanted = language::complete(&mut parsed.metadata.language, &parsed.text, &settings.languages);
                Ok(Some((parsed, is_wanted)))
            },
        );
        let outcome = guarded.unwrap_or_else(|(reason, message)| Err(Refusal::new(reason, message)));
        match outcome {
            Ok(None) => Ok(None),
            Ok(Some((parsed, is_wanted))) => Ok(Some(Self::new(place, name, parsed, is_wanted, is_compared))),
            Err(refusal) => Err(refusal.into_rejection(place, &excerpt)),
        }
    }

    fn new(place: Place, name: String, parsed: Parsed, is_wanted: bool, is_compared: bool) -> Self {
        let Parsed { own_id, mut metadata, text, encoding } = parsed;
        metadata.published = metadata.published.map(to_rfc3339);
        metadata.modified = metadata.modified.map(to_rfc3339);
        let digest = digest(&metadata, &text, encoding);
        let flags = if is_garbled(&text) { vec![TextFlag::Mojibake] } else { Vec::new() };
        let sketch = (is_compared && is_wanted).then(|| Sketch::of(&text));
        Self { place, own_id, name, metadata, text, encoding, flags, digest, sketch, is_wanted }
    }
}

/// A date as RFC 3339 if it can be parsed, otherwise as it came.
fn to_rfc3339(raw: String) -> String {
    dates::to_rfc3339(&raw).unwrap_or(raw)
}

fn digest(metadata: &Metadata, text: &str, encoding: &str) -> [u8; 32] {
    let fields = Metadata::FIELDS.map(|field| (field.value)(metadata));
    // A missing field is not an empty one.
    let present = fields.map(|field| if field.is_some() { "+" } else { "-" });
    sha256_of_all(fields.map(Option::unwrap_or_default).into_iter().chain(present).chain([text, encoding]))
}
