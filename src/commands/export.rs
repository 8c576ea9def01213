//! `pressrun export`: brings tables for other programs up to date, and the export at the end of a run.

use std::path::{Path, PathBuf};

use anyhow::ensure;

use pressrun::causes::chain;
use pressrun::config::{Config, ExportConfig};
use pressrun::error::RunError;
use pressrun::export::{Exported, Summary};
use pressrun::output::schema::Outcome;
use pressrun::report::RunReport;

use crate::cli::ExportArguments;
use crate::progress::Screen;

const DEFAULT_CONFIG: &str = "pipeline.toml";

pub(crate) fn export(arguments: &ExportArguments, screen: &Screen) -> anyhow::Result<()> {
    let config = config(arguments)?;
    if let Some(config) = &config {
        screen.log().begin(&config.log)?;
    }
    let configured = config.as_ref().map(|config| &config.output.directory);
    let folder = arguments.directory.as_ref().or(configured).map_or(Path::new("output"), PathBuf::as_path);
    ensure!(folder.is_dir(), "`{}` is no folder", folder.display());
    export_to(folder, config.as_ref().map(|config| &config.export), arguments.redo, screen)?;
    Ok(())
}

/// Exports, and says what was done.
pub(crate) fn export_to(
    folder: &Path,
    config: Option<&ExportConfig>,
    redo: bool,
    screen: &Screen,
) -> Result<(), RunError> {
    let Exported { targets } = pressrun::export::export(folder, config, redo)?;
    for (form, path, summary) in &targets {
        screen.tell(&format!("{form:<8} {}: {}", path.display(), done(form, summary)));
        if summary.is_held {
            tracing::warn!(
                "another program reads `{}`: words of removed documents leave the file with the next `pressrun export`",
                path.display()
            );
        }
    }
    Ok(())
}

/// Exports after a run, if the configuration names tables: results that are there, also if the run was stopped. Those of a run that broke
/// off are not complete. Returns the `outcome` of the run, or the error of the export.
pub(crate) fn export_after(
    report: &RunReport,
    outcome: Result<(), RunError>,
    folder: &Path,
    config: &ExportConfig,
    screen: &Screen,
) -> Result<(), RunError> {
    let exported = if config.names_any() && report.record.outcome != Outcome::Failed {
        export_to(folder, Some(config), false, screen)
    } else {
        Ok(())
    };
    if let (Err(_), Err(error)) = (&outcome, &exported) {
        tracing::error!("the results could not be exported: {}", chain(error));
    }
    outcome.and(exported)
}

fn done(form: &str, summary: &Summary) -> String {
    let Summary { documents, statements, partitions, removed, .. } = summary;
    if *documents == 0 && *removed == 0 {
        return "no document has changed".to_owned();
    }
    let files = if *partitions > 0 { format!(" in {partitions} partitions") } else { String::new() };
    let gone = match (*removed, form) {
        (0, _) => String::new(),
        (removed, "Parquet") => format!(", {removed} partitions removed"),
        (removed, _) => format!(", {removed} documents removed"),
    };
    format!("{documents} documents with {statements} statements written{files}{gone}")
}

/// The configuration, if one is named or there is one.
fn config(arguments: &ExportArguments) -> Result<Option<Config>, RunError> {
    let path = arguments.config.as_deref().or_else(|| Some(Path::new(DEFAULT_CONFIG)).filter(|path| path.exists()));
    Ok(path.map(Config::load).transpose()?)
}
