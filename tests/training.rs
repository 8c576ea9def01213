//! A tiny encoder learns what its sets say, is measured, goes on after a kill, and refuses what cannot be learnt from.

mod support;

use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pressrun::causes::chain;
use pressrun::config::ConfigFile;
use pressrun::model::ModelFolder;
use pressrun::train::recipe::Recipe;
use pressrun::train::scores::EpochScores;
use pressrun::train::{Event, Training};
use rust_bert::bert::{BertConfig, BertEmbeddings, BertModel};
use serde_json::{Value, json};
use support::{TASKS, root, said};
use tempfile::TempDir;

const MOOD: &str = r#"
[heads.mood]
kind = "sequence"
report = "distribution"
labels = [{ label = "bad" }, { label = "good" }]
[[heads.mood.sets]]
name = "moods"
licence = "made for this test"
train = "mood.jsonl"
dev = "mood.jsonl"
"#;

const ATTRIBUTION: &str = r#"
[heads.attribution]
kind = "token"
labels = [{ label = "O" }, { label = "B-source" }, { label = "I-source" }, { label = "B-cue" }, { label = "I-cue" }]
[[heads.attribution.sets]]
name = "speakers"
licence = "made for this test"
train = "attribution.jsonl"
dev = "attribution.jsonl"
"#;

/// Sentences of documents for two heads, a set of which one has none of its own.
const DOCUMENTS: &str = r#"
[heads.mood]
kind = "sequence"
report = "distribution"
labels = [{ label = "bad" }, { label = "good" }]
[[heads.mood.sets]]
name = "documents"
licence = "made for this test"
train = "documents.jsonl"
dev = "documents.jsonl"
[heads.mood.sets.also.boilerplate]
layout.flag = "j"
[heads.boilerplate]
kind = "sequence"
report = "boilerplate"
labels = [{ label = "statement" }, { label = "boilerplate" }]
"#;

/// A folder with a tiny encoder of random weights, two sets, and nothing else.
fn workshop() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().join("base");
    std::fs::create_dir(&base).unwrap();
    let config = json!({
        "model_type": "bert", "hidden_act": "gelu", "attention_probs_dropout_prob": 0.1, "hidden_dropout_prob": 0.1, "hidden_size": 16,
        "initializer_range": 0.02, "intermediate_size": 32, "max_position_embeddings": 64, "num_attention_heads": 2,
        "num_hidden_layers": 2, "type_vocab_size": 2, "vocab_size": 30522
    });
    std::fs::write(base.join("config.json"), config.to_string()).unwrap();
    std::fs::copy(root().join("models/newsroom/tokenizer.json"), base.join("tokenizer.json")).unwrap();
    let config: BertConfig = serde_json::from_value(config).unwrap();
    tch::manual_seed(7);
    let weights = tch::nn::VarStore::new(tch::Device::Cpu);
    let _model = BertModel::<BertEmbeddings>::new_with_optional_pooler(weights.root(), &config, false);
    weights.save(base.join("model.safetensors")).unwrap();
    std::fs::write(folder.path().join("mood.jsonl"), moods()).unwrap();
    std::fs::write(folder.path().join("fine.jsonl"), moods().replace("good", "fine")).unwrap();
    std::fs::write(folder.path().join("attribution.jsonl"), attributions()).unwrap();
    std::fs::write(folder.path().join("documents.jsonl"), documents()).unwrap();
    folder
}

/// Puts a tiny `MPNet` of random weights in the place of the encoder.
fn use_mpnet(folder: &Path) {
    let config = json!({
        "model_type": "mpnet", "hidden_size": 16, "intermediate_size": 32, "max_position_embeddings": 64,
        "num_attention_heads": 2, "num_hidden_layers": 1, "vocab_size": 30522, "relative_attention_num_buckets": 8,
        "layer_norm_eps": 1e-5, "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1
    });
    let linear = |name: &str, to: i64, from: i64| {
        vec![(format!("{name}.weight"), vec![to, from]), (format!("{name}.bias"), vec![to])]
    };
    let norm = |name: &str| vec![(format!("{name}.weight"), vec![16]), (format!("{name}.bias"), vec![16])];
    let mut shapes = vec![
        ("embeddings.word_embeddings.weight".to_owned(), vec![30522, 16]),
        ("embeddings.position_embeddings.weight".to_owned(), vec![64, 16]),
        ("encoder.relative_attention_bias.weight".to_owned(), vec![8, 2]),
    ];
    shapes.extend(norm("embeddings.LayerNorm"));
    let layer = "encoder.layer.0";
    shapes
        .extend(["q", "k", "v", "o"].iter().flat_map(|name| linear(&format!("{layer}.attention.attn.{name}"), 16, 16)));
    shapes.extend(["attention", "output"].iter().flat_map(|name| norm(&format!("{layer}.{name}.LayerNorm"))));
    shapes.extend(linear(&format!("{layer}.intermediate.dense"), 32, 16));
    shapes.extend(linear(&format!("{layer}.output.dense"), 16, 32));
    tch::manual_seed(7);
    let options = (tch::Kind::Float, tch::Device::Cpu);
    let random = |(name, shape): (String, Vec<i64>)| {
        let tensor = tch::Tensor::randn(&shape, options) * 0.1;
        if name.contains("LayerNorm.weight") { (name, tensor + 1.0) } else { (name, tensor) }
    };
    let tensors: Vec<_> = shapes.into_iter().map(random).collect();
    tch::Tensor::write_safetensors(&tensors, folder.join("base/model.safetensors")).unwrap();
    std::fs::write(folder.join("base/config.json"), config.to_string()).unwrap();
}

