//! The snippets of `docs/output.md`, each run as a reader would run it, if its program is installed.

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
