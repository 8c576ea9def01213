//! `pipeline.toml` to a valid `Config`. Errors name file, line and column, and come before anything is loaded.

/// Texts with expected results.
mod case;
/// Data that was installed with the program.
mod installed;
/// The reference of all sections and keys.
pub mod reference;
/// The sections of the file, with their defaults.
mod sections;
/// The name that was probably meant.
mod suggestion;
/// Values that know their limits.
pub mod values;

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Deserialize;
use toml::Spanned;

use crate::record::Metadata;

pub use case::{Expected, TestCase, TestCases};
pub use installed::{NoModel, installed};
pub use sections::{
    CacheConfig, Compression, CopiesConfig, DayField, Device, DriftConfig, ExportConfig, FieldNames, InputConfig,
    Layout, LogConfig, MetricsConfig, ModelConfig, Order, OutputConfig, Partition, Precision, RecordMarkup,
    ReportConfig, RunConfig, TaskConfig,
};
pub(crate) use suggestion::most_similar;

/// The content of `pipeline.toml`. Relative paths are resolved against the file's folder.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file itself.
    pub file: ConfigFile,
    /// The input files and their parsing.
    pub input: InputConfig,
    /// The models, by name.
    pub models: IndexMap<String, ModelConfig>,
    /// The tasks, by the name of the field that they fill, in the order of the output.
    pub tasks: IndexMap<String, TaskConfig>,
    /// The output folder and its files.
    pub output: OutputConfig,
    /// Tables for other programs.
    pub export: ExportConfig,
    /// The cache of models' results.
    pub cache: CacheConfig,
    /// The comparison of a night with earlier ones.
    pub drift: DriftConfig,
    /// The page of the morning after.
    pub report: ReportConfig,
    /// The metrics file.
    pub metrics: MetricsConfig,
    /// The log file.
    pub log: LogConfig,
    /// The size of chunks, and the limits of a run.
    pub run: RunConfig,
    /// Texts with expected results.
    pub tests: Vec<TestCase>,
}

/// The path and text of a configuration, for errors that point into it.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    /// The path as the user gave it.
    pub path: PathBuf,
    /// The text of the file.
    pub text: String,
}

/// The configuration of pressrun. Paths are relative to this file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "pipeline.toml")]
struct Sections {
    #[serde(default)]
    input: InputConfig,
    #[serde(default)]
    models: IndexMap<String, ModelConfig>,
    #[serde(default)]
    #[schemars(with = "IndexMap<String, TaskConfig>")]
    tasks: IndexMap<Spanned<String>, TaskConfig>,
    #[serde(default)]
    output: OutputConfig,
    #[serde(default)]
    export: ExportConfig,
    #[serde(default)]
    cache: CacheConfig,
    #[serde(default)]
    drift: DriftConfig,
    #[serde(default)]
    report: ReportConfig,
    #[serde(default)]
    metrics: MetricsConfig,
    #[serde(default)]
    log: LogConfig,
    #[serde(default)]
    run: RunConfig,
    #[serde(default)]
    tests: Vec<TestCase>,
}

/// A configuration that is not valid.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read configuration `{}`{}", path.display(), remedy(cause))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        #[source]
        cause: std::io::Error,
    },
    /// The file has an error.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column in code points, from 1.
        column: usize,
        /// The error, and the values that are allowed.
        message: String,
    },
}

/// Tells a newcomer how to get a configuration, if there is none.
fn remedy(cause: &std::io::Error) -> &'static str {
    if cause.kind() == std::io::ErrorKind::NotFound { " (`pressrun init` writes one)" } else { "" }
}

