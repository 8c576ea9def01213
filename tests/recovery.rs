//! Nights that go wrong: whatever ends a run, the next one goes on, and in the end every statement is there once.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use pressrun::output::verify::verify;
use support::{Workspace, said};

const LAYOUTS: [&str; 3] = [
    "layout = \"document\"",
    "layout = \"sharded\"\nshard_bytes = 700",
    "layout = \"sharded\"\nshard_bytes = 1500\ncompression = \"zstd\"",
];

/// Two files of records, some of which are rejected.
fn input() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    for (name, first) in [("a.jsonl", 0), ("b.jsonl", 6)] {
        let line = |number: u32| match number % 6 {
            2 => "{\"text\": 7}\n".to_owned(),
            _ => format!(
                "{{\"id\": \"d{number}\", \"text\": \"Number {number} was read. {}\"}}\n",
                "It was short. ".repeat(number as usize % 4)
            ),
        };
        std::fs::write(folder.path().join(name), (first..first + 6).map(line).collect::<String>()).unwrap();
    }
    let path = folder.path().to_owned();
    (folder, path)
}

fn workspace(layout: &str) -> Workspace {
    Workspace::new(&format!(
        "[output]\n{layout}\n[run]\nchunk_documents = 3\nchannel_capacity = 1\nmax_rejected = 1\ncommit_milliseconds = 0\n"
    ))
}

fn run_whole(workspace: &Workspace, input: &Path) {
    let output = workspace.run(&[input]);
    assert!(output.status.success(), "{}", said(&output));
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.unwrap();
        let path = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(path).unwrap();
        } else {
            std::fs::copy(entry.path(), path).unwrap();
        }
    }
}

/// The names of files that differ; what they hold would fill the screen.
fn difference(one: &Workspace, other: &Workspace) -> Vec<String> {
    let (one, other) = (one.files(), other.files());
    let differs = |(name, content): &&(String, Vec<u8>)| !other.contains(&(name.clone(), content.clone()));
    let names = |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    if names(&one) != names(&other) {
        return vec![format!("{:?} and {:?}", names(&one), names(&other))];
    }
    one.iter().filter(differs).map(|(name, _)| name.clone()).collect()
}

/// Loading libtorch takes a third of a second each time, so that only some of the deaths are died every time.
const SOME: usize = 5;

#[test]
fn a_run_that_dies_before_some_of_its_file_operations_goes_on_to_the_same_bytes() {
    die_on_a_first_run(SOME);
}

#[test]
#[ignore = "takes some minutes"]
fn a_run_that_dies_before_any_of_its_file_operations_goes_on_to_the_same_bytes() {
    die_on_a_first_run(1);
}

#[test]
fn changed_documents_take_the_place_of_the_old_ones_though_a_run_dies() {
    die_while_replacing(SOME);
}

#[test]
#[ignore = "takes some minutes"]
fn changed_documents_take_the_place_of_the_old_ones_whenever_a_run_dies() {
    die_while_replacing(1);
}

/// Lets a run on what `before` has written die before every `step`th of its file operations, and the next one go on; it must end
/// like the undisturbed one. Returns the last death.
fn die_and_go_on(
    layout: &str,
    input: &Path,
    before: Option<&Workspace>,
    undisturbed: &Workspace,
    step: usize,
) -> usize {
    for death in (1_usize..).step_by(step) {
        let workspace = workspace(layout);
        if let Some(before) = before {
            copy(&before.output(), &workspace.output());
        }
        let mut command = workspace.command(&[input]);
        // The fail point does nothing in the file operations before that one.
        let action = format!("file-operation={}*off->return", death - 1);
        let died = command.env("FAILPOINTS", action).stderr(Stdio::null()).status().unwrap();
        if died.success() {
            return death.saturating_sub(step);
        }
        run_whole(&workspace, input);
        assert_eq!(difference(&workspace, undisturbed), [""; 0], "{layout}, death {death}");
    }
    0
}

/// A first run that dies.
fn die_on_a_first_run(step: usize) {
    let (_folder, input) = input();
    for layout in LAYOUTS {
        let undisturbed = workspace(layout);
        run_whole(&undisturbed, &input);
        let last = die_and_go_on(layout, &input, None, &undisturbed, step);
        assert!(last > 15, "{layout}: {last}");
    }
}

