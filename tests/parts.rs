//! Runs in parts, and their merge: the bytes of one run, whatever was in which part.

mod support;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use pressrun::output::verify::verify;
use rusqlite::Connection;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use support::{TASKS, Workspace, model_section, said};

const LAYOUTS: [&str; 3] = [
    "layout = \"document\"\ncompression = \"zstd\"",
    "layout = \"sharded\"\nshard_bytes = 4000",
    "layout = \"sharded\"\nshard_bytes = 2500\ncompression = \"zstd\"",
];

/// The files of an output folder that tell when and how often it was written.
const ITS_OWN: [&str; 5] = ["run.json", ".lock", "ledger.sqlite", "ledger.sha256", "export.json"];

fn pressrun(workspace: &Workspace, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pressrun"));
    // Paths below the folder are the same in every folder, and so are the parts that files are in.
    command.current_dir(workspace.folder.path()).args(arguments);
    command
}

fn output(workspace: &Workspace, arguments: &[&str]) -> Output {
    pressrun(workspace, arguments).output().unwrap()
}

fn succeed(workspace: &Workspace, arguments: &[&str]) -> Output {
    let output = output(workspace, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    output
}

fn refused(workspace: &Workspace, arguments: &[&str], code: i32, reason: &str) {
    let output = output(workspace, arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", said(&output));
    assert!(said(&output).contains(reason), "{arguments:?}: {}", said(&output));
}

/// The name and the bytes of each file below a folder that has results.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(folder).into_iter().filter_map(Result::ok) {
        let name = entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
        let is_own = ITS_OWN.contains(&entry.file_name().to_str().unwrap()) || name.starts_with("parts/");
        if entry.file_type().is_file() && !is_own {
            files.push((name, std::fs::read(entry.path()).unwrap()));
        }
    }
    files.sort();
    files
}

/// The names of files that differ between two folders; what they hold would fill the screen.
fn difference(one: &Path, other: &Path) -> Vec<String> {
    let (one, other) = (files(one), files(other));
    let names = |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert!(!one.is_empty());
    if names(&one) != names(&other) {
        return vec![format!("{:?} and {:?}", names(&one), names(&other))];
    }
    let differing = one.iter().filter(|file| !other.contains(file));
    differing.map(|(name, _)| name.clone()).collect()
}

/// Sentences with words that no other story has.
fn story(name: &str, sentences: usize) -> String {
    let sentence = |number| {
        format!("“The {name} {name}a{number} {name}b{number} {name}c{number} was open,” said Ann {name}, the mayor. ")
    };
    (0..sentences).map(sentence).collect()
}

fn lines(records: &[Value]) -> String {
    let mut lines = String::new();
    for record in records {
        lines += &record.to_string();
        lines.push('\n');
    }
    lines
}

/// Articles in eight files. Of three parts, the first has a, b, e/one and f, the second has c and d, the third has e/two and g. Copies
/// and documents with the same id are in different parts; some records are rejected or in another language.
fn put_input(workspace: &Workspace) {
    let (bridge, tunnel) = (story("bridge", 9), story("tunnel", 8));
    let german = "Die Brücke über den Fluss wurde gestern nach langer Bauzeit wieder für den Verkehr geöffnet.";
    let records = [
        (
            "a.jsonl",
            vec![
                json!({"id": "x", "title": "Bridge", "text": bridge, "source": "The Gazette"}),
                json!({"id": "y", "text": "Rents rose, said Ann Lee."}),
            ],
        ),
        (
            "b.jsonl",
            vec![
                json!({"id": "z", "language": "de", "text": german}),
                json!({"text": 7}),
                json!({"text": "No id of its own."}),
            ],
        ),
        (
            "c.jsonl",
            vec![
                json!({"id": "x", "text": "The same id. Another text."}),
                json!({"id": "Y", "text": format!("Wire report. {bridge}")}),
            ],
        ),
        (
            "d.jsonl",
            vec![
                json!({"id": "z", "text": "This id is taken by a text that is filtered."}),
                json!({"id": "first", "text": tunnel, "source": "Courier"}),
            ],
        ),
        (
            "f.jsonl",
            vec![
                json!({"id": "late", "text": tunnel}),
                json!({"id": "x", "text": "A third one.", "source": "Courier"}),
            ],
        ),
        (
            "g.jsonl",
            vec![
                json!({"id": "x", "text": tunnel}),
                json!({"id": "own", "text": "Of its own. The end.", "source": "The Gazette"}),
            ],
        ),
    ];
    for (name, records) in records {
        workspace.put(&format!("in/{name}"), lines(&records) + if name == "d.jsonl" { "no JSON\n" } else { "" });
    }
    workspace.put("in/e/one.txt", &bridge);
    workspace.put("in/e/two.txt", bridge.replace("bridgea3", "bridge three"));
    workspace.put("in/notes.xyz", "left out");
}

