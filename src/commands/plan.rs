//! `pressrun plan`: what a run would do.

use std::io::Write;

use pressrun::compare::compare_stored;
use pressrun::config::Config;
use pressrun::error::RunError;
use pressrun::plan::plan as plan_run;

use crate::cli::PlanArguments;

/// The exit code of `--exit-code` if there is work.
const EXIT_WORK: i32 = 3;

/// Prints the plan, and with `--sample` the labels that would flip.
///
/// # Errors
/// The errors that a run would have before it starts.
pub(crate) fn plan(arguments: &PlanArguments) -> anyhow::Result<()> {
    let config = Config::load(&arguments.config).map_err(RunError::from)?;
    let (paths, listed) = arguments.input.paths()?;
    let plan = plan_run(&config, paths.clone(), listed, arguments.redo)?;
    let comparison = if arguments.sample > 0 { Some(compare_stored(&config, paths, arguments.sample)?) } else { None };
    let mut out = std::io::stdout().lock();
    if arguments.json {
        let both = serde_json::json!({ "plan": plan, "sample": comparison });
        serde_json::to_writer_pretty(&mut out, &both)?;
        writeln!(out)?;
    } else {
        write!(out, "{plan}")?;
        if let Some(comparison) = &comparison {
            write!(out, "\nsample of stored documents, analysed again:\n{comparison}")?;
        }
    }
    out.flush()?;
    if arguments.exit_code && plan.to_analyse() > 0 {
        std::process::exit(EXIT_WORK);
    }
    Ok(())
}
