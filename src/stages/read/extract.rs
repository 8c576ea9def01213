//! Files to parsed records: unpacks a file as it is read, cuts out its records by its format, and parses many of them side by side.

use std::ops::ControlFlow;
use std::sync::Arc;

use rayon::prelude::*;

use super::{Known, Places};
use crate::config::InputConfig;
use crate::deadline::guard::Guard;
use crate::deadline::suspects::Suspects;
use crate::input::candidate::Candidate;
use crate::input::collector::{Collector, Flow, LocatedRecord, Position, RecordSink};
use crate::input::find::{OpenError, Opened, Source};
use crate::input::layers::{self, Budget, Container, Counted};
use crate::input::left_out::LeftOut;
use crate::input::refusal::Refusal;
use crate::input::store::{Object, StoreError};
use crate::input::stream::Stream;
use crate::pipeline::{Halt, Interrupt};
use crate::record::{Place, Reason, Rejection};

/// At most so many raw records wait to be parsed together.
const MAX_WAITING: usize = 256;

/// Raw records are also parsed when they have this many bytes together, so that long ones do not add up in memory.
const MAX_WAITING_BYTES: usize = 8 << 20;

/// Takes the records out of files and parses them.
pub(super) struct Extract {
    settings: ExtractSettings,
    /// Records that are not parsed yet.
    waiting: Vec<WaitingRecord>,
    waiting_bytes: usize,
    /// The size of all files before the one that is being read.
    input_bytes: u64,
}

/// The rules for taking and parsing records.
pub(super) struct ExtractSettings {
    pub(super) input: Arc<InputConfig>,
    /// The limits within which a record is parsed.
    pub(super) guard: Guard,
    pub(super) interrupt: Interrupt,
    /// The only records to take, if not all. The others are not even parsed.
    pub(super) only: Option<Places>,
    /// Records at which earlier runs hung. They are rejected before they are parsed, or they would hang again.
    pub(super) suspects: Suspects,
    /// True if texts are sketched, so that copies can be found.
    pub(super) is_comparing: bool,
    /// Counts what is left out, unless only some records are taken.
    pub(super) left_out: LeftOut,
}

/// A raw record or its rejection.
struct WaitingRecord {
    record: Result<LocatedRecord, Rejection>,
    /// The number of its file.
    file: u64,
    known: Option<Known>,
    input_bytes: u64,
}

/// Takes the records that were parsed together.
pub(super) type Consume<'c> = dyn FnMut(ParsedRecords) -> Result<(), Halt> + 'c;

/// Records that were parsed side by side, in the order of the input.
pub(super) struct ParsedRecords {
    pub(super) records: Vec<ParsedRecord>,
    /// The size of all files before the one that is being read.
    pub(super) input_bytes: u64,
}

/// A parsed record or its rejection.
pub(super) struct ParsedRecord {
    /// `None` if the record is no article and is not meant to be one.
    pub(super) outcome: Result<Option<Candidate>, Rejection>,
    /// The number of its file among all files.
    pub(super) file: u64,
    /// Facts from an earlier run, if only some records are taken.
    pub(super) known: Option<Known>,
    /// The bytes of input that had been read when the record was found.
    pub(super) input_bytes: u64,
}

impl Extract {
    pub(super) fn new(settings: ExtractSettings) -> Self {
        Self { settings, waiting: Vec::new(), waiting_bytes: 0, input_bytes: 0 }
    }

    /// Takes the records out of one file. Passes on those that have been parsed; the last ones go on waiting.
    ///
    /// # Errors
    /// As `consume`.
    pub(super) fn read_file(&mut self, source: &Source, consume: &mut Consume<'_>) -> Result<(), Halt> {
        if self.settings.interrupt.is_requested() {
            return Ok(());
        }
        let input = Arc::clone(&self.settings.input);
        let interrupt = self.settings.interrupt.clone();
        let budget = Budget::new(&input);
        let place = source.place();
        let opened = source.open(&interrupt);
        let mut file = FileSink {
            extract: self,
            consume,
            budget: &budget,
            object: opened.as_ref().ok().and_then(Opened::object).cloned(),
            number: source.number,
            file_bytes: source.bytes,
            halt: None,
        };
        let mut collector = Collector::new(&input, &interrupt, place.source.clone(), source.name.clone(), &mut file);
        let flow = match opened {
            Ok(opened) => {
                let name = source.path.to_string_lossy();
                let mut stream = Stream::new(Counted { file: opened.bytes(), budget: &budget });
                if source.is_unknown() && !layers::is_certain(&mut stream, &input) {
                    return file.leave_out_file(source);
                }
                let container = Container::new(&name, opened.file(), &budget);
                let flow = match source.pieces() {
                    None => layers::read_layers(&mut stream, container, &mut collector),
                    Some(pieces) => {
                        let read = layers::read_pieces(&mut stream, pieces, opened.length(), container, &mut collector);
                        let Some(flow) = read else { return file.finish(ControlFlow::Continue(())) };
                        flow
                    }
                };
                match opened.change(source) {
                    Some(message) if flow.is_continue() => file.reject_changed(&place, message),
                    _ => flow,
                }
            }
            Err(OpenError::Store(error)) if error.is_stop() => return file.finish(ControlFlow::Break(())),
            Err(OpenError::Store(error)) => return Err(error.into()),
            Err(_) if source.is_unknown() => return file.leave_out_file(source),
            // The part with its first piece says so.
            Err(_) if source.pieces().is_some_and(|pieces| !pieces.has_first()) => {
                return file.finish(ControlFlow::Continue(()));
            }
            Err(OpenError::Refused(refusal)) => collector.refuse(Position::Whole, refusal, b""),
        };
        file.finish(flow)
    }

