//! What a user has for tuning a configuration: `init`, `validate`, `test`, `plan`, `compare` and `explain`, as programs.

mod support;

use std::process::{Command, Output};

use serde_json::Value;
use support::{TASKS, Workspace, model_section, root, said};

fn pressrun(workspace: &Workspace, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pressrun"));
    command.current_dir(workspace.folder.path()).args(arguments).output().unwrap()
}

fn printed(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(output)))
}

/// A workspace with two articles in `in`, and more lines in its configuration.
fn workspace(more: &str) -> Workspace {
    let input = "[input]\npaths = [\"in\"]\n";
    let workspace = Workspace::new(&format!("{input}{}{TASKS}{more}", model_section("precision = \"f32\"")));
    workspace.put(
        "in/rents.txt",
        "“Rents have doubled in five years,” said Ann Lee, the housing minister.\n\nTenants agreed.",
    );
    workspace.put("in/storm.txt", "The storm closed four bridges. Three people were hurt, the police said.");
    workspace
}

#[test]
fn a_new_configuration_is_valid_and_its_tests_pass() {
    let workspace = Workspace::new("");
    let model = root().join("models/newsroom");
    let begun = pressrun(&workspace, &["init", "desk", "--model", model.to_str().unwrap()]);
    assert!(begun.status.success(), "{}", said(&begun));
    workspace.put("desk/articles/a.txt", "The storm closed four bridges.");
    let valid = pressrun(&workspace, &["validate", "-c", "desk/pipeline.toml"]);
    assert!(valid.status.success(), "{}{}", printed(&valid), said(&valid));
    let tested = pressrun(&workspace, &["test", "-c", "desk/pipeline.toml"]);
    assert!(tested.status.success(), "{}{}", printed(&tested), said(&tested));
    assert!(printed(&tested).ends_with("2 tests: 2 passed, 0 failed\n"), "{}", printed(&tested));
    let again = pressrun(&workspace, &["init", "desk", "--model", model.to_str().unwrap()]);
    assert!(said(&again).contains("is there already"), "{}", said(&again));
}

#[test]
fn validation_lists_every_problem_and_has_the_exit_code_of_configurations() {
    let workspace = workspace(
        "[metrics]\ntextfile = \"no/pressrun.prom\"\n[[tests]]\ntext = \"a\"\nexpect = { topic = \"Housin\" }\n",
    );
    std::fs::remove_dir_all(workspace.folder.path().join("in")).unwrap();
    let checked = pressrun(&workspace, &["validate", "--json"]);
    assert_eq!(checked.status.code(), Some(78));
    let checks = json(&checked);
    let problems: Vec<_> = checks.as_array().unwrap().iter().filter(|check| check["status"] == "problem").collect();
    let subjects: Vec<_> = problems.iter().map(|check| check["subject"].as_str().unwrap()).collect();
    assert_eq!(subjects, ["input", "tests", "metrics"]);
    let slip = problems[1]["message"].as_str().unwrap();
    assert!(slip.contains("no label `Housin`") && slip.contains("did you mean `Housing`?"), "{slip}");
}

#[test]
fn tests_tell_what_was_expected_and_what_was_found() {
    let workspace = workspace(
        "[[tests]]\nname = \"rents\"\ntext = \"Rents rose, said Ann Lee, the housing minister.\"\n\
         expect = { topic = [\"14\", \"1\"], speaker = \"Ann Lee\", act = \"say\" }\nnot = { topic = \"Defense\" }\n\
         [[tests]]\nname = \"wrong\"\ntext = \"The storm closed four bridges.\"\nexpect = { topic = \"Health\", speaker = \"Ann Lee\" }\n\
         [[tests]]\nname = \"two\"\ntext = \"One here. Two here.\"\nexpect = { boilerplate = false }\n",
    );
    let tested = pressrun(&workspace, &["test", "--junit", "junit.xml"]);
    assert_eq!(tested.status.code(), Some(1));
    let text = printed(&tested);
    assert!(text.contains("ok      rents\n"), "{text}");
    assert!(text.contains("topic      expected  Health") && text.contains("found     no named speaker"), "{text}");
    assert!(text.contains("2 statements: set `statement`"), "{text}");
    assert!(text.ends_with("3 tests: 1 passed, 2 failed\n"), "{text}");
    let junit = std::fs::read_to_string(workspace.folder.path().join("junit.xml")).unwrap();
    assert!(
        junit.contains("tests=\"3\" failures=\"2\"") && junit.contains("message=\"topic: expected Health, found"),
        "{junit}"
    );

    workspace.put("own.toml", "[[tests]]\ntext = \"One here.\"\nexpect = { topics = \"Health\" }\n");
    let own = pressrun(&workspace, &["test", "own.toml"]);
    assert_eq!(own.status.code(), Some(78));
    assert!(said(&own).contains("own.toml:3:12: unknown result `topics`"), "{}", said(&own));
    assert!(said(&own).contains("did you mean `topic`?"), "{}", said(&own));
}

