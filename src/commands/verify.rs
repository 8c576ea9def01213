//! `pressrun verify`: whether an output folder is as it was written.

use std::io::Write;

use anyhow::{bail, ensure};

use pressrun::config::Config;
use pressrun::error::RunError;
use pressrun::stages::write::folder::writer;
use pressrun::verify::{repeat, verify as check};

use crate::cli::VerifyArguments;

/// How many faults are shown.
const MOST: usize = 100;

pub(crate) fn verify(arguments: &VerifyArguments) -> anyhow::Result<()> {
    let config = match arguments.sample {
        0 => None,
        _ => Some(Config::load(&arguments.config).map_err(RunError::from)?),
    };
    let folder = config.as_ref().map_or(&arguments.directory, |config| &config.output.directory);
    ensure!(folder.is_dir(), "`{}` is no folder", folder.display());
    if let Some(process) = writer(folder)? {
        bail!("a run, process {process}, is writing into `{}`: verify it afterwards", folder.display());
    }
    let mut found = check(folder)?;
    if let Some(config) = &config {
        let repeated = repeat(config, arguments.paths.clone(), arguments.sample)?;
        found.faults.extend(repeated.faults);
    }
    let mut out = std::io::stdout().lock();
    for fault in found.faults.iter().take(MOST) {
        writeln!(out, "{fault}")?;
    }
    writeln!(out, "{} documents, {} statements, {} faults", found.documents, found.statements, found.faults.len())?;
    ensure!(found.faults.is_empty(), "`{}` is not as it was written", folder.display());
    Ok(())
}