impl Config {
    /// Reads and checks the file at `path`.
    ///
    /// # Errors
    /// [`ConfigError`] with the position of the first error.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Self::parse(ConfigFile::load(path)?)
    }

    /// Checks the text of `file`.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with the position of the first error.
    pub fn parse(file: ConfigFile) -> Result<Self, ConfigError> {
        let sections: Sections = file.sections()?;
        for (name, task) in &sections.tasks {
            check_task(&file, name, task, &sections.models)?;
        }
        let tasks = sections.tasks.into_iter().map(|(name, task)| (name.into_inner(), task)).collect();
        let mut config = Self {
            input: sections.input,
            models: sections.models,
            tasks,
            output: sections.output,
            export: sections.export,
            cache: sections.cache,
            drift: sections.drift,
            report: sections.report,
            metrics: sections.metrics,
            log: sections.log,
            run: sections.run,
            tests: sections.tests,
            file,
        };
        config.check_output_fields()?;
        config.check_drift()?;
        config.resolve_paths();
        Ok(config)
    }

    /// Checks that `[output] fields` names only fields that statements have.
    fn check_output_fields(&self) -> Result<(), ConfigError> {
        let known: Vec<&str> = STATEMENT_FIELDS.into_iter().chain(self.tasks.keys().map(String::as_str)).collect();
        for field in &self.output.fields {
            if !known.contains(&field.get_ref().as_str()) {
                let names = known.iter().filter(|name| !IDENTIFYING_FIELDS.contains(name));
                let message = format!("unknown field `{}`, expected one of {}", field.get_ref(), listed(names));
                return Err(self.file.invalid(field.span(), &message));
            }
        }
        Ok(())
    }

    /// Checks that as many nights are compared as are needed.
    fn check_drift(&self) -> Result<(), ConfigError> {
        let DriftConfig { nights, minimum, .. } = &self.drift;
        if minimum.get_ref().get() > nights.get() {
            let message = format!("`minimum` is more than `nights`, which is {}", nights.get());
            return Err(self.file.invalid(minimum.span(), &message));
        }
        Ok(())
    }

    /// Resolves relative paths against the folder of the file.
    fn resolve_paths(&mut self) {
        let folder = self.file.path.parent().unwrap_or(Path::new("")).to_owned();
        for path in self.input.paths.iter_mut().filter(|path| !is_url(path)) {
            *path = folder.join(&path);
        }
        for model in self.models.values_mut() {
            model.installed = installed(&model.path);
            model.path = folder.join(&model.path);
        }
        for labels in self.tasks.values_mut().filter_map(|task| task.labels.as_mut()) {
            let path = folder.join(labels.get_ref());
            *labels.get_mut() = path;
        }
        self.output.directory = folder.join(&self.output.directory);
        self.cache.directory = folder.join(&self.cache.directory);
        let files = self.metrics.textfile.iter_mut().chain(&mut self.log.file);
        for path in files.chain(&mut self.drift.holidays).chain(&mut self.report.html) {
            *path = folder.join(&path);
        }
    }
}

/// True for the address of an object in a store, such as `s3://bucket/archive/`, and false for a path of a disk.
#[must_use]
pub fn is_url(path: &Path) -> bool {
    let text = path.to_str().unwrap_or_default();
    text.split_once("://").is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_lowercase())
            && scheme.chars().all(|character| character.is_ascii_alphanumeric())
    })
}

/// The fields that every statement has besides those of its tasks. No task can have one of these names.
pub const STATEMENT_FIELDS: [&str; 21] = concat_names([
    &["schema", "document", "statement", "index", "text", "start", "end", "byte_start", "byte_end", "paragraph"],
    &Metadata::NAMES,
    &["duplicate_of", "attributions", "flags"],
]);

/// The fields that every document has besides those of its statements. No task can have one of these names either. `boilerplate` is
/// not in the list: it is the usual name of the task that fills it.
pub(crate) const DOCUMENT_FIELDS: [&str; 12] = [
    "place",
    "similarity",
    "text_sha256",
    "characters",
    "bytes",
    "encoding",
    "paragraphs",
    "statements",
    "acts",
    "unsure_attributions",
    "speakers",
    "statements_file",
];