fn moods() -> String {
    let mut lines = String::new();
    for thing in ["harvest", "season", "concert", "verdict", "budget", "summer", "harbor", "winter"] {
        writeln!(lines, "{}", json!({ "text": format!("a splendid {thing}"), "label": "good" })).unwrap();
        writeln!(lines, "{}", json!({ "text": format!("a dreadful {thing}"), "label": "bad" })).unwrap();
    }
    lines
}

/// Documents of three sentences: one that says its label, one that says nothing of it, and one that is no statement.
fn documents() -> String {
    let mut lines = String::new();
    for thing in ["harvest", "season", "concert", "verdict", "budget", "summer", "harbor", "winter"] {
        for (word, label) in [("splendid", "good"), ("dreadful", "bad")] {
            let sentences = [format!("A {word} {thing}."), "So it was.".to_owned(), "By Ann".to_owned()];
            let mut statements = Vec::new();
            let mut start = 0;
            for (sentence, flags) in sentences.iter().zip(["", "w", "j"]) {
                let end = start + sentence.len();
                statements.push(json!({ "start": start, "end": end, "label": label, "flags": flags }));
                start = end + 1;
            }
            let title = format!("The {word} {thing}");
            let row = json!({
                "id": format!("{word}-{thing}"), "title": title, "text": sentences.join(" "), "label": label,
                "statements": statements
            });
            writeln!(lines, "{row}").unwrap();
        }
    }
    lines
}

fn attributions() -> String {
    let mut lines = String::new();
    for (name, cue) in [("Ann", "said"), ("Bob", "said"), ("Carla", "claimed"), ("Dora", "claimed")] {
        let text = format!("{name} {cue} nothing new.");
        let (source, cue) = ([0, name.len()], [name.len() + 1, name.len() + 1 + cue.len()]);
        writeln!(lines, "{}", json!({ "text": text, "attributions": [{ "source": [source], "cue": [cue] }] })).unwrap();
    }
    lines
}

fn recipe(training: &str, heads: &str) -> String {
    format!(
        "[model]\nname = \"tiny\"\nrevision = \"1\"\nbase = \"base\"\nbase_note = \"random\"\noutput = \"model\"\n\
         passage_tokens = 32\nmax_tokens = 32\n[training]\nthreads = 1\nbatch_tokens = 64\nhead_learning_rate = 0.02\nlearning_rate = 0.01\n\
         dropout = 0.0\nprecision = \"f32\"\n{training}\n{heads}"
    )
}

fn prepare(folder: &Path, text: &str) -> Result<Training, String> {
    let recipe = Recipe::parse(ConfigFile { path: folder.join("recipe.toml"), text: text.to_owned() });
    let training = recipe
        .map_err(|error| chain(&error))
        .and_then(|recipe| Training::prepare(recipe, |_| {}).map_err(|error| chain(&error)));
    training.map_err(|message| message.replace(&folder.display().to_string(), "."))
}

/// Dropout draws from one well of chance for the whole process, so trainings take turns.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn train(folder: &Path, text: &str) -> EpochScores {
    prepare(folder, text).unwrap().run(|_| {}).unwrap()
}

fn pressrun(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pressrun")).current_dir(folder).args(arguments).output().unwrap()
}

