//! `pressrun test`: runs the `[[tests]]` of a configuration, or of files of their own.

use std::io::Write;

use anyhow::{Context, ensure};

use pressrun::Analyser;
use pressrun::config::{Config, TestCases};
use pressrun::error::RunError;
use pressrun::expect::{Outcome, from_statement, run, to_junit, validate};

use crate::cli::TestArguments;

/// The longest part of a statement that is printed, in characters.
const STATEMENT_CHARACTERS: usize = 100;

/// Runs the tests and prints what does not hold.
///
/// # Errors
/// [`RunError::Tests`] if a test fails; a configuration, a file or a model that cannot be used.
pub(crate) fn test(arguments: &TestArguments) -> anyhow::Result<()> {
    let config = Config::load(&arguments.config).map_err(RunError::from)?;
    let mut out = std::io::stdout().lock();
    if let Some(id) = &arguments.from {
        write!(out, "{}", from_statement(&config, id)?)?;
        return Ok(());
    }
    let tests = load(arguments, &config)?;
    let count: usize = tests.iter().map(|file| file.cases.len()).sum();
    ensure!(count > 0, "there are no tests: `{}` has no `[[tests]]`", arguments.config.display());
    let mut analyser = Analyser::new(&config)?;
    for file in &tests {
        validate(&file.file, &file.cases, analyser.tasks()).map_err(RunError::from)?;
    }
    let mut outcomes = Vec::with_capacity(count);
    for file in &tests {
        outcomes.extend(run(file, &mut analyser).map_err(anyhow::Error::from_boxed)?);
    }
    if let Some(path) = &arguments.junit {
        let written = std::fs::write(path, to_junit(&outcomes)?);
        written.with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    let failed = outcomes.iter().filter(|outcome| !outcome.failures.is_empty()).count();
    for outcome in &outcomes {
        print(outcome, &mut out)?;
    }
    writeln!(out, "{count} tests: {} passed, {failed} failed", count - failed)?;
    if failed > 0 { Err(RunError::Tests { failed, count }.into()) } else { Ok(()) }
}

/// The tests of the files that are named, or else of the configuration.
fn load(arguments: &TestArguments, config: &Config) -> Result<Vec<TestCases>, RunError> {
    if arguments.files.is_empty() {
        return Ok(vec![TestCases { file: config.file.clone(), cases: config.tests.clone() }]);
    }
    let files = arguments.files.iter().map(|path| TestCases::load(path));
    Ok(files.collect::<Result<_, _>>()?)
}

fn print(outcome: &Outcome, out: &mut impl Write) -> std::io::Result<()> {
    if outcome.failures.is_empty() {
        return writeln!(out, "ok      {}", outcome.name);
    }
    writeln!(out, "FAILED  {}  ({}:{})", outcome.name, outcome.file.display(), outcome.line)?;
    if !outcome.statement.is_empty() {
        let statement = outcome.statement.split_whitespace().collect::<Vec<_>>().join(" ");
        let shown: String = statement.chars().take(STATEMENT_CHARACTERS).collect();
        let dots = if shown.len() < statement.len() { "…" } else { "" };
        writeln!(out, "        statement  {shown}{dots}")?;
    }
    for failure in &outcome.failures {
        writeln!(out, "        {:<10} expected  {}", failure.result, failure.expected)?;
        writeln!(out, "        {:<10} found     {}", "", failure.found)?;
    }
    Ok(())
}
