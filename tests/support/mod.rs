//! What the tests of whole runs share.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(unreachable_pub, reason = "each test file is a crate of its own")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The folder of the checkout.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder for one run: a `pipeline.toml`, and an `output` folder beside it once it has run.
pub struct Workspace {
    pub folder: tempfile::TempDir,
}

/// The files that differ from run to run.
const ITS_OWN: [&str; 4] = ["run.json", ".lock", "ledger.sqlite", "ledger.sha256"];

/// The shipped model, without tasks.
pub fn model_section(more: &str) -> String {
    format!("[models.newsroom]\npath = \"{}\"\n{more}\n", root().join("models/newsroom").display())
}

/// The three tasks of the shipped configuration.
pub const TASKS: &str = "[tasks.topic]\nmodel = \"newsroom\"\nhead = \"topic\"\nmin_score = 0.35\n\
    [tasks.sentiment]\nmodel = \"newsroom\"\nhead = \"sentiment\"\n\
    [tasks.attribution]\nmodel = \"newsroom\"\nhead = \"attribution\"\n";

impl Workspace {
    pub fn new(pipeline: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pipeline.toml"), pipeline).unwrap();
        Self { folder }
    }

    pub fn put(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    pub fn command(&self, inputs: &[&Path]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pressrun"));
        command.arg("run").arg("-c").arg(self.folder.path().join("pipeline.toml")).args(inputs);
        command
    }

    pub fn run(&self, inputs: &[&Path]) -> Output {
        self.command(inputs).output().unwrap()
    }

    pub fn output(&self) -> PathBuf {
        self.folder.path().join("output")
    }

    /// The lines of a file of the output folder, as JSON.
    pub fn lines(&self, name: &str) -> Vec<Value> {
        let path = self.output().join(name);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// All statements, in the order of the documents.
    pub fn statements(&self) -> Vec<Value> {
        let files = self.lines("documents.jsonl").into_iter().map(|line| line["statements_file"].clone());
        files.flat_map(|file| self.lines(file.as_str().unwrap())).collect()
    }

    pub fn report(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.output().join("run.json")).unwrap()).unwrap()
    }

    /// All statement files joined.
    pub fn output_text(&self) -> String {
        let statements = self.files().into_iter().filter(|(name, _)| name.contains("statements"));
        let text = |(name, content): (String, Vec<u8>)| {
            if name.contains(".zst") { zstd::decode_all(content.as_slice()).unwrap() } else { content }
        };
        String::from_utf8(statements.flat_map(text).collect()).unwrap()
    }

    /// Every file of the output folder with its bytes, but for those that tell when and how often it was written.
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        let output = self.output();
        let mut files: Vec<_> = walkdir::WalkDir::new(&output)
            .into_iter()
            .filter_map(Result::ok)
            .filter(|entry| entry.file_type().is_file() && !ITS_OWN.contains(&entry.file_name().to_str().unwrap()))
            .map(|entry| {
                let name = entry.path().strip_prefix(&output).unwrap().to_str().unwrap().to_owned();
                (name, std::fs::read(entry.path()).unwrap())
            })
            .collect();
        files.sort();
        files
    }
}

/// What a command wrote to stderr.
pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