#[test]
fn a_model_learns_all_heads_at_once_and_is_a_complete_folder() {
    let _turn = turn();
    let folder = workshop();
    let scores = train(folder.path(), &recipe("epochs = 12\npatience = 12", &(MOOD.to_owned() + ATTRIBUTION)));
    let [mood, attribution] = scores.sets.as_slice() else { panic!("{scores:?}") };
    assert!(mood.accuracy > 0.99, "{mood:?}");
    assert!(attribution.macro_f1 > 0.95, "{attribution:?}");
    assert!(!folder.path().join("model.training").exists());
    let card = std::fs::read_to_string(folder.path().join("model/MODEL_CARD.md")).unwrap();
    assert!(card.contains("| moods | mood |") && card.contains("made for this test"), "{card}");
    let manifest = std::fs::read_to_string(folder.path().join("model/model.toml")).unwrap();
    assert_eq!(manifest.matches("temperature = ").count(), 1, "one sequence head: {manifest}");

    let output = pressrun(folder.path(), &["evaluate", "-m", "model", "-t", "mood", "mood.jsonl", "--json"]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)));
    assert_eq!((found["rows"].as_u64(), found["per_class"][1]["support"].as_u64()), (Some(16), Some(8)));
    assert!(found["accuracy"].as_f64().unwrap() > 0.99 && found["ece"].as_f64().unwrap() < 0.1, "{found}");

    let arguments = ["evaluate", "-m", "model", "-t", "attribution", "attribution.jsonl", "--against", "model"];
    let output = pressrun(folder.path(), &arguments);
    let table = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(table.contains("cue") && table.contains("tiny 1"), "{table}{}", said(&output));
}

#[test]
fn a_killed_training_goes_on_after_its_last_epoch_and_ends_the_same() {
    let _turn = turn();
    let text = recipe("epochs = 3\npatience = 3\nema_decay = 0.5\ndropout = 0.1", MOOD).replace("dropout = 0.0\n", "");
    let (whole, broken) = (workshop(), workshop());
    train(whole.path(), &text);
    let killed = catch_unwind(AssertUnwindSafe(|| {
        prepare(broken.path(), &text).unwrap().run(|event| {
            assert!(!matches!(event, Event::Step(step) if step.epoch == 3), "killed in the third epoch");
        })
    }));
    assert!(killed.is_err() && !broken.path().join("model").exists());
    let mut resumed = None;
    prepare(broken.path(), &text)
        .unwrap()
        .run(|event| {
            if let Event::Resumed(scores) = event {
                resumed = Some(scores.epoch);
            }
        })
        .unwrap();
    assert_eq!(resumed, Some(2));
    let weights = |folder: &TempDir| std::fs::read(folder.path().join("model/encoder.safetensors")).unwrap();
    assert!(weights(&whole) == weights(&broken), "the same weights, byte for byte");
}

#[test]
fn a_finished_model_is_begun_from_with_the_heads_that_fit() {
    let _turn = turn();
    let folder = workshop();
    let first = train(folder.path(), &recipe("epochs = 12\npatience = 12", &(MOOD.to_owned() + ATTRIBUTION)));
    std::fs::rename(folder.path().join("model"), folder.path().join("finished")).unwrap();
    // So that nothing is learnt: what it knows it knows from the model.
    let still = |heads: &str| {
        let text = recipe("epochs = 1\nweight_decay = 0.0", heads).replace("\"base\"", "\"finished\"");
        train(folder.path(), &text.replace("learning_rate = 0.01", "learning_rate = 1e-12").replace("0.02", "1e-12"))
    };
    let same = still(&(MOOD.to_owned() + ATTRIBUTION));
    let scores = |all: &EpochScores| all.sets.iter().map(|set| (set.accuracy, set.macro_f1)).collect::<Vec<_>>();
    assert_eq!(scores(&same), scores(&first));
    assert!(same.loss < 0.3, "it is sure of what it knows: {same:?}");
    let other = still(&(MOOD.replace("good", "fine") + ATTRIBUTION).replace("\"mood.jsonl\"", "\"fine.jsonl\""));
    assert!(other.loss > 0.5 && other.sets[1].macro_f1 > 0.95, "one head is fresh: {other:?}");
}

#[test]
fn another_recipe_does_not_take_up_a_training() {
    let _turn = turn();
    let folder = workshop();
    let text = recipe("epochs = 2", MOOD);
    let killed = catch_unwind(AssertUnwindSafe(|| {
        prepare(folder.path(), &text).unwrap().run(|event| assert!(!matches!(event, Event::Epoch(_))))
    }));
    assert!(killed.is_err());
    let message = prepare(folder.path(), &text.replace("0.02", "0.03")).unwrap_err();
    assert!(message.contains("./model.training` belongs to a training with a different recipe"), "{message}");

    // What comes out of the epochs may be decided when they are there.
    let mean = format!("# A mean.\n{text}").replace("[training]", "average_epochs = true\n[training]");
    let mut resumed = 0;
    let events = |event: Event<'_>| resumed += usize::from(matches!(event, Event::Resumed(_)));
    prepare(folder.path(), &mean).unwrap().run(events).unwrap();
    assert_eq!(resumed, 1);
    let card = std::fs::read_to_string(folder.path().join("model/MODEL_CARD.md")).unwrap();
    assert!(card.contains("the mean of those of all epochs"), "{card}");
}