fn configuration(layout: &str, more: &str) -> String {
    let input = "[input]\npaths = [\"in\"]\nlanguages = [\"en\"]\n[run]\nmax_rejected = 1\nchunk_documents = 3\ncommit_milliseconds = 0\n";
    format!("{input}[output]\n{layout}\n{more}")
}

/// Large files of lines that parts share, and others that only seem to be such.
fn put_large_input(workspace: &Workspace) {
    put_input(workspace);
    let (strike, harvest) = (story("strike", 7), story("harvest", 6));
    let mut shared = String::from("\u{feff}");
    for number in 0..40 {
        let record = match number % 8 {
            0 => json!({"id": format!("n{number}"), "title": "Strike", "text": format!("{number} days. {strike}")}),
            1 => json!({"id": "x", "text": format!("The same id, number {number}.")}),
            2 => json!({"text": format!("No id, number {number}."), "source": "Courier"}),
            3 => json!({"text": number}),
            4 => json!({"id": "n4", "text": harvest}),
            5 => json!({"id": "german", "language": "de", "text": "Die Brücke über den Fluss ist wieder offen."}),
            _ => json!({"id": format!("short{number}"), "text": "Rents rose."}),
        };
        shared += &record.to_string();
        shared += match number % 5 {
            0 => "\r\n",
            1 => "\n\n",
            2 => "\nno JSON\n",
            3 => "{\"id\": \"glued\", \"text\": \"On the line of another.\"}\n",
            _ => "\n",
        };
    }
    workspace.put("in/e/shared.jsonl", &shared);
    workspace.put("in/later.NDJSON", shared.trim_end().replace("No id", "Without an id"));
    let objects: Vec<Value> = (0..9).map(|number| json!({"text": format!("Number {number} of an array.")})).collect();
    workspace.put("in/array.jsonl", serde_json::to_string_pretty(&objects).unwrap());
    workspace.put("in/packed.jsonl", zstd::encode_all(shared.as_bytes(), 1).unwrap());
    workspace.put("in/packed.jsonl.zst", zstd::encode_all(shared.replace("short", "long").as_bytes(), 1).unwrap());
    let wide: Vec<u8> = lines(&objects).encode_utf16().flat_map(u16::to_le_bytes).collect();
    workspace.put("in/wide.jsonl", wide);
    workspace.put("in/table.csv", format!("id,text\n{}", "a,\"One\nTwo.\"\nb,Three.\n".repeat(20)));
    workspace.put("in/empty.jsonl", "\n".repeat(3000));
}

#[test]
fn parts_that_share_files_have_the_bytes_of_one_run() {
    let single = Workspace::new(&configuration("layout = \"sharded\"", ""));
    put_large_input(&single);
    succeed(&single, &["run"]);
    for (piece_bytes, count) in [(37, 3), (900, 5)] {
        let settings = format!("[input]\npiece_bytes = {piece_bytes}");
        let configuration = configuration("layout = \"sharded\"", "").replacen("[input]", &settings, 1);
        let workspace = Workspace::new(&configuration);
        put_large_input(&workspace);
        run_parts(&workspace, count);
        let written = |part: &String| counts(&workspace, part)["accounting"]["written"].as_u64().unwrap();
        assert!(folders(count).iter().all(|part| written(part) > 3), "{piece_bytes}");
        merged(&workspace, count, &["-o", "merged"]);
        let folder = workspace.folder.path().join("merged");
        assert_eq!(difference(&folder, &single.output()), [""; 0], "{piece_bytes} bytes, {count} parts");
        assert_eq!(verify(&folder).unwrap().faults, []);
        let [mut of_merge, mut of_run] = [nights(&workspace, "merged"), nights(&single, "output")];
        for night in [&mut of_merge, &mut of_run] {
            // The hash of all settings.
            night[0].as_object_mut().unwrap().shift_remove("configuration");
        }
        assert_same_nights(&of_merge, &of_run);
        let [of_merge, of_run] = [counts(&workspace, "merged"), counts(&single, "output")];
        for (name, value) in of_run.as_object().unwrap() {
            // What follows behind the last document of a run is not counted as read, and every part has a last document.
            if name != "config" && name != "input_bytes" {
                assert_eq!(of_merge[name], *value, "{name}: {piece_bytes} bytes, {count} parts");
            }
        }
    }
}

