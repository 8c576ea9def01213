//! `pressrun verify`: whether an output folder is as it was written.

use std::io::Write;

use anyhow::{bail, ensure};

use pressrun::stages::write::folder::writer;
use pressrun::verify::verify as check;

use crate::cli::FolderArguments;

/// How many faults are shown.
const MOST: usize = 100;

pub(crate) fn verify(arguments: &FolderArguments) -> anyhow::Result<()> {
    let folder = &arguments.directory;
    ensure!(folder.is_dir(), "`{}` is no folder", folder.display());
    if let Some(process) = writer(folder)? {
        bail!("a run, process {process}, is writing into `{}`: verify it afterwards", folder.display());
    }
    let found = check(folder)?;
    let mut out = std::io::stdout().lock();
    for fault in found.faults.iter().take(MOST) {
        writeln!(out, "{fault}")?;
    }
    writeln!(out, "{} documents, {} statements, {} faults", found.documents, found.statements, found.faults.len())?;
    ensure!(found.faults.is_empty(), "`{}` is not as it was written", folder.display());
    Ok(())
}