#[test]
fn a_training_that_diverges_ends_with_the_step_and_a_hint() {
    let _turn = turn();
    let folder = workshop();
    let text = recipe("epochs = 9", MOOD).replace("learning_rate = 0.01", "learning_rate = 1e38");
    let error = prepare(folder.path(), &text).unwrap().run(|_| {}).unwrap_err().to_string();
    assert!(error.contains("of epoch 1") && error.contains("smaller `learning_rate`"), "{error}");
}

#[test]
fn what_cannot_be_learnt_from_is_refused_with_file_and_line() {
    let _turn = turn();
    let cases = [
        (
            "{\"text\": \"a\", \"label\": \"great\"}",
            "mood.jsonl:2: `label` is `great`, which the head does not know; it knows `bad`, `good`",
        ),
        ("{\"text\": \"a\"}", "mood.jsonl:2: the field `label` is missing"),
        ("{\"label\": \"good\"}", "mood.jsonl:2: the field `text` is missing"),
        ("{\"text\": \" \", \"label\": \"good\"}", "mood.jsonl:2: `text` is empty"),
        ("{\"text\": 3, \"label\": \"good\"}", "mood.jsonl:2: `text` is not a string"),
        ("[1]", "mood.jsonl:2: not a JSON object"),
        ("{\"text\": \"a\", ", "mood.jsonl:2: not JSON: EOF"),
    ];
    for (line, expected) in cases {
        let folder = workshop();
        std::fs::write(folder.path().join("mood.jsonl"), format!("{}\n{line}\n", moods().lines().next().unwrap()))
            .unwrap();
        let message = prepare(folder.path(), &recipe("", MOOD)).unwrap_err();
        assert!(message.contains(expected), "{line}: {message}");
    }
}

#[test]
fn spans_outside_their_text_and_empty_sets_are_refused() {
    let _turn = turn();
    let folder = workshop();
    let line = json!({ "text": "Ann said no.", "attributions": [{ "source": [[0, 3]], "cue": [[4, 40]] }] });
    std::fs::write(folder.path().join("attribution.jsonl"), line.to_string()).unwrap();
    let message = prepare(folder.path(), &recipe("", ATTRIBUTION)).unwrap_err();
    assert!(
        message
            .ends_with("attribution.jsonl:1: the cue [4,40] is not a range inside the text, which has 12 characters"),
        "{message}"
    );
    std::fs::write(folder.path().join("mood.jsonl"), "\n").unwrap();
    let message = prepare(folder.path(), &recipe("", MOOD)).unwrap_err();
    assert!(message.contains("mood.jsonl` has no row to use"), "{message}");
}

#[test]
fn a_wrong_recipe_is_refused_where_it_is_wrong() {
    let _turn = turn();
    let folder = workshop();
    let refusal = |text: &str| prepare(folder.path(), text).unwrap_err();
    let message = refusal(&recipe("epoch = 3", MOOD));
    assert!(message.contains("recipe.toml:16:1: unknown field `epoch`"), "{message}");
    let message = refusal(&recipe("", MOOD).replace("head_learning_rate = 0.02", "head_learning_rate = -1.0"));
    assert!(message.contains("recipe.toml:12:1: `head_learning_rate` has to be a number above 0.0"), "{message}");
    let message = refusal(&recipe("", &MOOD.replace("dev = \"mood.jsonl\"", "")));
    assert!(message.contains("`heads.mood` needs a set with `dev`"), "{message}");
    let output = pressrun(folder.path(), &["train", "nowhere.toml"]);
    assert_eq!(output.status.code(), Some(78), "{}", said(&output));
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let _turn = turn();
    let folder = workshop();
    let pipeline = format!("[models.newsroom]\npath = \"{}\"\n{TASKS}", root().join("models/newsroom").display());
    std::fs::write(folder.path().join("pipeline.toml"), pipeline).unwrap();
    std::fs::write(folder.path().join("bad.jsonl"), "{\"text\": \"a\", \"label\": \"angry\"}\n").unwrap();
    let refusal = |arguments: &[&str]| {
        let output = pressrun(folder.path(), &[&["evaluate"], arguments].concat());
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
        said(&output)
    };
    let message = refusal(&["--task", "tone", "mood.jsonl"]);
    assert!(message.contains("has no task `tone`, expected one of `topic`, `sentiment`, `attribution`"), "{message}");
    let message = refusal(&["--task", "sentiment", "nowhere.jsonl"]);
    assert!(message.contains("cannot read `nowhere.jsonl`: No such file"), "{message}");
    let message = refusal(&["--task", "sentiment", "bad.jsonl", "--json"]);
    assert!(message.contains("bad.jsonl:1: `label` is `angry`, which the head does not know"), "{message}");
    let message = refusal(&["--task", "topic", "attribution.jsonl"]);
    assert!(message.contains("attribution.jsonl:1: no label: expected one of the fields `codes`"), "{message}");
}

