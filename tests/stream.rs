//! `pressrun stream`, as a program between two pipes.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, DictionaryArray, LargeStringArray, NullArray, RecordBatch, StringArray};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::{FileWriter, StreamWriter};
use serde_json::{Value, json};
use support::{TASKS, Workspace, model_section, root, said};

fn workspace(more: &str) -> Workspace {
    Workspace::new(&format!("{}{TASKS}{more}", model_section("precision = \"f32\"")))
}

fn command(workspace: &Workspace) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pressrun"));
    command.arg("stream").arg("-c").arg(workspace.folder.path().join("pipeline.toml"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The output for this input.
fn stream(workspace: &Workspace, input: &str) -> Output {
    answer(command(workspace), input.as_bytes())
}

/// The output of a stream for this input.
fn answer(mut command: Command, input: &[u8]) -> Output {
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    // A program that ends before it reads its input closes the pipe.
    let _ = writer.join().unwrap();
    output
}

fn lines(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const ONE: &str = r#"{"id": "a", "title": "Rents", "text": "“Rents have doubled,” said Ann Lee. Tenants agreed."}"#;
const TWO: &str = r#"{"text": "The storm closed four bridges."}"#;

#[test]
fn every_line_has_one_answer_in_its_place() {
    let workspace = workspace("");
    let output = stream(&workspace, &format!("{ONE}\nno JSON\n\n{TWO}\n{{\"id\": 3}}\n{ONE}"));
    assert!(output.status.success(), "{}", said(&output));
    let lines = lines(&output);
    let reasons: Vec<_> = lines.iter().map(|line| line["rejected"]["reason"].as_str().unwrap_or("-")).collect();
    assert_eq!(reasons, ["-", "invalid_json", "empty", "-", "missing_text", "-"]);
    assert_eq!(lines[0], lines[5], "the same line has the same answer, whatever came before");
    assert_eq!((&lines[0]["document"]["document"], &lines[0]["document"]["statements"]), (&"a".into(), &2.into()));
    assert_eq!(lines[0]["statements"][0]["attributions"][0]["speaker"]["name"], "Ann Lee");
    assert_eq!(lines[0]["statements"][1]["statement"], "a#1");
    let id = lines[3]["document"]["document"].as_str().unwrap();
    assert!(id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id} is a digest of the content");
    assert!(lines[0]["document"].get("place").is_none() && lines[0]["document"].get("statements_file").is_none());
}

#[test]
fn the_answers_are_the_records_of_a_run() {
    let workspace = workspace("");
    let input = std::fs::read_to_string(root().join("examples/wire.jsonl")).unwrap();
    let run = workspace.run(&[&root().join("examples/wire.jsonl")]);
    assert!(run.status.success(), "{}", said(&run));
    let answers = lines(&stream(&workspace, &input));
    let answered = answers.iter().filter(|answer| answer.get("document").is_some());
    let mut compared = 0;
    for (answer, record) in answered.zip(workspace.lines("documents.jsonl")) {
        // A run makes ids unique and finds copies.
        if answer["document"]["document"] != record["document"] || record["duplicate_of"] != Value::Null {
            continue;
        }
        compared += 1;
        assert_eq!(answer["statements"], json!(workspace.lines(record["statements_file"].as_str().unwrap())));
        for (name, value) in answer["document"].as_object().unwrap() {
            assert_eq!(*value, record[name], "{name}");
        }
    }
    assert!(compared >= 3, "{compared}");
}

/// A running stream.
struct Running {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Running {
    fn start(workspace: &Workspace) -> Self {
        let mut child = command(workspace).spawn().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self { child, answers }
    }

    fn send(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

#[test]
fn answers_come_while_the_input_pauses_and_a_signal_ends_the_stream_in_order() {
    let workspace = workspace("");
    let mut running = Running::start(&workspace);
    running.send(ONE);
    assert_eq!(running.answer()["document"]["document"], "a", "before the next line is sent");
    running.send("broken");
    assert_eq!(running.answer()["rejected"]["reason"], "invalid_json");
    let signal = Command::new("kill").args(["-TERM", &running.child.id().to_string()]).status().unwrap();
    assert!(signal.success());
    assert!(running.child.wait().unwrap().success(), "the input is still open");
}

#[test]
fn a_wrong_configuration_is_told_before_the_first_line() {
    let workspace = workspace("[run]\nchunks = 1\n");
    let output = stream(&workspace, ONE);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(78), 0), "{}", said(&output));
}

#[test]
fn fields_and_limits_of_the_configuration_hold() {
    let more = "[output]\nfields = [\"text\"]\n[input]\nmax_document_bytes = 200\n[input.fields]\ntext = \"body\"\n";
    let workspace = workspace(more);
    let long = "x".repeat(500);
    let output =
        stream(&workspace, &format!("{{\"body\": \"One here.\"}}\n{{\"body\": \"{long}\"}}\n{{\"body\": \"Two.\"}}\n"));
    let lines = lines(&output);
    assert_eq!(lines[0]["statements"][0].as_object().unwrap().len(), 5, "{}", lines[0]);
    assert_eq!(lines[1]["rejected"]["reason"], "too_large");
    assert_eq!(lines[2]["statements"][0]["text"], "Two.");
}

/// The strings of columns in a batch: `None` where a record has no such field.
type Rows = Vec<(&'static str, Vec<Option<String>>)>;

const COLUMNS: [&str; 5] = ["id", "title", "text", "published", "source"];

/// Makes a column of a type.
type MakeArray = fn(&[Option<String>]) -> ArrayRef;

/// The columns of records.
fn rows(records: &[Value]) -> Rows {
    let column = |name: &'static str| {
        (name, records.iter().map(|record| record[name].as_str().map(str::to_owned)).collect::<Vec<_>>())
    };
    COLUMNS.map(column).to_vec()
}

fn strings(values: &[Option<String>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn large_strings(values: &[Option<String>]) -> ArrayRef {
    Arc::new(LargeStringArray::from(values.to_vec()))
}

fn dictionary(values: &[Option<String>]) -> ArrayRef {
    Arc::new(values.iter().map(Option::as_deref).collect::<DictionaryArray<Int32Type>>())
}

/// A batch of rows, with a column that nobody asks for. The other columns have the types that `arrays` make, in turn.
fn batch(rows: Rows, arrays: &[MakeArray]) -> RecordBatch {
    let length = rows[0].1.len();
    let other: ArrayRef = Arc::new(NullArray::new(length));
    let arrays = arrays.iter().cycle();
    let columns = rows.into_iter().zip(arrays).map(|((name, values), array)| (name, array(&values), true));
    RecordBatch::try_from_iter_with_nullable([("other", other, true)].into_iter().chain(columns)).unwrap()
}

fn ipc(batches: &[RecordBatch]) -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batches[0].schema()).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    writer.into_inner().unwrap()
}

fn arrow_command(workspace: &Workspace) -> Command {
    let mut command = command(workspace);
    command.arg("--arrow");
    command
}

/// The answers in a batch, in the form of the answers to lines.
fn answers(batch: &RecordBatch) -> Vec<Value> {
    let schema = batch.schema();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["document", "statements", "rejected"]);
    let document = batch.column(0).as_string::<i32>();
    let statements = batch.column(1).as_list::<i32>();
    let rejected = batch.column(2).as_struct();
    let parsed = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
    let answer = |row: usize| {
        assert_eq!(document.is_null(row), rejected.is_valid(row));
        assert_eq!(document.is_null(row), statements.is_null(row));
        if rejected.is_valid(row) {
            let value = |name: &str| rejected.column_by_name(name).unwrap().as_string::<i32>().value(row).to_owned();
            return json!({"rejected": {"stage": value("stage"), "reason": value("reason")}});
        }
        let statements = statements.value(row);
        let statements: Vec<Value> =
            statements.as_string::<i32>().iter().map(|statement| parsed(statement.unwrap())).collect();
        json!({"document": parsed(document.value(row)), "statements": statements})
    };
    (0..batch.num_rows()).map(answer).collect()
}

fn arrow_batches(output: &Output) -> Vec<RecordBatch> {
    assert!(output.status.success(), "{}", said(output));
    assert!(output.stdout.ends_with(&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]), "the end is marked");
    StreamReader::try_new(output.stdout.as_slice(), None).unwrap().map(Result::unwrap).collect()
}

/// The records of all inputs that the tests have, as far as their fields are strings, and some that are rejected.
fn records() -> Vec<Value> {
    let mut paths = vec![root().join("examples/wire.jsonl")];
    let cases = walkdir::WalkDir::new(root().join("tests/cases")).sort_by_file_name().into_iter();
    let lines = |path: &std::path::Path| path.extension().is_some_and(|extension| extension == "jsonl");
    paths.extend(
        cases
            .map(|entry| entry.unwrap().into_path())
            .filter(|path| lines(path) && path.components().any(|part| part.as_os_str() == "input")),
    );
    let mut records = Vec::new();
    for path in paths {
        let text = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
        for line in text.lines() {
            let Ok(Value::Object(mut record)) = serde_json::from_str(line) else { continue };
            record.retain(|name, value| COLUMNS.contains(&name.as_str()) && value.is_string());
            records.push(Value::Object(record));
        }
    }
    records.insert(3, json!({"id": "none"}));
    records.insert(5, json!({"text": " \n"}));
    records.insert(7, json!({"text": "<p>Prices &amp; rents rose,</p><p>said “Ann\u{a0}Lee”.</p>"}));
    assert!(records.len() > 20, "{}", records.len());
    records
}

#[test]
fn rows_have_the_answers_of_lines_in_batches_of_any_size_and_type() {
    let workspace = workspace("[run]\nchunk_documents = 4\n");
    let records = records();
    let input = records.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    let mut expected = lines(&stream(&workspace, &input));
    for answer in &mut expected {
        if let Some(rejected) = answer.get_mut("rejected").and_then(Value::as_object_mut) {
            rejected.retain(|name, _| matches!(name.as_str(), "stage" | "reason"));
        }
    }
    assert!(expected.iter().any(|answer| answer.get("rejected").is_some()));
    let large = vec![batch(rows(&records), &[strings, dictionary, large_strings])];
    let mut small: Vec<RecordBatch> = vec![batch(rows(&[]), &[strings])];
    small.extend(records.chunks(3).map(|records| batch(rows(records), &[strings])));
    small.insert(2, batch(rows(&[]), &[strings]));
    for batches in [large, small] {
        let found = arrow_batches(&answer(arrow_command(&workspace), &ipc(&batches)));
        let lengths = |batches: &[RecordBatch]| batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>();
        assert_eq!(lengths(&found), lengths(&batches));
        let found: Vec<Value> = found.iter().flat_map(answers).collect();
        for (place, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert_eq!(found, expected, "{place}: {}", records[place]);
        }
    }
}

/// A workspace without tasks, where no model is loaded.
fn plain() -> Workspace {
    Workspace::new("")
}

fn one_batch(texts: &[&str]) -> RecordBatch {
    let texts: Vec<Value> = texts.iter().map(|text| json!({"text": text})).collect();
    batch(rows(&texts), &[strings])
}

#[test]
fn what_is_no_arrow_stream_with_texts_is_an_error_that_says_so() {
    let workspace = plain();
    let whole = ipc(&[one_batch(&["One."]), one_batch(&["Two.", "Three."])]);
    let mut writer = FileWriter::try_new(Vec::new(), &one_batch(&["One."]).schema()).unwrap();
    writer.write(&one_batch(&["One."])).unwrap();
    let file = writer.into_inner().unwrap();
    let body = RecordBatch::try_from_iter([("id", strings(&[None])), ("body", strings(&[None]))]).unwrap();
    let twice = [whole.clone(), whole.clone()].concat();
    let cut = &whole[..whole.len() - 40];
    for (input, message, batches) in [
        (&b""[..], "standard input is no Arrow stream: it ends before its schema", 0),
        (b"{\"text\": \"One.\"}\n", "standard input is no Arrow that can be read", 0),
        (&file, "is an Arrow file and no Arrow stream", 0),
        (&ipc(&[body]), "standard input has no column `text`; its columns are `id`, `body`", 0),
        (cut, "standard input is cut short", 1),
        (&twice, "more bytes follow behind the end of the stream", 2),
    ] {
        let output = answer(arrow_command(&workspace), input);
        assert_eq!(output.status.code(), Some(2), "{message}: {}", said(&output));
        assert!(said(&output).contains(message), "{message}: {}", said(&output));
        let found = StreamReader::try_new(output.stdout.as_slice(), None).unwrap();
        assert_eq!(found.map(Result::unwrap).count(), batches, "{message}: what came before is answered");
    }
    let nulls = RecordBatch::try_from_iter([("text", Arc::new(NullArray::new(2)) as ArrayRef)]).unwrap();
    let found = arrow_batches(&answer(arrow_command(&workspace), &ipc(&[nulls])));
    assert_eq!(answers(&found[0]), vec![json!({"rejected": {"stage": "read", "reason": "missing_text"}}); 2]);
    let wrong = Workspace::new("[run]\nchunks = 1\n");
    let output = answer(arrow_command(&wrong), &whole);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(78), 0), "{}", said(&output));
}

