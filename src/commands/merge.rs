//! `pressrun merge`: joins the parts of an input to one output folder.

use std::time::Instant;

use pressrun::Merge;
use pressrun::config::Config;
use pressrun::error::RunError;
use pressrun::report::table;

use crate::cli::MergeArguments;
use crate::commands::export::export_after;
use crate::progress::Screen;

/// Merges parts, then exports as after a run.
///
/// # Errors
/// Parts that do not belong together, or results that cannot be read or written.
pub(crate) fn merge(arguments: &MergeArguments, screen: &Screen) -> anyhow::Result<()> {
    let since = Instant::now();
    let mut config = Config::load(&arguments.config).map_err(RunError::from)?;
    screen.log().begin(&config.log)?;
    if let Some(output) = &arguments.output {
        config.output.directory.clone_from(output);
    }
    let output = config.output.directory.clone();
    let export = config.export.clone();
    let Some(merge) = Merge::prepare(config, &arguments.parts, arguments.allow_mixed_processors)? else {
        screen.tell(&format!("these parts are merged in {} already", output.display()));
        return Ok(());
    };
    let (report, outcome) = merge.run();
    screen.tell(&table::render(&report));
    screen.tell(&format!("merged in {:.1} s; the times above are those of the parts", since.elapsed().as_secs_f64()));
    screen.tell(&format!("results in {}", output.display()));
    export_after(&report, outcome, &output, &export, screen)?;
    Ok(())
}
