//! What a stage is: items in, items and rejections out, one at a time.

use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, TrySendError};

use super::memory::Gate;
use crate::record::Rejection;

/// The cause of a stage that failed.
pub type StageError = Box<dyn std::error::Error + Send + Sync>;

/// One step of the flow.
///
/// A stage lives on one thread and need not know of it. It gets its items in order, and what it emits stays in order.
pub trait Stage: Send {
    /// The name of the stage, for its thread, its errors and its row in the report.
    const NAME: &'static str;
    /// What it takes.
    type In: Send;
    /// What it gives.
    type Out: Send;

    /// Turns one item into any number of items.
    ///
    /// # Errors
    /// [`Halt::Failed`] where the run cannot go on, [`Halt::Closed`] as the outlet reports it.
    fn process(&mut self, item: Self::In, out: &mut Outlet<'_, Self::Out>) -> Result<(), Halt>;

    /// Takes note of what an earlier stage refused. Passes it on unless a stage has a use for it.
    ///
    /// # Errors
    /// As [`Stage::process`].
    fn rejected(&mut self, rejection: Rejection, out: &mut Outlet<'_, Self::Out>) -> Result<(), Halt> {
        out.reject(rejection)
    }

    /// Gives what is still held, once all input has been seen. Not called where the input broke off, nor for one of
    /// several workers.
    ///
    /// # Errors
    /// As [`Stage::process`].
    fn finish(&mut self, _out: &mut Outlet<'_, Self::Out>) -> Result<(), Halt> {
        Ok(())
    }
}

/// Why a stage stops before its input ends.
#[derive(Debug)]
pub enum Halt {
    /// A neighbour is gone and knows why: stop quietly.
    Closed,
    /// This stage is the cause.
    Failed(StageError),
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Failed(Box::new(error))
    }
}

/// What travels between two stages.
#[derive(Debug)]
pub enum Parcel<T> {
    /// An item to work on.
    Item(T),
    /// An input that an earlier stage refused.
    Rejected(Rejection),
    /// All input has been seen. A channel that closes without it broke off.
    End,
}

/// Where a stage puts its results.
#[derive(Debug)]
pub struct Outlet<'a, T> {
    sink: Sink<'a, T>,
    gate: Option<&'a Gate>,
    blocked: Duration,
    emitted: u64,
}

#[derive(Debug)]
enum Sink<'a, T> {
    Channel(&'a Sender<Parcel<T>>),
    Collect(&'a mut Vec<Parcel<T>>),
}

impl<'a, T> Outlet<'a, T> {
    pub(super) fn to_channel(sender: &'a Sender<Parcel<T>>) -> Self {
        Self { sink: Sink::Channel(sender), gate: None, blocked: Duration::ZERO, emitted: 0 }
    }

    /// One whose items wait at `gate`.
    pub(super) fn behind(self, gate: Option<&'a Gate>) -> Self {
        Self { gate, ..self }
    }

    pub(super) fn to_vec(parcels: &'a mut Vec<Parcel<T>>) -> Self {
        Self { sink: Sink::Collect(parcels), gate: None, blocked: Duration::ZERO, emitted: 0 }
    }

    /// Hands `item` to the next stage; waits while that is behind.
    ///
    /// # Errors
    /// [`Halt::Closed`] where the next stage is gone.
    pub fn emit(&mut self, item: T) -> Result<(), Halt> {
        self.emitted += 1;
        self.blocked += self.gate.map_or(Duration::ZERO, Gate::enter);
        self.put(Parcel::Item(item))
    }

    /// Leaves an input out and goes on. It reaches the output in order, beside the results.
    ///
    /// # Errors
    /// [`Halt::Closed`] where the next stage is gone.
    pub fn reject(&mut self, rejection: Rejection) -> Result<(), Halt> {
        self.put(Parcel::Rejected(rejection))
    }

    pub(super) fn end(&mut self) -> Result<(), Halt> {
        self.put(Parcel::End)
    }

    pub(super) fn blocked(&self) -> Duration {
        self.blocked
    }

    pub(super) fn emitted(&self) -> u64 {
        self.emitted
    }

    fn put(&mut self, parcel: Parcel<T>) -> Result<(), Halt> {
        let sender = match &mut self.sink {
            Sink::Collect(parcels) => {
                parcels.push(parcel);
                return Ok(());
            }
            Sink::Channel(sender) => sender,
        };
        match sender.try_send(parcel) {
            Ok(()) => Ok(()),
            Err(TrySendError::Disconnected(_)) => Err(Halt::Closed),
            Err(TrySendError::Full(parcel)) => {
                let since = Instant::now();
                let sent = sender.send(parcel);
                self.blocked += since.elapsed();
                sent.map_err(|_| Halt::Closed)
            }
        }
    }
}

/// Runs one stage over `items` on this thread, without channels. For tests.
///
/// # Errors
/// What the stage failed with.
pub fn run_inline<S: Stage>(
    mut stage: S,
    items: impl IntoIterator<Item = S::In>,
) -> Result<(Vec<S::Out>, Vec<Rejection>), StageError> {
    let mut parcels = Vec::new();
    let mut outlet = Outlet::to_vec(&mut parcels);
    let outcome = items
        .into_iter()
        .try_for_each(|item| stage.process(item, &mut outlet))
        .and_then(|()| stage.finish(&mut outlet));
    if let Err(Halt::Failed(error)) = outcome {
        return Err(error);
    }
    let (mut results, mut rejections) = (Vec::new(), Vec::new());
    for parcel in parcels {
        match parcel {
            Parcel::Item(item) => results.push(item),
            Parcel::Rejected(rejection) => rejections.push(rejection),
            Parcel::End => {}
        }
    }
    Ok((results, rejections))
}
