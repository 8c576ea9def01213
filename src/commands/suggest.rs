//! `pressrun suggest`: the statements to look at next.

use std::io::Write;

use pressrun::config::Config;
use pressrun::error::RunError;
use pressrun::fitting::{self, OwnTask, SuggestionSettings};

use super::labels::tool_format;
use crate::cli::SuggestArguments;

/// Prints suggestions in the form of a labelling tool.
///
/// # Errors
/// A configuration, a file of labels or a model that cannot be used, or labels that are not fitted.
pub(crate) fn suggest(arguments: &SuggestArguments) -> anyhow::Result<()> {
    let config = Config::load(&arguments.task.config).map_err(RunError::from)?;
    let task = OwnTask::open(&config, arguments.task.task.as_deref()).map_err(RunError::from)?;
    let settings =
        SuggestionSettings { label: arguments.label.clone(), count: arguments.count, documents: arguments.documents };
    let suggestions = fitting::suggest(&task, arguments.paths.clone(), &settings).map_err(RunError::from)?;
    let text = fitting::export(&suggestions, task.name, tool_format(arguments.format));
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}
