//! The page of the morning after, with the program as a user runs it.

mod support;

use std::process::{Command, Output};

use support::{TASKS, Workspace, model_section, root, said};

fn command(workspace: &Workspace, arguments: &[&str]) -> Output {
    let configuration = workspace.folder.path().join("pipeline.toml");
    Command::new(env!("CARGO_BIN_EXE_pressrun")).args(arguments).arg("-c").arg(configuration).output().unwrap()
}

#[test]
fn a_run_writes_its_page_and_the_page_is_that_of_its_folder() {
    let workspace = Workspace::new(&format!("{}{TASKS}[report]\nhtml = \"morning/report.html\"\n", model_section("")));
    let page = workspace.put("morning/report.html", "an older page");
    let run = workspace.run(&[&root().join("examples/wire.jsonl")]);
    assert!(run.status.success(), "{}", said(&run));
    let first = std::fs::read_to_string(&page).unwrap();
    assert!(first.contains("<h1>The first night: 6 stories.</h1>"), "{}", &first[..3000]);
    assert!(first.contains("https://example.org/wire/2031/03/04/marsh-fever-vaccine"));
    assert!(!first.contains("<script"));

    std::fs::remove_file(&page).unwrap();
    assert!(command(&workspace, &["report"]).status.success());
    assert!(std::fs::read_to_string(&page).unwrap() == first, "it is made again, byte for byte");
    assert!(command(&workspace, &["verify"]).status.success());

    let text = command(&workspace, &["report", "--text"]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.starts_with("Night of ") && text.lines().count() <= 25, "{text}");

    assert!(command(&workspace, &["forget", "pw-2031-0411"]).status.success());
    assert!(!std::fs::read_to_string(&page).unwrap().contains("marsh-fever"), "what is forgotten is not quoted");
    assert!(command(&workspace, &["verify"]).status.success());

    std::fs::write(&page, "another page").unwrap();
    let verified = command(&workspace, &["verify"]);
    assert!(!verified.status.success() && String::from_utf8_lossy(&verified.stdout).contains("pressrun report"));
}

#[test]
fn a_folder_without_results_is_named() {
    let workspace = Workspace::new("");
    let missing = command(&workspace, &["report"]);
    assert!(said(&missing).contains("is no folder"), "{}", said(&missing));
    std::fs::create_dir(workspace.output()).unwrap();
    let empty = command(&workspace, &["report"]);
    assert!(said(&empty).contains("there is no ledger") || said(&empty).contains("no ledger"), "{}", said(&empty));
    assert_eq!(empty.status.code(), Some(2));
}
