//! Lines kept in memory, for tests of the lines without files.

use std::sync::{Arc, Mutex, PoisonError};

use super::{DocumentLines, Sink, kept};
use crate::ledger::{Kept, ShardState};
use crate::output::WriteError;

/// A sink in memory. Clones share their content: a test keeps one and looks into it when the stage has ended.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<Content>>);

/// The content of a sink.
#[derive(Debug, Default)]
struct Content {
    text: String,
    /// The length of the text that has been committed.
    committed: usize,
    is_finished: bool,
}

impl Memory {
    /// The lines that were committed.
    pub(crate) fn committed(&self) -> String {
        let content = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        content.text[..content.committed].to_owned()
    }

    /// True if the sink was finished.
    pub(crate) fn is_finished(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_finished
    }
}

impl Sink for Memory {
    fn write(&mut self, documents: &[DocumentLines<'_>]) -> Result<Vec<Kept>, WriteError> {
        let mut content = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut places = Vec::new();
        for document in documents {
            places.push(kept("memory".to_owned(), content.text.len() as u64, document.lines));
            content.text.push_str(&String::from_utf8_lossy(document.lines));
        }
        Ok(places)
    }

    fn commit(&mut self) -> Result<Option<ShardState>, WriteError> {
        let mut content = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        content.committed = content.text.len();
        Ok(None)
    }

    fn finish(&mut self) -> Result<(), WriteError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_finished = true;
        Ok(())
    }
}