/// A run that dies and finds some documents changed.
fn die_while_replacing(step: usize) {
    let (folder, input) = input();
    let path = folder.path().join("a.jsonl");
    let (old, new) = {
        let old = std::fs::read_to_string(&path).unwrap();
        let new =
            old.replace("Number 3 was", "The third, with much more text than before, was").replace("Number 4 was", "4");
        (old, new)
    };
    for layout in LAYOUTS {
        let put = |text: &str| std::fs::write(&path, text).unwrap();
        let (before, undisturbed) = (workspace(layout), workspace(layout));
        put(&old);
        run_whole(&before, &input);
        copy(&before.output(), &undisturbed.output());
        put(&new);
        run_whole(&undisturbed, &input);
        let accounting = &undisturbed.report()["accounting"];
        assert_eq!((accounting["written"].as_u64(), accounting["skipped"].as_u64()), (Some(2), Some(8)));
        let statements = undisturbed.output_text();
        assert!(statements.contains("The third, with") && !statements.contains("Number 3 was"), "{layout}");
        let last = die_and_go_on(layout, &input, Some(&before), &undisturbed, step);
        assert!(last > 10, "{layout}: {last}");
    }
}

#[test]
fn a_run_that_is_killed_again_and_again_ends_with_the_same_bytes() {
    let (_folder, input) = input();
    let mut random = fastrand::Rng::with_seed(6);
    for layout in LAYOUTS {
        let undisturbed = workspace(layout);
        run_whole(&undisturbed, &input);
        for _ in 0..2 {
            let workspace = workspace(layout);
            for _ in 0..8 {
                let mut run = workspace.command(&[&input]).stderr(Stdio::null()).spawn().unwrap();
                std::thread::sleep(Duration::from_micros(random.u64(200_000..500_000)));
                run.kill().unwrap();
                run.wait().unwrap();
            }
            run_whole(&workspace, &input);
            assert_eq!(difference(&workspace, &undisturbed), [""; 0], "{layout}");
        }
    }
}

#[test]
fn a_second_run_has_nothing_to_do_and_changes_nothing() {
    let (_folder, input) = input();
    for layout in LAYOUTS {
        let workspace = workspace(layout);
        run_whole(&workspace, &input);
        let before = workspace.files();
        run_whole(&workspace, &input);
        assert!(before == workspace.files(), "{layout}");
        let accounting = &workspace.report()["accounting"];
        assert_eq!((accounting["written"].as_u64(), accounting["skipped"].as_u64()), (Some(0), Some(10)));
        assert_eq!(accounting["rejected"], 2, "what was rejected is looked at again");
    }
}

#[test]
fn what_is_mended_is_no_longer_rejected() {
    let (folder, input) = input();
    let workspace = workspace(LAYOUTS[0]);
    run_whole(&workspace, &input);
    assert_eq!(workspace.lines("rejected.jsonl").len(), 2);
    let path = folder.path().join("a.jsonl");
    let text = std::fs::read_to_string(&path).unwrap().replace("{\"text\": 7}", "{\"text\": \"Seven.\"}");
    std::fs::write(&path, text).unwrap();
    run_whole(&workspace, &input);
    assert_eq!(workspace.lines("rejected.jsonl").len(), 1);
    assert_eq!(workspace.lines("documents.jsonl").len(), 11);
}

#[test]
fn a_retry_takes_what_was_rejected_and_nothing_else() {
    let (folder, input) = input();
    for layout in LAYOUTS {
        let workspace = workspace(layout);
        run_whole(&workspace, &input);
        let path = folder.path().join("b.jsonl");
        let whole = std::fs::read_to_string(&path).unwrap();
        // The mended record has the id of another document.
        std::fs::write(&path, whole.replace("{\"text\": 7}", "{\"id\": \"d3\", \"text\": \"Eight.\"}")).unwrap();
        let retry = |reason: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_pressrun"));
            command.arg("retry").args(reason).arg("-c").arg(workspace.folder.path().join("pipeline.toml")).arg(&input);
            assert!(command.status().unwrap().success());
            let accounting = workspace.report()["accounting"].clone();
            ["found", "written", "rejected"].map(|name| accounting[name].as_u64().unwrap())
        };
        assert_eq!(retry(&["--reason", "too_large"]), [0, 0, 0]);
        assert_eq!(retry(&[]), [2, 1, 1], "{layout}");
        assert_eq!((workspace.lines("documents.jsonl").len(), workspace.lines("rejected.jsonl").len()), (11, 1));
        let statements = workspace.output_text();
        assert!(statements.contains("Eight.") && statements.contains("Number 3 was read"), "{layout}");
        assert_eq!(verify(&workspace.output()).unwrap().faults, []);
        run_whole(&workspace, &input);
        assert_eq!(workspace.report()["accounting"]["skipped"], 11, "{layout}: a whole run agrees");
        std::fs::write(&path, whole).unwrap();
    }
}