/// The names of three lists in one. `N` is the sum of their lengths.
const fn concat_names<const N: usize>(lists: [&[&'static str]; 3]) -> [&'static str; N] {
    let mut names = [""; N];
    let mut next = 0;
    let mut list = 0;
    while list < lists.len() {
        let mut place = 0;
        while place < lists[list].len() {
            names[next] = lists[list][place];
            next += 1;
            place += 1;
        }
        list += 1;
    }
    assert!(next == N, "the length of the result is not that of its parts");
    names
}

/// The fields that are written even if `[output] fields` does not name them.
pub const IDENTIFYING_FIELDS: [&str; 4] = ["schema", "document", "statement", "index"];

/// Checks that the name of a task is free and that its model exists.
fn check_task(
    file: &ConfigFile,
    name: &Spanned<String>,
    task: &TaskConfig,
    models: &IndexMap<String, ModelConfig>,
) -> Result<(), ConfigError> {
    for (record, fields) in [("statement", STATEMENT_FIELDS.as_slice()), ("document", &DOCUMENT_FIELDS)] {
        if fields.contains(&name.get_ref().as_str()) {
            let message =
                format!("a task cannot be called `{}`: every {record} has a field of that name", name.get_ref());
            return Err(file.invalid(name.span(), &message));
        }
    }
    if !models.contains_key(task.model.get_ref()) {
        let known = listed(models.keys());
        let message = format!("unknown model `{}`, expected one of {known}", task.model.get_ref());
        return Err(file.invalid(task.model.span(), &message));
    }
    check_labels(file, name, task)
}

/// Checks that a task has a head or own labels, and keys of own labels only with these.
fn check_labels(file: &ConfigFile, name: &Spanned<String>, task: &TaskConfig) -> Result<(), ConfigError> {
    match (&task.head, &task.labels) {
        (None, None) => {
            let message = format!(
                "task `{}` has neither `head` nor `labels`: name a head of the model, or a file of own labels",
                name.get_ref()
            );
            return Err(file.invalid(name.span(), &message));
        }
        (Some(_), Some(labels)) => {
            return Err(file.invalid(labels.span(), "a task has either `head` or `labels`: remove one of them"));
        }
        (Some(_), None) => {
            let multiple = task.multiple.as_ref().map(|multiple| ("multiple", multiple.span()));
            let min_precision = task.min_precision.as_ref().map(|precision| ("min_precision", precision.span()));
            if let Some((key, span)) = multiple.or(min_precision) {
                return Err(file.invalid(span, &format!("`{key}` is for tasks with `labels`; this one has a head")));
            }
        }
        (None, Some(_)) => {}
    }
    Ok(())
}

/// The JSON Schema of the file, for editors. Draft 7, because editors of TOML know it best.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    SchemaSettings::draft07().into_generator().into_root_schema_for::<Sections>().to_value()
}

/// The names in backticks, with commas between them.
#[must_use]
pub fn listed<T: std::fmt::Display>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none (there are none)".to_owned() } else { names.join(", ") }
}

