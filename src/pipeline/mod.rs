//! The engine: moves items through stages on threads of their own. Knows nothing about text.
//!
//! A `Stage` turns items into items and knows nothing about threads. A `Flow` gives every stage a named scoped
//! thread and joins neighbours by bounded channels, so a slow stage holds back the ones before it. Order is kept by
//! construction, also behind several workers. What a stage refuses travels beside its results, in the same order.

/// Stages on threads, joined by channels.
pub mod flow;
/// A run that is asked to stop early.
pub mod interrupt;
/// What waits where memory is short.
pub mod memory;
/// Where a stage's time goes.
pub mod meter;
/// What a stage is, and what it may say.
pub mod stage;
/// Several workers for one stage, in order.
mod workers;

pub(crate) use flow::panic_message;
pub use flow::{Flow, Line, PipelineError, run};
pub use interrupt::{Cause, Interrupt};
pub use memory::Gate;
pub use meter::{Counter, StageReport};
pub use stage::{Halt, Outlet, Parcel, Stage, StageError, run_inline};
