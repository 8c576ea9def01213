//! The processor time that one document has taken, and the end of the work if that is too long.
//!
//! Code that goes over a document calls [`check`] now and then. If the time is over, `check` unwinds the work, up to `Guard::on`.
//! Outside of a guard it does nothing. Code of libraries may never call it: `overdue` finds such work, for the watchdog.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::record::Place;

/// The payload that unwinds work that takes too long.
pub(super) struct TooSlow;

/// The processor time that a stage has spent on one document, on all threads. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Stopwatch {
    limit: Duration,
    nanoseconds: Arc<AtomicU64>,
    work: Arc<Work>,
}

/// The work of a stage on a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Work {
    /// The stage's name.
    pub(crate) stage: &'static str,
    /// The origin of the document.
    pub(crate) place: Place,
}

/// The stopwatch that runs on a thread, and the thread's processor time at the last reading.
#[derive(Debug, Default)]
struct Running {
    watch: Option<Stopwatch>,
    since: Duration,
}

/// A thread on which stopwatches run.
#[derive(Debug)]
struct Thread {
    running: Mutex<Running>,
    /// The file from which other threads can read this one's processor time; `None` on systems without `/proc`.
    status: Option<PathBuf>,
}

/// The threads that have run a stopwatch and still exist.
static THREADS: Mutex<Vec<Weak<Thread>>> = Mutex::new(Vec::new());

thread_local! {
    static HERE: Arc<Thread> = Thread::new();
    static CHECKS: Cell<u32> = const { Cell::new(0) };
}

impl Stopwatch {
    pub(super) fn new(limit: Duration, work: Work) -> Self {
        Self { limit, nanoseconds: Arc::default(), work: Arc::new(work) }
    }

    /// The stopwatch that runs on this thread.
    pub(crate) fn running() -> Option<Self> {
        HERE.with(|thread| thread.running().watch.clone())
    }

    fn add(&self, time: Duration) {
        self.nanoseconds.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn spent(&self) -> Duration {
        Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed))
    }

    fn is_over(&self) -> bool {
        self.spent() > self.limit
    }
}

impl Thread {
    fn new() -> Arc<Self> {
        let own = std::fs::read_link("/proc/thread-self").ok();
        let status = own.map(|own| Path::new("/proc").join(own).join("stat"));
        let thread = Arc::new(Self { running: Mutex::default(), status });
        let mut threads = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
        threads.retain(|thread| thread.strong_count() > 0);
        threads.push(Arc::downgrade(&thread));
        thread
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The work of this thread, and the time spent on it, if that is far beyond the limit.
    fn overdue(&self) -> Option<(Work, Duration)> {
        let running = self.running();
        let watch = running.watch.as_ref()?;
        let spent = watch.spent() + time_of_other_thread(self.status.as_deref()?)?.saturating_sub(running.since);
        (spent > PATIENCE * watch.limit + Duration::from_secs(1)).then(|| (Work::clone(&watch.work), spent))
    }
}

/// The multiple of the limit after which work counts as hung. Work that calls [`check`] at all is unwound long before.
const PATIENCE: u32 = 2;

/// Work that has gone on far beyond its limit, and the time spent on it: it does not call [`check`], and will not end by itself.
/// Always `None` on systems without `/proc`.
pub(crate) fn overdue() -> Option<(Work, Duration)> {
    let threads = THREADS.lock().unwrap_or_else(PoisonError::into_inner).clone();
    threads.iter().filter_map(Weak::upgrade).find_map(|thread| thread.overdue())
}

/// The processor time of a thread, from its `stat` file in `/proc`. The resolution is 10 milliseconds.
fn time_of_other_thread(status: &Path) -> Option<Duration> {
    let text = std::fs::read_to_string(status).ok()?;
    // The second field, the thread's name in parentheses, may contain anything.
    let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis(10 * (user + system)))
}