impl ConfigFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// [`ConfigError::Unreadable`] with the cause.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|cause| ConfigError::Unreadable { path: path.to_owned(), cause })?;
        Ok(Self { path: path.to_owned(), text })
    }

    /// The sections of the file as a `T`.
    pub(crate) fn sections<T: serde::de::DeserializeOwned>(&self) -> Result<T, ConfigError> {
        toml::from_str(&self.text).map_err(|error| self.invalid(error.span().unwrap_or(0..0), error.message()))
    }

    /// An error at the byte range `span` of the text.
    #[must_use]
    pub fn invalid(&self, span: std::ops::Range<usize>, message: &str) -> ConfigError {
        let (line, column) = self.position(span.start);
        let message = message.trim_end().replace('\n', "; ");
        let message = match suggestion::for_message(&message) {
            Some(known) => format!("{message}; did you mean `{known}`?"),
            None => message,
        };
        ConfigError::Invalid { path: self.path.clone(), line, column, message }
    }

    /// The line and the column, in code points and from 1, of the byte `byte` of the text.
    #[must_use]
    pub fn position(&self, byte: usize) -> (usize, usize) {
        let before = self.text.get(..byte).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::values::Workers;
    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(ConfigFile { path: "folder/pipeline.toml".into(), text: text.to_owned() })
    }

    fn error_in(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn an_empty_file_is_a_valid_configuration_without_tasks() {
        let config = parse("").unwrap();
        assert!(config.tasks.is_empty());
        assert_eq!(config.output.directory, Path::new("folder/output"));
        assert_eq!(config.run.chunk_documents.get(), 64);
    }

    #[test]
    fn the_shipped_file_states_the_defaults() {
        let shipped = Config::load(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/pipeline.toml"))).unwrap();
        let defaults = parse("").unwrap();
        assert_eq!(format!("{:?}", shipped.run), format!("{:?}", defaults.run));
        assert_eq!(format!("{:?}", shipped.input.fields), format!("{:?}", defaults.input.fields));
        assert_eq!(shipped.input.max_document_bytes, defaults.input.max_document_bytes);
        assert_eq!(format!("{:?}", shipped.log), format!("{:?}", defaults.log));
        assert_eq!(shipped.drift.minimum.get_ref(), defaults.drift.minimum.get_ref());
        assert_eq!(shipped.drift.sensitivity, defaults.drift.sensitivity);
        assert_eq!(shipped.drift.weekend, defaults.drift.weekend);
        assert_eq!(
            (shipped.drift.nights, shipped.drift.min_statements, shipped.drift.holidays),
            (defaults.drift.nights, defaults.drift.min_statements, None)
        );
        assert_eq!(format!("{:?}", shipped.report), format!("{:?}", defaults.report));
        assert_eq!(shipped.input.max_expansion, defaults.input.max_expansion);
        assert_eq!(shipped.input.max_unpacked_bytes, defaults.input.max_unpacked_bytes);
        assert_eq!(shipped.input.piece_bytes, defaults.input.piece_bytes);
        assert_eq!(shipped.input.ignore, defaults.input.ignore);
        assert_eq!(shipped.input.languages, defaults.input.languages);
        assert_eq!(shipped.input.markup, defaults.input.markup);
        assert_eq!(shipped.output.layout, defaults.output.layout);
        assert_eq!(shipped.output.shard_bytes, defaults.output.shard_bytes);
        assert_eq!(shipped.models["newsroom"].batch_tokens, sections::default_batch_tokens());
        assert_eq!(shipped.models["newsroom"].workers, Workers::default());
        assert_eq!(shipped.tasks.keys().collect::<Vec<_>>(), ["topic", "sentiment", "boilerplate", "attribution"]);
    }

    #[test]
    fn an_unknown_key_is_an_error_with_its_place_and_what_is_allowed() {
        let message = error_in("[run]\nchunk_documents = 8\n  chunks = 3\n");
        assert!(
            message.starts_with("folder/pipeline.toml:3:3: unknown field `chunks`, expected one of `chunk_documents`"),
            "{message}"
        );
    }

    #[test]
    fn an_unknown_section_is_an_error() {
        assert!(error_in("\n[outptu]\n").starts_with("folder/pipeline.toml:2:2: unknown field `outptu`"));
    }

    #[test]
    fn an_impossible_number_is_an_error_with_its_limits() {
        let message = error_in("[run]\nchunk_documents = 0\n");
        assert_eq!(
            message,
            "folder/pipeline.toml:2:19: invalid value: integer `0`, expected a whole number from 1 to 65536"
        );
        let message = error_in("[run]\nmax_rejected = 1.5\n");
        assert_eq!(
            message,
            "folder/pipeline.toml:2:16: invalid value: floating point `1.5`, expected a number from 0 to 1"
        );
    }

    #[test]
    fn a_wrong_type_is_an_error() {
        let message = error_in("[output]\ndirectory = 3\n");
        assert!(message.starts_with("folder/pipeline.toml:2:13: invalid type: integer `3`, expected"), "{message}");
    }

    #[test]
    fn an_unknown_word_is_an_error_with_the_known_ones() {
        let message = error_in("[output]\nlayout = \"flat\"\n");
        assert_eq!(message, "folder/pipeline.toml:2:10: unknown variant `flat`, expected `document` or `sharded`");
        let message = error_in("[models.m]\npath = \"m\"\nworkers = \"many\"\n");
        assert_eq!(
            message,
            "folder/pipeline.toml:3:11: invalid value: string \"many\", expected \"auto\" or a whole number from 1 to 1024"
        );
    }

    #[test]
    fn a_task_needs_a_known_model_and_a_free_name() {
        let message = error_in("[tasks.topic]\nmodel = \"absent\"\nhead = \"topic\"\n");
        assert_eq!(message, "folder/pipeline.toml:2:9: unknown model `absent`, expected one of none (there are none)");
        let message = error_in("[models.m]\npath = \"m\"\n[tasks.text]\nmodel = \"m\"\nhead = \"topic\"\n");
        assert!(message.starts_with("folder/pipeline.toml:3:8: a task cannot be called `text`"), "{message}");
    }

    #[test]
    fn an_output_field_has_to_exist() {
        let message = error_in("[output]\nfields = [\"text\", \"tpoic\"]\n");
        assert!(
            message.starts_with("folder/pipeline.toml:2:19: unknown field `tpoic`, expected one of `text`"),
            "{message}"
        );
    }

    #[test]
    fn paths_of_fields_and_patterns_are_checked() {
        let config =
            parse("[input]\nignore = [\"*.tmp\", \"/drafts/\"]\n[input.fields]\ntext = \"body.0.text\"\n").unwrap();
        assert_eq!(config.input.fields.text.steps(), ["body", "0", "text"]);
        assert_eq!(config.input.ignore[1].as_str(), "/drafts/");
        let message = error_in("[input.fields]\ntext = \"body..text\"\n");
        assert!(message.starts_with("folder/pipeline.toml:2:8: invalid value: string \"body..text\""), "{message}");
        let message = error_in("[input]\nignore = [\"[z-a]\"]\n");
        assert!(message.starts_with("folder/pipeline.toml:2:10: invalid value: string \"[z-a]\""), "{message}");
    }

    #[test]
    fn languages_are_known_by_their_codes() {
        let config = parse("[input]\nlanguages = [\"en\", \"deu\", \"haw\", \"nn\"]\n").unwrap();
        let codes: Vec<_> = config.input.languages.iter().map(|language| language.as_str()).collect();
        assert_eq!(codes, ["en", "de", "haw", "no"]);
        let message = error_in("[input]\nlanguages = [\"en\", \"English\"]\n");
        assert_eq!(
            message,
            "folder/pipeline.toml:2:13: invalid value: string \"English\", expected a language's code of two or three lower \
             case letters, like \"en\""
        );
        for wrong in ["EN", "en-US", "e", "", "xx", "und", "mul"] {
            let message = error_in(&format!("[input]\nlanguages = [\"{wrong}\"]\n"));
            assert!(message.starts_with("folder/pipeline.toml:2:13: invalid value"), "{wrong}: {message}");
        }
    }

    #[test]
    fn the_comparison_of_nights_is_checked() {
        let config = parse("[drift]\nweekend = [\"Fri\", \"Sat\"]\nholidays = \"h.txt\"\nsensitivity = 5\n").unwrap();
        assert_eq!(config.drift.weekend.len(), 2);
        assert_eq!(config.drift.holidays.as_deref(), Some(Path::new("folder/h.txt")));
        assert!((config.drift.sensitivity.get() - 5.0).abs() < f64::EPSILON);
        let message = error_in("[drift]\nnights = 14\nminimum = 20\n");
        assert_eq!(message, "folder/pipeline.toml:3:11: `minimum` is more than `nights`, which is 14");
        let message = error_in("[drift]\nweekend = [\"Saturday\"]\n");
        assert!(
            message.starts_with("folder/pipeline.toml:2:11: invalid value: string \"Saturday\", expected a day like"),
            "{message}"
        );
        let message = error_in("[drift]\nsensitivity = 0.5\n");
        assert!(message.ends_with("invalid value: floating point `0.5`, expected a number from 1 to 20"), "{message}");
    }

    #[test]
    fn broken_toml_is_an_error_with_its_place() {
        assert!(error_in("[run\n").starts_with("folder/pipeline.toml:1:5: "));
    }
}