#[test]
fn a_test_made_from_a_statement_passes() {
    let workspace = workspace("");
    assert!(workspace.run(&[]).status.success());
    let made = pressrun(&workspace, &["test", "--from", "rents#0"]);
    assert!(made.status.success(), "{}", said(&made));
    let text = printed(&made);
    assert!(text.starts_with("[[tests]] # rents#0\n") && text.contains("speaker = \"Ann Lee\""), "{text}");
    assert!(!text.contains("fails now"), "{text}");
    workspace.put("made.toml", &text);
    let tested = pressrun(&workspace, &["test", "made.toml"]);
    assert!(tested.status.success(), "{}", printed(&tested));
    for (id, message) in
        [("rents", "is no id of a statement"), ("absent#0", "has no document `absent`"), ("rents#9", "no number 9")]
    {
        let missing = pressrun(&workspace, &["test", "--from", id]);
        assert!(said(&missing).contains(message), "{}", said(&missing));
    }
}

#[test]
fn a_plan_is_what_the_run_then_does() {
    let workspace = workspace("");
    let plan =
        |arguments: &[&str]| json(&pressrun(&workspace, &[&["plan", "--json"], arguments].concat()))["plan"].clone();
    let counts = |plan: &Value| ["new", "changed", "outdated", "done"].map(|name| plan[name].as_u64().unwrap());

    let first = plan(&[]);
    assert_eq!(counts(&first), [2, 0, 0, 0]);
    assert!(workspace.run(&[]).status.success());
    let report = workspace.report();
    assert_eq!(first["tokens"], report["tokens"]["useful"]);
    assert_eq!(first["statements"], report["statements"]);
    assert_eq!(counts(&plan(&[])), [0, 0, 0, 2]);
    let work = pressrun(&workspace, &["plan", "--exit-code"]);
    assert_eq!(work.status.code(), Some(0));

    workspace.put("in/storm.txt", "The storm closed five bridges.");
    workspace.put("in/broken.json", "{");
    let second = plan(&[]);
    assert_eq!((counts(&second), &second["rejected"]), ([0, 1, 0, 1], &serde_json::json!({ "truncated": 1 })));
    assert_eq!(pressrun(&workspace, &["plan", "--exit-code"]).status.code(), Some(3));
    assert!(workspace.run(&[]).status.success());
    assert_eq!(workspace.report()["accounting"]["written"], 1);

    let configuration = workspace.folder.path().join("pipeline.toml");
    let text = std::fs::read_to_string(&configuration).unwrap().replace("min_score = 0.35", "min_score = 0.99");
    std::fs::write(&configuration, text).unwrap();
    let third = plan(&[]);
    assert_eq!((counts(&third), third["needs_redo"].as_u64()), ([0, 0, 2, 0], Some(2)));
    let change = &third["changes"][0];
    assert_eq!(
        (&change["name"], &change["before"], &change["now"]),
        (&"[tasks.topic] min_score".into(), &"0.35".into(), &"0.99".into())
    );
    assert_eq!(workspace.run(&[]).status.code(), Some(78), "the plan says that it stops");
    let sample = json(&pressrun(&workspace, &["plan", "--json", "--redo", "--sample", "2"]));
    assert_eq!(sample["plan"]["needs_redo"], 0);
    let flips = sample["sample"]["tasks"]["topic"]["by_labels"].as_array().unwrap().clone();
    assert!(!flips.is_empty() && flips.iter().all(|flip| flip["to"] == "unsure"), "{flips:?}");
}