#[test]
fn unrelated_context_in_training_makes_a_model_independent_of_its_context() {
    let _turn = turn();
    let folder = workshop();
    let among = |line: &str| {
        line.replace('{', "{\"before\": \"a dreadful winter\", \"after\": \"a splendid harvest\", ") + "\n"
    };
    std::fs::write(folder.path().join("among.jsonl"), moods().lines().map(among).collect::<String>()).unwrap();
    let measured_in_context = MOOD.replace("dev = \"mood.jsonl\"", "dev = \"among.jsonl\"");
    let accuracy = |share: &str| {
        let training = format!("epochs = 60\npatience = 60\nunrelated_context = {share}");
        train(folder.path(), &recipe(&training, &measured_in_context)).sets[0].accuracy
    };
    let (without, with) = (accuracy("0.0"), accuracy("0.8"));
    assert!(with > 0.99 && without < with, "without unrelated context {without}, with it {with}");
}

#[test]
fn the_mean_with_another_model_comes_out_and_is_measured() {
    let _turn = turn();
    let folder = workshop();
    train(folder.path(), &recipe("epochs = 12\npatience = 12", MOOD).replace("\"model\"", "\"other\""));
    let averaged = |share: &str| {
        let other = format!("[[model.average_with]]\nmodel = \"other\"\nshare = {share}\n[training]");
        recipe("epochs = 1\nseed = 2", MOOD).replace("[training]", &other)
    };
    assert!(train(folder.path(), &averaged("1.0")).sets[0].accuracy > 0.99, "all of the other");
    let weights = |name: &str| std::fs::read(folder.path().join(name).join("encoder.safetensors")).unwrap();
    assert!(weights("model") == weights("other"));
    train(folder.path(), &averaged("0.5"));
    assert!(weights("model") != weights("other"));
    let card = std::fs::read_to_string(folder.path().join("model/MODEL_CARD.md")).unwrap();
    assert!(card.contains("| the mean of those of the epoch below (with a share of 0.50), `other` (0.5) |"), "{card}");

    let too_much =
        averaged("0.5").replace("[training]", "[[model.average_with]]\nmodel = \"other\"\nshare = 0.6\n[training]");
    let message = prepare(folder.path(), &too_much).err().unwrap();
    assert!(message.contains("`average_with` has shares of more than 1.0 together"), "{message}");

    let one = recipe("epochs = 1", MOOD);
    train(folder.path(), &one);
    let best = weights("model");
    let mean = one.replace("[training]", "average_epochs = true\n[training]");
    train(folder.path(), &mean);
    assert!(weights("model") == best, "one epoch is its own mean");
    train(folder.path(), &mean.replace("epochs = 1", "epochs = 3\npatience = 3"));
    let card = std::fs::read_to_string(folder.path().join("model/MODEL_CARD.md")).unwrap();
    assert!(card.contains("| weights | the mean of those of all epochs |"), "{card}");

    std::fs::write(folder.path().join("mood.jsonl"), moods().replace("good", "fine")).unwrap();
    let renamed = averaged("0.5").replace("\"good\"", "\"fine\"");
    let message = prepare(folder.path(), &renamed).err().unwrap();
    assert!(message.contains("its head `mood` is missing, of another kind, or has other labels"), "{message}");
}

