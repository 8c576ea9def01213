//! Suggestions as tasks of labelling tools, and the answers of these tools as examples. The id of the statement travels with each task, so
//! that answers find their statements again.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::suggest::Suggestion;
use super::{FittingError, OwnTask, replace};
use crate::ledger::Ledger;
use crate::output::Reader;
use crate::output::schema::StatementRecord;
use crate::own_labels::definition::{ExampleRow, folded};

/// The beginning of the answer that a statement does not have a label: `not housing`.
const NOT: &str = "not ";

/// The forms of suggestions and answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolFormat {
    /// JSON of Label Studio.
    LabelStudio,
    /// JSON Lines of Prodigy.
    Prodigy,
    /// JSON of Argilla's records.
    Argilla,
    /// JSON Lines of doccano.
    Doccano,
    /// A table with a column `answer`.
    Csv,
}

/// The suggestions in the form of a tool. The tool asks whether a statement has the label: the answers are the label's code, and the code
/// with "not" in front.
#[must_use]
pub fn export(suggestions: &[Suggestion], task: &str, format: ToolFormat) -> String {
    match format {
        ToolFormat::LabelStudio => {
            list(suggestions.iter().map(|suggestion| label_studio_task(suggestion, task)).collect())
        }
        ToolFormat::Argilla => list(suggestions.iter().map(|suggestion| argilla_record(suggestion, task)).collect()),
        ToolFormat::Prodigy => lines(suggestions.iter().map(|suggestion| prodigy_task(suggestion, task))),
        ToolFormat::Doccano => lines(suggestions.iter().map(|suggestion| doccano_row(suggestion, task))),
        ToolFormat::Csv => table(suggestions),
    }
}

/// The fields that travel with a task, so that its answer is understood.
fn identity(suggestion: &Suggestion, task: &str) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("statement".to_owned(), json!(suggestion.statement));
    fields.insert("task".to_owned(), json!(task));
    fields.insert("asked".to_owned(), json!(suggestion.label));
    fields.insert("reason".to_owned(), json!(suggestion.reason.as_str()));
    fields
}

fn rounded(score: f32) -> f64 {
    (f64::from(score) * 1e4).round() / 1e4
}

fn label_studio_task(suggestion: &Suggestion, task: &str) -> Value {
    let mut data = identity(suggestion, task);
    data.insert("text".to_owned(), json!(suggestion.text));
    data.insert("title".to_owned(), json!(suggestion.title));
    let choice = json!({"from_name": "answer", "to_name": "text", "type": "choices",
                        "value": {"choices": [suggestion.label]}});
    json!({"data": data, "predictions": [{"model_version": format!("pressrun {task}"),
           "score": rounded(suggestion.score), "result": [choice]}]})
}

fn argilla_record(suggestion: &Suggestion, task: &str) -> Value {
    let suggested = json!({"value": suggestion.label, "score": rounded(suggestion.score), "agent": "pressrun"});
    json!({"id": format!("{} {}", suggestion.statement, suggestion.label), "fields": {"text": suggestion.text},
           "metadata": identity(suggestion, task), "suggestions": {"answer": suggested}, "responses": {}, "vectors": {}})
}

fn prodigy_task(suggestion: &Suggestion, task: &str) -> Value {
    let mut meta = identity(suggestion, task);
    meta.insert("score".to_owned(), json!(rounded(suggestion.score)));
    json!({"text": suggestion.text, "label": suggestion.label, "meta": meta})
}

fn doccano_row(suggestion: &Suggestion, task: &str) -> Value {
    let mut row = Map::new();
    row.insert("text".to_owned(), json!(suggestion.text));
    // No label yet: a document that nobody has looked at would come back as an answer.
    row.insert("label".to_owned(), json!([]));
    row.extend(identity(suggestion, task));
    Value::Object(row)
}

fn list(items: Vec<Value>) -> String {
    format!("{:#}\n", Value::Array(items))
}

fn lines(items: impl Iterator<Item = Value>) -> String {
    let mut text = String::new();
    for item in items {
        text += &item.to_string();
        text.push('\n');
    }
    text
}

