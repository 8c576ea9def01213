//! `pressrun split` as its user calls it.

use std::io::Write;
use std::process::{Command, Output, Stdio};

fn split(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pressrun"))
        .arg("split")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn json_lines_become_spans_in_code_points_under_their_own_ids() {
    let input =
        "{\"id\": \"a\", \"text\": \"Zürich is dry. It rained.\"}\n\n{\"id\": 7, \"text\": \"Mr. Lee left.\"}\n";
    let output = split(&[], input.as_bytes());
    assert!(output.status.success());
    assert_eq!(text(&output.stdout), "{\"id\":\"a\",\"spans\":[[0,14],[15,25]]}\n{\"id\":7,\"spans\":[[0,13]]}\n");
}

#[test]
fn text_is_one_document_and_can_be_written_as_sentences() {
    let input = "The harbor closed\n\nIt rained for\ndays. {Rivers} rose.";
    assert_eq!(text(&split(&[], input.as_bytes()).stdout), "{\"id\":null,\"spans\":[[0,17],[19,38],[39,53]]}\n");
    let sentences = "The harbor closed\nIt rained for days.\n{Rivers} rose.\n";
    assert_eq!(text(&split(&["--text"], input.as_bytes()).stdout), sentences);
}

#[test]
fn a_bad_line_is_named_and_costs_only_itself() {
    let output = split(&["--format", "jsonl"], b"nothing\n{\"id\": 1}\n{\"id\": 2, \"text\": \"One. Two.\"}\n");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stdout), "{\"id\":2,\"spans\":[[0,4],[5,9]]}\n");
    let said = text(&output.stderr);
    assert!(
        said.contains("line 1: expected ident at column 2") && said.contains("line 2: missing field `text`"),
        "{said}"
    );
    assert!(said.contains("2 lines could not be split"), "{said}");
}

#[test]
fn what_is_no_text_is_refused() {
    let output = split(&[], b"\xff\xfe\x00");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("did not contain valid UTF-8"));
}
