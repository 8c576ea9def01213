//! A test from a statement of an output folder: the statement, with as little of its article around it as gives it the same results.

use std::fmt::Write;

use indexmap::IndexMap;
use toml::{Spanned, Table, Value};

use super::{Outcome, run};
use crate::analyse::Analyser;
use crate::config::{Config, ConfigFile, Expected, TestCase, TestCases};
use crate::error::RunError;
use crate::output::lookup::{LookupError, StoredStatement, find_statement};
use crate::output::schema::StatementRecord;
use crate::pipeline::StageError;
use crate::record::{Flag, SpeakerKind};

/// The numbers of neighbouring statements, on each side, that are tried. The last number stands for the whole article.
const NEIGHBOURS: [usize; 5] = [0, 1, 2, 5, usize::MAX];

/// A test that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The statement cannot be found.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The output has no texts.
    #[error("the statements of `{document}` have no text: `[output] fields` leaves it out")]
    NoText {
        /// The id of the document.
        document: String,
    },
    /// A model failed.
    #[error("the statement could not be analysed: {0}")]
    Stage(StageError),
    /// The models cannot be loaded.
    #[error(transparent)]
    Run(#[from] Box<RunError>),
}

/// Makes a test from the statement with this `id` in the output folder of `config`, as TOML. The test expects the results that are
/// stored there. If even the whole article gives other results now, comments say so.
///
/// # Errors
/// [`RecordError`]: a statement that is not there or has no text, or models that cannot be used.
pub fn from_statement(config: &Config, id: &str) -> Result<String, RecordError> {
    let stored = find_statement(&config.output.directory, id)?;
    let mut analyser = Analyser::new(config).map_err(Box::new)?;
    let tasks: Vec<String> = analyser.tasks().labels.iter().map(|task| task.name.clone()).collect();
    let expect = expectations(stored.statement(), &tasks);
    let mut last = None;
    for neighbours in NEIGHBOURS {
        let case = case(&stored, neighbours, &expect)?;
        let tests = TestCases { file: ConfigFile { path: id.into(), text: String::new() }, cases: vec![case] };
        let mut outcomes = run(&tests, &mut analyser).map_err(RecordError::Stage)?;
        let outcome = outcomes.swap_remove(0);
        let passes = outcome.failures.is_empty() && Some(&outcome.statement) == stored.statement().text.as_ref();
        let text = to_toml(&tests.cases[0], id, &expect, &outcome);
        if passes {
            return Ok(text);
        }
        last = Some(text);
    }
    Ok(last.unwrap_or_default())
}

/// The results of a statement that a test can expect.
fn expectations(statement: &StatementRecord, tasks: &[String]) -> IndexMap<String, Expected> {
    let mut expect = IndexMap::new();
    if statement.flags.as_ref().is_some_and(|flags| flags.contains(&Flag::Boilerplate)) {
        expect.insert("boilerplate".to_owned(), Expected::Is(true));
    }
    for (name, result) in statement.tasks.iter().filter(|(name, _)| tasks.contains(name)) {
        if let Some(label) = &result.label {
            expect.insert(name.clone(), Expected::AnyOf(vec![label.clone()]));
        }
    }
    let speakers = statement.attributions.iter().flatten().filter_map(|attribution| attribution.speaker.as_ref());
    let mut named = speakers.filter(|speaker| speaker.kind != SpeakerKind::Unnamed);
    if let Some(name) = named.find_map(|speaker| speaker.name.clone()) {
        expect.insert("speaker".to_owned(), Expected::AnyOf(vec![name]));
    }
    expect
}

/// A test of the statement with at most so many `neighbours` on each side.
fn case(
    stored: &StoredStatement,
    neighbours: usize,
    expect: &IndexMap<String, Expected>,
) -> Result<TestCase, RecordError> {
    let first = stored.index.saturating_sub(neighbours);
    let end = stored.index.saturating_add(neighbours).saturating_add(1).min(stored.statements.len());
    let mut text = String::new();
    let mut paragraph = None;
    for statement in &stored.statements[first..end] {
        let sentence = statement.text.as_ref();
        let sentence = sentence.ok_or_else(|| RecordError::NoText { document: stored.document.document.clone() })?;
        if !text.is_empty() {
            text.push_str(if statement.paragraph == paragraph { " " } else { "\n\n" });
        }
        text.push_str(sentence);
        paragraph = statement.paragraph;
    }
    let statement = (end - first > 1).then(|| Spanned::new(0..0, stored.index - first));
    let spanned =
        |(name, value): (&String, &Expected)| (Spanned::new(0..0, name.clone()), Spanned::new(0..0, value.clone()));
    Ok(TestCase {
        name: None,
        text: Spanned::new(0..0, text),
        title: stored.document.metadata.title.clone(),
        byline: stored.document.metadata.byline.clone(),
        statement,
        expect: expect.iter().map(spanned).collect(),
        not: IndexMap::new(),
    })
}

/// The test as TOML, with comments on what does not hold.
fn to_toml(case: &TestCase, id: &str, expect: &IndexMap<String, Expected>, outcome: &Outcome) -> String {
    let mut text = format!("[[tests]] # {id}\n");
    for failure in &outcome.failures {
        let failure = failure.to_string().replace('\n', " ");
        // Writing to a string does not fail.
        let _ = writeln!(text, "# This test fails now: {failure}");
    }
    let title = case.title.clone().map(|title| ("title", Value::String(title)));
    let byline = case.byline.clone().map(|byline| ("byline", Value::String(byline)));
    let number = case.statement.as_ref().and_then(|number| i64::try_from(*number.get_ref()).ok());
    let statement = number.map(|number| ("statement", Value::Integer(number)));
    let body = ("text", Value::String(case.text.get_ref().clone()));
    let expected =
        ("expect", Value::Table(expect.iter().map(|(name, value)| (name.clone(), to_value(value))).collect::<Table>()));
    for (key, value) in title.into_iter().chain(byline).chain([body]).chain(statement).chain([expected]) {
        let _ = writeln!(text, "{key} = {value}");
    }
    text
}

fn to_value(expected: &Expected) -> Value {
    match expected {
        Expected::Is(value) => Value::Boolean(*value),
        Expected::AnyOf(names) => match names.as_slice() {
            [name] => Value::String(name.clone()),
            names => Value::Array(names.iter().cloned().map(Value::String).collect()),
        },
    }
}
