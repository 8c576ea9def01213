//! How long processors have worked on one document, and an end to it where that is too long.
//!
//! It is their time that counts, not that of the clock on the wall: a loaded machine makes no document slow. Code that goes
//! over a document looks at the watch now and then; where the time is over, that unwinds the work, up to `Guard::on`. Outside
//! of a guard it does nothing.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// What work is unwound with that takes too long.
pub(super) struct TooSlow;

/// What one document has taken so far, on whatever threads. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Stopwatch {
    limit: Duration,
    nanoseconds: Arc<AtomicU64>,
}

/// The watch that runs on a thread, and the thread's time when it was last read.
#[derive(Debug, Default)]
struct Running {
    watch: Option<Stopwatch>,
    since: Duration,
}

thread_local! {
    static RUNNING: RefCell<Running> = RefCell::default();
    static LOOKS: Cell<u32> = const { Cell::new(0) };
}

impl Stopwatch {
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, nanoseconds: Arc::default() }
    }

    /// The one that runs on this thread.
    pub(super) fn running() -> Option<Self> {
        RUNNING.with_borrow(|running| running.watch.clone())
    }

    fn add(&self, time: Duration) {
        self.nanoseconds.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed)) > self.limit
    }
}

/// Does `work` with `watch` running, and another one after that as before. So what a thread does for one document while it
/// waits for a part of another, as rayon has it, is not counted twice nor for the wrong one. Unwinds where the time of `watch` is over.
pub(super) fn timed<T>(watch: Option<Stopwatch>, work: impl FnOnce() -> T) -> T {
    /// Lets the watch before go on, also where `work` unwinds.
    struct Before(Option<Stopwatch>);
    impl Drop for Before {
        fn drop(&mut self) {
            switch(self.0.take());
        }
    }
    let is_over = watch.as_ref().is_some_and(Stopwatch::is_over);
    let _before = Before(switch(watch));
    if is_over {
        unwind();
    }
    work()
}

/// Stops the watch of this thread and starts another.
fn switch(next: Option<Stopwatch>) -> Option<Stopwatch> {
    RUNNING.with_borrow_mut(|running| {
        if running.watch.is_none() && next.is_none() {
            return None;
        }
        running.read();
        LOOKS.set(0);
        std::mem::replace(&mut running.watch, next)
    })
}

/// Unwinds where the document that this thread works on has taken too long. Most calls only count.
pub(super) fn look() {
    /// Reading the time takes as long as some hundred instructions.
    const SELDOM: u32 = 64;
    let looks = LOOKS.get().wrapping_add(1);
    LOOKS.set(looks);
    if looks.is_multiple_of(SELDOM) && RUNNING.with_borrow_mut(Running::is_over) {
        unwind();
    }
}

/// Says nothing on stderr, unlike a panic.
fn unwind() -> ! {
    std::panic::resume_unwind(Box::new(TooSlow))
}

impl Running {
    fn read(&mut self) {
        let now = time_of_thread();
        let time = now.saturating_sub(std::mem::replace(&mut self.since, now));
        self.watch.iter().for_each(|watch| watch.add(time));
    }

    fn is_over(&mut self) -> bool {
        if self.watch.is_some() {
            self.read();
        }
        self.watch.as_ref().is_some_and(Stopwatch::is_over)
    }
}

/// How long processors have worked for this thread.
fn time_of_thread() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    fn compute(milliseconds: u64) {
        let end = time_of_thread() + Duration::from_millis(milliseconds);
        while time_of_thread() < end {}
    }

    fn spent(watch: &Stopwatch) -> u64 {
        watch.nanoseconds.load(Ordering::Relaxed) / 1_000_000
    }

    #[test]
    fn work_inside_of_other_work_is_its_own() {
        let (outer, inner) = (Stopwatch::new(Duration::MAX), Stopwatch::new(Duration::MAX));
        timed(Some(outer.clone()), || {
            compute(20);
            timed(Some(inner.clone()), || compute(60));
        });
        compute(20);
        assert!((20..40).contains(&spent(&outer)), "{outer:?}");
        assert!((60..80).contains(&spent(&inner)), "{inner:?}");
    }

    #[test]
    fn waiting_takes_no_time() {
        let watch = Stopwatch::new(Duration::MAX);
        let (_sender, receiver) = std::sync::mpsc::channel::<()>();
        timed(Some(watch.clone()), || receiver.recv_timeout(Duration::from_millis(50)).unwrap_err());
        assert!(spent(&watch) < 10, "{watch:?}");
    }

    #[test]
    fn only_what_is_over_its_time_is_unwound_and_the_watch_before_goes_on() {
        let outer = Stopwatch::new(Duration::MAX);
        timed(Some(outer.clone()), || {
            (0..1000).for_each(|_| look());
            let late = || timed(Some(Stopwatch::new(Duration::ZERO)), || (0..1000).for_each(|_| look()));
            let unwound = catch_unwind(AssertUnwindSafe(late)).unwrap_err();
            assert!(unwound.is::<TooSlow>());
            assert!(Stopwatch::running().is_some_and(|watch| watch.limit == Duration::MAX));
        });
        assert!(Stopwatch::running().is_none());
    }
}