#[test]
fn another_configuration_is_refused_until_somebody_says_yes() {
    let (_folder, input) = input();
    let workspace = workspace("layout = \"document\"");
    run_whole(&workspace, &input);
    let before = workspace.files();
    workspace.put("pipeline.toml", "[output]\nfields = [\"text\"]\n[run]\nmax_rejected = 1\n");
    let refused = workspace.run(&[&input]);
    assert_eq!(refused.status.code(), Some(78));
    assert!(said(&refused).contains("10 documents in"), "{}", said(&refused));
    assert_eq!(verify(&workspace.output()).unwrap().faults, [], "nothing has been touched");
    let documents = |files: &[(String, Vec<u8>)]| files.iter().filter(|(name, _)| name.ends_with("jsonl")).count();
    assert_eq!(documents(&before), documents(&workspace.files()));
    let redone = workspace.command(&[&input]).arg("--redo").output().unwrap();
    assert!(redone.status.success(), "{}", said(&redone));
    assert!(workspace.lines("statements/d1.jsonl")[0].get("start").is_none());
    run_whole(&workspace, &input);
    assert_eq!(workspace.report()["accounting"]["skipped"], 10);

    workspace.put("pipeline.toml", "[output]\nlayout = \"sharded\"\n[run]\nmax_rejected = 1\nredo = true\n");
    let refused = workspace.run(&[&input]);
    assert_eq!(refused.status.code(), Some(78), "{}", said(&refused));
}

#[test]
fn a_second_run_at_the_same_time_is_refused_with_the_first_s_number() {
    let workspace = workspace(LAYOUTS[0]);
    let pipe = workspace.folder.path().join("in.jsonl");
    std::fs::write(&pipe, "{\"text\": \"One.\"}\n".repeat(300_000)).unwrap();
    let mut first = workspace.command(&[&pipe]).stderr(Stdio::null()).spawn().unwrap();
    while !workspace.output().join("ledger.sqlite").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let second = workspace.run(&[&pipe]);
    let number = first.id();
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(second.status.code(), Some(2));
    assert!(said(&second).contains(&format!("another run, process {number}, is writing")), "{}", said(&second));
}

#[test]
fn a_ledger_that_was_torn_is_named_and_nothing_is_written() {
    let (_folder, input) = input();
    let workspace = workspace(LAYOUTS[0]);
    run_whole(&workspace, &input);
    let path = workspace.output().join("ledger.sqlite");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4096..12288].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    let output = workspace.run(&[&input]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("ledger.sqlite"), "{}", said(&output));
}

#[test]
fn a_document_that_is_forgotten_is_gone_and_stays_away() {
    let (_folder, input) = input();
    for layout in LAYOUTS {
        let workspace = workspace(layout);
        run_whole(&workspace, &input);
        let forget = |id: &str| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_pressrun"));
            command.args(["forget", id, "-c"]).arg(workspace.folder.path().join("pipeline.toml")).output().unwrap()
        };
        assert!(forget("d3").status.success());
        assert!(said(&forget("d3")).contains("there is no document `d3`"));
        let configuration = std::fs::read_to_string(workspace.folder.path().join("pipeline.toml")).unwrap();
        workspace.put("pipeline.toml", "[output]\nlayout = \"document\"\ncompression = \"zstd\"\n");
        let other = forget("d4");
        assert!(said(&other).contains("are written as") && other.status.code() == Some(78), "{}", said(&other));
        workspace.put("pipeline.toml", configuration);
        run_whole(&workspace, &input);
        assert!(!workspace.output_text().contains("d3#0"), "{layout}");
        assert_eq!(workspace.lines("documents.jsonl").len(), 9);
        assert_eq!(verify(&workspace.output()).unwrap().faults, []);
    }
}

