//! `[[tests]]`: runs the texts through the tasks, and compares a statement's results with the expected ones.

/// The outcomes as JUnit XML.
mod junit;
/// A test from a statement of an output folder.
mod record;
/// The results that a test can name.
mod subject;

use std::fmt;
use std::path::PathBuf;

use crate::analyse::{Analyser, Analysis};
use crate::config::{ConfigError, ConfigFile, Expected, TestCase, TestCases};
use crate::pipeline::StageError;
use crate::record::{AnalysedDocument, Document, Metadata, Place};
use crate::task::Tasks;

pub use junit::to_junit;
pub use record::{RecordError, from_statement};
use subject::Subject;

/// The longest name that a test gets from its text, in characters.
const NAME_CHARACTERS: usize = 48;

/// A test that was run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The name of the test.
    pub name: String,
    /// The file of the test.
    pub file: PathBuf,
    /// The line of the test's text, from 1.
    pub line: usize,
    /// The statement that was tested; empty if the text has no such statement.
    pub statement: String,
    /// The expectations that do not hold, in the order of the test. Empty if the test passed.
    pub failures: Vec<Failure>,
}

/// An expectation that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The name of the result: a task, `speaker`, `act`, `boilerplate`; `text` if there is no statement to test.
    pub result: String,
    /// The expected value, with "not" in front if the result must not have it.
    pub expected: String,
    /// The value that was found.
    pub found: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, found {}", self.result, self.expected, self.found)
    }
}

/// Checks that tests name only results and labels that `tasks` have.
///
/// # Errors
/// [`ConfigError::Invalid`] with the position of the first unknown name, or of a value that a result cannot have.
pub fn validate(file: &ConfigFile, cases: &[TestCase], tasks: &Tasks) -> Result<(), ConfigError> {
    for case in cases {
        for (name, expected) in case.expect.iter().chain(&case.not) {
            Subject::resolve(file, name, tasks)?.validate(file, expected)?;
        }
    }
    Ok(())
}

/// Runs tests, and returns one outcome for each, in their order. Texts are read one by one, each as a document of its own.
///
/// # Errors
/// A model that fails for every text.
pub fn run(tests: &TestCases, analyser: &mut Analyser) -> Result<Vec<Outcome>, StageError> {
    let documents = tests.cases.iter().zip(1..).map(|(case, number)| document(tests, case, number)).collect();
    let results = analyser.analyse(documents)?;
    let outcomes = tests.cases.iter().zip(&results);
    Ok(outcomes.map(|(case, result)| judge(&tests.file, case, result, analyser.tasks())).collect())
}

/// The document that a test's text makes. `number` is the place of the test in its file, from 1.
fn document(tests: &TestCases, case: &TestCase, number: u64) -> Document {
    let metadata = Metadata { title: case.title.clone(), byline: case.byline.clone(), ..Metadata::default() };
    Document {
        id: format!("test-{number}"),
        place: Place { record: Some(number), ..Place::file(tests.file.path.display().to_string()) },
        metadata,
        text: case.text.get_ref().clone(),
        encoding: "UTF-8",
        flags: Vec::new(),
        duplicate_of: None,
        content: [0; 32],
    }
}

fn judge(file: &ConfigFile, case: &TestCase, analysis: &Analysis, tasks: &Tasks) -> Outcome {
    let mut outcome = Outcome {
        name: name(case),
        file: file.path.clone(),
        line: file.position(case.text.span().start).0,
        statement: String::new(),
        failures: Vec::new(),
    };
    let tested = match analysis {
        Ok(analysed) => tested_statement(case, analysed).map(|index| (analysed, index)),
        Err(rejection) => Err(format!("a rejection ({}): {}", rejection.reason.as_str(), rejection.message)),
    };
    match tested {
        Ok((analysed, index)) => {
            let statement = &analysed.statements[index];
            statement.sentence.span.slice(&analysed.document.text).clone_into(&mut outcome.statement);
            outcome.failures = failures(file, case, statement, tasks);
        }
        Err(found) => {
            let expected = "one statement".to_owned();
            outcome.failures.push(Failure { result: "text".to_owned(), expected, found });
        }
    }
    outcome
}

/// The index of the statement that a test is about.
///
/// # Errors
/// A description of the statements that there are, if that is not clear.
fn tested_statement(case: &TestCase, analysed: &AnalysedDocument) -> Result<usize, String> {
    let count = analysed.statements.len();
    match &case.statement {
        Some(wanted) if *wanted.get_ref() < count => Ok(*wanted.get_ref()),
        Some(wanted) => Err(format!("{count} statements and no number {}", wanted.get_ref())),
        None if count == 1 => Ok(0),
        None => Err(format!("{count} statements: set `statement` to the number of one, from 0")),
    }
}

fn failures(file: &ConfigFile, case: &TestCase, statement: &crate::record::Statement, tasks: &Tasks) -> Vec<Failure> {
    let mut failures = Vec::new();
    let wanted = case.expect.iter().map(|expectation| (expectation, true));
    let unwanted = case.not.iter().map(|expectation| (expectation, false));
    for ((name, expected), is_wanted) in wanted.chain(unwanted) {
        // `validate` has found each name.
        let Ok(subject) = Subject::resolve(file, name, tasks) else { continue };
        if subject.has(statement, expected.get_ref()) != is_wanted {
            let not = if is_wanted { "" } else { "not " };
            failures.push(Failure {
                result: name.get_ref().clone(),
                expected: format!("{not}{}", expected.get_ref()),
                found: subject.describe(statement),
            });
        }
    }
    failures
}

/// The name of a test: its own, or the beginning of its text.
fn name(case: &TestCase) -> String {
    if let Some(name) = &case.name {
        return name.clone();
    }
    let text = case.text.get_ref().split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(NAME_CHARACTERS) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text,
    }
}

impl Expected {
    /// True if one of the expected names is among `names`. Upper and lower case are the same.
    fn names_any_of<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> bool {
        let Self::AnyOf(expected) = self else { return false };
        names.into_iter().any(|name| expected.iter().any(|expected| expected.to_lowercase() == name.to_lowercase()))
    }
}
