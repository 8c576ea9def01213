//! The file of own labels (`labels/desk.toml`) and its file of examples (`desk.jsonl` or `desk.csv`).

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use toml::Spanned;

use crate::config::{ConfigError, ConfigFile, listed, most_similar};
use crate::digest::hexadecimal;

/// The largest number of examples in a file. With so many, a head is better trained.
const MAX_EXAMPLES: usize = 20_000;
/// The largest number of labels in a file.
const MAX_LABELS: usize = 1000;
/// The word for statements without a label, which no label can have as its code.
const RESERVED_CODE: &str = "unsure";

/// A file of own labels with its examples, checked.
#[derive(Debug, Clone)]
pub struct LabelFile {
    /// The file.
    pub file: ConfigFile,
    /// The file of examples that it names.
    pub examples_file: Option<PathBuf>,
    /// The labels, in the order of the file. At least one.
    pub labels: Vec<OwnLabel>,
    /// The examples of all labels: those of the file, then those of the file of examples.
    pub examples: Vec<Example>,
    /// The SHA-256 of both files, in hexadecimal digits.
    pub digest: String,
}

/// A label as it is described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnLabel {
    /// The key of the label in the output.
    pub code: String,
    /// The name for people.
    pub name: String,
    /// The description: phrases that say what belongs to the label. May be empty if there are examples.
    pub about: Vec<String>,
    /// Phrases that say what does not belong to it, though it is near.
    pub not_about: Vec<String>,
}

/// A sentence that has a label, or has it not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The sentence.
    pub text: String,
    /// The label, by its place in [`LabelFile::labels`].
    pub label: usize,
    /// True if the sentence has the label.
    pub is_accepted: bool,
    /// The id of the statement that it is in an output folder, if it comes from one.
    pub statement: Option<String>,
    /// The file of the example.
    pub file: PathBuf,
    /// The line of the example in it, from 1.
    pub line: usize,
}

/// A row of the file of examples.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExampleRow {
    /// The sentence.
    pub text: String,
    /// The code or the name of the label.
    pub label: String,
    /// False if the sentence does not have the label.
    #[serde(default = "yes")]
    pub accept: bool,
    /// The id of the statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// The person who decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// The time of the decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
}

fn yes() -> bool {
    true
}

/// The file as it is written.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Sections {
    /// A file with more examples, as JSON Lines (`.jsonl`) or CSV (`.csv`) with the fields `text`, `label`, `accept`, `statement`, `who`
    /// and `when`. `pressrun labels import` adds to it.
    #[schemars(with = "Option<PathBuf>")]
    examples_file: Option<Spanned<PathBuf>>,
    /// The labels.
    #[serde(rename = "label")]
    labels: Vec<LabelSection>,
}

/// A label.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LabelSection {
    /// The key of the label in the output: letters, digits, `-` and `_`.
    #[schemars(with = "String")]
    code: Spanned<String>,
    /// The name for people; the code if there is none.
    #[serde(default)]
    name: Option<String>,
    /// A description: a phrase or several that say what belongs to the label, in the words that articles use.
    #[serde(default)]
    #[schemars(with = "Phrases")]
    about: Option<Spanned<Phrases>>,
    /// Phrases that say what does not belong to the label, though it is near.
    #[serde(default)]
    #[schemars(with = "Phrases")]
    not_about: Option<Spanned<Phrases>>,
    /// Sentences that have the label.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    examples: Vec<Spanned<String>>,
    /// Sentences that do not have it.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    counterexamples: Vec<Spanned<String>>,
}

/// A phrase or several.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Phrases {
    /// One phrase.
    One(String),
    /// Several of them.
    Several(Vec<String>),
}

impl Phrases {
    fn into_list(self) -> Vec<String> {
        match self {
            Self::One(phrase) => vec![phrase],
            Self::Several(phrases) => phrases,
        }
    }
}