#[test]
fn a_comparison_counts_flips_and_one_with_itself_has_none() {
    let workspace = workspace("");
    let configuration = workspace.folder.path().join("pipeline.toml");
    let text = std::fs::read_to_string(&configuration).unwrap();
    workspace.put(
        "strict.toml",
        text.replace("min_score = 0.35", "min_score = 0.99") + "[output]\ndirectory = \"strict\"\n",
    );
    let same = json(&pressrun(&workspace, &["compare", "pipeline.toml", "pipeline.toml", "--json"]));
    assert_eq!(
        (&same["tasks"]["topic"]["flips"], &same["documents"], &same["statements"]),
        (&0.into(), &2.into(), &4.into())
    );

    let limited = pressrun(
        &workspace,
        &["compare", "pipeline.toml", "strict.toml", "--html", "c.html", "--fail-on", "flips.topic>1%"],
    );
    assert_eq!(limited.status.code(), Some(1), "{}", said(&limited));
    assert!(said(&limited).contains("the comparison exceeds `flips.topic>1%`: it is "), "{}", said(&limited));
    let page = std::fs::read_to_string(workspace.folder.path().join("c.html")).unwrap();
    assert!(page.contains("→ unsure") && !page.contains("<script"), "{page}");

    assert!(workspace.run(&[]).status.success());
    assert!(pressrun(&workspace, &["run", "-c", "strict.toml"]).status.success());
    let folders = json(&pressrun(&workspace, &["compare", "output", "strict", "--json"]));
    let configurations = json(&pressrun(&workspace, &["compare", "pipeline.toml", "strict.toml", "--json"]));
    assert_eq!(folders["tasks"], configurations["tasks"], "runs and comparisons label alike");
    assert_eq!(folders["speakers"], configurations["speakers"]);

    workspace.put("other.toml", text.replace("[input]\n", "[input]\nlanguages = [\"en\"]\n"));
    let other = pressrun(&workspace, &["compare", "pipeline.toml", "other.toml"]);
    assert!(said(&other).contains("differ in `[input]`"), "{}", said(&other));
    let bad = pressrun(&workspace, &["compare", "output", "pipeline.toml"]);
    assert!(said(&bad).contains("two configurations or two output folders"), "{}", said(&bad));
}

#[test]
fn an_explanation_has_the_scores_of_the_record_and_the_words_that_mattered() {
    let workspace = workspace("");
    assert!(workspace.run(&[]).status.success());
    let explained = json(&pressrun(&workspace, &["explain", "rents#0", "--json"]));
    assert_eq!(explained["differences"], serde_json::json!([]));
    let record = workspace.lines("statements/rents.jsonl")[0].clone();
    for task in explained["tasks"].as_array().unwrap() {
        let name = task["task"].as_str().unwrap();
        let best = &task["scores"][0];
        let score = record[name]["score"].as_f64().unwrap();
        assert!((best["score"].as_f64().unwrap() - score).abs() < 1e-4, "{name}: {best} and {score}");
        let words: Vec<_> =
            task["words"].as_array().unwrap().iter().map(|word| word["word"].as_str().unwrap()).collect();
        assert_eq!(
            words,
            ["Rents", "have", "doubled", "in", "five", "years", "said", "Ann", "Lee", "the", "housing", "minister"]
        );
    }
    let topic = explained["tasks"][0]["words"].as_array().unwrap();
    let heaviest =
        topic.iter().max_by(|one, other| one["weight"].as_f64().unwrap().total_cmp(&other["weight"].as_f64().unwrap()));
    assert!(["Rents", "housing"].contains(&heaviest.unwrap()["word"].as_str().unwrap()), "{topic:?}");
    assert_eq!(explained["attributions"][0]["speaker"]["name"], "Ann Lee");
    assert_eq!(explained["passage"]["sentences"], 2);

    let text = printed(&pressrun(&workspace, &["explain", "rents#0"]));
    assert!(text.contains("speaker   Ann Lee (housing minister): the source has the name"), "{text}");
    std::fs::remove_file(workspace.folder.path().join("in/rents.txt")).unwrap();
    let gone = pressrun(&workspace, &["explain", "rents#0"]);
    assert!(said(&gone).contains("is no longer where it was read"), "{}", said(&gone));
}
