//! Whole runs as folders: `tests/cases/<name>/` holds `input/`, `pipeline.toml` and `expected.jsonl`, which has the
//! statements in order, then `documents.jsonl`, then `rejected.jsonl`. `UPDATE_CASES=1 cargo test --test cases`
//! rewrites the expectations; the diff is the review.

mod support;

use std::path::Path;

use serde_json::Value;
use support::{Workspace, root, said};

/// Scores may differ so much between processors; everything else has to be equal.
const SCORE_TOLERANCE: f64 = 0.02;

#[test]
fn every_case_gives_what_is_expected() {
    let mut cases: Vec<_> =
        std::fs::read_dir(root().join("tests/cases")).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(!cases.is_empty());
    for case in cases {
        check(&case);
    }
}

fn check(case: &Path) {
    let pipeline = std::fs::read_to_string(case.join("pipeline.toml")).unwrap();
    let workspace = Workspace::new(&pipeline.replace("@models", &root().join("models").display().to_string()));
    let output = workspace.run(&[&case.join("input")]);
    assert!(output.status.success(), "{}: {}", case.display(), said(&output));
    let mut found = workspace.statements();
    found.extend(workspace.lines("documents.jsonl"));
    found.extend(workspace.lines("rejected.jsonl"));
    // Where the checkout lies is no part of the expectation.
    for line in &mut found {
        if let Some(Value::String(source)) = line.pointer_mut("/place/source") {
            *source = Path::new(source).strip_prefix(case).unwrap().to_str().unwrap().to_owned();
        }
    }
    compare(case, &found);
}

fn compare(case: &Path, found: &[Value]) {
    let path = case.join("expected.jsonl");
    if std::env::var_os("UPDATE_CASES").is_some() {
        let lines: Vec<String> = found.iter().map(Value::to_string).collect();
        std::fs::write(&path, lines.join("\n") + "\n").unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    let expected: Vec<Value> = expected.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (number, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert!(alike(found, expected), "{}:{}\nexpected {expected}\nfound    {found}", path.display(), number + 1);
    }
    assert_eq!(found.len(), expected.len(), "{}: number of lines", path.display());
}

/// Equal, but for fractions, which may differ by the tolerance.
fn alike(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            found.len() == expected.len()
                && found.iter().all(|(key, value)| expected.get(key).is_some_and(|other| alike(value, other)))
        }
        (Value::Array(found), Value::Array(expected)) => {
            found.len() == expected.len() && found.iter().zip(expected).all(|(found, expected)| alike(found, expected))
        }
        (Value::Number(found), Value::Number(expected)) if found.is_f64() || expected.is_f64() => {
            (found.as_f64().unwrap() - expected.as_f64().unwrap()).abs() <= SCORE_TOLERANCE
        }
        _ => found == expected,
    }
}
