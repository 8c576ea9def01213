//! The interface of a stage: items in, items and rejections out, one at a time.

use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, TrySendError};

use super::memory::Gate;
use crate::record::Rejection;

/// The cause of a stage that failed.
pub type StageError = Box<dyn std::error::Error + Send + Sync>;

/// One step of the flow.
///
/// A stage lives on one thread and knows nothing about it. It gets its items in order, and its results stay in order.
pub trait Stage: Send {
    /// The name of the stage, for its thread, its errors and its row in the report.
    const NAME: &'static str;
    /// The items it receives.
    type In: Send;
    /// Its results.
    type Out: Send;

    /// Turns one item into any number of items.
    ///
    /// # Errors
    /// [`Halt::Failed`] if the run cannot go on; [`Halt::Closed`] if the outlet reports it.
    fn process(&mut self, item: Self::In, out: &mut Outlet<'_, Self::Out>) -> Result<(), Halt>;

    /// Receives a rejection of an earlier stage. Passes it on, unless a stage does something else.
    ///
    /// # Errors
    /// As [`Stage::process`].
    fn rejected(&mut self, rejection: Rejection, out: &mut Outlet<'_, Self::Out>) -> Result<(), Halt> {
        out.reject(rejection)
    }

    /// Emits the last results, after all input. Not called if the input broke off, nor for one of several workers.
    ///
    /// # Errors
    /// As [`Stage::process`].
    fn finish(&mut self, _out: &mut Outlet<'_, Self::Out>) -> Result<(), Halt> {
        Ok(())
    }
}

/// The end of a stage before the end of its input.
#[derive(Debug)]
pub enum Halt {
    /// A neighbouring stage has ended and has reported the cause: stop quietly.
    Closed,
    /// This stage failed.
    Failed(StageError),
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Failed(Box::new(error))
    }
}

/// A message from one stage to the next.
#[derive(Debug)]
pub enum Parcel<T> {
    /// An item to work on.
    Item(T),
    /// An input that an earlier stage rejected.
    Rejected(Rejection),
    /// The end of the input. A channel that closes without it broke off.
    End,
}

/// The way for a stage's results to the next stage.
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

    /// The same outlet, whose items wait at `gate`.
    pub(super) fn behind(self, gate: Option<&'a Gate>) -> Self {
        Self { gate, ..self }
    }

    pub(super) fn to_vec(parcels: &'a mut Vec<Parcel<T>>) -> Self {
        Self { sink: Sink::Collect(parcels), gate: None, blocked: Duration::ZERO, emitted: 0 }
    }

    /// Sends `item` to the next stage. Waits while the channel is full.
    ///
    /// # Errors
    /// [`Halt::Closed`] if the next stage has ended.
    pub fn emit(&mut self, item: T) -> Result<(), Halt> {
        self.emitted += 1;
        self.blocked += self.gate.map_or(Duration::ZERO, Gate::enter);
        self.send(Parcel::Item(item))
    }

    /// Sends a rejection to the next stage. It travels in order, between the results.
    ///
    /// # Errors
    /// [`Halt::Closed`] if the next stage has ended.
    pub fn reject(&mut self, rejection: Rejection) -> Result<(), Halt> {
        self.send(Parcel::Rejected(rejection))
    }

    pub(super) fn end(&mut self) -> Result<(), Halt> {
        self.send(Parcel::End)
    }

    pub(super) fn blocked(&self) -> Duration {
        self.blocked
    }

    pub(super) fn emitted(&self) -> u64 {
        self.emitted
    }

    fn send(&mut self, parcel: Parcel<T>) -> Result<(), Halt> {
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
/// The error of the stage.
pub fn run_inline<S: Stage>(
    mut stage: S,
    items: impl IntoIterator<Item = S::In>,
) -> Result<(Vec<S::Out>, Vec<Rejection>), StageError> {
    collect(|outlet| {
        items.into_iter().try_for_each(|item| stage.process(item, outlet)).and_then(|()| stage.finish(outlet))
    })
}

/// Processes one item with `stage` on this thread, without channels. Returns the results and the rejections of `item`.
///
/// # Errors
/// The error of the stage.
pub(crate) fn process_inline<S: Stage>(
    stage: &mut S,
    item: S::In,
) -> Result<(Vec<S::Out>, Vec<Rejection>), StageError> {
    collect(|outlet| stage.process(item, outlet))
}

/// Ends a stage on this thread, and returns its last results and rejections.
///
/// # Errors
/// The error of the stage.
pub(crate) fn finish_inline<S: Stage>(stage: &mut S) -> Result<(Vec<S::Out>, Vec<Rejection>), StageError> {
    collect(|outlet| stage.finish(outlet))
}

/// The results and rejections that `work` sends to an outlet.
fn collect<T>(
    work: impl FnOnce(&mut Outlet<'_, T>) -> Result<(), Halt>,
) -> Result<(Vec<T>, Vec<Rejection>), StageError> {
    let mut parcels = Vec::new();
    if let Err(Halt::Failed(error)) = work(&mut Outlet::to_vec(&mut parcels)) {
        return Err(error);
    }
    let mut results = Vec::new();
    let mut rejections = Vec::new();
    for parcel in parcels {
        match parcel {
            Parcel::Item(item) => results.push(item),
            Parcel::Rejected(rejection) => rejections.push(rejection),
            Parcel::End => {}
        }
    }
    Ok((results, rejections))
}
