//! `pressrun verify`: checks that an output folder is complete and unchanged.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{bail, ensure};

use pressrun::config::Config;
use pressrun::drift::Calendar;
use pressrun::error::RunError;
use pressrun::export::check::check as check_exports;
use pressrun::output::folder::writer;
use pressrun::output::verify::{Fault, verify as check};
use pressrun::page::{Settings, collect};
use pressrun::repeat;

use crate::cli::VerifyArguments;

const DEFAULT_CONFIG: &str = "pipeline.toml";

/// The largest number of faults printed.
const MAX_PRINTED_FAULTS: usize = 100;

pub(crate) fn verify(arguments: &VerifyArguments) -> anyhow::Result<()> {
    let config = config(arguments)?;
    let configured = config.as_ref().map(|config| &config.output.directory);
    let folder = arguments.directory.as_ref().or(configured).map_or(Path::new("output"), PathBuf::as_path);
    ensure!(folder.is_dir(), "`{}` is no folder", folder.display());
    if let Some(process) = writer(folder)? {
        bail!("a run, process {process}, is writing into `{}`: verify it afterwards", folder.display());
    }
    let mut found = check(folder)?;
    found.faults.extend(check_exports(folder));
    if let Some(config) = config.as_ref().filter(|_| arguments.sample > 0) {
        let repeated = repeat(config, arguments.paths.clone(), arguments.sample)?;
        found.faults.extend(repeated.faults);
    }
    if let Some(config) = config.as_ref().filter(|_| arguments.directory.is_none()) {
        found.faults.extend(page_fault(config)?);
    }
    let mut out = std::io::stdout().lock();
    for fault in found.faults.iter().take(MAX_PRINTED_FAULTS) {
        writeln!(out, "{fault}")?;
    }
    writeln!(out, "{} documents, {} statements, {} faults", found.documents, found.statements, found.faults.len())?;
    ensure!(found.faults.is_empty(), "`{}` is not as it was written", folder.display());
    Ok(())
}

/// The fault of the page about the last night: it is there, and is not the one that would be made now.
fn page_fault(config: &Config) -> Result<Option<Fault>, RunError> {
    let Some(path) = config.report.html.as_ref().filter(|path| path.exists()) else { return Ok(None) };
    let calendar = Calendar::load(&config.drift)?;
    let page = collect(&config.output.directory, Settings::from(&config.report), &config.drift, &calendar)?;
    let is_same = std::fs::read(path).is_ok_and(|found| found == page.to_html().as_bytes());
    Ok((!is_same).then(|| Fault {
        file: path.display().to_string(),
        document: None,
        message: "is not the page of this folder; `pressrun report` makes it again".to_owned(),
    }))
}

/// The configuration, if anything depends on it.
fn config(arguments: &VerifyArguments) -> Result<Option<Config>, RunError> {
    let is_named = arguments.config != Path::new(DEFAULT_CONFIG) || arguments.config.exists();
    if arguments.directory.is_some() || (arguments.sample == 0 && !is_named) {
        return Ok(None);
    }
    Ok(Some(Config::load(&arguments.config)?))
}