#[test]
fn another_seed_gives_a_model_in_a_folder_of_its_own() {
    let _turn = turn();
    let folder = workshop();
    let text = recipe("epochs = 1\nseed = 1", MOOD);
    std::fs::write(folder.path().join("recipe.toml"), &text).unwrap();
    let output = pressrun(folder.path(), &["train", "recipe.toml", "--seed", "2"]);
    assert!(output.status.success(), "{}", said(&output));
    let card = std::fs::read_to_string(folder.path().join("model-2/MODEL_CARD.md")).unwrap();
    assert!(card.contains("seed 2."), "{card}");
    assert!(!folder.path().join("model").exists());
    train(folder.path(), &text.replace("seed = 1", "seed = 2"));
    let weights = |name: &str| std::fs::read(folder.path().join(name).join("heads.safetensors")).unwrap();
    assert!(weights("model") == weights("model-2"), "as if the recipe had that seed");
    let output = pressrun(folder.path(), &["train", "recipe.toml", "--seed", "2", "--calibrate"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
}

#[test]
fn a_finished_model_is_calibrated_anew_to_what_its_training_came_to() {
    let _turn = turn();
    let folder = workshop();
    let text = recipe("epochs = 12\npatience = 12", &(MOOD.to_owned() + ATTRIBUTION));
    train(folder.path(), &text);
    std::fs::write(folder.path().join("recipe.toml"), &text).unwrap();
    let path = folder.path().join("model/model.toml");
    let manifest = std::fs::read_to_string(&path).unwrap();
    let offsets = manifest.lines().find(|line| line.starts_with("offsets = ")).unwrap();
    std::fs::write(&path, manifest.replace(offsets, "offsets = [50.0, 0.0, 0.0, 0.0, 0.0]")).unwrap();
    let found = || {
        let output =
            pressrun(folder.path(), &["evaluate", "-m", "model", "-t", "attribution", "attribution.jsonl", "--json"]);
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["macro_f1"].as_f64().unwrap()
    };
    assert!(found() < 0.01, "it marks nothing");
    let left_over = folder.path().join("model.calibration");
    std::fs::create_dir(&left_over).unwrap();
    std::fs::write(left_over.join("config.json"), "of a killed calibration").unwrap();
    let output = pressrun(folder.path(), &["train", "recipe.toml", "--calibrate"]);
    assert!(output.status.success() && said(&output).contains("speakers"), "{}", said(&output));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), manifest);
    assert!(found() > 0.95 && !left_over.exists());

    // The card says so, keeps what it said of the training, and has the notes that the recipe has now, or those of before.
    let card = || std::fs::read_to_string(folder.path().join("model/MODEL_CARD.md")).unwrap();
    let first = card();
    std::fs::write(folder.path().join("NOTES.md"), "## Limits\n\nFew.\n").unwrap();
    for (revision, notes) in [("2", "output = \"model\"\nnotes = \"NOTES.md\""), ("3", "output = \"model\"")] {
        let again = text
            .replace("output = \"model\"", notes)
            .replace("revision = \"1\"", &format!("revision = \"{revision}\""));
        std::fs::write(folder.path().join("recipe.toml"), again).unwrap();
        assert!(pressrun(folder.path(), &["train", "recipe.toml", "--calibrate"]).status.success());
        assert_eq!(card(), first.replacen("# tiny 1", &format!("# tiny {revision}"), 1) + "\n## Limits\n\nFew.\n");
    }
    let manifest = manifest.replace("revision = \"1\"", "revision = \"3\"");

    std::fs::write(folder.path().join("recipe.toml"), text.replace("\"good\"", "\"fine\"")).unwrap();
    let output = pressrun(folder.path(), &["train", "recipe.toml", "--calibrate"]);
    assert!(
        !output.status.success() && said(&output).contains("its head `mood` is missing, of another kind, or"),
        "{}",
        said(&output)
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), manifest);
}

#[test]
fn without_a_teacher_the_model_chooses_among_open_labels_itself() {
    let _turn = turn();
    let folder = workshop();
    // Of each pair one label is sure; the others leave open which of both it is.
    let open: String = moods()
        .lines()
        .map(|line| {
            let mut row: Value = serde_json::from_str(line).unwrap();
            if row["text"].as_str().unwrap().ends_with("winter") {
                return row.to_string() + "\n";
            }
            row["label"] = json!(["bad", "good"]);
            row.to_string() + "\n"
        })
        .collect();
    std::fs::write(folder.path().join("open.jsonl"), open).unwrap();
    let set = MOOD.replace("train = \"mood.jsonl\"", "train = \"open.jsonl\"");
    let scores = train(folder.path(), &recipe("epochs = 20\npatience = 20", &set));
    assert!(scores.sets[0].accuracy > 0.9, "{scores:?}");
}

#[test]
fn a_teacher_chooses_where_a_set_leaves_labels_open() {
    let _turn = turn();
    let folder = workshop();
    train(folder.path(), &recipe("epochs = 12\npatience = 12", MOOD).replace("\"model\"", "\"teacher\""));
    let open = moods().replace("\"good\"", "\"any\"").replace("\"bad\"", "\"any\"");
    std::fs::write(folder.path().join("open.jsonl"), open).unwrap();
    let set =
        MOOD.replace("train = \"mood.jsonl\"", "train = \"open.jsonl\"\nlayout.labels = { any = [\"bad\", \"good\"] }");
    let set = set + "teachers = [\"teacher\", \"teacher\"]\n";
    let scores = train(folder.path(), &recipe("epochs = 12\npatience = 12", &set));
    assert!(scores.sets[0].accuracy > 0.99, "{scores:?}");
    std::fs::write(folder.path().join("recipe.toml"), recipe("epochs = 1", &set)).unwrap();
    let output = pressrun(folder.path(), &["train", "recipe.toml"]);
    let texts = moods().lines().count();
    assert!(said(&output).starts_with(&format!("teacher labels {texts} texts of ")), "{}", said(&output));
    let turned = set.replace("\"bad\" }, { label = \"good\"", "\"good\" }, { label = \"bad\"");
    let message = prepare(folder.path(), &recipe("", &turned)).unwrap_err();
    assert!(
        message.ends_with("cannot teach head `mood`: its labels are different, or in a different order"),
        "{message}"
    );
}

