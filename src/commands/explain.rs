//! `pressrun explain`: the reasons of one statement's results.

use std::io::Write;

use pressrun::config::Config;
use pressrun::error::RunError;
use pressrun::explain::explain as explain_statement;

use crate::cli::ExplainArguments;

/// Prints the explanation of a statement.
///
/// # Errors
/// A statement or an article that is not there, or a configuration that cannot be used.
pub(crate) fn explain(arguments: &ExplainArguments) -> anyhow::Result<()> {
    let config = Config::load(&arguments.config).map_err(RunError::from)?;
    let explanation = explain_statement(&config, arguments.paths.clone(), &arguments.statement)?;
    let mut out = std::io::stdout().lock();
    if arguments.json {
        serde_json::to_writer_pretty(&mut out, &explanation)?;
        writeln!(out)?;
    } else {
        write!(out, "{explanation}")?;
    }
    Ok(())
}