#[test]
fn parts_that_share_files_go_on_and_notice_when_one_grows() {
    let configuration = configuration("", "").replacen("[input]", "[input]\npiece_bytes = 500", 1);
    let workspace = Workspace::new(&configuration);
    put_large_input(&workspace);
    for operations in [9, 25, 41] {
        assert!(die(pressrun(&workspace, &["run", "--part", "1/2"]), operations), "{operations}");
    }
    run_parts(&workspace, 2);
    merged(&workspace, 2, &["-o", "merged"]);
    let single = Workspace::new(&configuration);
    put_large_input(&single);
    succeed(&single, &["run"]);
    assert_eq!(difference(&workspace.folder.path().join("merged"), &single.output()), [""; 0]);

    workspace.put("in/empty.jsonl", "\n".repeat(3001));
    succeed(&workspace, &["run", "--part", "1/2"]);
    let parts = folders(2);
    refused(&workspace, &["merge", &parts[0], &parts[1], "-o", "m"], 2, "or a large one with another size");
    workspace.put("in/empty.jsonl", "\n".repeat(3000));
    workspace.put("pipeline.toml", configuration.replacen("500", "600", 1));
    succeed(&workspace, &["run", "--part", "1/2"]);
    refused(&workspace, &["merge", &parts[0], &parts[1], "-o", "m"], 78, "[input] piece_bytes is 600, not 500");
}

fn run_parts(workspace: &Workspace, count: usize) {
    // Not in their order: parts may be done at any time.
    for number in (0..count).rev() {
        succeed(workspace, &["run", "--part", &format!("{number}/{count}")]);
    }
}

/// The folders of parts, for the command line.
fn folders(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("output/parts/{number:05}-of-{count:05}")).collect()
}

fn merge(workspace: &Workspace, count: usize, more: &[&str]) -> Command {
    let folders = folders(count);
    let mut command = pressrun(workspace, &["merge"]);
    command.args(folders).args(more);
    command
}

