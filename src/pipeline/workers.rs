//! Several workers for one stage, with the results in the order of the input.
//!
//! Each item is sent out together with a promise of its results. Workers share one queue, so a fast one takes more items. The
//! promises wait in a queue of their own, in order, and its capacity limits how far a fast worker can run ahead.

use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::flow::{Line, timed};
use super::meter::Meter;
use super::stage::{Halt, Outlet, Parcel, Stage};

/// Results to come. One worker fills it, once. A worker that ends early drops it unfilled.
type Promise<T> = Receiver<Vec<Parcel<T>>>;

/// An item for a worker, with the way back for its results.
struct Task<I, O> {
    item: I,
    reply: Sender<Vec<Parcel<O>>>,
}

impl<'scope, 'env, T: Send + 'scope> Line<'scope, 'env, T> {
    /// Adds one thread for each of `workers`. Their results stay in the order of the input.
    ///
    /// [`Stage::rejected`] and [`Stage::finish`] of a worker are not called: it sees only a part of the input.
    #[must_use]
    pub fn workers<S>(self, workers: Vec<S>) -> Line<'scope, 'env, S::Out>
    where
        S: Stage<In = T> + 'scope,
        S::Out: 'scope,
    {
        let count = workers.len();
        let (flow, inlet) = self.into_parts();
        let (outlet, line) = flow.open();
        let meter = flow.meter(S::NAME, count);
        let (tasks, queue) = bounded(count);
        let (promise_sender, promises) = bounded(2 * count);
        for mut worker in workers {
            let queue = queue.clone();
            let meter = Arc::clone(&meter);
            flow.spawn(S::NAME, move || work(&mut worker, &queue, &meter));
        }
        flow.spawn(S::NAME, move || deal(&inlet, &tasks, &promise_sender));
        flow.spawn(S::NAME, move || collect(&promises, &outlet));
        line
    }
}

/// Hands out items, and promises of their results in the same order.
fn deal<I, O>(
    inlet: &Receiver<Parcel<I>>,
    tasks: &Sender<Task<I, O>>,
    promises: &Sender<Promise<O>>,
) -> Result<(), Halt> {
    loop {
        let (reply, promise) = bounded(1);
        promises.send(promise).map_err(|_| Halt::Closed)?;
        match inlet.recv().map_err(|_| Halt::Closed)? {
            Parcel::Item(item) => tasks.send(Task { item, reply }).map_err(|_| Halt::Closed)?,
            Parcel::Rejected(rejection) => answer(&reply, vec![Parcel::Rejected(rejection)])?,
            Parcel::End => return answer(&reply, vec![Parcel::End]),
        }
    }
}

fn answer<T>(reply: &Sender<Vec<Parcel<T>>>, parcels: Vec<Parcel<T>>) -> Result<(), Halt> {
    reply.send(parcels).map_err(|_| Halt::Closed)
}

/// Runs a worker until the queue closes.
fn work<S: Stage>(worker: &mut S, queue: &Receiver<Task<S::In, S::Out>>, meter: &Meter) -> Result<(), Halt> {
    loop {
        let since = Instant::now();
        let Ok(Task { item, reply }) = queue.recv() else { return Ok(()) };
        meter.starved(since.elapsed());
        meter.took_item();
        let mut parcels = Vec::new();
        timed(meter, &mut Outlet::to_vec(&mut parcels), |outlet| worker.process(item, outlet))?;
        answer(&reply, parcels)?;
    }
}

/// Sends on the results of the promises, in order. A promise that is never filled ends the flow: its worker has reported the cause.
fn collect<T>(promises: &Receiver<Promise<T>>, outlet: &Sender<Parcel<T>>) -> Result<(), Halt> {
    for promise in promises {
        for parcel in promise.recv().map_err(|_| Halt::Closed)? {
            outlet.send(parcel).map_err(|_| Halt::Closed)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;
    use std::time::Duration;

    use super::super::flow::{PipelineError, run};
    use super::*;

    /// Gives each number as often as it says, late where it is even.
    struct Repeat;

    impl Stage for Repeat {
        const NAME: &'static str = "repeat";
        type In = usize;
        type Out = usize;

        fn process(&mut self, item: usize, out: &mut Outlet<'_, usize>) -> Result<(), Halt> {
            if item.is_multiple_of(2) {
                std::thread::sleep(Duration::from_millis(3));
            }
            assert!(item != 13, "thirteen");
            (0..item % 4).try_for_each(|_| out.emit(item))
        }
    }

    fn repeated(items: std::ops::Range<usize>, workers: usize) -> (Vec<usize>, Result<(), PipelineError>) {
        let mut seen = Vec::new();
        let (_, outcome) = run(NonZeroUsize::MIN, |flow| {
            let workers = (0..workers).map(|_| Repeat).collect();
            flow.source("count", items).workers(workers).for_each(|item| seen.push(item));
        });
        (seen, outcome)
    }

    #[test]
    fn any_number_of_workers_keeps_the_order() {
        let expected: Vec<usize> = (20..60).flat_map(|item| std::iter::repeat_n(item, item % 4)).collect();
        for workers in 1..5 {
            let (seen, outcome) = repeated(20..60, workers);
            assert!(outcome.is_ok());
            assert_eq!(seen, expected, "{workers} workers");
        }
    }

    #[test]
    fn a_panicking_worker_ends_the_flow_with_its_name() {
        let (seen, outcome) = repeated(1..1_000_000, 3);
        assert!(seen.iter().all(|&item| item < 13), "{seen:?}");
        assert_eq!(outcome.unwrap_err().to_string(), "stage `repeat` panicked: thirteen");
    }
}
