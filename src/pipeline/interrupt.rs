//! Asking a run to stop early: it reads no more, finishes what is under way, and ends in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag that whoever feeds the flow looks at between two inputs. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Asks the run to stop. `true` where it had been asked before.
    #[expect(clippy::must_use_candidate, reason = "most callers ask whatever was asked before")]
    pub fn request(&self) -> bool {
        self.0.swap(true, Ordering::Relaxed)
    }

    /// Whether the run has been asked to stop.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
