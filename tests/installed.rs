//! The program as it is installed: in `bin`, with the model in `share/pressrun/models`, away from the checkout.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use support::{root, said};

/// A prefix with the program, and an empty folder to work in.
struct Installation {
    prefix: tempfile::TempDir,
    desk: tempfile::TempDir,
}

impl Installation {
    fn new() -> Self {
        let target = Path::new(env!("CARGO_BIN_EXE_pressrun"));
        // Beside the program of the tests: a link would lead back to it, and a copy of it is large.
        let prefix = tempfile::tempdir_in(target.parent().unwrap()).unwrap();
        std::fs::create_dir(prefix.path().join("bin")).unwrap();
        std::fs::hard_link(target, prefix.path().join("bin/pressrun")).unwrap();
        Self { prefix, desk: tempfile::tempdir().unwrap() }
    }

    fn with_model(self) -> Self {
        let models = self.models();
        std::fs::create_dir_all(&models).unwrap();
        std::os::unix::fs::symlink(root().join("models/newsroom"), models.join("newsroom")).unwrap();
        self
    }

    fn models(&self) -> PathBuf {
        self.prefix.path().join("share/pressrun/models")
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(self.prefix.path().join("bin/pressrun"));
        command.args(arguments).current_dir(self.desk.path()).output().unwrap()
    }

    fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }
}

#[test]
fn an_installed_program_runs_on_the_examples_in_an_empty_folder() {
    let installation = Installation::new().with_model();
    installation.succeed(&["init", "--examples"]);
    let configuration = std::fs::read_to_string(installation.desk.path().join("pipeline.toml")).unwrap();
    assert!(configuration.contains("\npath = \"models/newsroom\" "), "{configuration}");
    let valid = installation.succeed(&["validate"]);
    assert!(valid.contains(installation.models().join("newsroom").to_str().unwrap()), "{valid}");
    installation.succeed(&["run", "-q", "examples"]);
    let documents = std::fs::read_to_string(installation.desk.path().join("output/documents.jsonl")).unwrap();
    assert_eq!(documents.lines().count(), 10);
    // Only the examples: those of the formats and the recipes are no articles of a first run.
    let copied = std::fs::read_dir(installation.desk.path().join("examples")).unwrap().count();
    assert_eq!(copied, 6);
}

#[test]
fn a_model_beside_the_configuration_counts_before_the_installed_one() {
    let installation = Installation::new().with_model();
    installation.succeed(&["init", "--examples"]);
    std::fs::create_dir_all(installation.desk.path().join("models/newsroom")).unwrap();
    let run = installation.run(&["run"]);
    assert_eq!(run.status.code(), Some(2));
    assert!(said(&run).contains("cannot read `models/newsroom/model.toml`"), "{}", said(&run));
}

#[test]
fn without_a_model_the_places_are_listed_with_the_remedy() {
    let installation = Installation::new();
    let begun = installation.run(&["init"]);
    assert_eq!(begun.status.code(), Some(2));
    let installed = installation.models().join("newsroom");
    let checkout = installation.desk.path().join("models/newsroom");
    for place in [&installed, &checkout] {
        assert!(said(&begun).contains(place.to_str().unwrap()), "{}", said(&begun));
    }
    assert!(!installation.desk.path().join("pipeline.toml").exists());

    let model =
        "[models.newsroom]\npath = \"models/newsroom\"\n[tasks.topic]\nmodel = \"newsroom\"\nhead = \"topic\"\n";
    std::fs::write(installation.desk.path().join("pipeline.toml"), model).unwrap();
    std::fs::write(installation.desk.path().join("a.txt"), "The storm closed four bridges.").unwrap();
    let run = installation.run(&["run", "a.txt"]);
    assert_eq!(run.status.code(), Some(2));
    let places = format!("there is no model `newsroom` in `models/newsroom`, `{}`: install", installed.display());
    assert!(said(&run).contains(&places), "{}", said(&run));
}

#[test]
fn without_a_configuration_a_newcomer_hears_of_init() {
    let run = Installation::new().run(&["run", "examples"]);
    assert_eq!(run.status.code(), Some(78));
    assert!(
        said(&run).contains("cannot read configuration `pipeline.toml` (`pressrun init` writes one)"),
        "{}",
        said(&run)
    );
}

#[test]
fn completions_and_manual_pages_are_printed_or_written() {
    let installation = Installation::new();
    assert!(installation.succeed(&["completions", "bash"]).contains("complete -F _pressrun"));
    assert!(installation.succeed(&["man"]).contains("\n.SH NAME\n"));
    assert_eq!(installation.succeed(&["man", "--dir", "share/man"]), "");
    let pages: Vec<_> = std::fs::read_dir(installation.desk.path().join("share/man")).unwrap().collect();
    assert!(pages.len() > 30, "{}", pages.len());
    assert!(installation.desk.path().join("share/man/pipeline.toml.5").exists());
}
