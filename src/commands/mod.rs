//! One file a subcommand.

/// `pressrun evaluate`
pub(crate) mod evaluate;
/// `pressrun run`
pub(crate) mod run;
/// `pressrun show`
pub(crate) mod show;
/// `pressrun split`
pub(crate) mod split;
/// `pressrun train`
pub(crate) mod train;
