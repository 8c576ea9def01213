//! The sections of `pipeline.toml`: one type each, with the defaults.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::installed::NoModel;
use super::values::{
    FieldPath, IgnorePattern, LanguageCode, OptionalPath, Sensitivity, Share, TimeOfDay, Weekday, Whole, Workers, Zone,
};
use crate::record::Metadata;

/// `[input]`: the input files, and how they are read.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct InputConfig {
    /// Files, folders, globs and addresses (`s3://`, `gs://`, `az://`, `https://`) to read if the command line names none.
    pub paths: Vec<PathBuf>,
    /// The order in which files are read.
    pub order: Order,
    /// Files and folders to skip in folders, as in `.gitignore`.
    pub ignore: Vec<IgnorePattern>,
    /// The languages of the documents to process; empty for all. Documents of unknown language are processed too.
    pub languages: Vec<LanguageCode>,
    /// The largest document in bytes. Larger ones are rejected.
    pub max_document_bytes: Whole<1, { 1 << 32 }>,
    /// The largest ratio of unpacked to packed size of a file. The rest of the file is not read.
    pub max_expansion: Whole<1, { 1 << 32 }>,
    /// The largest unpacked size of a file in bytes. The rest of the file is not read.
    pub max_unpacked_bytes: Whole<1, { 1 << 62 }>,
    /// The size in bytes of the pieces into which parts cut larger files of JSON Lines.
    pub piece_bytes: Whole<1, { 1 << 62 }>,
    /// The time in seconds for which a request to an object store is repeated while the store fails or does not answer.
    pub retry_seconds: Whole<0, 86_400>,
    /// The treatment of markup in records that should have plain text.
    pub markup: RecordMarkup,
    /// The detection of copies.
    pub copies: CopiesConfig,
    /// The fields of records.
    pub fields: FieldNames,
}

impl Default for InputConfig {
    fn default() -> Self {
        Self {
            paths: Vec::new(),
            order: Order::default(),
            ignore: Vec::new(),
            languages: Vec::new(),
            max_document_bytes: Whole::constant::<{ 32 << 20 }>(),
            max_expansion: Whole::constant::<1000>(),
            max_unpacked_bytes: Whole::constant::<{ 1 << 40 }>(),
            piece_bytes: Whole::constant::<{ 256 << 20 }>(),
            retry_seconds: Whole::constant::<120>(),
            markup: RecordMarkup::default(),
            copies: CopiesConfig::default(),
            fields: FieldNames::default(),
        }
    }
}

/// The order in which files are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// In the order given, and inside a folder by name.
    #[default]
    Name,
    /// The newest first, over all folders.
    Newest,
}

/// The treatment of tags, entities and shortcodes in the fields of JSON, tables, Parquet and Arrow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RecordMarkup {
    /// They are found and turned into text.
    #[default]
    Auto,
    /// They stay as they are.
    Keep,
}

/// `[input.copies]`: the detection of copies, which are marked with `duplicate_of`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CopiesConfig {
    /// The smallest share of the shorter text that has to be in the longer one; 1 for identical texts only.
    pub similarity: Share,
    /// The number of originals to remember, the latest ones; 0 turns the detection off.
    pub remember: Whole<0, { 1 << 32 }>,
}

impl Default for CopiesConfig {
    fn default() -> Self {
        Self { similarity: Share::of_percent::<80>(), remember: Whole::constant::<200_000>() }
    }
}

/// `[input.fields]`: the fields of records in JSON, CSV, Parquet or Arrow.
#[derive(Debug, Clone)]
pub struct FieldNames {
    /// The path of the list of records within a JSON value; none to find it.
    pub records: Option<FieldPath>,
    /// The path of the field with the document's id.
    pub id: FieldPath,
    /// The path of the field with the text.
    pub text: FieldPath,
    /// The paths of the fields with metadata, in the order of [`Metadata::FIELDS`].
    pub metadata: [FieldPath; Metadata::FIELDS.len()],
}

impl FieldNames {
    /// The keys of the section.
    const KEYS: &'static [&'static str] = &{
        let mut keys = [""; Metadata::NAMES.len() + 3];
        keys[0] = "id";
        keys[1] = "text";
        keys[2] = "records";
        let mut place = 0;
        while place < Metadata::NAMES.len() {
            keys[place + 3] = Metadata::NAMES[place];
            place += 1;
        }
        keys
    };

    /// The paths of all fields of a record, in the order of the keys.
    pub fn paths(&self) -> impl Iterator<Item = &FieldPath> {
        [&self.id, &self.text].into_iter().chain(&self.metadata)
    }

    fn set(&mut self, key: usize, path: FieldPath) {
        match key {
            0 => self.id = path,
            1 => self.text = path,
            2 => self.records = Some(path),
            metadata => self.metadata[metadata - 3] = path,
        }
    }
}