impl LabelFile {
    /// Loads the labels of the file at `path` with their examples.
    ///
    /// # Errors
    /// A file that cannot be read; an unknown key; a label without description and examples, or with the code of another one; an empty
    /// text; an example of a label that is not there. All with file, line and column.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let file = ConfigFile::load(path)?;
        let sections = sections(&file)?;
        let mut digest = Sha256::new();
        digest.update(&file.text);
        let mut labels = LabelFile {
            examples_file: None,
            labels: Vec::with_capacity(sections.labels.len()),
            examples: Vec::new(),
            digest: String::new(),
            file,
        };
        for section in sections.labels {
            labels.add(section)?;
        }
        if labels.labels.is_empty() {
            return Err(labels.file.invalid(0..0, "there are no labels: begin one with `[[label]]`"));
        }
        if let Some(name) = &sections.examples_file {
            let path = labels.file.path.parent().unwrap_or(Path::new("")).join(name.get_ref());
            let examples = ConfigFile::load(&path)?;
            digest.update([0]);
            digest.update(&examples.text);
            labels.add_rows(&examples)?;
            labels.examples_file = Some(path);
        }
        if labels.examples.len() > MAX_EXAMPLES {
            let message = format!(
                "{} examples are more than {MAX_EXAMPLES}: with so many, train a head with `pressrun train`",
                labels.examples.len()
            );
            return Err(labels.file.invalid(0..0, &message));
        }
        labels.digest = hexadecimal(&digest.finalize());
        labels.check_support()?;
        Ok(labels)
    }

    /// The place of the label with this code or name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<usize> {
        let by_code = self.labels.iter().position(|label| label.code == name);
        by_code.or_else(|| self.labels.iter().position(|label| label.name.eq_ignore_ascii_case(name)))
    }

    /// The message for a label that is not in the file.
    #[must_use]
    pub fn unknown(&self, name: &str) -> String {
        let codes = self.labels.iter().map(|label| label.code.as_str());
        let guess = most_similar(name, codes.clone()).map(|code| format!("; did you mean `{code}`?"));
        format!("unknown label `{name}`, expected one of {}{}", listed(codes), guess.unwrap_or_default())
    }

    /// The examples that have the label with the place `label`.
    pub fn accepted(&self, label: usize) -> impl Iterator<Item = &Example> {
        self.examples.iter().filter(move |example| example.label == label && example.is_accepted)
    }

    /// The examples that do not have it.
    pub fn refused(&self, label: usize) -> impl Iterator<Item = &Example> {
        self.examples.iter().filter(move |example| example.label == label && !example.is_accepted)
    }

    fn add(&mut self, section: LabelSection) -> Result<(), ConfigError> {
        let LabelSection { code, name, about, not_about, examples, counterexamples } = section;
        self.check_code(&code)?;
        let about = self.phrases("about", about)?;
        let not_about = self.phrases("not_about", not_about)?;
        let label = self.labels.len();
        let code = code.into_inner();
        self.labels.push(OwnLabel { name: name.unwrap_or_else(|| code.clone()), code, about, not_about });
        for (texts, is_accepted) in [(examples, true), (counterexamples, false)] {
            for text in texts {
                if text.get_ref().trim().is_empty() {
                    return Err(self.file.invalid(text.span(), "an example is empty: remove it"));
                }
                let (line, _) = self.file.position(text.span().start);
                self.examples.push(Example {
                    text: text.into_inner(),
                    label,
                    is_accepted,
                    statement: None,
                    file: self.file.path.clone(),
                    line,
                });
            }
        }
        Ok(())
    }

    fn check_code(&self, code: &Spanned<String>) -> Result<(), ConfigError> {
        let text = code.get_ref();
        let is_valid = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
        let problem = if text.is_empty() || !text.chars().all(is_valid) {
            Some("a code has only letters of English, digits, `-` and `_`: put other words into `name`".to_owned())
        } else if text == RESERVED_CODE {
            Some(format!("`{RESERVED_CODE}` stands for statements without a label: choose another code"))
        } else if self.labels.iter().any(|label| label.code == *text) {
            Some(format!("there is a label `{text}` already: join the two, or give one another code"))
        } else if self.labels.len() == MAX_LABELS {
            Some(format!("there are more than {MAX_LABELS} labels"))
        } else {
            None
        };
        problem.map_or(Ok(()), |message| Err(self.file.invalid(code.span(), &message)))
    }

    /// The phrases of a description.
    fn phrases(&self, key: &str, phrases: Option<Spanned<Phrases>>) -> Result<Vec<String>, ConfigError> {
        let Some(phrases) = phrases else { return Ok(Vec::new()) };
        let span = phrases.span();
        let phrases = phrases.into_inner().into_list();
        if phrases.is_empty() || phrases.iter().any(|phrase| phrase.trim().is_empty()) {
            let message = format!("`{key}` is empty: describe the label in the words of articles, or remove the key");
            return Err(self.file.invalid(span, &message));
        }
        Ok(phrases)
    }

    /// Checks that each label has a description or an example.
    fn check_support(&self) -> Result<(), ConfigError> {
        for (place, label) in self.labels.iter().enumerate() {
            if label.about.is_empty() && self.accepted(place).next().is_none() {
                let start = self.file.text.match_indices("[[label]]").nth(place).map_or(0, |(start, _)| start);
                let message = format!(
                    "label `{}` has neither a description nor an example: add `about = \"…\"` or `examples = [\"…\"]`",
                    label.code
                );
                return Err(self.file.invalid(start..start, &message));
            }
        }
        Ok(())
    }

    /// Adds the rows of the file of examples.
    fn add_rows(&mut self, file: &ConfigFile) -> Result<(), ConfigError> {
        let is_csv = file.path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        for row in if is_csv { csv_rows(file)? } else { json_rows(file)? } {
            let NumberedRow { line, row } = row;
            let fault = |message: &str| invalid_line(file, line, message);
            if row.text.trim().is_empty() {
                return Err(fault("the text is empty: remove the row"));
            }
            let label = self.find(&row.label).ok_or_else(|| fault(&self.unknown(&row.label)))?;
            self.examples.push(Example {
                text: row.text,
                label,
                is_accepted: row.accept,
                statement: row.statement,
                file: file.path.clone(),
                line,
            });
        }
        Ok(())
    }

    /// Examples that contradict each other: the same text accepted and refused for one label, or, unless `has_several`, accepted for two.
    #[must_use]
    pub fn contradictions(&self, has_several: bool) -> Vec<Contradiction<'_>> {
        let mut first: HashMap<(String, usize), &Example> = HashMap::new();
        let mut accepted: HashMap<String, &Example> = HashMap::new();
        let mut found = Vec::new();
        for example in &self.examples {
            let key = folded(&example.text);
            let earlier = *first.entry((key.clone(), example.label)).or_insert(example);
            if earlier.is_accepted != example.is_accepted {
                found.push(Contradiction { earlier, later: example });
            }
            if example.is_accepted && !has_several {
                let earlier = *accepted.entry(key).or_insert(example);
                if earlier.label != example.label {
                    found.push(Contradiction { earlier, later: example });
                }
            }
        }
        found
    }

    /// Two examples that contradict each other, for people.
    #[must_use]
    pub fn describe(&self, Contradiction { earlier, later }: &Contradiction<'_>) -> String {
        let (file, line) = (later.file.display(), later.line);
        let (other_file, other_line) = (earlier.file.display(), earlier.line);
        let code = |example: &Example| &self.labels[example.label].code;
        if earlier.label == later.label {
            let verb = |example: &Example| if example.is_accepted { "has" } else { "does not have" };
            format!(
                "{file}:{line}: this text {} the label `{}`, but {other_file}:{other_line} says that it {} it: remove one of them",
                verb(later),
                code(later),
                verb(earlier)
            )
        } else {
            format!(
                "{file}:{line}: this text is an example of `{}`, and at {other_file}:{other_line} of `{}`: remove one of them, or set \
                 `multiple = true` in the task",
                code(later),
                code(earlier)
            )
        }
    }
}

