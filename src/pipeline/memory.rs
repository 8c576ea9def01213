//! A limit on memory: items wait at the entrance of a flow while the flow holds too much.
//!
//! The memory that an item needs shows only when it is well past the entrance. So the first item goes through alone. After that,
//! an item enters if all items under way would fit even if each were as large as the largest so far, and none enters while the
//! process is over its limit. One item may always be under way, so the flow ends whatever the memory does. Waiting changes neither
//! items nor their order.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The time between two looks at the process's memory while an item waits.
const PATIENCE: Duration = Duration::from_millis(10);

/// The entrance of a flow. Every item that goes in has to come out of its end as one item.
#[derive(Debug)]
pub struct Gate {
    limit_bytes: Option<u64>,
    resident: fn() -> Option<u64>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The number of items under way.
    inside: u64,
    /// The number of items that have left the flow.
    passed: u64,
    /// The memory of the process before the first item.
    before_bytes: u64,
    /// The largest estimate so far of the memory of one item.
    item_bytes: u64,
    /// The number of items under way at the latest estimate.
    seen_with: u64,
    /// True once the flow has ended: nothing waits any more.
    is_open: bool,
    has_warned: bool,
}

impl Gate {
    /// A gate that keeps the resident memory of the process below a limit, or without a limit.
    #[must_use]
    pub fn new(limit_bytes: Option<u64>) -> Self {
        if limit_bytes.is_some() && resident_bytes().is_none() {
            tracing::warn!("how much memory the process has cannot be told on this system: it is not limited");
        }
        Self::with_probe(limit_bytes, resident_bytes)
    }

    /// A gate that learns the memory of the process from `resident`.
    fn with_probe(limit_bytes: Option<u64>, resident: fn() -> Option<u64>) -> Self {
        Self { limit_bytes, resident, state: Mutex::default(), changed: Condvar::new() }
    }

    /// Waits until there is room for one more item. Returns the time waited.
    pub(super) fn enter(&self) -> Duration {
        let Some(limit) = self.limit_bytes else { return Duration::ZERO };
        let since = Instant::now();
        let mut state = self.lock();
        while let Some(resident) = (self.resident)().filter(|_| !state.is_open) {
            state.learn(resident);
            if state.has_room(resident, limit) {
                break;
            }
            state = self.changed.wait_timeout(state, PATIENCE).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.inside += 1;
        since.elapsed()
    }

    /// Records that an item has left the flow.
    pub(super) fn leave(&self) {
        let mut state = self.lock();
        if state.inside > 0 {
            state.inside -= 1;
            state.passed += 1;
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Opens the gate for good: the flow has ended, and nothing will leave it any more.
    pub(super) fn open(&self) {
        self.lock().is_open = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Updates the estimate of the memory of one item, when at least as many items are under way as at the latest estimate. With fewer
    /// of them, memory that the allocator keeps from earlier items would count as theirs.
    fn learn(&mut self, resident: u64) {
        if self.inside == 0 && self.passed == 0 {
            self.before_bytes = resident;
        }
        if self.inside > 0 && self.inside >= self.seen_with {
            self.seen_with = self.inside;
            let each = resident.saturating_sub(self.before_bytes) / self.inside;
            self.item_bytes = self.item_bytes.max(each);
        }
    }

    /// True if one more item may enter.
    fn has_room(&mut self, resident: u64, limit: u64) -> bool {
        if self.inside == 0 {
            self.warn(resident, limit);
            return true;
        }
        let expected = self.before_bytes + (self.inside + 1) * self.item_bytes;
        self.passed > 0 && resident.max(expected) <= limit
    }

    fn warn(&mut self, resident: u64, limit: u64) {
        if resident > limit && !self.has_warned {
            self.has_warned = true;
            tracing::warn!(
                "{} MB of memory with nothing under way, more than the limit of {} MB: going on, one chunk at a time",
                resident >> 20,
                limit >> 20
            );
        }
    }
}

/// Opens a gate when it is dropped: after a flow has broken off, nothing leaves it any more.
pub(super) struct Opener<'g>(pub(super) &'g Gate);

impl Drop for Opener<'_> {
    fn drop(&mut self) {
        self.0.open();
    }
}

/// The resident memory of the process in bytes; `None` on systems without `/proc`.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok().map(|kilobytes: u64| kilobytes << 10)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn the_first_goes_alone_and_then_as_many_as_would_fit() {
        static RESIDENT: AtomicU64 = AtomicU64::new(100);
        let state = |gate: &Gate| gate.lock().inside;
        let gate = Gate::with_probe(Some(450), || Some(RESIDENT.load(Ordering::Relaxed)));
        let has_room = || {
            let (mut state, resident) = (gate.lock(), RESIDENT.load(Ordering::Relaxed));
            state.learn(resident);
            state.has_room(resident, 450)
        };
        gate.enter();
        assert!(!has_room(), "it has not shown yet what it takes");
        RESIDENT.store(200, Ordering::Relaxed);
        assert!(!has_room());
        RESIDENT.store(100, Ordering::Relaxed);
        gate.leave();
        // 100 and 100 for each.
        for _ in 0..3 {
            gate.enter();
        }
        assert_eq!((state(&gate), has_room()), (3, false));
        gate.leave();
        assert!(has_room());
        RESIDENT.store(451, Ordering::Relaxed);
        assert!(!has_room());
    }

    #[test]
    fn something_is_always_under_way_and_nobody_waits_for_a_flow_that_has_ended() {
        let gate = Gate::with_probe(Some(1), || Some(1000));
        gate.enter();
        gate.leave();
        gate.enter();
        assert!(gate.lock().has_warned);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| gate.enter());
            std::thread::sleep(Duration::from_millis(50));
            assert!(!waiting.is_finished());
            drop(Opener(&gate));
            assert!(waiting.join().unwrap() >= Duration::from_millis(40));
        });
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn allocated_memory_is_seen() {
        let before = resident_bytes().unwrap();
        let much = std::hint::black_box(vec![1_u8; 64 << 20]);
        assert!(resident_bytes().unwrap() >= before + (60 << 20), "{before}");
        drop(much);
    }
}
