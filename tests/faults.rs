//! What goes wrong is said, with place and reason, and leaves nothing half done.

mod support;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use support::{TASKS, Workspace, model_section, root, said};

#[test]
fn a_wrong_configuration_is_refused_before_anything_is_loaded() {
    let workspace = Workspace::new("[models.m]\npath = \"nowhere\"\n[run]\nchunk_document = 3\n");
    let output = workspace.run(&[&root().join("examples")]);
    assert_eq!(output.status.code(), Some(78));
    assert!(said(&output).contains("pipeline.toml:4:1: unknown field `chunk_document`"), "{}", said(&output));
    assert!(!workspace.output().exists());
}

#[test]
fn a_head_that_the_model_does_not_have_is_a_wrong_configuration() {
    let section = model_section("");
    let workspace = Workspace::new(&format!("{section}[tasks.mood]\nmodel = \"newsroom\"\nhead = \"mood\"\n"));
    let output = workspace.run(&[&root().join("examples")]);
    assert_eq!(output.status.code(), Some(78));
    assert!(
        said(&output).contains("model `newsroom` has no head `mood`, expected one of `topic`"),
        "{}",
        said(&output)
    );
}

#[test]
fn a_tampered_model_is_refused_before_work_begins() {
    let workspace = Workspace::new(&format!("[models.newsroom]\npath = \"model\"\n{TASKS}"));
    for name in ["model.toml", "tokenizer.json", "config.json", "heads.safetensors"] {
        workspace.put(&format!("model/{name}"), std::fs::read(root().join("models/newsroom").join(name)).unwrap());
    }
    let mut weights = std::fs::read(root().join("models/newsroom/encoder.safetensors")).unwrap();
    let middle = weights.len() / 2;
    weights[middle] ^= 1;
    workspace.put("model/encoder.safetensors", &weights);
    let output = workspace.run(&[&root().join("examples")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("encoder.safetensors` has been changed"), "{}", said(&output));
    assert!(!workspace.output().exists());

    std::fs::remove_file(workspace.folder.path().join("model/encoder.safetensors")).unwrap();
    let output = workspace.run(&[&root().join("examples")]);
    assert!(said(&output).contains("encoder.safetensors`: No such file"), "{}", said(&output));
}

#[test]
fn a_path_that_does_not_exist_is_an_error() {
    let workspace = Workspace::new("");
    let output = workspace.run(&[Path::new("no/such/archive")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("`no/such/archive` does not exist"), "{}", said(&output));
}

#[test]
fn too_many_rejections_make_the_exit_code_say_so() {
    let workspace = Workspace::new("");
    let input = workspace.put("in/a.jsonl", "{}\n{}\n{\"text\":\"Fine.\"}\n");
    let output = workspace.run(&[&input]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("2 of 3 inputs were rejected"), "{}", said(&output));
    assert_eq!(workspace.lines("documents.jsonl").len(), 1, "what was good is there");
}

#[test]
fn an_empty_folder_is_an_empty_run() {
    let workspace = Workspace::new("");
    let folder = workspace.folder.path().join("in");
    std::fs::create_dir(&folder).unwrap();
    let output = workspace.run(&[&folder]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(workspace.lines("documents.jsonl").is_empty());
    assert_eq!(workspace.report()["accounting"]["found"], 0);
}

#[test]
fn an_output_folder_that_cannot_be_made_is_an_error() {
    let workspace = Workspace::new("[output]\ndirectory = \"file/output\"\n");
    workspace.put("file", "no folder");
    let output = workspace.run(&[&root().join("examples")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("cannot write"), "{}", said(&output));
}

/// A limit on the size of files stands in for a full disk: the system refuses to write on.
#[cfg(unix)]
#[test]
fn a_full_disk_ends_the_run_with_nothing_half_written_under_a_final_name() {
    let workspace = Workspace::new("[run]\nchunk_documents = 1\n");
    let input = workspace.put(
        "in/a.jsonl",
        format!(
            "{{\"id\":\"small\",\"text\":\"Fine.\"}}\n{{\"id\":\"big\",\"text\":\"{}\"}}\n",
            "Words. ".repeat(100_000)
        ),
    );
    let script = format!(
        "trap '' XFSZ; ulimit -f 4096; exec '{}' run -c '{}' '{}'",
        env!("CARGO_BIN_EXE_pressrun"),
        workspace.folder.path().join("pipeline.toml").display(),
        input.display()
    );
    let output = Command::new("sh").arg("-c").arg(script).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("stage `write` failed: cannot write `"), "{}", said(&output));
    assert!(said(&output).contains("big.jsonl.part"), "{}", said(&output));
    let names: Vec<String> = workspace.files().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["statements/big.jsonl.part", "statements/small.jsonl"]);
    assert_eq!(workspace.report()["outcome"], "failed");
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_writes_what_it_has_read_and_says_so() {
    let workspace =
        Workspace::new(&format!("{}{TASKS}[run]\nchunk_documents = 8\n", model_section("precision = \"f32\"")));
    let article = "The council met on Monday. \\\"We must act,\\\" the mayor said. Nobody objected. ".repeat(5);
    let line = |number| format!("{{\"id\":\"a{number}\",\"text\":\"{article}\"}}");
    let lines = (0..20_000).map(line).collect::<Vec<_>>().join("\n");
    let input = workspace.put("in/many.jsonl", lines);
    let mut run = workspace.command(&[&input]).stderr(std::process::Stdio::null()).spawn().unwrap();
    let first = workspace.output().join("statements/a0.jsonl");
    let since = Instant::now();
    while !first.exists() {
        assert!(since.elapsed() < Duration::from_secs(60), "nothing was written");
        std::thread::sleep(Duration::from_millis(20));
    }
    let signal = Command::new("sh").arg("-c").arg(format!("kill -INT {}", run.id())).status().unwrap();
    assert!(signal.success());
    assert_eq!(run.wait().unwrap().code(), Some(130));
    let report = workspace.report();
    assert_eq!(report["outcome"], "interrupted");
    let written = report["accounting"]["written"].as_u64().unwrap();
    assert_eq!(report["accounting"]["found"], written);
    assert!(written < 20_000);
    assert_eq!(workspace.lines("documents.jsonl").len() as u64, written);
    assert_eq!(workspace.files().iter().filter(|(name, _)| name.starts_with("statements/")).count() as u64, written);
}

#[test]
fn a_second_run_adds_to_the_first() {
    let workspace = Workspace::new("");
    let old = workspace.put("in/old.txt", "An old one.");
    let new = workspace.put("in/new.txt", "A new one.");
    assert!(workspace.run(&[&old]).status.success());
    assert!(workspace.run(&[&new]).status.success());
    let names: Vec<String> = workspace.files().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["documents.jsonl", "rejected.jsonl", "statements/new.jsonl", "statements/old.jsonl"]);
}
