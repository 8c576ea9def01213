//! One file a subcommand.

/// `pressrun drift`
pub(crate) mod drift;
/// `pressrun evaluate`
pub(crate) mod evaluate;
/// `pressrun export`
pub(crate) mod export;
/// `pressrun forget`
pub(crate) mod forget;
/// `pressrun nights`
pub(crate) mod nights;
/// `pressrun read`
pub(crate) mod read;
/// `pressrun run`
pub(crate) mod run;
/// `pressrun show`
pub(crate) mod show;
/// `pressrun split`
pub(crate) mod split;
/// `pressrun status`
pub(crate) mod status;
/// `pressrun train`
pub(crate) mod train;
/// `pressrun verify`
pub(crate) mod verify;
