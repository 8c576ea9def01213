//! `pressrun stream`, as a program between two pipes.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

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
    let mut child = command(workspace).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
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