/// Two examples that contradict each other.
#[derive(Debug, Clone, Copy)]
pub struct Contradiction<'f> {
    /// The one that comes first.
    pub earlier: &'f Example,
    /// The other one.
    pub later: &'f Example,
}

/// The text without differences that do not matter: capitals, and the kind and number of blanks.
#[must_use]
pub fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.extend(word.chars().flat_map(char::to_lowercase));
    }
    folded
}

/// A row of the file of examples with its line.
struct NumberedRow {
    line: usize,
    row: ExampleRow,
}

/// The sections of the file. An error at quotation marks of a word processor says so.
fn sections(file: &ConfigFile) -> Result<Sections, ConfigError> {
    let outcome: Result<Sections, ConfigError> = file.sections();
    outcome.map_err(|error| match error {
        ConfigError::Invalid { path, line, column, message } => {
            let has_curly_marks = file
                .text
                .lines()
                .nth(line.saturating_sub(1))
                .is_some_and(|text| text.contains(['“', '”', '„', '‘', '’', '«', '»']));
            let message = if has_curly_marks {
                format!("{message} (the line has curly quotation marks: TOML wants straight ones, \"…\")")
            } else {
                message
            };
            ConfigError::Invalid { path, line, column, message }
        }
        other @ ConfigError::Unreadable { .. } => other,
    })
}

