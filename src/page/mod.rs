//! The morning after a run: a page for people, as HTML and as a few lines of text. It shows what changed, and what is in the news.
//!
//! The page is derived: it can be deleted, and the same output folder gives the same bytes again.

/// Alarms in words.
mod changes;
/// An output folder to the content of a page.
mod collect;
/// Series of nights, and what is usual in them.
mod history;
/// The page as HTML.
mod html;
/// Counts and samples in bounded memory.
mod tally;
/// The page as text.
mod text;
/// The page in a sentence.
mod verdict;
/// Numbers, days and texts as readers see them.
mod words;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use crate::config::ReportConfig;
use crate::drift::DriftError;
use crate::ledger::LedgerError;
use crate::output::ReadError;

pub use collect::{Page, collect};
pub(crate) use html::CONTENT_POLICY;

/// The limits of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The largest number of nights.
    pub nights: usize,
    /// The largest number of rows of a list.
    pub top: usize,
    /// The largest number of quotes.
    pub quotes: usize,
    /// True if texts and titles of articles are shown.
    pub text: bool,
}

impl From<&ReportConfig> for Settings {
    fn from(config: &ReportConfig) -> Self {
        Self {
            nights: config.nights.as_size(),
            top: config.top.as_size(),
            quotes: config.quotes.as_size(),
            text: config.text,
        }
    }
}

/// A page that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// There is nothing to report on.
    #[error("there is no night to report on in `{}`: has a run begun?", path.display())]
    NoNights {
        /// The output folder.
        path: PathBuf,
    },
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Nights cannot be compared.
    #[error(transparent)]
    Drift(#[from] DriftError),
    /// Statements cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A document in the ledger cannot be read.
    #[error("the ledger in `{}` has a document that this version cannot read", path.display())]
    Document {
        /// The output folder.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: serde_json::Error,
    },
}

impl Page {
    /// The page as HTML.
    #[must_use]
    pub fn to_html(&self) -> String {
        html::render(self)
    }

    /// The page as text, at most 25 lines.
    #[must_use]
    pub fn to_text(&self) -> String {
        text::render(self)
    }
}
