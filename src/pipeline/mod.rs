//! The engine: moves items through stages on threads of their own. Knows nothing about text.
//!
//! A `Stage` turns items into items and knows nothing about threads. A `Flow` gives every stage a named scoped
//! thread and joins neighbours by bounded channels, so a slow stage holds back the ones before it. Order is kept by
//! construction, also behind several workers. A rejection of a stage travels between its results, in order.

/// Stages on threads, joined by channels.
pub mod flow;
/// The request to stop a run early.
pub mod interrupt;
/// A limit on memory.
pub mod memory;
/// The time of a stage.
pub mod meter;
/// The interface of a stage.
pub mod stage;
/// Several workers for one stage, in order.
mod workers;

pub(crate) use flow::panic_message;
pub use flow::{Flow, Line, PipelineError, run};
pub use interrupt::{Cause, Interrupt};
pub use memory::Gate;
pub use meter::{Counter, StageReport};
pub use stage::{Halt, Outlet, Parcel, Stage, StageError, run_inline};
pub(crate) use stage::{finish_inline, process_inline};
