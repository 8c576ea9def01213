//! What holds for every run: see "Invariants" in `ARCHITECTURE.md`.

mod support;

use pressrun::config::{Device, Precision};
use pressrun::model::{HeadOutputs, Model, ModelFolder, TokenBatch};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use support::{TASKS, Workspace, model_section, root, said};

fn examples_with(model: &str, more: &str) -> Workspace {
    let workspace = Workspace::new(&format!("{}{TASKS}{more}", model_section(model)));
    let output = workspace.run(&[&root().join("examples")]);
    assert!(output.status.success(), "{}", said(&output));
    workspace
}

#[test]
fn any_number_of_workers_gives_the_same_bytes() {
    let one = examples_with("workers = 1\nbatch_tokens = 256", "[run]\nchunk_documents = 3");
    let three = examples_with("workers = 3\nbatch_tokens = 256", "[run]\nchunk_documents = 3");
    assert_eq!(one.files().len(), three.files().len());
    for (one, three) in one.files().iter().zip(three.files()) {
        assert!(*one == three, "{} differs", one.0);
    }
}

#[test]
fn the_accounting_adds_up_and_every_span_gives_its_text() {
    let workspace = examples_with("", "");
    let accounting = &workspace.report()["accounting"];
    let number = |name: &str| accounting[name].as_u64().unwrap();
    assert_eq!(number("found"), number("written") + number("rejected"));
    assert_eq!(number("filtered"), 0);
    assert_eq!(number("written"), workspace.lines("documents.jsonl").len() as u64);
    assert_eq!(number("rejected"), workspace.lines("rejected.jsonl").len() as u64);
    assert_eq!(workspace.report()["statements"], workspace.statements().len());

    let storm = std::fs::read_to_string(root().join("examples/storm-aftermath.txt")).unwrap();
    let characters: Vec<char> = storm.chars().collect();
    let mut end = 0;
    for statement in workspace.lines("statements/storm-aftermath.jsonl") {
        let place = |name: &str| usize::try_from(statement[name].as_u64().unwrap()).unwrap();
        let by_characters: String = characters[place("start")..place("end")].iter().collect();
        assert_eq!(statement["text"], by_characters);
        assert_eq!(statement["text"], storm[place("byte_start")..place("byte_end")]);
        let gap = &characters[end..place("start")];
        assert!(gap.iter().all(|character| !character.is_alphanumeric()), "left behind: {gap:?}");
        end = place("end");
    }
    assert!(characters[end..].iter().all(|character| !character.is_alphanumeric()));
}

#[test]
fn what_is_filtered_is_accounted_for_and_moves_no_chunk() {
    let english = "The council voted on the plan on Tuesday evening after a long debate, and the mayor said that work on the new \
                   bridge would begin in spring.";
    let german = "Der Rat hat am Dienstagabend nach langer Debatte über den Plan abgestimmt, und die Bürgermeisterin sagte, die \
                  Arbeiten an der neuen Brücke würden im Frühling beginnen.";
    let line = |id: &str, text: &str| format!("{}\n", serde_json::json!({"id": id, "text": text}));
    let lines = [
        line("one", english),
        line("zwei", german),
        "no json\n".to_owned(),
        line("short", "Hi."),
        line("zwei", german),
        line("six", english),
    ];
    let pipeline = format!("{}{TASKS}[run]\nchunk_documents = 2\n", model_section(""));
    let (all, some) =
        (Workspace::new(&pipeline), Workspace::new(&format!("[input]\nlanguages = [\"en\"]\n{pipeline}")));
    let accounting = |workspace: &Workspace| {
        let output = workspace.run(&[&workspace.put("input/wire.jsonl", lines.concat())]);
        assert!(output.status.success(), "{}", said(&output));
        let accounting = workspace.report()["accounting"].clone();
        ["found", "written", "rejected", "skipped", "filtered"].map(|name| accounting[name].as_u64().unwrap())
    };
    assert_eq!(accounting(&all), [6, 5, 1, 0, 0]);
    assert_eq!(accounting(&some), [6, 3, 1, 0, 2]);
    assert_eq!(accounting(&some), [6, 0, 1, 3, 2], "a second run");
    let documents = some.lines("documents.jsonl");
    let languages: Vec<_> = documents.iter().map(|document| (&document["document"], &document["language"])).collect();
    assert_eq!(serde_json::json!(languages), serde_json::json!([["one", "en"], ["short", null], ["six", "en"]]));
    let without_german = |statement: &Value| !statement["document"].as_str().unwrap().starts_with("zwei");
    let expected: Vec<Value> = all.statements().into_iter().filter(without_german).collect();
    assert_eq!(some.statements(), expected);
    let verify = |arguments: &[&std::ffi::OsStr]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pressrun"));
        let verified = command.arg("verify").args(arguments).output().unwrap();
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    };
    verify(&[some.output().as_ref()]);

    // What was written stays when other languages are wanted.
    let path = all.put("pipeline.toml", format!("[input]\nlanguages = [\"de\"]\n{pipeline}"));
    assert_eq!(accounting(&all), [6, 0, 1, 3, 2], "another filter");
    assert_eq!(all.lines("documents.jsonl").len(), 5);
    let input = all.folder.path().join("input");
    verify(&["--sample".as_ref(), "8".as_ref(), "-c".as_ref(), path.as_ref(), "--input".as_ref(), input.as_ref()]);
}