impl Default for FieldNames {
    fn default() -> Self {
        Self {
            records: None,
            id: FieldPath::parse("id"),
            text: FieldPath::parse("text"),
            metadata: Metadata::NAMES.map(FieldPath::parse),
        }
    }
}

impl<'de> Deserialize<'de> for FieldNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldNamesVisitor)
    }
}

impl JsonSchema for FieldNames {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FieldNames".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut properties = serde_json::Map::new();
        for key in Self::KEYS {
            let mut schema = FieldPath::json_schema(generator);
            schema.insert("default".to_owned(), (*key).into());
            // Without it, the records are found.
            if *key == "records" {
                schema.remove("default");
            }
            properties.insert((*key).to_owned(), schema.to_value());
        }
        json_schema!({
            "description": "The fields of records in JSON, CSV, Parquet or Arrow.",
            "type": "object",
            "properties": properties,
            "additionalProperties": false
        })
    }
}

/// The visitor of the section. It is written by hand because the keys come from the table of metadata.
struct FieldNamesVisitor;

impl<'de> Visitor<'de> for FieldNamesVisitor {
    type Value = FieldNames;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the names of fields")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FieldNames, A::Error> {
        let mut names = FieldNames::default();
        while let Some(FieldKey(key)) = map.next_key()? {
            names.set(key, map.next_value()?);
        }
        Ok(names)
    }
}

/// A key of the section, as an index into [`FieldNames::KEYS`]. Its own type rejects unknown keys, so that the error has their
/// position in the file.
struct FieldKey(usize);

impl<'de> Deserialize<'de> for FieldKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = String::deserialize(deserializer)?;
        let place = FieldNames::KEYS.iter().position(|known| *known == key);
        place.map(Self).ok_or_else(|| D::Error::unknown_field(&key, FieldNames::KEYS))
    }
}

/// `[models.NAME]`: a model, and how it runs.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// The model's folder.
    pub path: PathBuf,
    /// The folder of the same model among the data that was installed with the program, if there can be one. It counts if there is nothing
    /// at `path`.
    #[serde(skip)]
    pub installed: Option<PathBuf>,
    /// The precision of its matrix products.
    #[serde(default)]
    pub precision: Precision,
    /// The device it runs on.
    #[serde(default)]
    pub device: Device,
    /// The number of workers, each with a copy of the model.
    #[serde(default)]
    pub workers: Workers,
    /// The largest number of tokens in a batch.
    #[serde(default = "default_batch_tokens")]
    pub batch_tokens: Whole<16, { 1 << 24 }>,
}

impl ModelConfig {
    /// The folder of the model, which is called `name` in the configuration: `path`, or if there is nothing, the installed one.
    ///
    /// # Errors
    /// [`NoModel`] with the places, if there is nothing at any.
    pub fn folder(&self, name: &str) -> Result<&Path, NoModel> {
        let places = [Some(&self.path), self.installed.as_ref()].into_iter().flatten();
        let found = places.clone().find(|place| place.exists()).map(PathBuf::as_path);
        found.ok_or_else(|| NoModel { name: name.to_owned(), places: places.cloned().collect() })
    }
}

pub(super) fn default_batch_tokens() -> Whole<16, { 1 << 24 }> {
    Whole::constant::<1024>()
}

/// The precision of an encoder's matrix products.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// `Bf16` if the processor supports it natively, otherwise `F32`.
    #[default]
    Auto,
    /// 16 bits, 8 of them for the exponent.
    Bf16,
    /// 32 bits.
    F32,
}

/// The device an encoder runs on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
    /// NVIDIA GPUs, one worker each.
    Cuda,
}

impl Device {
    /// Its name in configurations and reports. It never changes, as it is part of fingerprints and of the keys of the cache.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
        }
    }
}

/// `[tasks.NAME]`: a task, which fills the field NAME of each statement.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskConfig {
    /// The name of the model that does it.
    #[schemars(with = "String")]
    pub model: Spanned<String>,
    /// The name of the head in the model. A task has this or `labels`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub head: Option<Spanned<String>>,
    /// A file of own labels, which are found without a head.
    #[serde(default)]
    #[schemars(with = "Option<PathBuf>")]
    pub labels: Option<Spanned<PathBuf>>,
    /// True if a statement can have several of the own labels.
    #[serde(default)]
    #[schemars(with = "bool")]
    pub multiple: Option<Spanned<bool>>,
    /// The precision at which `pressrun labels fit` sets the threshold of each own label: the share of right ones among those given.
    #[serde(default)]
    #[schemars(with = "Option<Share>")]
    pub min_precision: Option<Spanned<Share>>,
    /// Below this probability a statement's label is "unsure", and an attribution is left out. Own labels have thresholds of their own
    /// where it is not set.
    #[serde(default)]
    pub min_score: Option<Share>,
}

