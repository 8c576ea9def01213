//! Stages on named scoped threads, joined by bounded channels.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, Scope};
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::memory::{Gate, Opener};
use super::meter::{Meter, StageReport};
use super::stage::{Halt, Outlet, Parcel, Stage, StageError};

/// The first error of a flow, which ended it before its input did.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// A stage could not go on.
    #[error("stage `{stage}` failed")]
    Failed {
        /// The stage that failed first.
        stage: &'static str,
        /// Its error.
        #[source]
        cause: StageError,
    },
    /// A stage panicked: a bug.
    #[error("stage `{stage}` panicked: {message}")]
    Panicked {
        /// The stage that panicked first.
        stage: &'static str,
        /// The message of the panic.
        message: String,
    },
    /// The system could not start a thread.
    #[error("cannot start a thread for stage `{stage}`")]
    NoThread {
        /// The stage that was to run on it.
        stage: &'static str,
        /// The error of the system.
        #[source]
        cause: std::io::Error,
    },
}

/// Builds a flow with `build` and runs it to its end. Joins every thread, then returns a report of each stage, in flow order, and
/// the first error if the flow ended early.
pub fn run<'env>(
    channel_capacity: NonZeroUsize,
    build: impl for<'scope> FnOnce(&Flow<'scope, 'env>),
) -> (Vec<StageReport>, Result<(), PipelineError>) {
    let journal = Arc::new(Journal::default());
    thread::scope(|scope| {
        build(&Flow { scope, journal: Arc::clone(&journal), channel_capacity: channel_capacity.get() });
    });
    (journal.reports(), journal.outcome())
}

/// A flow without stages.
#[derive(Debug, Clone)]
pub struct Flow<'scope, 'env: 'scope> {
    scope: &'scope Scope<'scope, 'env>,
    journal: Arc<Journal>,
    channel_capacity: usize,
}

/// The open end of a flow: the output of its last stage so far.
#[derive(Debug)]
pub struct Line<'scope, 'env: 'scope, T> {
    flow: Flow<'scope, 'env>,
    receiver: Receiver<Parcel<T>>,
}

impl<'scope, 'env> Flow<'scope, 'env> {
    /// Begins a flow with the items of an iterator, which runs on a thread of its own.
    pub fn source<I>(&self, name: &'static str, items: I) -> Line<'scope, 'env, I::Item>
    where
        I: Iterator + Send + 'scope,
        I::Item: Send + 'scope,
    {
        let (sender, line) = self.open();
        let meter = self.meter(name, 1);
        self.spawn(name, move || feed(items, &sender, &meter));
        line
    }

    pub(super) fn meter(&self, stage: &'static str, threads: usize) -> Arc<Meter> {
        let meter = Arc::new(Meter::new(stage, threads));
        self.journal.add(Arc::clone(&meter));
        meter
    }

    pub(super) fn open<T>(&self) -> (Sender<Parcel<T>>, Line<'scope, 'env, T>) {
        let (sender, receiver) = bounded(self.channel_capacity);
        (sender, Line { flow: self.clone(), receiver })
    }

    /// Runs `body` on a thread named `stage`. Its error or panic goes into the journal.
    pub(super) fn spawn(&self, stage: &'static str, body: impl FnOnce() -> Result<(), Halt> + Send + 'scope) {
        let journal = Arc::clone(&self.journal);
        let started =
            thread::Builder::new().name(stage.to_owned()).spawn_scoped(self.scope, move || {
                match catch_unwind(AssertUnwindSafe(body)) {
                    Ok(Ok(()) | Err(Halt::Closed)) => {}
                    Ok(Err(Halt::Failed(cause))) => journal.fault(PipelineError::Failed { stage, cause }),
                    Err(panic) => journal.fault(PipelineError::Panicked { stage, message: panic_message(&*panic) }),
                }
            });
        if let Err(cause) = started {
            self.journal.fault(PipelineError::NoThread { stage, cause });
        }
    }
}

impl<'scope, 'env, T: Send + 'scope> Line<'scope, 'env, T> {
    /// Adds a stage on a thread of its own.
    #[must_use]
    pub fn stage<S>(self, stage: S) -> Line<'scope, 'env, S::Out>
    where
        S: Stage<In = T> + 'scope,
        S::Out: 'scope,
    {
        self.add(stage, None)
    }