#[test]
fn a_teacher_of_another_family_teaches_other_heads_on_the_texts_of_a_set() {
    let _turn = turn();
    let folder = workshop();
    use_mpnet(folder.path());
    train(folder.path(), &recipe("epochs = 12\npatience = 12", MOOD).replace("\"model\"", "\"teacher\""));
    let manifest = ModelFolder::open(&folder.path().join("teacher")).unwrap().manifest().clone();
    assert_eq!(manifest.architecture.to_string(), "mpnet");

    let student = workshop();
    let unmarked = |line: &str| line.replace("\"label\"", "\"attributions\":[],\"was\"") + "\n";
    let lines: String = moods().lines().map(unmarked).collect();
    std::fs::write(student.path().join("attribution.jsonl"), lines).unwrap();
    let vague = "{\"text\": \"a harvest\", \"label\": \"good\"}\n{\"text\": \"a harvest\", \"label\": \"bad\"}\n";
    std::fs::write(student.path().join("vague.jsonl"), vague).unwrap();
    let heads = MOOD.replace("train = \"mood.jsonl\"", "train = \"vague.jsonl\"") + ATTRIBUTION;
    let teacher = folder.path().join("teacher");
    let taught = format!("{heads}distilled_heads = {{ mood = \"{}\" }}\n", teacher.display());
    let scores = train(student.path(), &recipe("epochs = 12\npatience = 12", &taught));
    assert!(scores.sets[0].accuracy > 0.99, "{scores:?}");

    let wrong = taught.replace("distilled_heads = { mood", "distilled_heads = { attribution");
    let message = prepare(student.path(), &recipe("", &wrong)).unwrap_err();
    assert!(
        message.contains("`heads.attribution` has a set whose `distilled_heads` names a head that is its own"),
        "{message}"
    );
}

#[test]
fn a_teacher_teaches_a_token_head_token_by_token() {
    let _turn = turn();
    let folder = workshop();
    let training = "epochs = 20\npatience = 20";
    train(folder.path(), &recipe(training, ATTRIBUTION).replace("\"model\"", "\"teacher\""));
    let unmarked = |line: &str| {
        let text = serde_json::from_str::<Value>(line).unwrap()["text"].clone();
        json!({ "text": text, "label": "good", "attributions": [] }).to_string() + "\n"
    };
    let texts: String = attributions().lines().map(unmarked).collect();
    std::fs::write(folder.path().join("unmarked.jsonl"), texts).unwrap();

    let unmarked = ATTRIBUTION.replace("train = \"attribution.jsonl\"", "train = \"unmarked.jsonl\"");
    let alone = train(folder.path(), &recipe(training, &unmarked));
    assert!(alone.sets[0].macro_f1 < 0.05, "it learns that nobody says anything: {alone:?}");
    let with_teacher = unmarked.clone() + "teachers = [\"teacher\"]\nteacher_share = 1.0\n";
    let taught = train(folder.path(), &recipe(training, &with_teacher));
    assert!(taught.sets[0].macro_f1 > 0.95, "{taught:?}");

    // By the texts of another head's set, and against what it is told of a few of them itself.
    let by_moods = MOOD.replace("train = \"mood.jsonl\"", "train = \"unmarked.jsonl\"")
        + "distilled_heads = { attribution = \"teacher\" }\ndistilled_weight = 20.0\n"
        + &unmarked;
    let taught = train(folder.path(), &recipe(training, &by_moods));
    assert!(taught.sets[1].macro_f1 > 0.95, "{taught:?}");

    let made_up = with_teacher + "augmented_copies = 1\n";
    let message = prepare(folder.path(), &recipe("", &made_up)).unwrap_err();
    assert!(message.contains("`heads.attribution` is a token head and has a set with `augmented_copies`"), "{message}");
}

