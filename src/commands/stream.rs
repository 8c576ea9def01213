//! `pressrun stream`: a document a line in, a line out for each; or rows of Arrow streams.

use pressrun::Streaming;
use pressrun::config::Config;
use pressrun::error::RunError;
use pressrun::pipeline::{Interrupt, PipelineError};

use crate::cli::StreamArguments;
use crate::commands::is_broken_pipe;

/// The exit code of a stream that the user stopped twice: 128 plus the number of SIGINT.
const EXIT_INTERRUPTED: i32 = 130;

/// Answers the lines or rows of standard input on standard output.
///
/// # Errors
/// A configuration or a model that cannot be used, before the first line is read; a model that is broken.
pub(crate) fn stream(arguments: &StreamArguments) -> anyhow::Result<()> {
    let config = Config::load(&arguments.config).map_err(RunError::from)?;
    let streaming = Streaming::prepare(config, arguments.workers)?;
    let interrupt = Interrupt::default();
    let on_signal = interrupt.clone();
    ctrlc::set_handler(move || {
        if on_signal.request() {
            std::process::exit(EXIT_INTERRUPTED);
        }
    })?;
    let outcome = if arguments.arrow {
        streaming.run_arrow(std::io::stdin(), std::io::stdout(), &interrupt)
    } else {
        streaming.run(std::io::stdin(), std::io::stdout(), &interrupt)
    };
    match outcome {
        // The reader closed the pipe.
        Err(RunError::Pipeline(PipelineError::Failed { cause, .. })) if is_broken_pipe(&*cause) => Ok(()),
        Err(RunError::StandardOutput { cause }) if is_broken_pipe(&cause) => Ok(()),
        Err(error) => Err(error.into()),
        Ok(counts) => {
            tracing::info!(documents = counts.documents, rejected = counts.rejected, "the stream has ended");
            Ok(())
        }
    }
}