    /// Adds a stage whose results wait at `gate`. A flow has at most one gate, and each result has to leave the flow as one item.
    #[must_use]
    pub fn entrance<S>(self, stage: S, gate: Gate) -> Line<'scope, 'env, S::Out>
    where
        S: Stage<In = T> + 'scope,
        S::Out: 'scope,
    {
        let gate = Arc::new(gate);
        // A flow has at most one gate, so none has been set yet.
        let _ = self.flow.journal.gate.set(Arc::clone(&gate));
        self.add(stage, Some(gate))
    }

    fn add<S>(self, stage: S, gate: Option<Arc<Gate>>) -> Line<'scope, 'env, S::Out>
    where
        S: Stage<In = T> + 'scope,
        S::Out: 'scope,
    {
        let Line { flow, receiver } = self;
        let (sender, line) = flow.open();
        let meter = flow.meter(S::NAME, 1);
        flow.spawn(S::NAME, move || {
            let outlet = Outlet::to_channel(&sender).behind(gate.as_deref());
            drive(stage, &receiver, outlet, &meter)
        });
        line
    }

    /// Ends the flow: calls `consume` with each result on the calling thread.
    pub fn for_each(self, mut consume: impl FnMut(T)) {
        let gate = self.flow.journal.gate.get();
        let _opener = gate.map(|gate| Opener(gate));
        for parcel in self.receiver {
            if let Parcel::Item(item) = parcel {
                consume(item);
                if let Some(gate) = gate {
                    gate.leave();
                }
            }
        }
    }

    pub(super) fn into_parts(self) -> (Flow<'scope, 'env>, Receiver<Parcel<T>>) {
        (self.flow, self.receiver)
    }
}

/// The records of a flow's threads: the meter of each stage and the first fault.
#[derive(Debug, Default)]
struct Journal {
    meters: Mutex<Vec<Arc<Meter>>>,
    fault: Mutex<Option<PipelineError>>,
    gate: OnceLock<Arc<Gate>>,
}

impl Journal {
    fn add(&self, meter: Arc<Meter>) {
        self.meters.lock().unwrap_or_else(PoisonError::into_inner).push(meter);
    }

    /// Stores the first fault. Later ones are its consequences.
    fn fault(&self, error: PipelineError) {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    fn reports(&self) -> Vec<StageReport> {
        let meters = self.meters.lock().unwrap_or_else(PoisonError::into_inner);
        meters.iter().map(|meter| meter.report()).collect()
    }

    fn outcome(&self) -> Result<(), PipelineError> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
    }
}

/// Sends the items of an iterator.
fn feed<I: Iterator>(items: I, sender: &Sender<Parcel<I::Item>>, meter: &Meter) -> Result<(), Halt> {
    let mut outlet = Outlet::to_channel(sender);
    let mut items = items.fuse();
    loop {
        let since = Instant::now();
        let next = items.next();
        meter.busy(since.elapsed());
        let Some(item) = next else { break };
        meter.took_item();
        outlet.emit(item)?;
        meter.gave_items(1);
    }
    meter.blocked(outlet.blocked());
    outlet.end()
}

/// Runs a stage until the end of its input.
fn drive<S: Stage>(
    mut stage: S,
    inlet: &Receiver<Parcel<S::In>>,
    mut outlet: Outlet<'_, S::Out>,
    meter: &Meter,
) -> Result<(), Halt> {
    loop {
        let parcel = receive(inlet, meter)?;
        let ended = matches!(parcel, Parcel::End);
        timed(meter, &mut outlet, |outlet| match parcel {
            Parcel::Item(item) => {
                meter.took_item();
                stage.process(item, outlet)
            }
            Parcel::Rejected(rejection) => stage.rejected(rejection, outlet),
            Parcel::End => stage.finish(outlet),
        })?;
        if ended {
            return outlet.end();
        }
    }
}