    /// Parses the waiting records side by side.
    pub(super) fn parse_waiting(&mut self) -> ParsedRecords {
        self.waiting_bytes = 0;
        let waiting = std::mem::take(&mut self.waiting);
        let records = waiting.into_par_iter().map(|record| self.settings.parse(record)).collect();
        ParsedRecords { records, input_bytes: self.input_bytes }
    }

    fn has_enough_waiting(&self) -> bool {
        self.waiting.len() >= MAX_WAITING || self.waiting_bytes >= MAX_WAITING_BYTES
    }
}

impl ExtractSettings {
    /// The facts about the record at `place` if only some records are taken and it is one of them. A place without a number stands for
    /// all records of its file.
    fn known(&self, place: &Place) -> Option<&Known> {
        let only = self.only.as_ref()?;
        let of_record = only.get(&(place.source.clone(), place.number()));
        of_record.or_else(|| only.get(&(place.source.clone(), 0)))
    }

    fn parse(&self, waiting: WaitingRecord) -> ParsedRecord {
        let WaitingRecord { record, file, known, input_bytes } = waiting;
        let outcome = record.and_then(|record| Candidate::parse(record, &self.input, &self.guard, self.is_comparing));
        ParsedRecord { outcome, file, known, input_bytes }
    }
}

/// Takes the records of one file, and has them parsed when there are enough.
struct FileSink<'a, 'c> {
    extract: &'a mut Extract,
    consume: &'a mut Consume<'c>,
    /// Counts the bytes that were read of the file.
    budget: &'a Budget,
    /// The object, if the file is one in a store.
    object: Option<Object>,
    /// The number of the file among all files.
    number: u64,
    /// The size of the file when it was found; 0 if it is not known.
    file_bytes: u64,
    /// The failure that stopped reading.
    halt: Option<Halt>,
}

impl RecordSink for FileSink<'_, '_> {
    fn put(&mut self, record: Result<LocatedRecord, Rejection>) -> Flow {
        if record.is_err() && self.failure().is_some() {
            // The file is not to blame.
            return ControlFlow::Break(());
        }
        let place = record.as_ref().map_or_else(|rejection| &rejection.place, |record| &record.place);
        let known = self.extract.settings.known(place).cloned();
        if self.extract.settings.only.is_some() && known.is_none() {
            return ControlFlow::Continue(());
        }
        let record = record.and_then(|record| match self.extract.settings.suspects.message(&record.place) {
            Some(message) => Err(record.reject(Refusal::new(Reason::TooSlow, message))),
            None => Ok(record),
        });
        // Before the record is added: the last record of a file still waits when the file turns out to have changed.
        let flow = self.parse_if_enough();
        self.extract.waiting_bytes += record.as_ref().map_or(0, |record| record.record.memory_bytes());
        let input_bytes = self.extract.input_bytes + self.bytes_read();
        self.extract.waiting.push(WaitingRecord { record, file: self.number, known, input_bytes });
        flow
    }

    fn leave_out(&mut self, kind: &str) {
        if self.extract.settings.only.is_none() {
            self.extract.settings.left_out.add(kind);
        }
    }
}

impl FileSink<'_, '_> {
    /// The failure of a store because of which the run ends, or was asked to end.
    fn failure(&self) -> Option<&StoreError> {
        self.object.as_ref().and_then(Object::failure)
    }

    /// Passes over the whole file, which is of a kind that is not read.
    fn leave_out_file(mut self, source: &Source) -> Result<(), Halt> {
        if self.failure().is_some() {
            return self.finish(ControlFlow::Break(()));
        }
        self.leave_out(&source.kind());
        self.finish(ControlFlow::Continue(()))
    }

    /// Rejects a file that changed while it was read. If it is one document, that document is rejected.
    fn reject_changed(&mut self, place: &Place, message: String) -> Flow {
        let rejection = Refusal::new(Reason::Changed, message).into_rejection(place.clone(), b"");
        if let Some(last) = self.extract.waiting.last_mut()
            && last.record.as_ref().is_ok_and(|record| record.place == *place)
        {
            last.record = Err(rejection);
            return ControlFlow::Continue(());
        }
        self.put(Err(rejection))
    }

    fn parse_if_enough(&mut self) -> Flow {
        if !self.extract.has_enough_waiting() {
            return ControlFlow::Continue(());
        }
        let records = self.extract.parse_waiting();
        self.halt = (self.consume)(records).err();
        if self.halt.is_some() || self.extract.settings.interrupt.is_requested() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    /// Ends the file. `Continue` means that it was read to its end.
    fn finish(self, flow: Flow) -> Result<(), Halt> {
        let read = self.bytes_read();
        self.extract.input_bytes += if flow.is_continue() { self.file_bytes.max(read) } else { read };
        let of_store = self.failure().filter(|failure| !failure.is_stop()).cloned();
        self.halt.or_else(|| of_store.map(Halt::from)).map_or(Ok(()), Err)
    }

    /// The bytes that were read, but never more than the file had when it was found: it may have grown, and what a Parquet file says of
    /// its size may be wrong.
    fn bytes_read(&self) -> u64 {
        let read = self.budget.bytes_read();
        if self.file_bytes == 0 { read } else { read.min(self.file_bytes) }
    }
}
