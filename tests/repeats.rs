//! Passages that have been read before: what they cost, and that nobody can tell from the output.

mod support;

use std::path::{Path, PathBuf};

use support::{TASKS, Workspace, model_section, root, said};

/// Forty documents, some of which are the same and some of which share a paragraph.
fn wire_copy() -> String {
    let read = |name: &str| std::fs::read_to_string(root().join("examples").join(name)).unwrap();
    let (budget, storm) = (read("harbor-budget.txt"), read("storm-aftermath.txt"));
    let (lead, rest) = budget.split_once("\n\n").unwrap();
    let texts = [
        &budget,
        &storm,
        &budget,
        &format!("AGENCY REPORT\n\n{budget}"),
        &format!("{lead} It was a long night.\n\n{rest}"),
        &storm,
        &budget,
        &storm,
        &budget,
        &storm,
    ];
    let line = |(place, text): (usize, &&String)| {
        format!("{}\n", serde_json::json!({"id": format!("d{place}"), "text": text}))
    };
    texts.iter().cycle().take(40).enumerate().map(line).collect()
}

/// A file of wire copy. The output names it, so that outputs can be compared only for the same file.
fn input() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wire.jsonl");
    std::fs::write(&path, wire_copy()).unwrap();
    (folder, path)
}

fn configuration(model: &str, more: &str) -> String {
    format!("{}{TASKS}[run]\nchunk_documents = 1\nchannel_capacity = 1\n{more}", model_section(model))
}

fn workspace(more: &str) -> Workspace {
    Workspace::new(&configuration("", more))
}

/// How many tokens a run on `input` read and how many it recalled.
fn run(workspace: &Workspace, input: &Path) -> (u64, u64) {
    // Otherwise all would be done already.
    let _ = std::fs::remove_dir_all(workspace.output());
    let output = workspace.run(&[input]);
    assert!(output.status.success(), "{}", said(&output));
    let tokens = &workspace.report()["tokens"];
    (tokens["useful"].as_u64().unwrap(), tokens["recalled"].as_u64().unwrap())
}

#[test]
fn what_repeats_is_read_once_and_nobody_can_tell() {
    let (_folder, input) = input();
    let without = workspace("[cache]\nmax_bytes = 0\nmemory_bytes = 0");
    let (all, _) = run(&without, &input);
    let with = workspace("");
    let (read, recalled) = run(&with, &input);
    // However many documents are under way: the number of tokens read is that of different passages.
    assert!(2 * read < all && read + recalled == all, "{read} read of {all}, {recalled} recalled");
    assert_eq!(run(&workspace("[cache]\nmax_bytes = 0"), &input), (read, recalled));
    assert_eq!(without.files(), with.files());

    let (read_again, recalled_again) = run(&with, &input);
    assert_eq!((read_again, recalled_again), (0, read + recalled), "a later run reads nothing again");
    assert_eq!(without.files(), with.files());
}

#[test]
fn another_threshold_reads_nothing_again_and_another_precision_does() {
    let ((_folder, input), workspace) = (input(), workspace(""));
    let (read, _) = run(&workspace, &input);
    assert!(read > 0);
    workspace.put("pipeline.toml", configuration("", "").replace("min_score = 0.35", "min_score = 0.9"));
    assert_eq!(run(&workspace, &input).0, 0);
    let other = ["bf16", "f32"].map(|precision| {
        workspace.put("pipeline.toml", configuration(&format!("precision = \"{precision}\""), ""));
        run(&workspace, &input).0
    });
    assert!(other.contains(&0) && other.iter().any(|&read| read > 0), "{other:?}: one is what `auto` comes down to");
}

#[test]
fn a_cache_that_has_been_destroyed_costs_time_alone() {
    let ((_folder, input), workspace) = (input(), workspace(""));
    let (read, _) = run(&workspace, &input);
    let files = workspace.files();
    workspace.put("cache/readings.sqlite", "this is no database".repeat(1000));
    assert_eq!(run(&workspace, &input).0, read);
    assert_eq!(workspace.files(), files);
}
