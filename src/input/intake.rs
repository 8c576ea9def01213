//! Where formats put what they find: raw records gather until there are enough to be parsed side by side.

use std::ops::ControlFlow;

use super::content::Content;
use super::find::Source;
use super::kind::dotted;
use super::layers::Budget;
use super::refusal::Refusal;
use crate::config::InputConfig;
use crate::pipeline::{Halt, Outlet};
use crate::record::{Chunk, Document, Place, Reason, Rejection};
use crate::stages::read::Read;

/// So many raw records wait to be parsed together, at most.
const MAX_WAITING: usize = 256;

/// They have this many bytes together, at most, but for the last of them.
const MAX_WAITING_BYTES: usize = 8 << 20;

/// Whether to read on.
pub(super) type Flow = ControlFlow<()>;

/// A record that is not parsed yet.
pub(crate) struct Raw {
    pub(super) place: Place,
    /// The id that it gets where it has none of its own.
    pub(super) name: String,
    pub(super) content: Content,
}

impl Raw {
    fn refuse(self, refusal: Refusal) -> Rejection {
        refusal.into_rejection(self.place, self.content.beginning_of())
    }
}

/// A raw record, or what became of it, and how much of the input had been read then.
pub(crate) struct Waiting {
    pub(crate) raw: Result<Raw, Rejection>,
    pub(crate) input_bytes: u64,
}

/// Where a record is in its file, or in its member of an archive.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Spot {
    /// It is all of it.
    Whole,
    /// It is a line.
    Line { line: u64, byte: u64 },
    /// It is one of many.
    Record { line: Option<u64>, byte: Option<u64> },
}

impl Spot {
    pub(super) fn record(byte: u64) -> Self {
        Self::Record { line: None, byte: Some(byte) }
    }
}

/// Takes in what is found in one file.
pub(crate) struct Intake<'a, 'o> {
    read: &'a mut Read,
    out: &'a mut Outlet<'o, Chunk<Document>>,
    budget: &'a Budget,
    source: String,
    level: Level,
    /// How many records have been found in the file.
    records: u64,
    input_bytes_before: u64,
    /// How large the file was when it was found; 0 where nobody knows.
    source_bytes: u64,
    halt: Option<Halt>,
}

/// The file or the member that is being read.
#[derive(Debug, Clone)]
pub(super) struct Level {
    member: Option<String>,
    /// What its records are called where they have no id.
    name: String,
    /// How many there have been.
    records: u64,
}

impl<'a, 'o> Intake<'a, 'o> {
    pub(crate) fn new(
        read: &'a mut Read,
        source: &Source,
        budget: &'a Budget,
        out: &'a mut Outlet<'o, Chunk<Document>>,
    ) -> Self {
        let level = Level { member: None, name: source.name.clone(), records: 0 };
        let input_bytes_before = read.input_bytes;
        let (source_bytes, source) = (source.bytes, source.place().source);
        Self { read, out, budget, source, level, records: 0, input_bytes_before, source_bytes, halt: None }
    }

    pub(super) fn settings(&self) -> &InputConfig {
        &self.read.settings
    }

    /// Whether to read on, where something is passed over: that may take long, too.
    pub(super) fn go_on(&self) -> Flow {
        if self.read.interrupt.is_requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Goes into a member. Gives back what to [`Self::leave`] for.
    pub(super) fn enter(&mut self, member: &str) -> Level {
        let path = self.level.member.as_ref().map_or_else(|| member.to_owned(), |outer| format!("{outer}!{member}"));
        let name = format!("{}.{}", self.level.name, dotted(member));
        std::mem::replace(&mut self.level, Level { member: Some(path), name, records: 0 })
    }

    pub(super) fn leave(&mut self, before: Level) {
        self.level = before;
    }

    /// Takes in a record.
    pub(super) fn put(&mut self, spot: Spot, content: impl Into<Content>) -> Flow {
        let (place, name) = self.place(spot);
        self.wait(Ok(Raw { place, name, content: content.into() }))
    }

    /// Takes in what cannot be a record; `bytes` are its beginning.
    pub(crate) fn refuse(&mut self, spot: Spot, refusal: Refusal, bytes: &[u8]) -> Flow {
        let (place, _) = self.place(spot);
        self.wait(Err(refusal.into_rejection(place, bytes)))
    }

    /// Says that the file changed while it was read. Where it is one document, that is refused.
    pub(crate) fn refuse_changed(&mut self, message: String) -> Flow {
        let place = Place::file(self.source.clone());
        let rejection = Refusal::new(Reason::Changed, message).into_rejection(place.clone(), b"");
        if let Some(last) = self.read.waiting.last_mut()
            && last.raw.as_ref().is_ok_and(|raw| raw.place == place)
        {
            last.raw = Err(rejection);
            return ControlFlow::Continue(());
        }
        self.wait(Err(rejection))
    }

    /// Ends the file, which has been read to its end or not.
    pub(crate) fn finish(self, flow: Flow) -> Result<(), Halt> {
        let bytes = if flow.is_continue() { self.source_bytes.max(self.bytes_read()) } else { self.bytes_read() };
        self.read.input_bytes = self.input_bytes_before + bytes;
        self.halt.map_or(Ok(()), Err)
    }

    /// Never more than the file had when it was found: it may have grown, and what a Parquet file says of itself may be wrong.
    fn bytes_read(&self) -> u64 {
        let read = self.budget.bytes_read();
        if self.source_bytes == 0 { read } else { read.min(self.source_bytes) }
    }

    fn place(&mut self, spot: Spot) -> (Place, String) {
        self.records += 1;
        self.level.records += 1;
        let Level { member, name, records } = &self.level;
        let (number, line, byte) = match spot {
            Spot::Whole => (None, None, None),
            Spot::Line { line, byte } => (Some(line), Some(line), Some(byte)),
            Spot::Record { line, byte } => (Some(*records), line, byte),
        };
        let is_numbered = member.is_some() || matches!(spot, Spot::Record { .. });
        let record = is_numbered.then_some(self.records);
        let place = Place { source: self.source.clone(), member: member.clone(), record, line, byte };
        (place, number.map_or_else(|| name.clone(), |number| format!("{name}.{number}")))
    }

    /// The last one is still there when its file has been read: what waits is settled before it comes.
    fn wait(&mut self, raw: Result<Raw, Rejection>) -> Flow {
        if !self.read.is_wanted(raw.as_ref().map_or_else(|rejection| &rejection.place, |raw| &raw.place)) {
            return ControlFlow::Continue(());
        }
        let raw = raw.and_then(|raw| match self.read.suspects.message(&raw.place) {
            Some(message) => Err(raw.refuse(Refusal::new(Reason::TooSlow, message))),
            None => Ok(raw),
        });
        let flow = self.settle_if_full();
        self.read.waiting_bytes += raw.as_ref().map_or(0, |raw| raw.content.bytes());
        let input_bytes = self.input_bytes_before + self.bytes_read();
        self.read.waiting.push(Waiting { raw, input_bytes });
        flow
    }

    fn settle_if_full(&mut self) -> Flow {
        if self.read.waiting.len() < MAX_WAITING && self.read.waiting_bytes < MAX_WAITING_BYTES {
            return ControlFlow::Continue(());
        }
        if let Err(halt) = self.read.settle(self.out) {
            self.halt = Some(halt);
        }
        if self.halt.is_some() || self.read.interrupt.is_requested() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}