/// Two copies of a story and one of them without its end.
fn wire_copy() -> [(&'static str, String); 4] {
    let story = |name: &str| (0..90).map(|word| format!("{name}{word}")).collect::<Vec<_>>().join(" ");
    let strike = story("strike");
    let cut = strike.split_inclusive(' ').take(75).collect::<String>();
    [("first", strike.clone()), ("other", story("budget")), ("same", strike), ("cut", cut)]
}

/// Each document with what it is a copy of.
fn marks(workspace: &Workspace) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let documents = workspace.lines("documents.jsonl");
    let mut marks: Vec<_> =
        documents.iter().map(|line| (text(&line["document"]), text(&line["duplicate_of"]))).collect();
    marks.sort();
    marks
}

#[test]
fn copies_are_marked_by_the_input_whatever_was_done_before() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("wire.jsonl");
    let write = |documents: &[(&str, String)]| {
        let line = |(id, text): &(_, _)| format!("{}\n", serde_json::json!({"id": id, "text": text}));
        std::fs::write(&input, documents.iter().map(line).collect::<String>()).unwrap();
    };
    let command = |workspace: &Workspace, arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pressrun"));
        command.args(arguments).arg("-c").arg(workspace.folder.path().join("pipeline.toml")).output().unwrap()
    };
    let expected = |marks: [(&str, &str); 4]| marks.map(|(id, original)| (id.to_owned(), original.to_owned())).to_vec();
    let all = wire_copy();
    for layout in LAYOUTS {
        let workspace = workspace(layout);
        let skipped = || workspace.report()["accounting"]["skipped"].as_u64().unwrap();
        write(&all[..2]);
        run_whole(&workspace, &input);
        write(&all);
        run_whole(&workspace, &input);
        let marked = expected([("cut", "first"), ("first", ""), ("other", ""), ("same", "first")]);
        assert_eq!((marks(&workspace), skipped()), (marked, 2), "{layout}: what was done before is an original");
        let copies = &workspace.report()["copies"];
        assert_eq!((copies["exact"].as_u64(), copies["near"].as_u64()), (Some(1), Some(1)));
        let statements = workspace.output_text();
        assert_eq!(statements.matches("\"duplicate_of\":\"first\"").count(), 2, "{statements}");
        run_whole(&workspace, &input);
        assert_eq!(skipped(), 4, "{layout}: a run after it has nothing to do");
        let sample = command(&workspace, &["verify", "--sample", "4", "--input", input.to_str().unwrap()]);
        assert!(sample.status.success(), "{layout}: {}", String::from_utf8_lossy(&sample.stdout));

        let mut changed = all.clone();
        changed[0].1 = "Something else.".into();
        write(&changed);
        run_whole(&workspace, &input);
        let marked = expected([("cut", "same"), ("first", ""), ("other", ""), ("same", "")]);
        assert_eq!((marks(&workspace), skipped()), (marked.clone(), 1), "{layout}: the original is another one");
        write(&all);
        run_whole(&workspace, &input);
        assert!(command(&workspace, &["forget", "first"]).status.success());
        run_whole(&workspace, &input);
        assert_eq!(marks(&workspace), marked[..1].iter().chain(&marked[2..]).cloned().collect::<Vec<_>>());
        assert_eq!(verify(&workspace.output()).unwrap().faults, []);
    }
}

#[test]
fn any_single_byte_that_is_flipped_is_found() {
    let (_folder, input) = input();
    for layout in LAYOUTS {
        let workspace = workspace(layout);
        run_whole(&workspace, &input);
        let found = verify(&workspace.output()).unwrap();
        assert_eq!((found.documents, found.faults), (10, vec![]));
        let (mut flips, mut missed) = (0, Vec::new());
        for entry in walkdir::WalkDir::new(workspace.output()).into_iter().map(Result::unwrap) {
            if !entry.file_type().is_file() || entry.file_name() == ".lock" {
                continue;
            }
            let whole = std::fs::read(entry.path()).unwrap();
            for place in (0..whole.len()).step_by(whole.len() / 40 + 1) {
                let mut damaged = whole.clone();
                damaged[place] ^= 1 << (place % 8);
                std::fs::write(entry.path(), damaged).unwrap();
                flips += 1;
                if verify(&workspace.output()).is_ok_and(|found| found.faults.is_empty()) {
                    missed.push((entry.path().to_owned(), place));
                }
            }
            std::fs::write(entry.path(), whole).unwrap();
        }
        assert!(flips > 200, "{flips}");
        assert_eq!(missed, [], "{layout}");
        std::fs::write(workspace.output().join("statements-00099.jsonl"), "{}").unwrap();
        assert_eq!(verify(&workspace.output()).unwrap().faults.len(), 1, "a file that is nobody's");
    }
}

