//! `pressrun status`: what an output folder holds, also while a run is going on.

use std::io::Write;

use anyhow::ensure;
use serde_json::Value;

use pressrun::ledger::Ledger;
use pressrun::output::folder::writer;

use crate::cli::FolderArguments;

pub(crate) fn status(arguments: &FolderArguments) -> anyhow::Result<()> {
    let folder = &arguments.directory;
    ensure!(folder.is_dir(), "`{}` is no folder", folder.display());
    let ledger = Ledger::open(folder)?;
    let ((documents, reopened), rejections) = (ledger.counts()?, ledger.rejections()?);
    let mut out = std::io::stdout().lock();
    match writer(folder)? {
        Some(process) => writeln!(out, "running    process {process}")?,
        None => writeln!(out, "running    no")?,
    }
    writeln!(out, "documents  {documents}, of which {reopened} are being replaced")?;
    let reasons: Vec<String> = rejections.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
    let rejected: u64 = rejections.iter().map(|(_, count)| count).sum();
    writeln!(out, "rejected   {rejected}{}{}", if rejected > 0 { ": " } else { "" }, reasons.join(" · "))?;
    if let Ok(report) = std::fs::read(folder.join("run.json")) {
        let report: Value = serde_json::from_slice(&report).unwrap_or_default();
        let text = |name: &str| report[name].as_str().unwrap_or("?").to_owned();
        writeln!(out, "last run   {}, from {} to {}", text("outcome"), text("started"), text("finished"))?;
        if let Some(error) = report["error"].as_str() {
            writeln!(out, "           {error}")?;
        }
    }
    Ok(())
}
