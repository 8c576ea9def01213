//! One file a subcommand.

/// `pressrun run`
pub(crate) mod run;
/// `pressrun show`
pub(crate) mod show;