#[test]
fn a_sample_that_is_read_again_gives_the_same_statements_until_the_input_changes() {
    let (folder, input) = input();
    for layout in LAYOUTS {
        let workspace = workspace(layout);
        run_whole(&workspace, &input);
        let verify = |arguments: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_pressrun"));
            command.args(["verify", "-c"]).arg(workspace.folder.path().join("pipeline.toml"));
            command.args(arguments).output().unwrap()
        };
        let sample = || verify(&["--sample", "8", "--input", input.to_str().unwrap()]);
        let alone = verify(&[]);
        assert!(alone.status.success(), "{layout}: {}", String::from_utf8_lossy(&alone.stderr));
        let first = sample();
        assert!(first.status.success(), "{layout}: {}", String::from_utf8_lossy(&first.stdout));
        let path = folder.path().join("a.jsonl");
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, whole.replace("was read", "was written")).unwrap();
        let second = sample();
        assert_eq!(second.status.code(), Some(2));
        let text = String::from_utf8(second.stdout).unwrap();
        assert!(text.contains("other statements come of it now"), "{text}");
        std::fs::write(&path, whole).unwrap();
    }
}

#[test]
fn status_tells_what_is_there() {
    let (_folder, input) = input();
    let workspace = workspace(LAYOUTS[0]);
    let status =
        || Command::new(env!("CARGO_BIN_EXE_pressrun")).arg("status").arg(workspace.output()).output().unwrap();
    assert!(said(&status()).contains("is no folder"));
    run_whole(&workspace, &input);
    let text = String::from_utf8(status().stdout).unwrap();
    for part in ["running    no", "documents  10,", "rejected   2: wrong_type 2", "last run   complete"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_deadline_stops_a_run_in_order_and_the_next_one_does_the_rest() {
    let workspace = workspace(LAYOUTS[0]);
    let lines =
        |first: u32| (first..first + 20_000).map(|n| format!("{{\"id\": \"n{n}\", \"text\": \"Number {n}.\"}}\n"));
    let input = workspace.put("in/a.jsonl", lines(0).collect::<String>());
    let first = workspace.command(&[&input]).arg("--for").arg("1s").output().unwrap();
    assert!(first.status.success(), "{}", said(&first));
    let report = workspace.report();
    assert_eq!(report["outcome"], "deadline");
    assert!(report["input_bytes_left"].as_u64().unwrap() > 0);
    let written = report["accounting"]["written"].as_u64().unwrap();
    assert_eq!(workspace.lines("documents.jsonl").len() as u64, written);
    workspace.put("pipeline.toml", "[output]\nlayout = \"document\"\n[run]\ndeadline = \"6 o'clock\"\n");
    let wrong = workspace.run(&[&input]);
    assert_eq!(wrong.status.code(), Some(78));
    assert!(said(&wrong).contains("pipeline.toml:4:12:"), "{}", said(&wrong));
}

#[test]
fn a_run_that_goes_wrong_stops_early_and_says_why() {
    let workspace = Workspace::new("[run]\nmax_rejected_documents = 50\n[metrics]\ntextfile = \"run.prom\"\n");
    let input = workspace.put("in/a.jsonl", "{\"text\": 7}\n".repeat(100_000));
    let output = workspace.run(&[&input]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("`[run] max_rejected"), "{}", said(&output));
    assert_eq!(
        (workspace.report()["outcome"].as_str(), workspace.lines("rejected.jsonl").len()),
        (Some("stopped"), 51)
    );
    let metrics = std::fs::read_to_string(workspace.folder.path().join("run.prom")).unwrap();
    assert!(metrics.contains("\npressrun_documents_rejected 51\n"), "{metrics}");
    assert!(!metrics.contains("last_success_timestamp"), "it was none: {metrics}");
    workspace.put("in/a.jsonl", "{\"text\": \"Fine.\"}\n");
    run_whole(&workspace, &input);
    let metrics = || std::fs::read_to_string(workspace.folder.path().join("run.prom")).unwrap();
    let success = |text: &str| text.lines().find(|line| line.starts_with("pressrun_last_success")).map(str::to_owned);
    let of_good_run = success(&metrics());
    assert!(of_good_run.is_some());
    workspace.put("in/a.jsonl", "{\"text\": 7}\n".repeat(100));
    assert!(!workspace.run(&[&input]).status.success());
    assert_eq!(success(&metrics()), of_good_run, "it stays that of the run that went well");
}

#[test]
fn a_document_that_makes_a_stage_panic_costs_only_itself() {
    let model = support::model_section("precision = \"f32\"");
    for stage in ["split", "batch", "infer", "assemble"] {
        let workspace = Workspace::new(&format!("{model}{}[run]\nmax_rejected = 1\n", support::TASKS));
        let lines = ["One rose.", "Poison fell.", "Two said: \\\"No.\\\"", "Poison rose.", "Three fell."];
        let lines = lines.map(|text| format!("{{\"text\": \"{text}\"}}\n")).concat();
        let input = workspace.put("in/a.jsonl", lines);
        let mut command = workspace.command(&[&input]);
        let output = command.env("FAILPOINTS", format!("document-panics=return({stage}:Poison)")).output().unwrap();
        assert!(output.status.success(), "{stage}: {}", said(&output));
        let rejected = workspace.lines("rejected.jsonl");
        let lines: Vec<_> = rejected.iter().map(|line| line["place"]["line"].as_u64().unwrap()).collect();
        assert_eq!(lines, [2, 4], "{stage}");
        assert_eq!(rejected[0]["stage"], stage);
        assert!(rejected[0]["message"].as_str().unwrap().contains("panicked: as the test wants it"), "{}", rejected[0]);
        assert_eq!(workspace.lines("documents.jsonl").len(), 3, "{stage}");
        assert_eq!(verify(&workspace.output()).unwrap().faults, []);
    }
}

#[test]
fn a_document_that_takes_too_long_costs_only_itself() {
    let model = support::model_section("precision = \"f32\"");
    for stage in ["split", "batch", "assemble"] {
        let workspace =
            Workspace::new(&format!("{model}{}[run]\nmax_rejected = 1\ndocument_timeout = 1\n", support::TASKS));
        let lines = ["One rose.", "Poison fell.", "Two said: \\\"No.\\\"", "Three fell."];
        let lines = lines.map(|text| format!("{{\"text\": \"{text}\"}}\n")).concat();
        let input = workspace.put("in/a.jsonl", lines);
        let mut command = workspace.command(&[&input]);
        let output = command.env("FAILPOINTS", format!("document-is-slow=return({stage}:Poison)")).output().unwrap();
        assert!(output.status.success(), "{stage}: {}", said(&output));
        let [rejected] = workspace.lines("rejected.jsonl").try_into().unwrap();
        assert_eq!((rejected["place"]["line"].as_u64(), rejected["stage"].as_str()), (Some(2), Some(stage)));
        assert_eq!(rejected["reason"], "too_slow");
        assert!(rejected["message"].as_str().unwrap().contains("`[run] document_timeout`"), "{rejected}");
        assert_eq!(workspace.lines("documents.jsonl").len(), 3, "{stage}");
        assert_eq!(verify(&workspace.output()).unwrap().faults, []);
    }
}

#[test]
fn a_run_that_hangs_at_a_document_ends_and_the_next_one_goes_on_without_it() {
    let (_folder, input) = input();
    for stage in ["read", "split"] {
        let workspace = Workspace::new("[run]\nmax_rejected = 1\ndocument_timeout = 1\nchunk_documents = 3\n");
        let action = format!("document-hangs=return({stage}:Number 4 )");
        let run = || workspace.command(&[&input]).env("FAILPOINTS", &action).output().unwrap();
        let hung = run();
        let said_of_it = said(&hung);
        assert_eq!(hung.status.code(), Some(2), "{said_of_it}");
        assert!(said_of_it.contains(&format!("a.jsonl:5 hangs in the stage `{stage}`")), "{said_of_it}");
        let next = run();
        assert!(next.status.success(), "{}", said(&next));
        assert_eq!(workspace.lines("documents.jsonl").len(), 9);
        let rejected = workspace.lines("rejected.jsonl");
        let suspect = rejected.iter().find(|line| line["reason"] == "too_slow").unwrap();
        assert_eq!(suspect["place"]["line"], 5);
        assert!(suspect["excerpt"].as_str().unwrap().contains("Number 4 "), "{suspect}");
        assert_eq!(verify(&workspace.output()).unwrap().faults, []);
        let mut retry = Command::new(env!("CARGO_BIN_EXE_pressrun"));
        retry.arg("retry").arg("-c").arg(workspace.folder.path().join("pipeline.toml")).arg(&input);
        assert!(retry.status().unwrap().success());
        assert_eq!(workspace.lines("documents.jsonl").len(), 10, "what is retried is tried");
    }
}

#[test]
fn a_run_over_its_memory_goes_on_chunk_by_chunk_to_the_same_bytes() {
    let (_folder, input) = input();
    let (undisturbed, workspace) = (workspace(LAYOUTS[0]), workspace(LAYOUTS[0]));
    run_whole(&undisturbed, &input);
    let configuration = std::fs::read_to_string(workspace.folder.path().join("pipeline.toml")).unwrap();
    workspace.put("pipeline.toml", configuration + "memory = 1\n");
    let output = workspace.run(&[&input]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(said(&output).matches("of memory with nothing under way").count(), 1, "{}", said(&output));
    assert_eq!(difference(&workspace, &undisturbed), [""; 0]);
}

#[test]
fn what_is_said_is_kept_in_files_that_stay_small() {
    let workspace =
        Workspace::new("[run]\nmax_rejected = 1\n[log]\nfile = \"night.log\"\nmax_bytes = 4096\nkeep = 2\n");
    workspace.put("in/b\u{1b}[2Jad.jsonl", "{\"text\": 7}\n".repeat(200));
    let input = workspace.put("in/good.txt", "One rose.");
    let output = workspace.command(&[input.parent().unwrap()]).arg("-q").output().unwrap();
    assert!(output.status.success() && said(&output).is_empty(), "{}", said(&output));
    let log = |name: &str| std::fs::read_to_string(workspace.folder.path().join(name)).unwrap();
    let all = ["night.log.2", "night.log.1", "night.log"].map(log);
    let said_at_all = all.concat();
    for part in ["documents  201 found = 1 written + 200 rejected", "INFO rejected:", "b\\u{1b}[2Jad.jsonl"] {
        assert!(said_at_all.contains(part), "{said_at_all}");
    }
    for text in &all {
        assert!(text.len() <= 4096 && !text.contains('\u{1b}') && text.ends_with('\n'));
        assert!(text.lines().all(|line| line.starts_with("20") && line.as_bytes()[26] == b'Z'), "{text}");
    }
    assert!(!workspace.folder.path().join("night.log.3").exists());
    workspace.put("pipeline.toml", "[output]\nlayout = \"sharded\"\n[log]\nfile = \"night.log\"\n");
    let refused = workspace.run(&[&input]);
    assert_eq!(refused.status.code(), Some(78));
    assert!(log("night.log").contains("Z pressrun: the results in"), "what ended a run is there, too");
    workspace.put("pipeline.toml", "[log]\nfile = \"nowhere/night.log\"\n");
    let refused = workspace.run(&[&input]);
    assert!(said(&refused).contains("cannot write the log") && said(&refused).contains("nowhere/night.log"));
}

/// A folder in which nothing can be made, renamed or removed until it is dropped. Root may do all but that.
#[cfg(target_os = "linux")]
struct Frozen(PathBuf);

#[cfg(target_os = "linux")]
impl Frozen {
    /// With `files`, these cannot be changed either. None where this file system or this user cannot do that.
    fn new(folder: &Path, files: bool) -> Option<Self> {
        let frozen = Self(folder.to_owned());
        let statements = folder.join("statements");
        let done = if files {
            chattr(&["-R", "+i"], folder)
        } else {
            chattr(&["+i"], folder) && (!statements.exists() || chattr(&["+i"], &statements))
        };
        done.then_some(frozen)
    }
}

#[cfg(target_os = "linux")]
fn chattr(flags: &[&str], folder: &Path) -> bool {
    let status = Command::new("chattr").args(flags).arg(folder).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

#[cfg(target_os = "linux")]
impl Drop for Frozen {
    fn drop(&mut self) {
        chattr(&["-R", "-i"], &self.0);
    }
}

/// Freezes the output folder of a run when it has done a part of its work. Says how the run ended.
#[cfg(target_os = "linux")]
fn freeze_on_the_way(workspace: &Workspace, input: &Path, files: bool) -> std::process::Output {
    let run = workspace.command(&[input]).stderr(Stdio::piped()).spawn().unwrap();
    // The ledger's log grows with every commit.
    let log = workspace.output().join("ledger.sqlite-wal");
    while std::fs::metadata(&log).map_or(0, |log| log.len()) < 100_000 {
        std::thread::sleep(Duration::from_millis(2));
    }
    let _frozen = Frozen::new(&workspace.output(), files);
    run.wait_with_output().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_can_no_longer_be_written_ends_a_run_and_the_next_one_goes_on_when_it_can() {
    let folder = tempfile::tempdir().unwrap();
    if Frozen::new(folder.path(), false).is_none_or(|_| std::fs::write(folder.path().join("x"), "").is_ok()) {
        pressrun_testing::skip(pressrun_testing::Need::ImmutableFolders);
        return;
    }
    let input = folder.path().join("many.jsonl");
    let line =
        |number: u32| format!("{{\"id\": \"d{number}\", \"text\": \"Number {number} was read. It was short.\"}}\n");
    std::fs::write(&input, (0..600).map(line).collect::<String>()).unwrap();
    for (layout, files) in LAYOUTS.into_iter().flat_map(|layout| [(layout, false), (layout, true)]) {
        let (undisturbed, workspace) = (workspace(layout), workspace(layout));
        run_whole(&undisturbed, &input);
        let output = freeze_on_the_way(&workspace, &input, files);
        let message = said(&output);
        assert!(!output.status.success(), "{layout}");
        // Where its files are frozen, too, the system may end it at once: SQLite shares memory through one of them.
        if !files {
            assert_eq!(output.status.code(), Some(2), "{layout}: {message}");
            assert!(message.contains(workspace.output().to_str().unwrap()), "{layout}: {message}");
            assert!(message.contains("not permitted"), "{layout}: {message}");
        }
        let whole = undisturbed.files();
        let is_final = |(name, _): &&(String, Vec<u8>)| !name.contains(".part") && !name.starts_with("ledger");
        let found = workspace.files();
        let half = found.iter().filter(is_final).find(|file| !whole.contains(file));
        assert_eq!(half.map(|(name, _)| name), None, "{layout}: it is half-written");
        assert!(found.iter().filter(is_final).count() < whole.len(), "{layout}: it had not finished");
        run_whole(&workspace, &input);
        assert_eq!(difference(&workspace, &undisturbed), [""; 0], "{layout}");
        assert_eq!(verify(&workspace.output()).unwrap().faults, []);
    }
}

/// A small file system in memory, where this may mount one.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_a_run_and_the_next_one_goes_on_when_there_is_room() {
    let (_folder, input) = input();
    let (undisturbed, workspace) = (workspace(LAYOUTS[0]), workspace(LAYOUTS[0]));
    run_whole(&undisturbed, &input);
    std::fs::create_dir(workspace.output()).unwrap();
    let mount = |options: &str| {
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", options, "none"]).arg(workspace.output()).status();
        mounted.is_ok_and(|status| status.success())
    };
    if !mount("size=120k") {
        pressrun_testing::skip(pressrun_testing::Need::Mount);
        return;
    }
    let full = workspace.run(&[&input]);
    let (code, message) = (full.status.code(), said(&full));
    let room = mount("remount,size=10m");
    let next = workspace.run(&[&input]);
    let same = difference(&workspace, &undisturbed);
    let _ = Command::new("umount").arg(workspace.output()).status();
    assert_eq!(code, Some(2), "{message}");
    assert!(room && next.status.success(), "{}", said(&next));
    assert_eq!(same, [""; 0]);
}