fn table(suggestions: &[Suggestion]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory does not fail.
    let _ = writer.write_record(["statement", "text", "title", "label", "answer", "score", "reason"]);
    for suggestion in suggestions {
        let score = format!("{:.4}", suggestion.score);
        let title = suggestion.title.as_deref().unwrap_or_default();
        let Suggestion { statement, text, label, reason, .. } = suggestion;
        let _ = writer.write_record([statement, text, title, label, "", &score, reason.as_str()]);
    }
    writer.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

/// The outcome of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// The file of examples that they were added to.
    pub file: PathBuf,
    /// Examples that were added and have their label.
    pub accepted: usize,
    /// Examples that were added and do not have it.
    pub refused: usize,
    /// Tasks that nobody has answered, or that were passed over.
    pub unanswered: usize,
    /// Answers that the file of examples had already.
    pub known: usize,
    /// Answers that were left out, each with its number and the reason.
    pub left_out: Vec<String>,
}

/// Adds the answers in `text`, the export of a labelling tool, to the file of examples of `task`. `format` is the form of the answers;
/// `None` to find it.
///
/// # Errors
/// A task without a file of examples, answers of another form, or a file that cannot be written. Nothing is added then.
pub fn import(task: &OwnTask<'_>, text: &str, format: Option<ToolFormat>) -> Result<Imported, FittingError> {
    let path = task.file.examples_file.clone().ok_or_else(|| {
        FittingError::Answers(format!(
            "`{}` names no file of examples: add a first line `examples_file = \"{}.jsonl\"`, and an empty file of that name",
            task.file.file.path.display(),
            task.name
        ))
    })?;
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv")) {
        return Err(FittingError::Answers(format!(
            "answers are added to JSON Lines, and `{}` is a table: name a file that ends in `.jsonl`",
            path.display()
        )));
    }
    let answers = parse(text, format)?;
    let mut imported = Imported { file: path.clone(), ..Imported::default() };
    let rows = rows(task, answers, &mut imported)?;
    let failed = |cause| FittingError::File { path: path.clone(), cause };
    let mut content = std::fs::read(&path).map_err(failed)?;
    if !content.is_empty() && !content.ends_with(b"\n") {
        content.push(b'\n');
    }
    for row in rows {
        let added = if row.accept { &mut imported.accepted } else { &mut imported.refused };
        *added += 1;
        serde_json::to_writer(&mut content, &row).map_err(|cause| failed(cause.into()))?;
        content.write_all(b"\n").map_err(failed)?;
    }
    replace(&path, &content)?;
    Ok(imported)
}

/// The answer to a task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Answer {
    /// The number of the task in the file, from 1.
    number: usize,
    text: Option<String>,
    statement: Option<String>,
    /// The label that was asked about.
    asked: Option<String>,
    /// The answers that were chosen: codes of labels, with "not" in front or without. Empty if nobody has answered.
    chosen: Vec<String>,
    who: Option<String>,
    when: Option<String>,
}

/// The answers as rows of the file of examples, without those that it has.
fn rows(task: &OwnTask<'_>, answers: Vec<Answer>, imported: &mut Imported) -> Result<Vec<ExampleRow>, FittingError> {
    let mut known: HashSet<(String, String, bool)> = HashSet::new();
    for example in &task.file.examples {
        let label = task.file.labels[example.label].code.clone();
        known.insert((folded(&example.text), label, example.is_accepted));
    }
    let folder = &task.config.output.directory;
    let mut archive = Archive::open(folder)?;
    let mut rows = Vec::new();
    for answer in answers {
        let number = answer.number;
        if answer.chosen.is_empty() {
            imported.unanswered += 1;
            continue;
        }
        let stored = match &answer.statement {
            None => None,
            Some(statement) => {
                let Some(stored) = archive.text(statement)? else {
                    let message = format!("task {number}: statement `{statement}` is not in `{}`", folder.display());
                    imported.left_out.push(message);
                    continue;
                };
                Some(stored)
            }
        };
        let Some(text) = stored.or(answer.text) else {
            imported.left_out.push(format!("task {number}: it has neither a text nor the id of a statement"));
            continue;
        };
        for chosen in &answer.chosen {
            let (name, accept) = match chosen.strip_prefix(NOT) {
                Some(name) if task.file.find(chosen).is_none() => (name, false),
                _ => (chosen.as_str(), true),
            };
            let Some(label) = task.file.find(name) else {
                imported.left_out.push(format!("task {number}: {}", task.file.unknown(name)));
                continue;
            };
            let label = task.file.labels[label].code.clone();
            if !known.insert((folded(&text), label.clone(), accept)) {
                imported.known += 1;
                continue;
            }
            rows.push(ExampleRow {
                text: text.clone(),
                label,
                accept,
                statement: answer.statement.clone(),
                who: answer.who.clone(),
                when: answer.when.clone(),
            });
        }
    }
    Ok(rows)
}