#[test]
fn a_teacher_of_tokens_has_to_have_the_same_tokens() {
    let _turn = turn();
    let folder = workshop();
    let tokenizer = folder.path().join("base/tokenizer.json");
    let ours = std::fs::read_to_string(&tokenizer).unwrap();
    let mut other: Value = serde_json::from_str(&ours).unwrap();
    other["normalizer"]["lowercase"] = false.into();
    std::fs::write(&tokenizer, other.to_string()).unwrap();
    train(folder.path(), &recipe("epochs = 1", ATTRIBUTION).replace("\"model\"", "\"teacher\""));
    std::fs::write(&tokenizer, ours).unwrap();
    let line = json!({ "text": "Ann Zyxwv said nothing new.", "attributions": [] });
    std::fs::write(folder.path().join("attribution.jsonl"), attributions() + &line.to_string()).unwrap();
    let message =
        prepare(folder.path(), &recipe("", &(ATTRIBUTION.to_owned() + "teachers = [\"teacher\"]\n"))).unwrap_err();
    let expected = "attribution.jsonl:5: the teacher of `attribution` splits this text into other tokens";
    assert!(message.ends_with(expected), "{message}");
}

#[test]
fn documents_teach_several_heads_and_their_sentences_take_labels_from_each_other() {
    let _turn = turn();
    let folder = workshop();
    let text = recipe("epochs = 30\npatience = 30\ntitle_dropout = 0.2\n", DOCUMENTS);
    let text = text.replace("max_tokens = 32\n", "max_tokens = 32\ntitle_tokens = 6\n");
    let scores = prepare(folder.path(), &text).unwrap().run(|_| {}).unwrap();
    let set = |head: &str| scores.sets.iter().find(|set| set.head == head).unwrap();
    assert_eq!((set("mood").rows, set("boilerplate").rows), (32, 48), "what is no statement has no mood");
    assert!(set("mood").accuracy > 0.95, "{scores:?}");
    assert!(set("boilerplate").accuracy > 0.95, "{scores:?}");
    let manifest = ModelFolder::open(&folder.path().join("model")).unwrap().manifest().clone();
    assert_eq!(manifest.title_tokens.map(pressrun::config::values::Whole::as_size), Some(6));
    assert!(manifest.heads["mood"].document.is_some());
}

#[test]
fn a_teacher_learns_from_the_sets_of_the_recipe_that_it_teaches() {
    let _turn = turn();
    let folder = workshop();
    let moods = MOOD.to_owned() + "teachers = [\"teacher\"]\n";
    std::fs::write(folder.path().join("student.toml"), recipe("", &moods)).unwrap();
    std::fs::create_dir(folder.path().join("sets")).unwrap();
    std::fs::write(folder.path().join("sets/mood.jsonl"), self::moods()).unwrap();
    let text = "heads_from = \"student.toml\"\nuse_teachers = false\n".to_owned() + &recipe("", "");
    let file = ConfigFile { path: folder.path().join("teacher.toml"), text };
    let teacher = Recipe::parse(file).unwrap();
    assert!(teacher.heads["mood"].sets[0].teachers.is_empty());
    assert_eq!(teacher.heads["mood"].sets[0].train, folder.path().join("mood.jsonl"));
    let moved = teacher.with_data(&folder.path().join("sets"));
    assert_eq!(moved.heads["mood"].sets[0].train, folder.path().join("sets/mood.jsonl"));
}

#[test]
fn a_set_with_a_folder_of_its_own_stays_there() {
    let _turn = turn();
    let folder = workshop();
    let beside = MOOD.to_owned() + "data = \".\"\n";
    let path = folder.path().join("recipe.toml");
    std::fs::write(&path, recipe("", &beside)).unwrap();
    let recipe = Recipe::load(&path).unwrap().with_data(&folder.path().join("elsewhere"));
    assert_eq!(recipe.heads["mood"].sets[0].train, folder.path().join("mood.jsonl"));
}

#[test]
fn the_shipped_recipes_are_those_of_the_shipped_model() {
    let folder = root().join("models/newsroom");
    let manifest = ModelFolder::open(&folder).unwrap().manifest().clone();
    let recipe = Recipe::load(&folder.join("recipe.toml")).unwrap();
    assert_eq!((&recipe.model.name, &recipe.model.revision), (&manifest.name, &manifest.revision));
    for (name, head) in &recipe.heads {
        assert_eq!(head.labels, manifest.heads[name].labels, "{name}");
    }
    let teacher = Recipe::load(&folder.join("teacher.toml")).unwrap();
    for (name, head) in &teacher.heads {
        assert_eq!(head.labels, recipe.heads[name].labels, "{name}");
        assert!(head.sets.iter().all(|set| set.teachers.is_empty() && set.distilled_heads.is_empty()), "{name}");
    }
}
