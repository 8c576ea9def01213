//! `pressrun validate`: checks a configuration without running it.

use std::io::Write;

use pressrun::config::Config;
use pressrun::error::RunError;
use pressrun::validate::{Status, validate as check};

use crate::cli::ValidateArguments;

/// Prints the result of each check.
///
/// # Errors
/// A configuration that cannot be parsed, or [`RunError::Problems`] if a run would not start.
pub(crate) fn validate(arguments: &ValidateArguments) -> anyhow::Result<()> {
    let config = Config::load(&arguments.config).map_err(RunError::from)?;
    let checks = check(&config, arguments.paths.clone());
    let mut out = std::io::stdout().lock();
    if arguments.json {
        serde_json::to_writer_pretty(&mut out, &checks)?;
        writeln!(out)?;
    } else {
        checks.iter().try_for_each(|check| writeln!(out, "{check}"))?;
    }
    let problems = checks.iter().filter(|check| check.status == Status::Problem).count();
    if problems > 0 { Err(RunError::Problems { problems }.into()) } else { Ok(()) }
}
