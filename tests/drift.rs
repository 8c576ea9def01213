//! `pressrun drift` as users run it: on nights in a file, and on an output folder.

mod support;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use support::{TASKS, Workspace, model_section, root, said};

/// Nights of two sources from Monday 3 March 2031 on, with these numbers of documents of the second.
fn nights(documents: &[u64]) -> String {
    let days = (3..).filter(|day| !(day % 7 == 1 || day % 7 == 2));
    let night = |(number, (&documents, day)): (usize, (&u64, usize))| {
        let source = |documents: u64| json!({"documents": documents, "originals": documents});
        let night = json!({
            "night": number + 1,
            "started": format!("2031-03-{day:02}T20:00:00Z"),
            "outcome": "complete",
            "documents": {"found": 500 + documents, "written": 500 + documents},
            "sources": {"Courier": source(500), "Herald": source(documents)},
        });
        format!("{night}\n")
    };
    documents.iter().zip(days).enumerate().map(night).collect()
}

fn drift(workspace: &Workspace, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pressrun"));
    command.arg("drift").args(arguments).current_dir(workspace.folder.path()).env("TZ", "UTC").stdin(Stdio::null());
    command.output().unwrap()
}

fn printed(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_silent_source_is_printed_and_fails_only_if_asked_to() {
    let workspace = Workspace::new("");
    workspace.put("nights.jsonl", nights(&[60, 61, 58, 60, 62, 60, 59, 60, 0]));
    let output = drift(&workspace, &["--nights", "nights.jsonl"]);
    assert!(output.status.success(), "{}", said(&output));
    let text = printed(&output);
    assert!(text.starts_with("night 9, Thu 13 March 2031 (workday): 1 alarm, compared with 8 nights\n"), "{text}");
    assert!(text.contains("\n  `Herald` fell silent: no documents, usually 60 ("), "{text}");
    let failed = drift(&workspace, &["--nights", "nights.jsonl", "--fail"]);
    assert_eq!(failed.status.code(), Some(1), "{}", said(&failed));
    assert!(drift(&workspace, &["--nights", "nights.jsonl", "--fail", "--night", "8"]).status.success());
    let all = printed(&drift(&workspace, &["--nights", "nights.jsonl", "--all"]));
    assert!(all.ends_with("1 of 2 nights have alarms; 7 more have too few nights before them\n"), "{all}");
}

#[test]
fn json_is_as_the_schema_says() {
    let workspace = Workspace::new("");
    workspace.put("nights.jsonl", nights(&[60, 61, 58, 60, 62, 60, 59, 60, 400]));
    let schema = std::fs::read_to_string(root().join("docs/schema/drift.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    for line in printed(&drift(&workspace, &["--nights", "nights.jsonl", "--all", "--json"])).lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let errors: Vec<String> = validator.iter_errors(&record).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{line}\n{errors:?}");
    }
}

#[test]
fn what_is_wrong_is_named() {
    let workspace = Workspace::new("[drift]\nholidays = \"days.txt\"\n");
    workspace.put("nights.jsonl", nights(&[60]));
    workspace.put("days.txt", "12-25 Christmas\nEaster\n");
    let output = drift(&workspace, &["--nights", "nights.jsonl"]);
    assert_eq!(output.status.code(), Some(78), "{}", said(&output));
    assert!(said(&output).contains("`days.txt`, line 2: `Easter` is no date"), "{}", said(&output));
    std::fs::remove_file(workspace.folder.path().join("pipeline.toml")).unwrap();
    let output = drift(&workspace, &["--nights", "nights.jsonl", "--night", "3"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("there is no night 3; the last one is 1"), "{}", said(&output));
    let output = drift(&workspace, &["absent"]);
    assert!(said(&output).contains("`absent` is no folder"), "{}", said(&output));
}

#[test]
fn alarms_of_a_folder_have_statements_and_metrics() {
    let metrics = "[metrics]\ntextfile = \"pressrun.prom\"\n[drift]\nmin_statements = 20\nweekend = []\n";
    let workspace = Workspace::new(&format!("{}{TASKS}{metrics}", model_section("")));
    let run = workspace.run(&[&root().join("examples")]);
    assert!(run.status.success(), "{}", said(&run));
    age(&workspace.output().join("ledger.sqlite"));
    let output = drift(&workspace, &["--json"]);
    let record: Value = serde_json::from_str(&printed(&output)).unwrap();
    let alarms = record["alarms"].as_array().unwrap();
    assert_eq!(alarms[0]["what"], "missing_source", "{record:#}");
    assert_eq!(alarms[0]["source"], "Herald");
    let share = alarms.iter().find(|alarm| alarm["what"] == "share" && alarm["value"].as_f64() > Some(0.0)).unwrap();
    let statements = workspace.statements();
    for example in share["examples"].as_array().unwrap() {
        let statement = statements.iter().find(|statement| statement["statement"] == *example).unwrap();
        let label = &statement[share["task"].as_str().unwrap()];
        assert!(label["code"] == share["label"] || label["label"] == share["label"], "{share:#} {statement:#}");
    }
    assert!(!share["examples"].as_array().unwrap().is_empty(), "{share:#}");
    // The next run has nothing to do, and belongs to the same day.
    let run = workspace.run(&[&root().join("examples")]);
    assert!(run.status.success(), "{}", said(&run));
    let metrics = std::fs::read_to_string(workspace.folder.path().join("pressrun.prom")).unwrap();
    assert!(metrics.contains("\npressrun_source_missing{source=\"Herald\"} 1\n"), "{metrics}");
}

/// Makes the only night of a ledger the ninth one: those before it had another source and other topics.
fn age(ledger: &Path) {
    let connection = rusqlite::Connection::open(ledger).unwrap();
    let numbers: String = connection.query_row("SELECT numbers FROM nights", (), |row| row.get(0)).unwrap();
    let tonight: Value = serde_json::from_str(&numbers).unwrap();
    connection.execute("UPDATE documents SET night = 9", ()).unwrap();
    connection.execute("UPDATE settings SET value = '9' WHERE name = 'run'", ()).unwrap();
    connection.execute("DELETE FROM nights", ()).unwrap();
    for night in 1..=9 {
        let mut row = tonight.clone();
        row["night"] = night.into();
        if night < 9 {
            row["started"] = format!("2025-01-{night:02}T20:00:00Z").into();
            row["sources"]["Herald"] = json!({"documents": 40, "originals": 40});
            row["labels"]["topic"] = json!({"29": 10_000});
        }
        let started = row["started"].as_str().unwrap().to_owned();
        let values = (night, &started, &started, "complete", row.to_string());
        connection.execute("INSERT INTO nights VALUES (?, ?, ?, ?, ?)", values).unwrap();
    }
}
