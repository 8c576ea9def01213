//! The request to stop a run early: it reads no more, finishes the documents in progress, and ends in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;

/// A flag that the source of a flow checks between two inputs. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    cause: Arc<AtomicU8>,
    deadline: Option<Instant>,
}

/// The cause of an early stop. The first one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The user asked for it.
    Asked = 1,
    /// The deadline has come.
    Deadline = 2,
    /// The run exceeded a limit of its configuration.
    Limit = 3,
}

impl Cause {
    const ALL: [Self; 3] = [Self::Asked, Self::Deadline, Self::Limit];

    fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|&cause| cause as u8 == number)
    }
}

impl Interrupt {
    /// An interrupt that stops the run at `deadline`.
    #[must_use]
    pub fn at(deadline: Instant) -> Self {
        Self { deadline: Some(deadline), ..Self::default() }
    }

    /// Asks the run to stop. Returns true if the user had asked before.
    #[expect(clippy::must_use_candidate, reason = "most callers do not care about earlier requests")]
    pub fn request(&self) -> bool {
        self.stop(Cause::Asked) == Some(Cause::Asked)
    }

    /// Stops the run. Returns the earlier cause if it was stopped already.
    pub fn stop(&self, cause: Cause) -> Option<Cause> {
        let before = self.cause.compare_exchange(0, cause as u8, Ordering::Relaxed, Ordering::Relaxed);
        before.err().and_then(Cause::from_number)
    }

    /// True if the run has to stop.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            self.stop(Cause::Deadline);
        }
        self.cause().is_some()
    }

    /// The cause of the stop, if the run was stopped.
    #[must_use]
    pub fn cause(&self) -> Option<Cause> {
        Cause::from_number(self.cause.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_cause_counts_and_asking_twice_is_noticed() {
        let interrupt = Interrupt::default();
        assert!(!interrupt.is_requested());
        assert!(!interrupt.request() && interrupt.request());
        interrupt.stop(Cause::Limit);
        assert_eq!(interrupt.cause(), Some(Cause::Asked));
        let late = Interrupt::at(Instant::now());
        assert!(late.is_requested() && !late.request(), "a request after the deadline is the first one");
        assert_eq!(late.cause(), Some(Cause::Deadline));
    }
}