impl TaskConfig {
    /// True if a statement can have several labels.
    #[must_use]
    pub fn has_several_labels(&self) -> bool {
        self.multiple.as_ref().is_some_and(|multiple| *multiple.get_ref())
    }

    /// The precision that own labels should have, 0 to 1.
    #[must_use]
    pub fn wanted_precision(&self) -> f64 {
        self.min_precision.as_ref().map_or_else(Share::of_percent::<80>, |precision| *precision.get_ref()).get()
    }
}

/// `[output]`: the folder of the results, and the form of its files.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OutputConfig {
    /// The folder that gets the results.
    pub directory: PathBuf,
    /// The arrangement of statements in files.
    pub layout: Layout,
    /// The compression of statement files.
    pub compression: Compression,
    /// The size of a shard, in bytes before compression. A shard that has reached it is closed.
    pub shard_bytes: Whole<1, { 1 << 40 }>,
    /// The fields of a statement to write, besides those that identify it; empty for all.
    #[schemars(with = "Vec<String>")]
    pub fields: Vec<Spanned<String>>,
}

impl Default for OutputConfig {
    fn default() -> Self {
        Self {
            directory: "output".into(),
            layout: Layout::default(),
            compression: Compression::default(),
            shard_bytes: Whole::constant::<{ 256 << 20 }>(),
            fields: Vec::new(),
        }
    }
}

/// The arrangement of statements in files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// A file a document.
    #[default]
    Document,
    /// Files of many documents.
    Sharded,
}

/// The name in configurations. It never changes, as ledgers contain it.
impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Document => "document",
            Self::Sharded => "sharded",
        })
    }
}

/// The compression of statement files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// No compression.
    #[default]
    None,
    /// Zstandard.
    Zstd,
}

/// The name in configurations. It never changes, as ledgers contain it.
impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Zstd => "zstd",
        })
    }
}

/// `[export]`: tables for other programs.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExportConfig {
    /// The folder of Parquet files, in the output folder, if any.
    pub parquet: OptionalPath,
    /// The `SQLite` file, in the output folder, if any.
    pub sqlite: OptionalPath,
    /// The folder of CSV files, in the output folder, if any.
    pub csv: OptionalPath,
    /// False leaves all words of the articles out.
    pub text: bool,
    /// The date by which documents are counted.
    pub day: DayField,
    /// The time zone in which days begin.
    pub time_zone: Zone,
    /// The period of a Parquet file.
    pub partition: Partition,
}

impl ExportConfig {
    /// True if it names something to write.
    #[must_use]
    pub fn names_any(&self) -> bool {
        [&self.parquet, &self.sqlite, &self.csv].into_iter().any(|path| path.get().is_some())
    }
}

impl Default for ExportConfig {
    fn default() -> Self {
        Self {
            parquet: OptionalPath::default(),
            sqlite: OptionalPath::default(),
            csv: OptionalPath::default(),
            text: true,
            day: DayField::default(),
            time_zone: Zone::default(),
            partition: Partition::default(),
        }
    }
}

/// The date by which documents are counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DayField {
    /// The time of publication.
    #[default]
    Published,
    /// The time of the last change.
    Modified,
}

/// The period of a Parquet file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Partition {
    /// A file a day.
    #[default]
    Day,
    /// A file a month, for archives of many years.
    Month,
}

/// `[cache]`: the cache of models' results.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CacheConfig {
    /// The folder of its file.
    pub directory: PathBuf,
    /// The largest size of the file in bytes; 0 for no file.
    pub max_bytes: Whole<0, { 1 << 44 }>,
    /// The largest size of the part in memory, in bytes.
    pub memory_bytes: Whole<0, { 1 << 40 }>,
    /// True to keep the vectors of sentences, from which own labels are found. They are kept anyway if a task has own labels.
    pub vectors: bool,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self {
            directory: "cache".into(),
            max_bytes: Whole::constant::<{ 2 << 30 }>(),
            memory_bytes: Whole::constant::<{ 128 << 20 }>(),
            vectors: false,
        }
    }
}

/// `[metrics]`: the numbers of a run for Prometheus.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsConfig {
    /// The file for the metrics of a run in Prometheus' text format, if any.
    pub textfile: Option<PathBuf>,
}

/// `[drift]`: the comparison of a night with earlier ones.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DriftConfig {
    /// The number of earlier nights of the same kind to compare with, the latest ones.
    pub nights: Whole<3, 1000>,
    /// The smallest number of nights to compare with. With fewer, nothing is judged.
    #[schemars(with = "Whole<3, 1000>")]
    pub minimum: Spanned<Whole<3, 1000>>,
    /// The number of usual spreads from which on a number is unusual.
    pub sensitivity: Sensitivity,
    /// The days of the weekend, which are compared with each other only. None if all days are alike.
    pub weekend: Vec<Weekday>,
    /// The file with the dates of holidays, if any.
    pub holidays: Option<PathBuf>,
    /// The smallest number of labelled statements with which shares and means of a night are judged.
    pub min_statements: Whole<1, { 1 << 32 }>,
}