/// The texts of stored statements, document by document.
struct Archive {
    /// The ledger and the reader of the output folder; `None` if there is no output folder.
    folder: Option<(Ledger, Reader)>,
    statements: HashMap<String, Vec<StatementRecord>>,
}

impl Archive {
    fn open(folder: &std::path::Path) -> Result<Self, FittingError> {
        let folder = if Ledger::is_there(folder) { Some((Ledger::open(folder)?, Reader::new(folder))) } else { None };
        Ok(Self { folder, statements: HashMap::new() })
    }

    /// The text of the statement with this id; `None` if it is not there, or was written without its text.
    fn text(&mut self, statement: &str) -> Result<Option<String>, FittingError> {
        let Some((document, _)) = statement.rsplit_once('#') else { return Ok(None) };
        let Some((ledger, reader)) = &self.folder else { return Ok(None) };
        if !self.statements.contains_key(document) {
            let entry = ledger.entry(document)?;
            let statements = entry.map(|entry| reader.statements_at(&entry.kept)).transpose()?;
            self.statements.insert(document.to_owned(), statements.unwrap_or_default());
        }
        let found = self.statements[document].iter().find(|stored| stored.statement == statement);
        Ok(found.and_then(|stored| stored.text.clone()))
    }
}

/// Parses the answers of a tool.
fn parse(text: &str, format: Option<ToolFormat>) -> Result<Vec<Answer>, FittingError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let is_json = text.trim_start().starts_with(['[', '{']);
    if format == Some(ToolFormat::Csv) || (format.is_none() && !is_json) {
        return parse_table(text);
    }
    let mut answers = Vec::new();
    for (number, item) in (1..).zip(items(text)?) {
        let format = format.or_else(|| recognise(&item)).ok_or_else(|| {
            FittingError::Answers(format!(
                "task {number} is of none of the known forms: Label Studio, Prodigy, Argilla, doccano, or a table"
            ))
        })?;
        let parsed = match format {
            ToolFormat::LabelStudio => label_studio_answers(&item),
            ToolFormat::Prodigy => prodigy_answers(&item),
            ToolFormat::Argilla => argilla_answers(&item),
            ToolFormat::Doccano | ToolFormat::Csv => doccano_answers(&item),
        };
        answers.extend(parsed.into_iter().map(|answer| Answer { number, ..answer }));
    }
    Ok(answers)
}

/// The items of a JSON array, or of JSON Lines.
fn items(text: &str) -> Result<Vec<Value>, FittingError> {
    let mut items = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        let value = value.map_err(|error| {
            FittingError::Answers(format!(
                "line {}, column {}: the answers are no JSON: {error}",
                error.line(),
                error.column()
            ))
        })?;
        match value {
            Value::Array(values) => items.extend(values),
            other => items.push(other),
        }
    }
    Ok(items)
}

/// The tool that an item is from, by its fields.
fn recognise(item: &Value) -> Option<ToolFormat> {
    let has = |name: &str| item.get(name).is_some();
    if has("annotations") || has("data") || has("annotation_id") {
        Some(ToolFormat::LabelStudio)
    } else if has("fields") {
        Some(ToolFormat::Argilla)
    } else if has("answer") && !has("comments") && (has("meta") || has("_task_hash")) || has("_task_hash") {
        Some(ToolFormat::Prodigy)
    } else if has("answer") && has("statement") {
        // Label Studio's short form.
        Some(ToolFormat::LabelStudio)
    } else if has("meta") {
        Some(ToolFormat::Prodigy)
    } else if has("label") || has("labels") {
        Some(ToolFormat::Doccano)
    } else if has("statement") {
        // A task of Label Studio's short form that nobody has answered.
        Some(ToolFormat::LabelStudio)
    } else {
        None
    }
}

/// A text field of an object.
fn text_of(item: &Value, name: &str) -> Option<String> {
    item.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// The answer without what was chosen, from the object that has the text and what travelled with the task.
fn without_choice(texts: &Value, identity: &Value) -> Answer {
    Answer {
        text: text_of(texts, "text"),
        statement: text_of(identity, "statement"),
        asked: text_of(identity, "asked"),
        ..Answer::default()
    }
}

/// Texts of a list, or the one text that stands there instead.
fn texts_of(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::Object(fields)) => texts_of(fields.get("choices")),
        _ => Vec::new(),
    }
}