/// The rows of JSON Lines. Empty lines are no rows.
fn json_rows(file: &ConfigFile) -> Result<Vec<NumberedRow>, ConfigError> {
    let mut rows = Vec::new();
    for (line, text) in (1..).zip(file.text.lines()) {
        if text.trim().is_empty() {
            continue;
        }
        let row = serde_json::from_str(text).map_err(|error| {
            let error = error.to_string();
            let reason = error.split(" at line ").next().unwrap_or(&error);
            invalid_line(
                file,
                line,
                &format!("{reason}: expected a JSON object like {{\"text\": \"…\", \"label\": \"…\"}}"),
            )
        })?;
        rows.push(NumberedRow { line, row });
    }
    Ok(rows)
}

/// The rows of CSV, whose first row names the fields.
fn csv_rows(file: &ConfigFile) -> Result<Vec<NumberedRow>, ConfigError> {
    /// A row with its values as people write them.
    #[derive(Deserialize)]
    struct CsvRow {
        text: String,
        label: String,
        accept: Option<String>,
        statement: Option<String>,
        who: Option<String>,
        when: Option<String>,
    }
    let text = file.text.strip_prefix('\u{feff}').unwrap_or(&file.text);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers = reader.headers().cloned().unwrap_or_default();
    for needed in ["text", "label"] {
        if !headers.iter().any(|header| header == needed) {
            let message = format!(
                "there is no column `{needed}`: the first row has to name the columns, and has {}",
                listed(&headers)
            );
            return Err(invalid_line(file, 1, &message));
        }
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| {
            let line = line_of(error.position());
            invalid_line(file, line, &format!("{error}: is a quotation mark missing, or one too many?"))
        })?;
        let line = line_of(record.position());
        let row: CsvRow =
            record.deserialize(Some(&headers)).map_err(|error| invalid_line(file, line, &error.to_string()))?;
        let accept = match row.accept.as_deref().map(str::trim).map(str::to_lowercase).as_deref() {
            None | Some("" | "true" | "yes" | "1" | "accept") => true,
            Some("false" | "no" | "0" | "reject") => false,
            Some(other) => {
                return Err(invalid_line(file, line, &format!("`accept` is `{other}`: expected true or false")));
            }
        };
        let CsvRow { text, label, statement, who, when, .. } = row;
        let statement = statement.filter(|statement| !statement.is_empty());
        rows.push(NumberedRow { line, row: ExampleRow { text, label, accept, statement, who, when } });
    }
    Ok(rows)
}

/// The line of a place in a table, from 1.
fn line_of(position: Option<&csv::Position>) -> usize {
    position.map_or(1, |position| usize::try_from(position.line()).unwrap_or(usize::MAX))
}

/// An error in the line `line` of `file`.
fn invalid_line(file: &ConfigFile, line: usize, message: &str) -> ConfigError {
    ConfigError::Invalid { path: file.path.clone(), line, column: 1, message: message.to_owned() }
}

