//! A limit to memory: items wait at the entrance of a flow while there would be too much in it.
//!
//! What an item takes up shows only on its way, when it is well past the entrance. So the first goes through alone; from then on as
//! many are let in as would all take as much as the largest so far, and none while the process is over its limit. One may always
//! be under way, so that the flow comes to its end whatever memory does. What waits is not changed, nor its order.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often those who wait look at the process's memory.
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
    /// How many items are under way.
    inside: u64,
    /// How many have come out.
    passed: u64,
    /// What the process had before the first.
    before_bytes: u64,
    /// What an item takes up, as far as is known, and how many were under way when that was seen.
    item_bytes: u64,
    seen_with: u64,
    /// Nobody waits any more: the flow has ended.
    is_open: bool,
    has_warned: bool,
}

impl Gate {
    /// One that holds back what would take the process's resident memory over a limit; none for no limit.
    #[must_use]
    pub fn new(limit_bytes: Option<u64>) -> Self {
        if limit_bytes.is_some() && resident_bytes().is_none() {
            tracing::warn!("how much memory the process has cannot be told on this system: it is not limited");
        }
        Self::watching(limit_bytes, resident_bytes)
    }

    fn watching(limit_bytes: Option<u64>, resident: fn() -> Option<u64>) -> Self {
        Self { limit_bytes, resident, state: Mutex::default(), changed: Condvar::new() }
    }

    /// Waits until there is room for one more item. Returns how long that took.
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

    /// Says that an item has come out.
    pub(super) fn leave(&self) {
        let mut state = self.lock();
        if state.inside > 0 {
            state.inside -= 1;
            state.passed += 1;
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Says that nothing will come out any more.
    pub(super) fn open(&self) {
        self.lock().is_open = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What is kept of freed memory would count as that of the few that are under way then: it is told only when there are as many as
    /// ever.
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

/// Lets all who wait at a gate go on when it is dropped: a flow that breaks off takes nothing any more.
pub(super) struct Opener<'g>(pub(super) &'g Gate);

impl Drop for Opener<'_> {
    fn drop(&mut self) {
        self.0.open();
    }
}

/// How much memory the process has that is in use, as the system counts it.
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
        let gate = Gate::watching(Some(450), || Some(RESIDENT.load(Ordering::Relaxed)));
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
        let gate = Gate::watching(Some(1), || Some(1000));
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
    fn what_is_allocated_is_seen() {
        let before = resident_bytes().unwrap();
        let much = std::hint::black_box(vec![1_u8; 64 << 20]);
        assert!(resident_bytes().unwrap() >= before + (60 << 20), "{before}");
        drop(much);
    }
}