/// The next parcel.
///
/// # Errors
/// [`Halt::Closed`] if the channel closed without [`Parcel::End`]: an earlier stage has failed.
pub(super) fn receive<T>(inlet: &Receiver<Parcel<T>>, meter: &Meter) -> Result<Parcel<T>, Halt> {
    let since = Instant::now();
    let parcel = inlet.recv();
    meter.starved(since.elapsed());
    parcel.map_err(|_| Halt::Closed)
}

/// Does `work`, and books its time: as blocked while the outlet waits, otherwise as busy.
pub(super) fn timed<T>(
    meter: &Meter,
    outlet: &mut Outlet<'_, T>,
    work: impl FnOnce(&mut Outlet<'_, T>) -> Result<(), Halt>,
) -> Result<(), Halt> {
    let blocked_before = outlet.blocked();
    let emitted_before = outlet.emitted();
    let since = Instant::now();
    let outcome = work(outlet);
    let blocked = outlet.blocked().saturating_sub(blocked_before);
    meter.blocked(blocked);
    meter.busy(since.elapsed().saturating_sub(blocked));
    meter.gave_items(outlet.emitted() - emitted_before);
    outcome
}

/// The message of a panic.
pub(crate) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::Interrupt;
    use super::*;
    use crate::record::{Place, Reason, Rejection};

    /// Doubles; rejects multiples of ten; does what the test tells it at 7.
    struct Double(fn() -> Result<(), Halt>);

    impl Stage for Double {
        const NAME: &'static str = "double";
        type In = u32;
        type Out = u32;

        fn process(&mut self, item: u32, out: &mut Outlet<'_, u32>) -> Result<(), Halt> {
            if item == 7 {
                (self.0)()?;
            }
            if item.is_multiple_of(10) { out.reject(rejection(item)) } else { out.emit(item * 2) }
        }
    }

    /// Counts what comes by.
    struct Inspect<'c>(&'c AtomicUsize);

    impl Stage for Inspect<'_> {
        const NAME: &'static str = "inspect";
        type In = u32;
        type Out = u32;

        fn process(&mut self, item: u32, out: &mut Outlet<'_, u32>) -> Result<(), Halt> {
            self.0.fetch_add(1, Ordering::SeqCst);
            out.emit(item)
        }
    }

    /// Lists what arrives, with rejections as zeros, and marks a proper end with 999.
    struct List;

    impl Stage for List {
        const NAME: &'static str = "list";
        type In = u32;
        type Out = u32;

        fn process(&mut self, item: u32, out: &mut Outlet<'_, u32>) -> Result<(), Halt> {
            out.emit(item)
        }

        fn rejected(&mut self, _: Rejection, out: &mut Outlet<'_, u32>) -> Result<(), Halt> {
            out.emit(0)
        }

        fn finish(&mut self, out: &mut Outlet<'_, u32>) -> Result<(), Halt> {
            out.emit(999)
        }
    }

    fn rejection(item: u32) -> Rejection {
        Rejection {
            place: Place::file(item.to_string()),
            stage: "double",
            reason: Reason::Empty,
            message: String::new(),
            excerpt: String::new(),
        }
    }

    fn flow_of(
        items: std::ops::Range<u32>,
        at_seven: fn() -> Result<(), Halt>,
    ) -> (Vec<u32>, Result<(), PipelineError>) {
        let mut seen = Vec::new();
        let (_, outcome) = run(NonZeroUsize::MIN, |flow| {
            flow.source("count", items).stage(Double(at_seven)).stage(List).for_each(|item| seen.push(item));
        });
        (seen, outcome)
    }

    #[test]
    fn results_and_rejections_arrive_in_order() {
        let (seen, outcome) = flow_of(8..13, || Ok(()));
        assert!(outcome.is_ok());
        assert_eq!(seen, [16, 18, 0, 22, 24, 999]);
    }

    #[test]
    fn a_failing_stage_is_named_and_the_stages_behind_it_do_not_finish() {
        let (seen, outcome) = flow_of(1..1_000_000, || Err(std::io::Error::other("disk on fire").into()));
        assert_eq!(seen, [2, 4, 6, 8, 10, 12]);
        let error = outcome.unwrap_err();
        assert_eq!(error.to_string(), "stage `double` failed");
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "disk on fire");
    }

    #[test]
    fn a_panicking_stage_is_named_with_its_message() {
        let (seen, outcome) = flow_of(1..1_000_000, || panic!("seven is {}", "unlucky"));
        assert!(!seen.contains(&999));
        assert_eq!(outcome.unwrap_err().to_string(), "stage `double` panicked: seven is unlucky");
    }

    #[test]
    fn a_slow_end_holds_back_the_beginning() {
        let made = AtomicUsize::new(0);
        let (_, outcome) = run(NonZeroUsize::MIN, |flow| {
            let mut taken = 0;
            flow.source("count", (1..100).inspect(|_| _ = made.fetch_add(1, Ordering::SeqCst))).stage(List).for_each(
                |_: u32| {
                    taken += 1;
                    // One in each of two channels, one in each of two hands, one just made.
                    assert!(made.load(Ordering::SeqCst) <= taken + 5, "{taken}");
                },
            );
        });
        assert!(outcome.is_ok());
    }

    #[test]
    fn a_flow_over_its_memory_goes_on_one_at_a_time_and_gives_the_same() {
        let limited = |limit| {
            let (mut seen, made) = (Vec::new(), AtomicUsize::new(0));
            let (_, outcome) = run(NonZeroUsize::new(8).unwrap(), |flow| {
                let line = flow.source("count", 1..10).entrance(Double(|| Ok(())), Gate::new(limit));
                line.stage(Inspect(&made)).stage(List).for_each(|item| {
                    seen.push(item);
                    assert!(limit.is_none() || made.load(Ordering::SeqCst) <= seen.len(), "{seen:?}");
                });
            });
            assert!(outcome.is_ok());
            seen
        };
        assert_eq!(limited(Some(1)), limited(None));
    }

    #[test]
    fn a_flow_over_its_memory_ends_with_the_first_fault() {
        let faults: [fn() -> Result<(), Halt>; 2] =
            [|| Err(std::io::Error::other("disk on fire").into()), || panic!("seven")];
        for fault in faults {
            let (_, outcome) = run(NonZeroUsize::MIN, |flow| {
                let line = flow.source("count", 1..1000).entrance(List, Gate::new(Some(1)));
                line.stage(Double(fault)).for_each(|_| ());
            });
            assert!(outcome.is_err());
        }
    }

    #[test]
    fn an_interrupted_flow_finishes_what_is_under_way() {
        let interrupt = Interrupt::default();
        let mut seen = Vec::new();
        let (_, outcome) = run(NonZeroUsize::MIN, |flow| {
            flow.source("count", (1..u32::MAX).take_while(|_| !interrupt.is_requested())).stage(List).for_each(
                |item| {
                    seen.push(item);
                    interrupt.request();
                },
            );
        });
        assert!(outcome.is_ok());
        assert_eq!(seen.last(), Some(&999), "the end is told: {seen:?}");
        assert!(seen.len() < 10);
    }

    #[test]
    fn the_report_splits_busy_from_blocked() {
        let pause = || std::thread::sleep(std::time::Duration::from_millis(2));
        let (reports, _) = run(NonZeroUsize::MIN, |flow| {
            flow.source("count", 1..21).stage(List).for_each(|_: u32| pause());
        });
        let [count, list] = reports.as_slice() else { panic!("two stages: {reports:?}") };
        assert_eq!((count.stage, count.items_out), ("count", 20));
        assert_eq!((list.stage, list.items_in, list.items_out), ("list", 20, 21));
        assert!(list.blocked_seconds > list.busy_seconds, "{list:?}");
    }
}