#[test]
fn batches_are_answered_before_the_next_is_sent_and_a_signal_ends_the_stream() {
    let workspace = plain();
    let mut child = arrow_command(&workspace).spawn().unwrap();
    // The schema comes before anything is sent.
    let mut found = StreamReader::try_new(child.stdout.take().unwrap(), None).unwrap();
    let first = one_batch(&["One here.", "Two. Three."]);
    let mut writer = StreamWriter::try_new(child.stdin.take().unwrap(), &first.schema()).unwrap();
    writer.write(&first).unwrap();
    assert_eq!(found.next().unwrap().unwrap().num_rows(), 2);
    writer.write(&one_batch(&["Four."])).unwrap();
    assert_eq!(answers(&found.next().unwrap().unwrap())[0]["statements"][0]["text"], "Four.");
    let signal = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(signal.success() && child.wait().unwrap().success(), "the input is still open");
    assert!(found.next().is_none() && found.is_finished());
}

#[test]
fn the_end_of_a_stream_is_answered_while_the_input_stays_open() {
    let workspace = plain();
    let mut child = arrow_command(&workspace).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&ipc(&[one_batch(&["One."])])).unwrap();
    let found = StreamReader::try_new(child.stdout.take().unwrap(), None).unwrap();
    assert_eq!(found.count(), 1, "it reads up to the mark of the end");
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_signal_ends_a_stream_whose_input_never_pauses() {
    let workspace = plain();
    let mut child = command(&workspace).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let endless = std::thread::spawn(move || while stdin.write_all(format!("{TWO}\n").as_bytes()).is_ok() {});
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    answers.next().unwrap().unwrap();
    let signal = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(signal.success());
    assert!(answers.all(|line| serde_json::from_str::<Value>(&line.unwrap()).is_ok()));
    assert!(child.wait().unwrap().success());
    endless.join().unwrap();
}
