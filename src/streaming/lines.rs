//! JSON Lines in and out.

use std::io::{Read, Write};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use rayon::prelude::*;
use serde::Serialize;

use super::{Answers, CHUNK_BYTES, RecordFormat, each_line, receive};
use crate::config::Config;
use crate::error::RunError;
use crate::input::stream::Stream;
use crate::input::{StreamRecord, next_record};
use crate::pipeline::{Halt, Interrupt};
use crate::record::{AnalysedDocument, Reason, Rejection};

/// A chunk that is not full is closed when no line has come for so long: then the input pauses, and waits for its answers perhaps.
const PAUSE: Duration = Duration::from_millis(10);
/// The number of lines that may wait for their chunk. Long ones are counted by their bytes in the chunk.
const WAITING_LINES: usize = 64;

/// Lines in groups: full ones while lines come fast, smaller ones when the input pauses.
pub(super) struct LineChunks {
    lines: Receiver<StreamRecord>,
    /// The number of lines in a full chunk.
    documents: usize,
    interrupt: Interrupt,
}

impl LineChunks {
    /// Reads the lines of `input` on a thread of its own.
    pub(super) fn read(
        input: impl Read + Send + 'static,
        config: &Config,
        interrupt: &Interrupt,
    ) -> Result<Self, RunError> {
        let (sender, lines) = bounded(WAITING_LINES);
        let max_bytes = config.input.max_document_bytes.get();
        let of_thread = interrupt.clone();
        // The thread may wait for input for ever, so nothing waits for the thread.
        std::thread::Builder::new()
            .name("lines".to_owned())
            .spawn(move || send_lines(input, max_bytes, &sender, &of_thread))
            .map_err(|cause| RunError::NoThread { cause })?;
        Ok(Self { lines, documents: config.run.chunk_documents.as_size(), interrupt: interrupt.clone() })
    }
}

/// Sends the lines of `input` until it ends, nobody takes them, or `interrupt` is requested.
fn send_lines(input: impl Read, max_bytes: u64, sender: &Sender<StreamRecord>, interrupt: &Interrupt) {
    let mut stream = Stream::new(input);
    let mut number = 1;
    while let Some(line) = next_record(&mut stream, number, max_bytes) {
        number += 1;
        if sender.send(line).is_err() || interrupt.is_requested() {
            break;
        }
    }
}

impl Iterator for LineChunks {
    type Item = Vec<StreamRecord>;

    fn next(&mut self) -> Option<Vec<StreamRecord>> {
        let first = receive(&self.lines, &self.interrupt)?;
        let mut bytes = first.memory_bytes();
        let mut chunk = vec![first];
        while chunk.len() < self.documents && bytes < CHUNK_BYTES {
            let Ok(line) = self.lines.recv_timeout(PAUSE) else { break };
            bytes += line.memory_bytes();
            chunk.push(line);
        }
        Some(chunk)
    }
}

/// Writes a line for each line.
pub(super) struct LineAnswers<W> {
    output: W,
}

impl<W: Write + Send> LineAnswers<W> {
    pub(super) fn new(output: W) -> Self {
        Self { output }
    }
}

impl<W: Write + Send> Answers for LineAnswers<W> {
    fn write(
        &mut self,
        documents: &[AnalysedDocument],
        rejected: &[Rejection],
        format: &RecordFormat,
    ) -> Result<(), Halt> {
        let mut lines: Vec<(Option<u64>, Vec<u8>)> = documents
            .par_iter()
            .map(|analysed| Ok((analysed.document.place.line, document_line(analysed, format)?)))
            .collect::<serde_json::Result<_>>()?;
        for rejection in rejected {
            lines.push((rejection.place.line, rejected_line(rejection)?));
        }
        lines.sort_by_key(|(number, _)| *number);
        for (_, line) in lines {
            self.output.write_all(&line)?;
        }
        self.output.flush()?;
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Halt> {
        Ok(())
    }
}

/// `{"document":…,"statements":[…]}`.
fn document_line(analysed: &AnalysedDocument, format: &RecordFormat) -> serde_json::Result<Vec<u8>> {
    let mut line = b"{\"document\":".to_vec();
    line.extend_from_slice(&format.document(analysed)?);
    line.extend_from_slice(b",\"statements\":[");
    let mut separator: &[u8] = b"";
    for statement in each_line(&format.statements(analysed)?) {
        line.extend_from_slice(separator);
        line.extend_from_slice(statement);
        separator = b",";
    }
    line.extend_from_slice(b"]}\n");
    Ok(line)
}

/// A line of the output for a rejected line of the input.
#[derive(Serialize)]
struct RejectedLine<'r> {
    rejected: RejectedRecord<'r>,
}

/// A rejection without its place, which is that of the line.
#[derive(Serialize)]
struct RejectedRecord<'r> {
    stage: &'r str,
    reason: Reason,
    message: &'r str,
    excerpt: &'r str,
}

fn rejected_line(rejection: &Rejection) -> serde_json::Result<Vec<u8>> {
    let Rejection { stage, reason, message, excerpt, .. } = rejection;
    let mut line =
        serde_json::to_vec(&RejectedLine { rejected: RejectedRecord { stage, reason: *reason, message, excerpt } })?;
    line.push(b'\n');
    Ok(line)
}
