//! The snippets of `docs/output.md`, each run as a reader would run it, and the alert rules for Prometheus, if their programs are installed.

mod support;

use std::process::Command;

use support::{TASKS, Workspace, model_section, root, said};

#[test]
fn the_python_in_the_manual_runs() {
    run_snippets("python", "python3");
}

#[test]
fn the_queries_in_the_manual_run() {
    run_snippets("sql", "duckdb");
}

#[test]
fn the_alert_rules_name_metrics_that_are_written() {
    let workspace = Workspace::new("[metrics]\ntextfile = \"pressrun.prom\"\n");
    let run = workspace.run(&[&root().join("examples/wire.jsonl")]);
    assert!(run.status.success(), "{}", said(&run));
    let metrics = std::fs::read_to_string(workspace.folder.path().join("pressrun.prom")).unwrap();
    let rules = std::fs::read_to_string(root().join("docs/prometheus/pressrun.rules.yml")).unwrap();
    let words = rules.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let names: Vec<&str> = words.filter(|word| word.starts_with("pressrun_")).collect();
    assert!(names.len() > 7, "{names:?}");
    for name in names {
        assert!(metrics.contains(&format!("# TYPE {name} gauge\n")), "{name}");
    }
}

#[test]
fn promtool_accepts_the_alert_rules() {
    if Command::new("promtool").arg("--version").output().is_err() {
        eprintln!("skipped: `promtool` is not installed, so the alert rules were not tested");
        return;
    }
    let test = root().join("docs/prometheus/pressrun.rules.test.yml");
    let tested = Command::new("promtool").args(["test", "rules"]).arg(test).output().unwrap();
    assert!(tested.status.success(), "{}{}", String::from_utf8_lossy(&tested.stdout), said(&tested));
}

/// Runs every snippet in `language` in a folder that has the output of a run on the examples. `program` takes code after `-c`.
fn run_snippets(language: &str, program: &str) {
    if Command::new(program).arg("--version").output().is_err() {
        eprintln!("skipped: `{program}` is not installed, so the snippets in docs/output.md were not run");
        return;
    }
    let snippets = snippets(language);
    assert!(!snippets.is_empty(), "docs/output.md has no snippet in {language}");
    let workspace = Workspace::new(&format!("{}{TASKS}", model_section("")));
    let run = workspace.run(&[&root().join("examples")]);
    assert!(run.status.success(), "{}", said(&run));
    // Snippets name it as it is called in a checkout.
    let example = "examples/storm-aftermath.txt";
    workspace.put(example, std::fs::read(root().join(example)).unwrap());
    for snippet in snippets {
        let output =
            Command::new(program).arg("-c").arg(&snippet).current_dir(workspace.folder.path()).output().unwrap();
        assert!(output.status.success(), "{snippet}\n{}", said(&output));
    }
}

/// The code blocks of the manual in a language, in order.
fn snippets(language: &str) -> Vec<String> {
    let manual = std::fs::read_to_string(root().join("docs/output.md")).unwrap();
    let start = format!("```{language}\n");
    let blocks = manual.split(start.as_str()).skip(1);
    blocks.map(|block| block.split("```").next().unwrap_or_default().to_owned()).collect()
}
