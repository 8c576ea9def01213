//! The records that formats find in one file get their places and names here, and go on to a sink.

use std::ops::ControlFlow;

use super::names::document_name;
use super::raw_record::RawRecord;
use super::refusal::Refusal;
use crate::config::InputConfig;
use crate::pipeline::Interrupt;
use crate::record::{Place, Rejection};

/// Tells a format to read on or to stop.
pub(crate) type Flow = ControlFlow<()>;

/// A record that is not parsed yet, with its place.
pub(crate) struct LocatedRecord {
    pub(crate) place: Place,
    /// The id to use if the record has none.
    pub(super) name: String,
    pub(crate) record: Box<dyn RawRecord>,
}

impl LocatedRecord {
    /// Rejects the record without parsing it.
    pub(crate) fn reject(self, refusal: Refusal) -> Rejection {
        refusal.into_rejection(self.place, self.record.excerpt_source())
    }
}

/// Takes the records of a file, in their order.
pub(crate) trait RecordSink {
    /// Takes a record, or the rejection of bytes that cannot be a record.
    fn put(&mut self, record: Result<LocatedRecord, Rejection>) -> Flow;

    /// Counts an archive member or a record that is no document because pressrun does not read its kind.
    fn leave_out(&mut self, kind: &str);
}

/// The place of a record in its file or its member of an archive.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Position {
    /// The whole file or member.
    Whole,
    /// A line, with its number from 1 and the offset of its first byte.
    Line { line: u64, byte: u64 },
    /// One of several records.
    Record { line: Option<u64>, byte: Option<u64> },
}

impl Position {
    pub(super) fn record(byte: u64) -> Self {
        Self::Record { line: None, byte: Some(byte) }
    }
}

/// Takes what formats find in one file.
pub(crate) struct Collector<'a> {
    settings: &'a InputConfig,
    interrupt: &'a Interrupt,
    sink: &'a mut dyn RecordSink,
    source: String,
    level: Level,
    /// The number of records found in the file so far.
    records: u64,
}

/// The file or the archive member that is being read.
#[derive(Debug, Clone)]
pub(super) struct Level {
    /// The path of the member, with `!` between archives.
    member: Option<String>,
    /// The name of its records, which get numbers behind it.
    name: String,
    /// The number of records found in it so far.
    records: u64,
}

impl<'a> Collector<'a> {
    /// A collector for the file `source`, whose documents are called `name`.
    pub(crate) fn new(
        settings: &'a InputConfig,
        interrupt: &'a Interrupt,
        source: String,
        name: String,
        sink: &'a mut dyn RecordSink,
    ) -> Self {
        Self { settings, interrupt, sink, source, level: Level { member: None, name, records: 0 }, records: 0 }
    }

    pub(super) fn settings(&self) -> &'a InputConfig {
        self.settings
    }

    /// Stops if the run was asked to stop. For what is passed over, which may take long as well.
    pub(super) fn check_interrupt(&self) -> Flow {
        if self.interrupt.is_requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Enters a member of an archive. Returns the level around it, for [`Self::leave`].
    pub(super) fn enter(&mut self, member: &str) -> Level {
        let path = self.level.member.as_ref().map_or_else(|| member.to_owned(), |outer| format!("{outer}!{member}"));
        let name = format!("{}.{}", self.level.name, document_name(member));
        std::mem::replace(&mut self.level, Level { member: Some(path), name, records: 0 })
    }

    /// Goes back to the level around a member.
    pub(super) fn leave(&mut self, outer: Level) {
        self.level = outer;
    }

    /// Takes a record.
    pub(super) fn put(&mut self, position: Position, record: impl RawRecord + 'static) -> Flow {
        let (place, name) = self.locate(position);
        self.sink.put(Ok(LocatedRecord { place, name, record: Box::new(record) }))
    }

    /// Takes bytes that cannot be a record. The rejection shows the beginning of `bytes`.
    pub(crate) fn refuse(&mut self, position: Position, refusal: Refusal, bytes: &[u8]) -> Flow {
        let (place, _) = self.locate(position);
        self.sink.put(Err(refusal.into_rejection(place, bytes)))
    }

    /// Counts an archive member or a record of a kind that is not read, such as `.jpg`. It is no document and gets no place.
    pub(super) fn leave_out(&mut self, kind: &str) {
        self.sink.leave_out(kind);
    }

    /// The place and the name of the next record.
    fn locate(&mut self, position: Position) -> (Place, String) {
        self.records += 1;
        self.level.records += 1;
        let Level { member, name, records } = &self.level;
        let (number, line, byte) = match position {
            Position::Whole => (None, None, None),
            Position::Line { line, byte } => (Some(line), Some(line), Some(byte)),
            Position::Record { line, byte } => (Some(*records), line, byte),
        };
        let is_numbered = member.is_some() || matches!(position, Position::Record { .. });
        let record = is_numbered.then_some(self.records);
        let place = Place { source: self.source.clone(), member: member.clone(), record, line, byte };
        (place, number.map_or_else(|| name.clone(), |number| format!("{name}.{number}")))
    }
}