/// The JSON Schema of the file, for editors.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    SchemaSettings::draft07().into_generator().into_root_schema_for::<Sections>().to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Loads label files from a folder of their own.
    fn load(labels: &str, examples: Option<(&str, &str)>) -> Result<LabelFile, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("desk.toml"), labels).unwrap();
        if let Some((name, text)) = examples {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        LabelFile::load(&folder.path().join("desk.toml"))
    }

    fn error_in(labels: &str, examples: Option<(&str, &str)>) -> String {
        let error = load(labels, examples).unwrap_err().to_string();
        error.rsplit('/').next().unwrap().to_owned()
    }

    const HOUSING: &str = "[[label]]\ncode = \"housing\"\nname = \"Housing costs\"\nabout = \"rents, evictions\"\n";

    #[test]
    fn labels_come_with_descriptions_and_examples_from_both_files() {
        let text = format!(
            "examples_file = \"desk.jsonl\"\n{HOUSING}examples = [\"Rents rose.\"]\ncounterexamples = [\"He rents a car.\"]\n"
        );
        let rows = "{\"text\": \"Evictions doubled.\", \"label\": \"housing costs\", \"statement\": \"a#3\"}\n\n\
                    {\"text\": \"Cells are full.\", \"label\": \"housing\", \"accept\": false}\n";
        let file = load(&text, Some(("desk.jsonl", rows))).unwrap();
        assert_eq!(file.labels[0].about, ["rents, evictions"]);
        let accepted: Vec<_> = file.accepted(0).map(|example| (example.text.as_str(), example.line)).collect();
        assert_eq!(accepted, [("Rents rose.", 6), ("Evictions doubled.", 1)]);
        let refused: Vec<_> = file.refused(0).map(|example| (example.text.as_str(), example.line)).collect();
        assert_eq!(refused, [("He rents a car.", 7), ("Cells are full.", 3)]);
        assert_eq!(file.examples[2].statement.as_deref(), Some("a#3"));
    }

    #[test]
    fn a_table_may_hold_the_examples() {
        let text = format!("examples_file = \"desk.csv\"\n{HOUSING}");
        let table = "\u{feff}text,label,accept\n\"Rents, they rose.\",housing,\nCells are full.,housing,no\n";
        let file = load(&text, Some(("desk.csv", table))).unwrap();
        assert_eq!((file.accepted(0).count(), file.refused(0).count()), (1, 1));
        let error = error_in(&text, Some(("desk.csv", "text,label\nRents rose.,housing,3\n")));
        assert!(error.starts_with("desk.csv:2:1: "), "{error}");
        let error = error_in(&text, Some(("desk.csv", "sentence,label\nRents rose.,housing\n")));
        assert!(error.starts_with("desk.csv:1:1: there is no column `text`"), "{error}");
        let error = error_in(&text, Some(("desk.csv", "text,label,accept\nRents rose.,housing,maybe\n")));
        assert_eq!(error, "desk.csv:2:1: `accept` is `maybe`: expected true or false");
    }

    #[test]
    fn mistakes_are_errors_with_place_and_remedy() {
        let with_rows = format!("examples_file = \"e.jsonl\"\n{HOUSING}");
        for (text, rows, expected) in [
            ("", None, "desk.toml:1:1: there are no labels"),
            ("[[label]]\ncode = \"a b\"\nabout = \"x\"\n", None, "desk.toml:2:8: a code has only letters"),
            ("[[label]]\ncode = \"unsure\"\nabout = \"x\"\n", None, "desk.toml:2:8: `unsure` stands for"),
            ("[[label]]\ncode = \"a\"\nabout = \" \"\n", None, "desk.toml:3:9: `about` is empty"),
            ("[[label]]\ncode = \"a\"\n", None, "desk.toml:1:1: label `a` has neither"),
            ("[[label]]\ncode = \"a\"\nexamples = [\"\"]\n", None, "desk.toml:3:13: an example is empty"),
            ("[[label]]\ncode = \"a\"\nabuot = \"x\"\n", None, "desk.toml:3:1: unknown field `abuot`"),
            ("[[label]]\ncode = “a”\n", None, "desk.toml:2:8: "),
            (&format!("{HOUSING}{HOUSING}"), None, "desk.toml:6:8: there is a label `housing` already"),
            (&with_rows, Some("{\"text\": \"A.\", \"label\": \"housin\"}"), "e.jsonl:1:1: unknown label `housin`"),
            (&with_rows, Some("\n{\"text\": “A.”}"), "e.jsonl:2:1: expected value"),
        ] {
            let error = error_in(text, rows.map(|rows| ("e.jsonl", rows)));
            assert!(error.starts_with(expected), "{text:?}: {error}");
        }
        assert!(error_in("[[label]]\ncode = “a”\n", None).contains("curly quotation marks"));
        let error = error_in(&with_rows, Some(("e.jsonl", "{\"text\": \"A.\", \"label\": \"housin\"}")));
        assert!(error.ends_with("did you mean `housing`?"), "{error}");
    }

    #[test]
    fn examples_that_contradict_each_other_are_found() {
        let text = format!(
            "{HOUSING}examples = [\"Rents rose.\", \"Rents fell.\"]\ncounterexamples = [\"rents  rose.\"]\n\
             [[label]]\ncode = \"prices\"\nexamples = [\"Rents fell.\"]\n"
        );
        let file = load(&text, None).unwrap();
        let descriptions = |has_several| {
            let found = file.contradictions(has_several);
            found.iter().map(|contradiction| file.describe(contradiction)).collect::<Vec<_>>()
        };
        let both = descriptions(false);
        assert_eq!((both.len(), descriptions(true).len()), (2, 1));
        assert!(both[0].contains("desk.toml:6: this text does not have the label `housing`"), "{}", both[0]);
        assert!(both[1].contains("is an example of `prices`, and at "), "{}", both[1]);
    }
}