impl Default for DriftConfig {
    fn default() -> Self {
        Self {
            nights: Whole::constant::<28>(),
            minimum: Spanned::new(0..0, Whole::constant::<7>()),
            sensitivity: Sensitivity::default(),
            weekend: vec![Weekday::SATURDAY, Weekday::SUNDAY],
            holidays: None,
            min_statements: Whole::constant::<50>(),
        }
    }
}

/// `[report]`: the page of the morning after.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReportConfig {
    /// The file that a run writes the page to at its end, if any.
    pub html: Option<PathBuf>,
    /// The number of nights in pictures.
    pub nights: Whole<2, 92>,
    /// The largest number of rows of a list: sources, labels, speakers, stories.
    pub top: Whole<1, 50>,
    /// The largest number of quotes of speakers.
    pub quotes: Whole<0, 200>,
    /// Shows texts and titles of articles.
    pub text: bool,
}

impl Default for ReportConfig {
    fn default() -> Self {
        Self {
            html: None,
            nights: Whole::constant::<28>(),
            top: Whole::constant::<20>(),
            quotes: Whole::constant::<50>(),
            text: true,
        }
    }
}

/// `[log]`: the log file.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// The path of the file, if any.
    pub file: Option<PathBuf>,
    /// The largest size of the file in bytes. A full file is numbered, and a new one begins.
    pub max_bytes: Whole<4096, { 1 << 40 }>,
    /// The number of numbered files to keep.
    pub keep: Whole<0, 1000>,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { file: None, max_bytes: Whole::constant::<{ 16 << 20 }>(), keep: Whole::constant::<5>() }
    }
}

/// `[run]`: the size of chunks, and the limits of a run.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RunConfig {
    /// The number of documents in a chunk, the unit of work and of commit.
    pub chunk_documents: Whole<1, 65536>,
    /// The number of items that may wait between two stages.
    pub channel_capacity: Whole<1, 1024>,
    /// The share of inputs that may be rejected before the exit code is 1.
    pub max_rejected: Share,
    /// The number of inputs that may be rejected before the run stops.
    pub max_rejected_documents: Whole<1, { 1 << 40 }>,
    /// The time of day at which the run has to end.
    pub deadline: Option<TimeOfDay>,
    /// The processor time that one document may take in one stage, in seconds; 0 for no limit.
    pub document_timeout: Whole<0, 86_400>,
    /// Bytes of resident memory above which reading waits until documents in progress are written; 0 for no limit.
    pub memory: Whole<0, { 1 << 44 }>,
    /// Milliseconds between two commits of the ledger: the work that a kill can cost.
    pub commit_milliseconds: Whole<0, 3_600_000>,
    /// Computes the same bytes on every processor: all models in f32 on a CPU.
    pub portable: bool,
    /// Reprocesses documents whose results come from another configuration, model or version of pressrun.
    pub redo: bool,
}

impl RunConfig {
    /// The processor time that one document may take in one stage, if it is limited.
    #[must_use]
    pub fn document_limit(&self) -> Option<Duration> {
        Some(self.document_timeout.get()).filter(|&seconds| seconds > 0).map(Duration::from_secs)
    }

    /// The number of items that may wait between two stages.
    #[must_use]
    pub fn capacity(&self) -> NonZeroUsize {
        NonZeroUsize::new(self.channel_capacity.as_size()).unwrap_or(NonZeroUsize::MIN)
    }

    /// True if too many of `found` inputs were rejected for the run to go on. The share counts only from 1,000 inputs on.
    #[must_use]
    pub fn is_too_much(&self, rejected: u64, found: u64) -> bool {
        const ENOUGH: u64 = 1000;
        rejected > self.max_rejected_documents.get() || found >= ENOUGH && self.is_over_share(rejected, found)
    }

    /// True if the share of rejected inputs among those found is larger than allowed.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    pub fn is_over_share(&self, rejected: u64, found: u64) -> bool {
        rejected as f64 / found.max(1) as f64 > self.max_rejected.get()
    }
}

impl Default for RunConfig {
    fn default() -> Self {
        Self {
            chunk_documents: Whole::constant::<64>(),
            channel_capacity: Whole::constant::<4>(),
            max_rejected: Share::of_percent::<50>(),
            max_rejected_documents: Whole::constant::<100_000>(),
            deadline: None,
            document_timeout: Whole::constant::<60>(),
            memory: Whole::constant::<0>(),
            commit_milliseconds: Whole::constant::<1000>(),
            portable: false,
            redo: false,
        }
    }
}
