//! Asking a run to stop early: it reads no more, finishes what is under way, and ends in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;

/// What whoever feeds the flow looks at between two inputs. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    cause: Arc<AtomicU8>,
    deadline: Option<Instant>,
}

/// Why a run stops early. The first cause counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Somebody asked.
    Asked = 1,
    /// Its time is over.
    Deadline = 2,
    /// It goes wrong: a limit that its configuration sets has been passed.
    Limit = 3,
}

impl Interrupt {
    /// One that stops at `deadline` by itself.
    #[must_use]
    pub fn at(deadline: Instant) -> Self {
        Self { deadline: Some(deadline), ..Self::default() }
    }

    /// Asks the run to stop. `true` where somebody had asked before.
    #[expect(clippy::must_use_candidate, reason = "most callers ask whatever was asked before")]
    pub fn request(&self) -> bool {
        self.stop(Cause::Asked) == Some(Cause::Asked)
    }

    /// Stops the run. Returns the cause that it had before.
    pub fn stop(&self, cause: Cause) -> Option<Cause> {
        let before = self.cause.compare_exchange(0, cause as u8, Ordering::Relaxed, Ordering::Relaxed);
        before.err().and_then(of_number)
    }

    /// Whether the run is to stop.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            self.stop(Cause::Deadline);
        }
        self.cause().is_some()
    }

    /// Why it has been stopped, if it has been.
    #[must_use]
    pub fn cause(&self) -> Option<Cause> {
        of_number(self.cause.load(Ordering::Relaxed))
    }
}

fn of_number(number: u8) -> Option<Cause> {
    [Cause::Asked, Cause::Deadline, Cause::Limit].into_iter().find(|&cause| cause as u8 == number)
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
        assert!(late.is_requested() && !late.request(), "whoever asks after the deadline asks for the first time");
        assert_eq!(late.cause(), Some(Cause::Deadline));
    }
}
