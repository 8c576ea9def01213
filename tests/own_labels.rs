//! Own labels from their file to the output: fitted, given, explained, suggested, answered, and refused where something is wrong.

mod support;

use std::process::{Command, Output};

use serde_json::{Value, json};
use support::{Workspace, model_section, said};

/// Articles about several subjects, so that labels have something to tell apart.
const ARTICLES: [(&str, &str); 6] = [
    (
        "rents",
        "Rents in the city rose by a fifth last year. Many tenants cannot pay. Landlords evicted three hundred families.",
    ),
    ("mortgages", "House prices fell again in March. Mortgage rates are at their highest for ten years. Buyers wait."),
    (
        "river",
        "The river burst its banks on Sunday night. Water stood a metre high in the streets. Forty homes were flooded.",
    ),
    ("storm", "A storm brought heavy rain to the valley. The flood cut off two villages. Rescuers came by boat."),
    ("match", "The home side won the final by two goals. The striker scored twice. Fans sang until midnight."),
    ("school", "The district will hire forty teachers. Two schools have no roof. Parents wrote to the mayor."),
];

const LABELS: &str = "examples_file = \"desk.jsonl\"
[[label]]
code = \"housing\"
name = \"Housing costs\"
about = [\"rents, evictions and landlords\", \"house prices and mortgages\"]
[[label]]
code = \"floods\"
about = \"rivers burst their banks, flooded homes and villages\"
";

/// Examples of both labels, enough to measure them.
const EXAMPLES: [(&str, &str); 18] = [
    ("housing", "Rents doubled within five years."),
    ("housing", "The landlord raised the rent by half."),
    ("housing", "Young families cannot afford a house."),
    ("housing", "Evictions reached a record in June."),
    ("housing", "The bank raised its mortgage rates."),
    ("housing", "Average house prices climbed to a new high."),
    ("housing", "Tenants marched against the rent increase."),
    ("housing", "A flat costs ten times a yearly wage."),
    ("housing", "Homeowners struggle to pay their mortgages."),
    ("floods", "The flood swept away a bridge."),
    ("floods", "Rising water forced people from their homes."),
    ("floods", "The river rose two metres overnight."),
    ("floods", "Sandbags did not keep the water out."),
    ("floods", "Heavy rain flooded the lower town."),
    ("floods", "The dam overflowed after days of rain."),
    ("floods", "Villages were cut off by floodwater."),
    ("floods", "Boats brought people out of flooded streets."),
    ("floods", "The levee broke in two places."),
];

/// A workspace with the articles, two own labels, and more lines for their task.
fn workspace(more: &str) -> Workspace {
    let tasks = format!(
        "[tasks.desk]\nmodel = \"newsroom\"\nlabels = \"desk.toml\"\n{more}\n[tasks.topic]\nmodel = \"newsroom\"\nhead = \"topic\"\n"
    );
    let workspace =
        Workspace::new(&format!("[input]\npaths = [\"in\"]\n{}{tasks}", model_section("precision = \"f32\"")));
    for (name, text) in ARTICLES {
        workspace.put(&format!("in/{name}.txt"), text);
    }
    workspace.put("desk.toml", LABELS);
    workspace.put("desk.jsonl", "");
    workspace
}

fn put_examples(workspace: &Workspace) {
    let rows = EXAMPLES.iter().map(|(label, text)| json!({"text": text, "label": label}).to_string() + "\n");
    workspace.put("desk.jsonl", rows.collect::<String>());
}

fn pressrun(workspace: &Workspace, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pressrun"));
    command.current_dir(workspace.folder.path()).args(arguments).output().unwrap()
}

/// What a command that works prints.
fn printed(workspace: &Workspace, arguments: &[&str]) -> String {
    let output = pressrun(workspace, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// What a command says that ends with the exit code of wrong configurations.
fn refused(workspace: &Workspace, arguments: &[&str]) -> String {
    let output = pressrun(workspace, arguments);
    assert_eq!(output.status.code(), Some(78), "{arguments:?}: {}", said(&output));
    said(&output)
}

/// The own label of each statement of an article.
fn codes(workspace: &Workspace, article: &str) -> Vec<Option<String>> {
    let statements = workspace.statements().into_iter().filter(|statement| statement["document"] == article);
    statements.map(|statement| statement["desk"]["code"].as_str().map(str::to_owned)).collect()
}

#[test]
fn labels_are_fitted_given_and_fitted_again_without_another_pass() {
    let workspace = workspace("min_score = 0.5");
    assert!(refused(&workspace, &["run"]).contains("have not been fitted: run `pressrun labels fit desk` first"));
    let fitted = printed(&workspace, &["labels", "fit"]);
    assert!(fitted.contains("its description alone: not calibrated") && fitted.contains("cannot say"), "{fitted}");
    printed(&workspace, &["run"]);
    assert!(codes(&workspace, "river").contains(&Some("floods".to_owned())), "{:?}", codes(&workspace, "river"));
    assert!(codes(&workspace, "rents").contains(&Some("housing".to_owned())), "{:?}", codes(&workspace, "rents"));
    let statement = workspace.statements().into_iter().find(|statement| !statement["desk"]["code"].is_null()).unwrap();
    assert_eq!((&statement["desk"]["fit"], statement["desk"].get("labels")), (&json!("description"), None));
    let document = workspace.lines("documents.jsonl").into_iter().find(|line| line["document"] == "river").unwrap();
    assert_eq!(document["desk"]["code"], "floods", "documents have own labels, too");
    let topics = |workspace: &Workspace| -> Vec<Value> {
        workspace.statements().into_iter().map(|statement| statement["topic"].clone()).collect()
    };
    let topics_before = topics(&workspace);

    put_examples(&workspace);
    let stale = refused(&workspace, &["run"]);
    assert!(stale.contains("were fitted before their file or its examples changed"), "{stale}");
    let fitted = printed(&workspace, &["labels", "fit", "desk"]);
    assert!(fitted.contains("9 examples, 0 counterexamples"), "{fitted}");
    let bytes = std::fs::read(workspace.folder.path().join("desk.fit.json")).unwrap();
    printed(&workspace, &["labels", "fit", "desk"]);
    assert_eq!(
        bytes,
        std::fs::read(workspace.folder.path().join("desk.fit.json")).unwrap(),
        "the same files, the same fit"
    );

    let plan = printed(&workspace, &["plan"]);
    assert!(
        plan.contains("[tasks.desk] labels") && plan.contains("needs `--redo`") || plan.contains("--redo"),
        "{plan}"
    );
    printed(&workspace, &["run", "--redo"]);
    let report = workspace.report();
    assert_eq!(report["tokens"]["useful"], 0, "vectors come from the cache: no pass");
    assert_eq!(topics(&workspace), topics_before, "another task stays as it was");
    let statement = workspace.statements().into_iter().find(|statement| !statement["desk"]["code"].is_null()).unwrap();
    assert_eq!(statement["desk"]["fit"], "examples");
    printed(&workspace, &["labels", "fit", "desk"]);
    let after_run = std::fs::read(workspace.folder.path().join("desk.fit.json")).unwrap();
    assert_eq!(bytes, after_run, "the results of a run do not change the fit");
}

#[test]
fn a_statement_can_have_several_labels() {
    let workspace = workspace("multiple = true\nmin_score = 0.0");
    printed(&workspace, &["labels", "fit"]);
    printed(&workspace, &["run"]);
    for statement in workspace.statements() {
        let labels = statement["desk"]["labels"].as_array().unwrap();
        assert_eq!(labels.len(), 2, "without a threshold each label is given: {statement}");
        assert_eq!(labels[0]["code"], statement["desk"]["code"], "the best label comes first");
    }
}

#[test]
fn an_own_label_is_explained_by_its_nearest_examples() {
    let workspace = workspace("");
    put_examples(&workspace);
    printed(&workspace, &["labels", "fit"]);
    printed(&workspace, &["run"]);
    let explained = printed(&workspace, &["explain", "river#0"]);
    assert!(explained.contains("fitted to examples") && explained.contains("(has it, "), "{explained}");
    let explained: Value = serde_json::from_str(&printed(&workspace, &["explain", "river#0", "--json"])).unwrap();
    assert_eq!(explained["differences"], json!([]), "what is explained is what was written");
    let task = explained["tasks"].as_array().unwrap().iter().find(|task| task["task"] == "desk").unwrap();
    assert_eq!((&task["label"], task["own_label"]["nearest"].as_array().unwrap().len()), (&json!("floods"), 3));
    let card = printed(&workspace, &["labels", "card"]);
    assert!(card.contains("nearest wrong examples") && card.contains("best in the archive"), "{card}");
}

#[test]
fn answers_come_back_by_the_ids_of_statements() {
    let workspace = workspace("multiple = true");
    printed(&workspace, &["labels", "fit"]);
    printed(&workspace, &["run"]);
    let suggest = ["suggest", "desk", "--label", "housing", "-n", "6", "--format", "prodigy"];
    let suggested = printed(&workspace, &suggest);
    assert_eq!(suggested, printed(&workspace, &suggest), "suggestions do not change");
    let tasks: Vec<Value> = suggested.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(tasks.len(), 6);
    let mut answers = String::new();
    for (number, mut task) in tasks.into_iter().enumerate() {
        task["answer"] = json!(["accept", "reject", "ignore"][number.min(2)]);
        if number == 1 {
            task["text"] = json!("a text that the tool has changed");
        }
        if number == 5 {
            task["answer"] = json!("accept");
            task["meta"]["statement"] = json!("absent#3");
        }
        answers.push_str(&task.to_string());
        answers.push('\n');
    }
    workspace.put("answers.jsonl", &answers);
    let imported = printed(&workspace, &["labels", "import", "answers.jsonl"]);
    assert!(imported.contains("left out: task 6: statement `absent#3` is not in "), "{imported}");
    assert!(
        imported.contains("1 examples and 1 counterexamples added; 0 known before, 3 without an answer, 1 left out")
    );
    let again = printed(&workspace, &["labels", "import", "answers.jsonl"]);
    assert!(again.contains("0 examples and 0 counterexamples added; 2 known before"), "{again}");
    let rows = std::fs::read_to_string(workspace.folder.path().join("desk.jsonl")).unwrap();
    assert!(!rows.contains("has changed"), "the text is that of the statement: {rows}");
    let fitted = printed(&workspace, &["labels", "fit"]);
    assert!(fitted.contains("2 examples read in their articles"), "{fitted}");
    let suggested = printed(&workspace, &suggest);
    let answered = rows.lines().map(|row| serde_json::from_str::<Value>(row).unwrap()["statement"].clone());
    for statement in answered {
        assert!(!suggested.contains(&statement.to_string()), "{statement} is suggested once more");
    }
}

#[test]
fn files_that_are_wrong_are_refused_with_place_and_remedy() {
    let workspace = workspace("");
    workspace
        .put("desk.jsonl", "{\"text\": \"A.\", \"label\": \"housing\"}\n{\"text\": \"a.\", \"label\": \"floods\"}\n");
    for command in [["labels", "check"], ["labels", "fit"]] {
        let message = refused(&workspace, &command);
        assert!(message.contains("desk.jsonl:2: this text is an example of `floods`, and at "), "{message}");
        assert!(message.contains("set `multiple = true`"), "{message}");
    }
    workspace.put("desk.jsonl", "");
    let checked = printed(&workspace, &["labels", "check"]);
    assert!(checked.contains("housing: a description alone, so scores are not calibrated"), "{checked}");
    workspace.put("desk.toml", "[[label]]\ncode = “housing”\n");
    assert!(refused(&workspace, &["labels", "check"]).contains("curly quotation marks"));
    assert!(refused(&workspace, &["validate"]).contains("1 problems"));
    assert!(refused(&workspace, &["labels", "check", "topic"]).contains("no task `topic` with own labels"));
    let both = Workspace::new(&format!(
        "{}[tasks.a]\nmodel = \"newsroom\"\nhead = \"topic\"\nlabels = \"a.toml\"\n[tasks.b]\nmodel = \"newsroom\"\n",
        model_section("")
    ));
    assert!(refused(&both, &["validate"]).contains("either `head` or `labels`"));
}
