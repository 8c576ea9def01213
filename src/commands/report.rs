//! `pressrun report`: makes the page about the last night.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::ensure;

use pressrun::config::{Config, ConfigFile};
use pressrun::drift::Calendar;
use pressrun::error::RunError;
use pressrun::output::folder::{write_whole, writer};
use pressrun::page::{Settings, collect};

use crate::cli::ReportArguments;
use crate::progress::Screen;

const DEFAULT_CONFIG: &str = "pipeline.toml";

/// The name of the file if none is configured.
const DEFAULT_FILE: &str = "report.html";

pub(crate) fn report(arguments: &ReportArguments, screen: &Screen) -> anyhow::Result<()> {
    let config = config(arguments.config.as_deref()).map_err(RunError::from)?;
    let folder = arguments.directory.as_ref().unwrap_or(&config.output.directory);
    ensure!(folder.is_dir(), "`{}` is no folder", folder.display());
    if let Some(process) = writer(folder)? {
        tracing::warn!(
            "a run, process {process}, is writing into `{}`: the page is about a part of it",
            folder.display()
        );
    }
    let calendar = Calendar::load(&config.drift).map_err(RunError::from)?;
    let page = collect(folder, Settings::from(&config.report), &config.drift, &calendar).map_err(RunError::from)?;
    let content = if arguments.text { page.to_text() } else { page.to_html() };
    let configured = config.report.html.filter(|_| !arguments.text);
    let fallback = if arguments.text { "-" } else { DEFAULT_FILE };
    let file = arguments.output.clone().or(configured).unwrap_or_else(|| PathBuf::from(fallback));
    if file.as_os_str() == "-" {
        return print(&content);
    }
    write_whole(file.clone(), content.as_bytes()).map_err(RunError::from)?;
    screen.tell(&format!("report in {}", file.display()));
    Ok(())
}

/// The configuration that is named or there, or else the defaults.
fn config(path: Option<&Path>) -> Result<Config, pressrun::config::ConfigError> {
    match path {
        Some(path) => Config::load(path),
        None if Path::new(DEFAULT_CONFIG).exists() => Config::load(Path::new(DEFAULT_CONFIG)),
        None => Config::parse(ConfigFile { path: DEFAULT_CONFIG.into(), text: String::new() }),
    }
}

fn print(content: &str) -> anyhow::Result<()> {
    match std::io::stdout().write_all(content.as_bytes()) {
        // The reader closed the pipe.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