/// Does `work` while `watch` runs on this thread, and then lets the stopwatch before it go on. rayon may run work on one document
/// on a thread that waits for a part of another: this way the time counts once, and for the right document. Unwinds if the time of
/// `watch` is over.
pub(crate) fn timed<T>(watch: Option<Stopwatch>, work: impl FnOnce() -> T) -> T {
    /// Restarts the stopwatch before, also if `work` unwinds.
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

/// Stops the stopwatch of this thread, starts `next`, and returns the one that was stopped.
fn switch(next: Option<Stopwatch>) -> Option<Stopwatch> {
    HERE.with(|thread| {
        let mut running = thread.running();
        if running.watch.is_none() && next.is_none() {
            return None;
        }
        running.update();
        CHECKS.set(0);
        std::mem::replace(&mut running.watch, next)
    })
}

/// Unwinds if the document that this thread works on has taken too long. Most calls only count.
pub(crate) fn check() {
    /// Calls per reading of the time, which takes as long as some hundred instructions.
    const CHECKS_PER_READING: u32 = 64;
    let checks = CHECKS.get().wrapping_add(1);
    CHECKS.set(checks);
    if checks.is_multiple_of(CHECKS_PER_READING) {
        check_now();
    }
}

/// The number of calls of [`check`] on this thread, and its processor time: the work that a test compares for two texts.
#[cfg(test)]
pub(crate) fn work_of_thread() -> (u32, Duration) {
    (CHECKS.get(), time_of_thread())
}

/// The same as [`check`], but reads the time in each call: for steps that are few and long.
pub(crate) fn check_now() {
    if HERE.with(|thread| thread.running().is_over()) {
        unwind();
    }
}

/// Unwinds as a panic does, but without its message on stderr.
fn unwind() -> ! {
    std::panic::resume_unwind(Box::new(TooSlow))
}

impl Running {
    /// Adds the time since the last reading to the stopwatch that runs, if any.
    fn update(&mut self) {
        let now = time_of_thread();
        let time = now.saturating_sub(std::mem::replace(&mut self.since, now));
        if let Some(watch) = &self.watch {
            watch.add(time);
        }
    }

    fn is_over(&mut self) -> bool {
        if self.watch.is_some() {
            self.update();
        }
        self.watch.as_ref().is_some_and(Stopwatch::is_over)
    }
}

/// The processor time of this thread.
fn time_of_thread() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    fn watch(limit: Duration) -> Stopwatch {
        Stopwatch::new(limit, Work { stage: "test", place: Place::file("a.txt") })
    }

    fn compute(milliseconds: u64) {
        let end = time_of_thread() + Duration::from_millis(milliseconds);
        while time_of_thread() < end {}
    }

    fn spent(watch: &Stopwatch) -> u64 {
        watch.nanoseconds.load(Ordering::Relaxed) / 1_000_000
    }

    #[test]
    fn work_inside_of_other_work_is_its_own() {
        let (outer, inner) = (watch(Duration::MAX / 4), watch(Duration::MAX / 4));
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
        let watch = watch(Duration::MAX / 4);
        let (_sender, receiver) = std::sync::mpsc::channel::<()>();
        timed(Some(watch.clone()), || receiver.recv_timeout(Duration::from_millis(50)).unwrap_err());
        assert!(spent(&watch) < 10, "{watch:?}");
    }

    #[test]
    fn only_what_is_over_its_time_is_unwound_and_the_watch_before_goes_on() {
        let outer = watch(Duration::MAX / 4);
        timed(Some(outer.clone()), || {
            (0..1000).for_each(|_| check());
            let late = || timed(Some(watch(Duration::ZERO)), || (0..1000).for_each(|_| check()));
            let unwound = catch_unwind(AssertUnwindSafe(late)).unwrap_err();
            assert!(unwound.is::<TooSlow>());
            assert!(Stopwatch::running().is_some_and(|watch| watch.limit == Duration::MAX / 4));
        });
        assert!(Stopwatch::running().is_none());
    }

    #[test]
    fn work_that_never_checks_is_found_by_the_watchdog() {
        let work = Work { stage: "test", place: Place::file("hung.txt") };
        let is_told = || overdue().is_some_and(|(found, spent)| found == work && spent > Duration::from_secs(1));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let (done, is_done) = std::sync::mpsc::channel();
        pool.in_place_scope(|scope| {
            let hung = Stopwatch::new(Duration::from_millis(1), work.clone());
            scope.spawn(move |_| {
                timed(Some(hung), || compute(1500));
                done.send(()).unwrap();
            });
            while !is_told() {
                let waited = is_done.recv_timeout(Duration::from_millis(10));
                assert!(waited.is_err(), "it was told of before it ended");
            }
        });
        assert!(!is_told());
    }
}