/// Answers of Label Studio: an annotation each, or in the short form one.
fn label_studio_answers(item: &Value) -> Vec<Answer> {
    let Some(annotations) = item.get("annotations").and_then(Value::as_array) else {
        let data = item.get("data").unwrap_or(item);
        let who = item.get("annotator").map(Value::to_string);
        let when = text_of(item, "updated_at");
        return vec![Answer { chosen: texts_of(item.get("answer")), who, when, ..without_choice(data, data) }];
    };
    let data = item.get("data").unwrap_or(&Value::Null);
    let mut answers = Vec::new();
    for annotation in annotations {
        if annotation.get("was_cancelled").and_then(Value::as_bool) == Some(true) {
            continue;
        }
        let results = annotation.get("result").and_then(Value::as_array);
        let chosen = results.into_iter().flatten().flat_map(|result| texts_of(result.get("value")));
        let who = annotation.get("completed_by").map(|who| match who {
            Value::Object(fields) => fields.get("email").and_then(Value::as_str).unwrap_or("unknown").to_owned(),
            other => other.to_string(),
        });
        let when = text_of(annotation, "updated_at");
        answers.push(Answer { chosen: chosen.collect(), who, when, ..without_choice(data, data) });
    }
    if answers.is_empty() {
        answers.push(without_choice(data, data));
    }
    answers
}

fn prodigy_answers(item: &Value) -> Vec<Answer> {
    let answer = without_choice(item, item.get("meta").unwrap_or(&Value::Null));
    let chosen_options = texts_of(item.get("accept"));
    let label = text_of(item, "label").or_else(|| answer.asked.clone());
    let chosen = match item.get("answer").and_then(Value::as_str) {
        Some("accept") if item.get("accept").is_some() => chosen_options,
        Some("accept") => label.into_iter().collect(),
        Some("reject") => label.into_iter().map(|label| format!("{NOT}{label}")).collect(),
        _ => Vec::new(),
    };
    let who = text_of(item, "_annotator_id");
    let when = item.get("_timestamp").map(Value::to_string);
    vec![Answer { chosen, who, when, ..answer }]
}

fn argilla_answers(item: &Value) -> Vec<Answer> {
    let null = Value::Null;
    let answer = without_choice(item.get("fields").unwrap_or(&null), item.get("metadata").unwrap_or(&null));
    let mut answers = Vec::new();
    let questions = item.get("responses").and_then(Value::as_object);
    for response in questions.into_iter().flat_map(Map::values).filter_map(Value::as_array).flatten() {
        let is_given = response.get("status").and_then(Value::as_str).is_none_or(|status| status == "submitted");
        if is_given {
            let who = text_of(response, "user_id");
            answers.push(Answer { chosen: texts_of(response.get("value")), who, ..answer.clone() });
        }
    }
    if answers.is_empty() {
        answers.push(answer);
    }
    answers
}

fn doccano_answers(item: &Value) -> Vec<Answer> {
    let labels = item.get("label").or_else(|| item.get("labels"));
    vec![Answer { chosen: texts_of(labels), who: text_of(item, "username"), ..without_choice(item, item) }]
}

