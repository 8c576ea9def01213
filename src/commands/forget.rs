//! `pressrun forget`: removes documents from an output folder permanently.

use pressrun::config::Config;
use pressrun::error::RunError;

use crate::cli::ForgetArguments;
use crate::progress::Screen;

pub(crate) fn forget(arguments: &ForgetArguments, screen: &Screen) -> anyhow::Result<()> {
    let config = Config::load(&arguments.config).map_err(RunError::from)?;
    screen.log().begin(&config.log)?;
    pressrun::forget(&config, &arguments.documents)?;
    // Tables that were exported must not keep their words.
    pressrun::export::refresh(&config.output.directory).map_err(RunError::from)?;
    screen.tell(&format!("forgot {} of `{}`", arguments.documents.len(), config.output.directory.display()));
    Ok(())
}
