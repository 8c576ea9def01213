//! The time of a stage: at work, waiting for input, or waiting for the next stage.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;

/// A count that a stage increments and its creator reads. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// Adds `count`.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// The total so far.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The counters of a stage. All its threads add to the same meter.
#[derive(Debug)]
pub(super) struct Meter {
    stage: &'static str,
    threads: usize,
    items_in: AtomicU64,
    items_out: AtomicU64,
    busy: Clock,
    starved: Clock,
    blocked: Clock,
}

#[derive(Debug, Default)]
struct Clock(AtomicU64);

impl Clock {
    fn add(&self, time: Duration) {
        self.0.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn seconds(&self) -> f64 {
        Duration::from_nanos(self.0.load(Ordering::Relaxed)).as_secs_f64()
    }
}

impl Meter {
    pub(super) fn new(stage: &'static str, threads: usize) -> Self {
        Self {
            stage,
            threads,
            items_in: AtomicU64::new(0),
            items_out: AtomicU64::new(0),
            busy: Clock::default(),
            starved: Clock::default(),
            blocked: Clock::default(),
        }
    }

    pub(super) fn starved(&self, time: Duration) {
        self.starved.add(time);
    }

    pub(super) fn blocked(&self, time: Duration) {
        self.blocked.add(time);
    }

    pub(super) fn busy(&self, time: Duration) {
        self.busy.add(time);
    }

    pub(super) fn took_item(&self) {
        self.items_in.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn gave_items(&self, count: u64) {
        self.items_out.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn report(&self) -> StageReport {
        StageReport {
            stage: self.stage,
            threads: self.threads,
            items_in: self.items_in.load(Ordering::Relaxed),
            items_out: self.items_out.load(Ordering::Relaxed),
            busy_seconds: self.busy.seconds(),
            starved_seconds: self.starved.seconds(),
            blocked_seconds: self.blocked.seconds(),
        }
    }
}

/// A stage's row in the report. Seconds are summed over its threads.
///
/// The slow stage is the one whose predecessors are blocked and whose successors are starved.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StageReport {
    /// The stage's name.
    pub stage: &'static str,
    /// The number of threads it ran on.
    pub threads: usize,
    /// Items taken.
    pub items_in: u64,
    /// Items given.
    pub items_out: u64,
    /// Time at work.
    pub busy_seconds: f64,
    /// Time spent waiting for the stage before.
    pub starved_seconds: f64,
    /// Time spent waiting for the next stage.
    pub blocked_seconds: f64,
}