#[test]
fn both_layouts_hold_the_same_statements() {
    let documents = examples_with("", "");
    let shards = examples_with("", "[output]\nlayout = \"sharded\"\nshard_bytes = 20000");
    let in_shards: Vec<Value> = (0..100)
        .map(|number| format!("statements-{number:05}.jsonl"))
        .take_while(|name| shards.output().join(name).exists())
        .flat_map(|name| shards.lines(&name))
        .collect();
    assert_eq!(in_shards, documents.statements());
    assert!(shards.output().join("statements-00001.jsonl").exists(), "more than one shard");

    let compressed = examples_with("", "[output]\nlayout = \"sharded\"\ncompression = \"zstd\"");
    let frames = std::fs::read(compressed.output().join("statements-00000.jsonl.zst")).unwrap();
    let text = String::from_utf8(zstd::decode_all(frames.as_slice()).unwrap()).unwrap();
    assert_eq!(text.lines().count(), in_shards.len());
}

#[test]
fn all_lines_of_a_file_have_the_same_keys() {
    let workspace = Workspace::new("");
    let output = workspace.run(&[&root().join("tests/cases/copies/input")]);
    assert!(output.status.success(), "{}", said(&output));
    for lines in [workspace.statements(), workspace.lines("documents.jsonl")] {
        assert!(lines.iter().any(|line| line["duplicate_of"].is_string()));
        assert!(lines.iter().any(|line| line["duplicate_of"].is_null()));
        assert!(lines.iter().all(|line| keys(line) == keys(&lines[0])));
    }
}

fn keys(line: &Value) -> Vec<&String> {
    line.as_object().unwrap().keys().collect()
}

#[test]
fn real_output_fits_the_published_schemas() {
    let workspace = examples_with("", "");
    let fits = |schema: &str, values: Vec<Value>| {
        let text = std::fs::read(root().join(format!("docs/schema/{schema}.schema.json"))).unwrap();
        let validator = jsonschema::validator_for(&serde_json::from_slice(&text).unwrap()).unwrap();
        assert!(!values.is_empty());
        for value in values {
            let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{schema}: {errors:?}\n{value}");
        }
        assert!(!validator.is_valid(&serde_json::json!({"schema": 2})), "{schema} accepts anything");
    };
    fits("statement", workspace.statements());
    fits("document", workspace.lines("documents.jsonl"));
    fits("rejection", workspace.lines("rejected.jsonl"));
    fits("run", vec![workspace.report()]);
}

fn model(precision: Precision) -> (ModelFolder, Model) {
    let folder = ModelFolder::open(&root().join("models/newsroom")).unwrap();
    let runtime = folder.runtime(precision, Device::Cpu, Some(1)).unwrap();
    let model = folder.load(&runtime, 0, &["topic", "sentiment", "attribution"]).unwrap();
    (folder, model)
}

/// Sentences of all kinds of lengths, as token ids.
fn rows(folder: &ModelFolder) -> Vec<Vec<u32>> {
    let tokenizer = folder.tokenizer().unwrap();
    let text = std::fs::read_to_string(root().join("examples/harbor-budget.txt")).unwrap();
    let sentences = pressrun::sentences::sentences(&text);
    let tokenize = |text: &str| tokenizer.tokenize(text).unwrap().ids;
    let mut rows: Vec<Vec<u32>> = sentences.iter().map(|sentence| tokenize(sentence.span.slice(&text))).collect();
    rows.extend(["", "No.", "Yes, no.", &text[..900]].map(tokenize));
    rows
}

/// Reads `choices` of rows as batches, and compares with what the rows give alone.
fn assert_neighbours_change_nothing(precision: Precision) {
    let (folder, mut model) = model(precision);
    let rows = rows(&folder);
    let mut read =
        |rows: &[&Vec<u32>]| model.infer(&TokenBatch::from_rows(rows.iter().map(|row| row.as_slice()))).unwrap();
    let alone: Vec<HeadOutputs> = rows.iter().flat_map(|row| read(&[row])).collect();
    let choices = prop::collection::vec(0..rows.len(), 1..60);
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() });
    let read = std::cell::RefCell::new(read);
    let held = runner.run(&choices, |places| {
        let batch: Vec<&Vec<u32>> = places.iter().map(|&place| &rows[place]).collect();
        let expected: Vec<&HeadOutputs> = places.iter().map(|&place| &alone[place]).collect();
        let together = (read.borrow_mut())(&batch);
        prop_assert!(together.iter().eq(expected), "a batch of {:?}", places);
        Ok(())
    });
    held.unwrap();
}

#[test]
fn a_text_gives_the_same_bits_alone_and_in_any_batch_in_f32() {
    assert_neighbours_change_nothing(Precision::F32);
}

#[test]
fn a_text_gives_the_same_bits_alone_and_in_any_batch_in_bf16() {
    assert_neighbours_change_nothing(Precision::Bf16);
}

/// The numbers come from another program with the same weights and temperatures: `bench/reference_scores.py`, in numpy.
#[test]
fn the_model_gives_the_scores_that_it_was_made_with() {
    let (folder, mut model) = model(Precision::F32);
    let text = "They condemned China's dangerous and provocative military activities in the East and South China Seas.";
    let ids = folder.tokenizer().unwrap().tokenize(text).unwrap().ids;
    let outputs = model.infer(&TokenBatch::from_rows(std::iter::once(ids.as_slice()))).unwrap();
    let (topic, sentiment) = (&outputs[0].sequences[0], &outputs[0].sequences[1]);
    assert!((topic[14] - 0.7798).abs() < 2e-3, "defense: {}", topic[14]);
    assert!((sentiment[0] - 0.7345).abs() < 2e-3, "negative: {}", sentiment[0]);
}
