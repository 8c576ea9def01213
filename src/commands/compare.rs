//! `pressrun compare`: what changes between two configurations or two output folders.

use std::io::Write;

use anyhow::{Context, bail};

use pressrun::compare::{Comparison, Sides, compare_configs, compare_folders};
use pressrun::config::Config;
use pressrun::error::RunError;

use crate::cli::CompareArguments;

/// Prints the comparison.
///
/// # Errors
/// Sides that cannot be compared, or [`RunError::Exceeded`] if a limit of `--fail-on` is exceeded.
pub(crate) fn compare(arguments: &CompareArguments) -> anyhow::Result<()> {
    let comparison = comparison(arguments)?;
    if let Some(path) = &arguments.html {
        std::fs::write(path, comparison.to_html()).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    let mut out = std::io::stdout().lock();
    if arguments.json {
        serde_json::to_writer_pretty(&mut out, &comparison)?;
        writeln!(out)?;
    } else {
        write!(out, "{comparison}")?;
    }
    let exceeded: Vec<String> = arguments.fail_on.iter().filter_map(|limit| limit.exceeded(&comparison)).collect();
    if exceeded.is_empty() { Ok(()) } else { Err(RunError::Exceeded { limits: exceeded.join("; ") }.into()) }
}

/// Compares folders or configurations, whichever the arguments name.
fn comparison(arguments: &CompareArguments) -> anyhow::Result<Comparison> {
    let CompareArguments { old, new, paths, sample, .. } = arguments;
    if old.is_dir() && new.is_dir() {
        if !paths.is_empty() || sample.is_some() {
            bail!("two output folders are compared as a whole: inputs and `--sample` are for two configurations");
        }
        return Ok(compare_folders(old, new)?);
    }
    if old.is_dir() != new.is_dir() {
        bail!("expected two configurations or two output folders, not `{}` and `{}`", old.display(), new.display());
    }
    let sides =
        Sides { old: Config::load(old).map_err(RunError::from)?, new: Config::load(new).map_err(RunError::from)? };
    Ok(compare_configs(&sides, paths.clone(), *sample)?)
}
