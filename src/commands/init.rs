//! `pressrun init`: writes a commented configuration to begin with.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use pressrun::config::reference::SHIPPED;
use pressrun::config::{NoModel, installed, json_schema};
use pressrun::own_labels::definition;

use crate::cli::InitArguments;

/// The file for editors, beside the configuration.
const SCHEMA: &str = "pipeline.schema.json";
/// The file of own labels, beside the configuration.
const LABELS: &str = "labels/desk.toml";
/// The examples of these labels.
const LABELS_EXAMPLES: &str = "labels/desk.jsonl";
/// The file for editors of own labels.
const LABELS_SCHEMA: &str = "labels/labels.schema.json";
/// Own labels to begin with.
const LABELS_TEXT: &str = "#:schema labels.schema.json
# Labels of your own. To use them, take the `#` away before `[tasks.desk]` and its keys in pipeline.toml, and run `pressrun labels fit desk`.

# `pressrun labels import` adds the answers of labelling tools to this file. By hand: {\"text\": \"…\", \"label\": \"housing\"} in a line.
examples_file = \"desk.jsonl\"

[[label]]
code = \"housing\"              # the key in the output
name = \"Housing costs\"        # for people
about = [\"rents, evictions and landlords\", \"house prices and mortgages\"]    # in the words that articles use
not_about = \"prices of shares and of oil\"                                  # near, but not meant

[[label]]
code = \"floods\"
name = \"Floods\"
about = \"rivers burst their banks, flooded homes, flood defences\"
examples = [\"The river rose two metres overnight.\"]
counterexamples = [\"A flood of complaints reached the council.\"]
";
/// The tests at the end of a new configuration.
const TESTS: &str = "
# Texts with expected results: `pressrun test` runs them, and `pressrun test --from STATEMENT` makes one of a result.
[[tests]]
text = \"\"\"“Rents in the city have risen by a fifth in a year,” said Ann Lee, the housing minister.\"\"\"
expect = { topic = \"Housing\", speaker = \"Ann Lee\", act = \"say\" }

[[tests]]
text = \"The striker scored twice as the home side won the cup final.\"
expect = { topic = \"Sports and Recreation\", sentiment = \"positive\", speaker = false }
";
/// The place of the model in the configuration of the repository.
const MODEL: &str = "models/newsroom";

/// A file of the repository, by its path, with its content.
macro_rules! shipped {
    ($path:literal) => {
        ($path, include_bytes!(concat!("../../", $path)).as_slice())
    };
}

/// The articles of the repository, of which some cannot be read, as it happens in archives.
const EXAMPLES: [(&str, &[u8]); 6] = [
    shipped!("examples/harbor-budget.txt"),
    shipped!("examples/storm-aftermath.txt"),
    shipped!("examples/festival-latin1.txt"),
    shipped!("examples/wire.jsonl"),
    shipped!("examples/empty.txt"),
    shipped!("examples/2031/03/election-night.txt"),
];

/// Writes `pipeline.toml`, own labels, their JSON Schemas, and if asked the example articles into a folder. Nothing that is there is
/// overwritten.
///
/// # Errors
/// A file that is there already or cannot be written, or a model that cannot be found.
pub(crate) fn init(arguments: &InitArguments) -> anyhow::Result<()> {
    let folder = &arguments.directory;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create `{}`", folder.display()))?;
    let configuration = configuration(arguments)?;
    create(&folder.join("pipeline.toml"), configuration.as_bytes())?;
    create(&folder.join(SCHEMA), format!("{:#}\n", json_schema()).as_bytes())?;
    create(&folder.join(LABELS), LABELS_TEXT.as_bytes())?;
    create(&folder.join(LABELS_EXAMPLES), b"")?;
    create(&folder.join(LABELS_SCHEMA), format!("{:#}\n", definition::json_schema()).as_bytes())?;
    if arguments.examples {
        for (path, content) in EXAMPLES {
            create(&folder.join(path), content)?;
        }
    }
    let mut out = std::io::stdout().lock();
    let path = folder.join("pipeline.toml");
    writeln!(out, "{} is ready. Next:", path.display())?;
    writeln!(out, "    pressrun validate -c {}", path.display())?;
    writeln!(out, "    pressrun run -c {}", path.display())?;
    Ok(())
}

/// The text of the configuration for the new folder.
fn configuration(arguments: &InitArguments) -> anyhow::Result<String> {
    let model = model(arguments.model.as_deref())?;
    let Some(model) = model.to_str() else { bail!("the path of the model, `{}`, is not UTF-8", model.display()) };
    let (_, body) = SHIPPED.split_once("\n\n").unwrap_or(("", SHIPPED));
    let mut text = format!(
        "#:schema {SCHEMA}\n# Every key with its default, and two tests at the end. Paths are relative to this file.\n\n{body}"
    );
    if !arguments.examples {
        text = with_value(&text, "paths", "[\"articles\"]");
    }
    text = with_value(&text, "path", &toml_string(model));
    text.push_str(TESTS);
    Ok(text)
}

/// The path of the model in the new configuration: the folder that the user names, or that of a checkout, or the installed one. The last
/// is a relative path, so that the configuration still finds it after an update or on another machine.
fn model(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(model) = named {
        return model.canonicalize().with_context(|| format!("there is no model in `{}`", model.display()));
    }
    let checkout = std::env::current_dir().context("there is no current folder")?.join(MODEL);
    if checkout.exists() {
        return Ok(checkout);
    }
    let installed = installed(Path::new(MODEL));
    if installed.as_ref().is_some_and(|model| model.exists()) {
        return Ok(MODEL.into());
    }
    let error = NoModel { name: "newsroom".to_owned(), places: [checkout].into_iter().chain(installed).collect() };
    Err(error).context("name the folder of a model with --model")
}

/// The text with another value for the first key of this name.
fn with_value(text: &str, key: &str, value: &str) -> String {
    let is_key = |line: &str| line.split_once('=').is_some_and(|(name, _)| name.trim() == key);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if let Some(line) = lines.iter_mut().find(|line| is_key(line)) {
        let comment = line.find('#').map(|start| (start, line[start..].to_owned()));
        *line = format!("{key} = {value}");
        if let Some((column, comment)) = comment {
            // The comment stays in its column, if the value leaves room.
            *line = format!("{line:<width$}{comment}", width = column.max(line.len() + 1));
        }
    }
    lines.join("\n") + "\n"
}

fn toml_string(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Writes a file that is not there yet, and makes its folder.
fn create(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).with_context(|| format!("cannot create `{}`", parent.display()))?;
    }
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
    let mut file = match file {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("`{}` is there already: remove it, or name another folder", path.display())
        }
        Err(error) => return Err(error).with_context(|| format!("cannot write `{}`", path.display())),
    };
    file.write_all(content).with_context(|| format!("cannot write `{}`", path.display()))
}
