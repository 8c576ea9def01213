//! Errors that end a run, and their exit codes.

use crate::config::ConfigError;
use crate::drift::DriftError;
use crate::export::ExportError;
use crate::input::find::FindError;
use crate::input::part::PartError;
use crate::ledger::LedgerError;
use crate::output::WriteError;
use crate::page::PageError;
use crate::parts::PartsError;
use crate::pipeline::PipelineError;
use crate::task::TaskError;

/// An error because of which a run did not start, broke off, or cannot be trusted.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A model cannot be used, or cannot do what the configuration asks.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// The part of the input to process is not clear.
    #[error(transparent)]
    Part(#[from] PartError),
    /// Parts cannot be merged.
    #[error(transparent)]
    Parts(#[from] PartsError),
    /// There is nothing to read.
    #[error(transparent)]
    Find(#[from] FindError),
    /// Results cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The documents at which earlier runs hung cannot be read, or the watchdog cannot start.
    #[error("cannot watch over documents that hang")]
    Suspects(#[source] std::io::Error),
    /// The ledger cannot be used, or belongs to a different configuration.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Tables cannot be exported.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// Nights cannot be compared.
    #[error(transparent)]
    Drift(#[from] DriftError),
    /// A night has alarms, and the user asked to fail then.
    #[error("night {night} has alarms: {alarms}")]
    Unusual {
        /// The number of the night.
        night: u32,
        /// The number of alarms.
        alarms: usize,
    },
    /// A run with the configuration would not start.
    #[error("{problems} problems: a run would not start")]
    Problems {
        /// The number of problems.
        problems: usize,
    },
    /// Own labels cannot be used as they are described.
    #[error("{message}")]
    Labels {
        /// The faults with their places.
        message: String,
    },
    /// A comparison exceeds limits that the user gave.
    #[error("the comparison exceeds {limits}")]
    Exceeded {
        /// The limits, and what was found.
        limits: String,
    },
    /// A stream would depend on how its lines come together.
    #[error(
        "the results of model `{model}` depend on the batch, so that a line out would depend on its neighbours: a stream cannot use it"
    )]
    DependsOnBatch {
        /// The name of the model.
        model: String,
    },
    /// The input of a stream cannot be read as what it should be.
    #[error("standard input {message}")]
    StandardInput {
        /// What is wrong with it.
        message: String,
    },
    /// The answers of a stream cannot be written.
    #[error("cannot write to standard output")]
    StandardOutput {
        /// The error of the system.
        #[source]
        cause: std::io::Error,
    },
    /// The system could not start a thread.
    #[error("cannot start a thread")]
    NoThread {
        /// The error of the system.
        #[source]
        cause: std::io::Error,
    },
    /// Tests of the configuration fail.
    #[error("{failed} of {count} tests failed")]
    Tests {
        /// The number of tests that failed.
        failed: usize,
        /// The number of tests.
        count: usize,
    },
    /// The page of the morning after cannot be made.
    #[error(transparent)]
    Page(#[from] PageError),
    /// A stage failed.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// Documents were lost or doubled on the way: a bug.
    #[error(
        "{found} documents were found, but {written} written, {rejected} rejected, {skipped} already done and {filtered} filtered"
    )]
    Accounting {
        /// Documents found.
        found: u64,
        /// Documents written.
        written: u64,
        /// Documents rejected.
        rejected: u64,
        /// Documents that were already done.
        skipped: u64,
        /// Documents in languages that are not wanted.
        filtered: u64,
    },
    /// More inputs were rejected than the configuration allows.
    #[error("{rejected} of {found} inputs were rejected, more than `[run] {allowed}` allows; see `rejected.jsonl`")]
    TooManyRejected {
        /// Documents rejected.
        rejected: u64,
        /// Documents found.
        found: u64,
        /// The key that limits them, and its value.
        allowed: String,
    },
    /// The run was asked to stop. What it had written is whole.
    #[error("interrupted: what had been read is written, the rest is not")]
    Interrupted,
}

impl RunError {
    /// The exit code of the program.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::TooManyRejected { .. } | Self::Unusual { .. } | Self::Exceeded { .. } | Self::Tests { .. } => 1,
            Self::Config(_)
            | Self::Problems { .. }
            | Self::Part(_)
            | Self::DependsOnBatch { .. }
            | Self::Labels { .. }
            | Self::Task(TaskError::Config(_) | TaskError::OwnLabels(_))
            | Self::Drift(DriftError::Unreadable { .. } | DriftError::Holiday { .. })
            | Self::Ledger(LedgerError::Redo { .. } | LedgerError::Layout { .. } | LedgerError::Part { .. }) => 78,
            Self::Find(error) if error.is_of_configuration() => 78,
            Self::Parts(error) if error.is_of_configuration() => 78,
            Self::Interrupted => 130,
            _ => 2,
        }
    }
}
