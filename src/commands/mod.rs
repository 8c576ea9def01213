//! One file a subcommand.

/// `pressrun compare`
pub(crate) mod compare;
/// `pressrun completions`
pub(crate) mod completions;
/// `pressrun drift`
pub(crate) mod drift;
/// `pressrun evaluate`
pub(crate) mod evaluate;
/// `pressrun explain`
pub(crate) mod explain;
/// `pressrun export`
pub(crate) mod export;
/// `pressrun forget`
pub(crate) mod forget;
/// `pressrun init`
pub(crate) mod init;
/// `pressrun labels`
pub(crate) mod labels;
/// `pressrun man`
pub(crate) mod man;
/// `pressrun merge`
pub(crate) mod merge;
/// `pressrun nights`
pub(crate) mod nights;
/// `pressrun plan`
pub(crate) mod plan;
/// `pressrun read`
pub(crate) mod read;
/// `pressrun report`
pub(crate) mod report;
/// `pressrun run`
pub(crate) mod run;
/// `pressrun show`
pub(crate) mod show;
/// `pressrun split`
pub(crate) mod split;
/// `pressrun status`
pub(crate) mod status;
/// `pressrun stream`
pub(crate) mod stream;
/// `pressrun suggest`
pub(crate) mod suggest;
/// `pressrun test`
pub(crate) mod test;
/// `pressrun train`
#[cfg(feature = "torch")]
pub(crate) mod train;
/// `pressrun validate`
pub(crate) mod validate;
/// `pressrun verify`
pub(crate) mod verify;

/// True if the reader of the output has closed the pipe.
pub(crate) fn is_broken_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