/// Answers in a table: `yes`, `no`, or the code of a label in the column `answer`.
fn parse_table(text: &str) -> Result<Vec<Answer>, FittingError> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let wrong = |message: String| FittingError::Answers(message);
    let headers = reader.headers().cloned().map_err(|error| wrong(error.to_string()))?;
    let column = |name: &str| headers.iter().position(|header| header.trim() == name);
    let Some(answer_column) = column("answer") else {
        return Err(wrong(
            "the answers are no table with a column `answer`, and no JSON of a labelling tool".to_owned(),
        ));
    };
    let mut answers = Vec::new();
    for (number, record) in (1..).zip(reader.records()) {
        let record = record.map_err(|error| wrong(format!("row {number}: {error}: is a quotation mark missing?")))?;
        let cell = |name: &str| {
            let cell = column(name).and_then(|column| record.get(column)).map(str::trim);
            cell.filter(|cell| !cell.is_empty()).map(str::to_owned)
        };
        let asked = cell("label");
        let given = record.get(answer_column).unwrap_or_default().trim();
        let chosen = match given.to_lowercase().as_str() {
            "" => None,
            "yes" | "y" | "1" | "true" | "accept" => asked.clone(),
            "no" | "n" | "0" | "false" | "reject" => asked.as_ref().map(|label| format!("{NOT}{label}")),
            _ => Some(given.to_owned()),
        };
        answers.push(Answer {
            number,
            text: cell("text"),
            statement: cell("statement"),
            asked,
            chosen: chosen.into_iter().collect(),
            who: cell("who"),
            when: cell("when"),
        });
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::super::suggest::SuggestionReason;
    use super::*;

    fn suggestion() -> Suggestion {
        Suggestion {
            statement: "a#3".to_owned(),
            text: "🏠 Rents “rose”, again.".to_owned(),
            title: Some("Rents".to_owned()),
            label: "housing".to_owned(),
            score: 0.75,
            reason: SuggestionReason::Near,
        }
    }

    /// What an import reads of `text`.
    fn answer_in(text: &str) -> Answer {
        let answers = parse(text, None).unwrap();
        assert_eq!(answers.len(), 1, "{text}");
        answers[0].clone()
    }

    #[test]
    fn tasks_that_nobody_has_answered_come_back_without_an_answer() {
        for format in
            [ToolFormat::LabelStudio, ToolFormat::Prodigy, ToolFormat::Argilla, ToolFormat::Doccano, ToolFormat::Csv]
        {
            let text = export(&[suggestion()], "desk", format);
            let answer = answer_in(&text);
            assert_eq!(answer.chosen, [""; 0], "{format:?}");
            assert_eq!(answer.text.as_deref(), Some("🏠 Rents “rose”, again."), "{format:?}");
            assert_eq!(answer.statement.as_deref(), Some("a#3"), "{format:?}");
            assert_eq!(answer.asked.as_deref(), Some("housing"), "{format:?}");
        }
    }

    #[test]
    fn answers_of_each_tool_are_understood() {
        let identity = r#""statement": "a#3", "task": "desk", "asked": "housing""#;
        let text = r#""text": "Rents rose.""#;
        for (answer, expected) in [
            (
                format!(
                    r#"[{{"id": 1, "data": {{{text}, {identity}}}, "annotations": [{{"was_cancelled": false,
                        "completed_by": 1, "result": [{{"type": "choices", "value": {{"choices": ["not housing"]}}}}]}}]}}]"#
                ),
                "not housing",
            ),
            (
                format!(
                    r#"[{{{text}, {identity}, "id": 5, "answer": "housing", "annotator": 1, "annotation_id": 9}}]"#
                ),
                "housing",
            ),
            (
                format!(
                    r#"{{{text}, "label": "housing", "meta": {{{identity}}}, "answer": "reject", "_task_hash": 5}}"#
                ),
                "not housing",
            ),
            (format!(r#"{{{text}, "meta": {{{identity}}}, "accept": ["prices"], "answer": "accept"}}"#), "prices"),
            (
                format!(
                    r#"[{{"id": "a", "fields": {{{text}}}, "metadata": {{{identity}}}, "suggestions": {{}},
                        "responses": {{"answer": [{{"value": "housing", "user_id": "u", "status": "submitted"}}]}}}}]"#
                ),
                "housing",
            ),
            (format!(r#"{{"id": 7, {text}, "label": ["housing"], {identity}, "Comments": []}}"#), "housing"),
            ("statement,text,label,answer\na#3,Rents rose.,housing,no\n".to_owned(), "not housing"),
            ("text,label,answer\nRents rose.,housing,prices\n".to_owned(), "prices"),
        ] {
            let found = answer_in(&answer);
            assert_eq!(
                (found.chosen.join(" "), found.text.as_deref()),
                (expected.to_owned(), Some("Rents rose.")),
                "{answer}"
            );
        }
    }

    #[test]
    fn answers_that_were_cancelled_or_ignored_are_none() {
        let cancelled = r#"[{"data": {"text": "A."}, "annotations": [{"was_cancelled": true, "result": []}]}]"#;
        let draft = r#"[{"fields": {"text": "A."}, "responses": {"answer": [{"value": "x", "status": "draft"}]}}]"#;
        for text in [cancelled, draft, r#"{"text": "A.", "meta": {}, "label": "x", "answer": "ignore"}"#] {
            assert!(answer_in(text).chosen.is_empty(), "{text}");
        }
    }

    #[test]
    fn answers_of_another_form_are_an_error_with_their_place() {
        let message = |text: &str| parse(text, None).unwrap_err().to_string();
        assert!(message("[{\"text\": \"A.\"}]").starts_with("task 1 is of none of the known forms"));
        assert!(message("{\"text\": \"A.\",\n ]").starts_with("line 2, column 2: the answers are no JSON"));
        assert!(message("hello\n").contains("no table with a column `answer`"));
    }
}