fn merged(workspace: &Workspace, count: usize, more: &[&str]) {
    let output = merge(workspace, count, more).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

fn nights(workspace: &Workspace, folder: &str) -> Vec<Value> {
    let output = succeed(workspace, &["nights", folder, "--json"]);
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Compares two nights of the same documents, but for their times. Means of means are not exact.
fn assert_same_nights(one: &[Value], other: &[Value]) {
    let (one, other) = (one[0].as_object().unwrap(), other[0].as_object().unwrap());
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (name, value) in one {
        match name.as_str() {
            "started" | "finished" | "speed" => {}
            "scores" => {
                for (task, score) in value.as_object().unwrap() {
                    let difference = score.as_f64().unwrap() - other[name][task].as_f64().unwrap();
                    assert!(difference.abs() < 2e-4, "{task}: {difference}");
                }
            }
            _ => assert_eq!(*value, other[name], "{name}"),
        }
    }
}

/// The numbers of a report that do not depend on time.
fn counts(workspace: &Workspace, folder: &str) -> Value {
    let path = workspace.folder.path().join(folder).join("run.json");
    let mut report: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    for name in ["started", "finished", "seconds", "throughput", "stages", "tokens"] {
        report.as_object_mut().unwrap().shift_remove(name);
    }
    report
}

#[test]
fn parts_and_their_merge_have_the_bytes_of_one_run() {
    let model = format!("{}{TASKS}", model_section("precision = \"f32\""));
    let workspace = Workspace::new(&configuration("", &model));
    put_input(&workspace);
    run_parts(&workspace, 3);
    for (place, layout) in LAYOUTS.iter().enumerate() {
        let [own, single, file] = ["merged", "single", "layout.toml"].map(|name| format!("{place}{name}"));
        workspace.put(&file, configuration(&format!("{layout}\ndirectory = \"{single}\""), &model));
        succeed(&workspace, &["run", "-c", &file]);
        merged(&workspace, 3, &["-c", &file, "-o", &own]);
        let path = |name: &str| workspace.folder.path().join(name);
        assert_eq!(difference(&path(&own), &path(&single)), [""; 0], "{layout}");
        assert_eq!(verify(&path(&own)).unwrap().faults, [], "{layout}");
        assert_same_nights(&nights(&workspace, &own), &nights(&workspace, &single));
        assert_eq!(counts(&workspace, &own), counts(&workspace, &single));
    }
    // The corpus has what it is for.
    let documents = std::fs::read_to_string(workspace.folder.path().join("0merged/documents.jsonl")).unwrap();
    let documents: Vec<Value> = documents.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let originals = documents.iter().map(|document| document["duplicate_of"].as_str().unwrap_or("-"));
    assert_eq!(
        originals.collect::<Vec<_>>(),
        ["-", "-", "-", "-", "x", "-", "-", "x", "x", "first", "-", "first", "-"]
    );
    let ids: Vec<&str> = documents.iter().map(|document| document["document"].as_str().unwrap()).collect();
    assert_eq!(ids.iter().filter(|id| id.starts_with("x~")).count(), 3, "{ids:?}");
    assert!(ids.iter().any(|id| id.starts_with("z~")) && ids.iter().any(|id| id.starts_with("Y~")), "{ids:?}");
    let rejected = std::fs::read_to_string(workspace.folder.path().join("0merged/rejected.jsonl")).unwrap();
    assert_eq!(rejected.lines().count(), 2);
}

#[test]
fn a_merged_folder_goes_on_as_after_a_run() {
    let fields = "layout = \"sharded\"\nfields = [\"text\", \"duplicate_of\"]";
    let configuration = configuration(fields, "[export]\ncsv = \"csv\"\n[report]\nhtml = \"page.html\"\n");
    let workspace = Workspace::new(&configuration);
    put_input(&workspace);
    let has_page = || workspace.folder.path().join("page.html").exists();
    run_parts(&workspace, 3);
    assert!(!workspace.output().join(&folders(3)[0]).join("csv").exists() && !has_page(), "they are about all parts");
    merged(&workspace, 3, &[]);
    assert!(workspace.output().join("csv").exists() && has_page());
    let single = Workspace::new(&configuration);
    put_input(&single);
    succeed(&single, &["run"]);
    assert_eq!(difference(&workspace.output(), &single.output()), [""; 0]);

    let again = merge(&workspace, 3, &[]).output().unwrap();
    assert!(again.status.success() && said(&again).contains("merged in output already"), "{}", said(&again));
    for workspace in [&workspace, &single] {
        workspace.put("in/h.jsonl", lines(&[json!({"id": "new", "text": story("tunnel", 8)})]));
        succeed(workspace, &["run"]);
        let accounting = &workspace.report()["accounting"];
        assert_eq!((&accounting["written"], &accounting["skipped"]), (&json!(1), &json!(13)));
        succeed(workspace, &["verify"]);
    }
    assert_eq!(difference(&workspace.output(), &single.output()), [""; 0]);
    refused(&workspace, &["merge", &folders(3)[0], "-o", "output"], 2, "2 of 3 parts are missing: 1, 2");
}

/// Lets a command die before some of its file operations. Returns whether it ended before.
fn die(mut command: Command, operations: usize) -> bool {
    let action = format!("file-operation={operations}*off->return");
    !command.env("FAILPOINTS", action).stderr(Stdio::null()).status().unwrap().success()
}

#[test]
fn a_part_that_dies_is_not_merged_and_goes_on() {
    let workspace = Workspace::new(&configuration("", ""));
    put_input(&workspace);
    for operations in [9, 13, 17] {
        assert!(die(pressrun(&workspace, &["run", "--part", "0/3"]), operations), "{operations}");
        refused(&workspace, &["merge", &folders(3)[0]], 2, "part 0/3 in `output/parts/00000-of-00003` is not finished");
    }
    run_parts(&workspace, 3);
    merged(&workspace, 3, &["-o", "merged"]);
    let single = Workspace::new(&configuration("", ""));
    put_input(&single);
    succeed(&single, &["run"]);
    assert_eq!(difference(&workspace.folder.path().join("merged"), &single.output()), [""; 0]);
}

#[test]
fn a_merge_that_dies_goes_on_to_the_same_bytes() {
    for (layout, step) in [("layout = \"document\"", 17), ("layout = \"sharded\"\nshard_bytes = 2000", 7)] {
        let workspace = Workspace::new(&configuration(layout, ""));
        put_input(&workspace);
        run_parts(&workspace, 3);
        merged(&workspace, 3, &["-o", "undisturbed"]);
        let path = |name: &str| workspace.folder.path().join(name);
        let mut deaths = 0;
        for operations in (5..).step_by(step) {
            let _ = std::fs::remove_dir_all(path("merged"));
            if !die(merge(&workspace, 3, &["-o", "merged"]), operations) {
                break;
            }
            deaths += 1;
            merged(&workspace, 3, &["-o", "merged"]);
            assert_eq!(difference(&path("merged"), &path("undisturbed")), [""; 0], "{layout}: {operations}");
            assert_eq!(verify(&path("merged")).unwrap().faults, [], "{layout}: {operations}");
            assert_eq!(nights(&workspace, "merged").len(), 1);
        }
        assert!(deaths > 2, "{layout}: {deaths}");
    }
}

#[test]
fn a_merge_that_was_broken_off_is_left_to_merges() {
    let workspace = Workspace::new(&configuration("layout = \"sharded\"\nshard_bytes = 2000", ""));
    put_input(&workspace);
    run_parts(&workspace, 3);
    assert!(die(merge(&workspace, 3, &[]), 8));
    refused(&workspace, &["run"], 2, "was broken off: `pressrun merge` with the same parts goes on with it");
    // A part that was run again is another one.
    succeed(&workspace, &["run", "--part", "1/3"]);
    let other = merge(&workspace, 3, &[]).output().unwrap();
    assert!(said(&other).contains("broken-off merge of other parts"), "{}", said(&other));
}

#[test]
fn parts_that_do_not_belong_together_are_refused_with_the_reason() {
    let configuration = |more: &str| {
        configuration(
            "",
            &format!(
                "{}[tasks.topic]\nmodel = \"newsroom\"\nhead = \"topic\"\n{more}",
                model_section("precision = \"f32\"")
            ),
        )
    };
    let workspace = Workspace::new(&configuration(""));
    workspace.put("in/c.jsonl", lines(&[json!({"id": "a", "text": "The storm closed four bridges."})]));
    workspace.put("in/g.jsonl", lines(&[json!({"id": "b", "text": "Rents rose."})]));
    run_parts(&workspace, 2);
    let folders = folders(2);
    let [first, second] = [folders[0].as_str(), folders[1].as_str()];
    refused(&workspace, &["merge", first, "-o", "m"], 2, "1 of 2 parts are missing: 1");
    refused(&workspace, &["merge", first, second, first, "-o", "m"], 2, "part 0/2 is there twice");
    refused(&workspace, &["merge", "in", "-o", "m"], 2, "`in` is no part");
    refused(&workspace, &["run", "--part", "0/3"], 78, "has parts of 2, and this is one of 3");
    let count = ["run", "--part", "5/3"];
    refused(&workspace, &count, 2, "`5/3` is no part");

    // The folder of another part.
    let path = |name: &str| workspace.folder.path().join(name);
    std::fs::rename(path(second), path("kept")).unwrap();
    std::fs::create_dir_all(path(second)).unwrap();
    for file in ["ledger.sqlite", "ledger.sha256", "admissions.zst", "run.json"] {
        std::fs::copy(path(first).join(file), path(second).join(file)).unwrap();
    }
    refused(&workspace, &["run", "--part", "1/2"], 78, "has part 0/2 of the input, and this is part 1/2");
    std::fs::remove_dir_all(path(second)).unwrap();

    // A part of another configuration.
    workspace.put("pipeline.toml", configuration("min_score = 0.9\n"));
    succeed(&workspace, &["run", "--part", "1/2"]);
    refused(
        &workspace,
        &["merge", first, second, "-o", "m"],
        78,
        "part 1/2 in `output/parts/00001-of-00002` has other settings than part 0/2: [tasks.topic] min_score is 0.9, not 0",
    );

    // The merge has another configuration than the parts.
    std::fs::remove_dir_all(path(second)).unwrap();
    std::fs::rename(path("kept"), path(second)).unwrap();
    refused(&workspace, &["merge", first, second, "-o", "m"], 78, "other settings than the configuration");
    let without_copies = configuration("").replacen("[input]", "[input]\ncopies.remember = 0", 1);
    workspace.put("pipeline.toml", without_copies);
    refused(&workspace, &["merge", first, second, "-o", "m"], 78, "[input] copies.remember is 200000, not 0");
    workspace.put("pipeline.toml", configuration(""));
    merged(&workspace, 2, &["-o", "m"]);
}

#[test]
fn files_that_come_while_parts_run_are_noticed() {
    let workspace = Workspace::new(&configuration("", ""));
    put_input(&workspace);
    run_parts(&workspace, 2);
    workspace.put("in/h.jsonl", lines(&[json!({"id": "new", "text": "Late news."})]));
    succeed(&workspace, &["run", "--part", "1/2"]);
    refused(
        &workspace,
        &["merge", &folders(2)[0], &folders(2)[1], "-o", "m"],
        2,
        "part 1/2 in `output/parts/00001-of-00002` found 10 files, and part 0/2 found 9",
    );
    succeed(&workspace, &["run", "--part", "0/2"]);
    merged(&workspace, 2, &["-o", "m"]);
}

#[test]
fn parts_of_different_processors_are_refused_unless_that_is_allowed() {
    let workspace = Workspace::new(&configuration("", ""));
    put_input(&workspace);
    run_parts(&workspace, 2);
    let folder = workspace.folder.path().join(&folders(2)[1]);
    let ledger = Connection::open(folder.join("ledger.sqlite")).unwrap();
    ledger.execute("UPDATE nights SET numbers = json_set(numbers, '$.kernels', 'other kernels')", ()).unwrap();
    ledger.close().unwrap();
    let damaged = merge(&workspace, 2, &["-o", "m"]).output().unwrap();
    assert!(said(&damaged).contains("is not as it was when its part ended"), "{}", said(&damaged));
    let hash = Sha256::digest(std::fs::read(folder.join("ledger.sqlite")).unwrap());
    std::fs::write(folder.join("ledger.sha256"), format!("{hash:x}  ledger.sqlite\n")).unwrap();
    let mixed = merge(&workspace, 2, &["-o", "m"]).output().unwrap();
    assert_eq!(mixed.status.code(), Some(78), "{}", said(&mixed));
    assert!(said(&mixed).contains("other kernels (parts 1)"), "{}", said(&mixed));
    merged(&workspace, 2, &["-o", "m", "--allow-mixed-processors"]);
    assert_eq!(nights(&workspace, "m")[0]["kernels"], "mixed");
}

#[test]
fn the_part_comes_from_the_variables_of_the_system() {
    let workspace = Workspace::new(&configuration("", "[log]\nfile = \"pressrun.log\"\n"));
    put_input(&workspace);
    refused(&workspace, &["run", "--part", "auto"], 78, "SLURM_ARRAY_TASK_ID");
    for number in 0..2 {
        let mut command = pressrun(&workspace, &["run", "--part", "auto"]);
        command.env("SLURM_ARRAY_TASK_ID", (number + 1).to_string());
        command.env("SLURM_ARRAY_TASK_COUNT", "2").env("SLURM_ARRAY_TASK_MIN", "1");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        assert!(said(&output).contains(&folders(2)[number]), "{}", said(&output));
    }
    assert!(workspace.folder.path().join("pressrun.00001-of-00002.log").exists());
    merged(&workspace, 2, &["-o", "m"]);
}
