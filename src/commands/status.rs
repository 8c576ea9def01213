//! `pressrun status`: shows the state of an output folder, also during a run.

use std::io::Write;

use anyhow::ensure;

use pressrun::causes::chain;
use pressrun::ledger::Ledger;
use pressrun::output::Reader;
use pressrun::output::folder::writer;

use crate::cli::FolderArguments;

pub(crate) fn status(arguments: &FolderArguments) -> anyhow::Result<()> {
    let folder = &arguments.directory;
    ensure!(folder.is_dir(), "`{}` is no folder", folder.display());
    let ledger = Ledger::open(folder)?;
    let (documents, reopened) = ledger.counts()?;
    let rejections = ledger.rejections()?;
    let mut out = std::io::stdout().lock();
    match writer(folder)? {
        Some(process) => writeln!(out, "running    process {process}")?,
        None => writeln!(out, "running    no")?,
    }
    if let Some(part) = ledger.part()? {
        writeln!(out, "part       {part}")?;
    }
    if ledger.is_merging()? {
        writeln!(out, "merge      not at its end: `pressrun merge` with the same parts goes on with it")?;
    }
    writeln!(out, "documents  {documents}, of which {reopened} are being replaced")?;
    let reasons: Vec<String> = rejections.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
    let rejected: u64 = rejections.iter().map(|(_, count)| count).sum();
    writeln!(out, "rejected   {rejected}{}{}", if rejected > 0 { ": " } else { "" }, reasons.join(" · "))?;
    match Reader::new(folder).report() {
        Ok(None) => {}
        Ok(Some(run)) => {
            writeln!(out, "last run   {}, from {} to {}", run.outcome.as_str(), run.started, run.finished)?;
            if let Some(error) = run.error {
                writeln!(out, "           {error}")?;
            }
        }
        // A report that cannot be read does not make the rest wrong.
        Err(error) => writeln!(out, "last run   {}", chain(&error))?,
    }
    Ok(())
}
