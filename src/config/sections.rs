//! The sections of `pipeline.toml`: one type each, with the defaults.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::values::{FieldPath, IgnorePattern, LanguageCode, Share, TimeOfDay, Whole, Workers};
use crate::record::Metadata;

/// `[input]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InputConfig {
    /// Files, folders and globs to read where the command line names none.
    pub paths: Vec<PathBuf>,
    /// Which files are read first.
    pub order: Order,
    /// What walks leave out, as in `.gitignore`.
    pub ignore: Vec<IgnorePattern>,
    /// The languages of the documents that are taken; empty for all. A document whose language nobody knows is taken, too.
    pub languages: Vec<LanguageCode>,
    /// A document with more bytes than this is rejected.
    pub max_document_bytes: Whole<1, { 1 << 32 }>,
    /// A file that unpacks to more than so many times its size is read no further.
    pub max_expansion: Whole<1, { 1 << 32 }>,
    /// A file that unpacks to more bytes than this is read no further.
    pub max_unpacked_bytes: Whole<1, { 1 << 62 }>,
    /// The treatment of markup in records that should have plain text.
    pub markup: RecordMarkup,
    /// What is taken for a copy of another document.
    pub copies: CopiesConfig,
    /// Where a JSON record keeps what.
    pub fields: FieldNames,
}

impl Default for InputConfig {
    fn default() -> Self {
        Self {
            paths: Vec::new(),
            order: Order::default(),
            ignore: Vec::new(),
            languages: Vec::new(),
            max_document_bytes: Whole::of::<{ 32 << 20 }>(),
            max_expansion: Whole::of::<1000>(),
            max_unpacked_bytes: Whole::of::<{ 1 << 40 }>(),
            markup: RecordMarkup::default(),
            copies: CopiesConfig::default(),
            fields: FieldNames::default(),
        }
    }
}

/// Which files are read first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// As they were named, folders in the order of names.
    #[default]
    Name,
    /// Those that were changed last, whatever their folder.
    Newest,
}

/// The treatment of tags, entities and shortcodes in the fields of JSON, tables and Parquet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordMarkup {
    /// They are found and turned into text.
    #[default]
    Auto,
    /// They stay as they are.
    Keep,
}

/// `[input.copies]`: which documents are marked with `duplicate_of`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CopiesConfig {
    /// The share of the shorter text that has to be in the longer one, at least; 1 for the same text alone.
    pub similarity: Share,
    /// How many originals are remembered, the latest ones; 0 marks nothing.
    pub remember: Whole<0, { 1 << 32 }>,
}

impl Default for CopiesConfig {
    fn default() -> Self {
        Self { similarity: Share::of_percent::<80>(), remember: Whole::of::<200_000>() }
    }
}

/// `[input.fields]`: where a record of JSON, CSV or Parquet keeps what.
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
            id: FieldPath::of("id"),
            text: FieldPath::of("text"),
            metadata: Metadata::NAMES.map(FieldPath::of),
        }
    }
}

impl<'de> Deserialize<'de> for FieldNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldNamesVisitor)
    }
}

/// Written out, as the keys come from the table of metadata.
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

/// A key of the section, by its place among [`FieldNames::KEYS`]. An unknown one is refused here, so that the error has its place in
/// the file.
struct FieldKey(usize);

impl<'de> Deserialize<'de> for FieldKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = String::deserialize(deserializer)?;
        let place = FieldNames::KEYS.iter().position(|known| *known == key);
        place.map(Self).ok_or_else(|| D::Error::unknown_field(&key, FieldNames::KEYS))
    }
}

/// `[models.NAME]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// The model's folder.
    pub path: PathBuf,
    /// What it multiplies in.
    #[serde(default)]
    pub precision: Precision,
    /// What it runs on.
    #[serde(default)]
    pub device: Device,
    /// How many copies of it run side by side.
    #[serde(default)]
    pub workers: Workers,
    /// How many tokens a batch may have.
    #[serde(default = "default_batch_tokens")]
    pub batch_tokens: Whole<16, { 1 << 24 }>,
}

pub(super) fn default_batch_tokens() -> Whole<16, { 1 << 24 }> {
    Whole::of::<1024>()
}

/// What an encoder multiplies in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// `Bf16` where the processor multiplies it natively, else `F32`.
    #[default]
    Auto,
    /// 16 bits, 8 of them for the exponent.
    Bf16,
    /// 32 bits.
    F32,
}

/// What an encoder runs on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
    /// NVIDIA GPUs, one worker each.
    Cuda,
}

impl Device {
    /// Its name in configurations and reports. Results and cached readings are told apart by it: it never changes.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
        }
    }
}

/// `[tasks.NAME]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskConfig {
    /// The name of the model that does it.
    pub model: Spanned<String>,
    /// The name of the head in the model.
    pub head: Spanned<String>,
    /// Below this probability a statement's label is "unsure".
    #[serde(default)]
    pub min_score: Share,
}

/// `[output]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutputConfig {
    /// The folder that gets the results.
    pub directory: PathBuf,
    /// How statements are spread over files.
    pub layout: Layout,
    /// How statement files are compressed.
    pub compression: Compression,
    /// A shard is closed when it has reached this many bytes before compression.
    pub shard_bytes: Whole<1, { 1 << 40 }>,
    /// The fields of a statement to write, beside those that identify it; empty for all of them.
    pub fields: Vec<Spanned<String>>,
}

impl Default for OutputConfig {
    fn default() -> Self {
        Self {
            directory: "output".into(),
            layout: Layout::default(),
            compression: Compression::default(),
            shard_bytes: Whole::of::<{ 256 << 20 }>(),
            fields: Vec::new(),
        }
    }
}

/// How statements are spread over files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// A file a document.
    #[default]
    Document,
    /// Files of many documents.
    Sharded,
}

/// The name in configurations. Ledgers hold it, too: it never changes.
impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Document => "document",
            Self::Sharded => "sharded",
        })
    }
}

/// How statement files are compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// Zstandard.
    Zstd,
}

/// The name in configurations. Ledgers hold it, too: it never changes.
impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Zstd => "zstd",
        })
    }
}

/// `[cache]`: what models have read before.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CacheConfig {
    /// The folder that keeps it from run to run.
    pub directory: PathBuf,
    /// How large its file may grow; 0 for nothing kept from run to run.
    pub max_bytes: Whole<0, { 1 << 44 }>,
    /// How much memory a run may use for what it has read itself.
    pub memory_bytes: Whole<0, { 1 << 40 }>,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self {
            directory: "cache".into(),
            max_bytes: Whole::of::<{ 2 << 30 }>(),
            memory_bytes: Whole::of::<{ 128 << 20 }>(),
        }
    }
}

/// `[metrics]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsConfig {
    /// A file that gets the run's numbers in Prometheus' text format; none for no such file.
    pub textfile: Option<PathBuf>,
}

/// `[log]`: what is said, kept in a file too.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// The file; none for no such file.
    pub file: Option<PathBuf>,
    /// How large it may grow before it gets a number and a new one begins.
    pub max_bytes: Whole<4096, { 1 << 40 }>,
    /// How many with numbers are kept beside it.
    pub keep: Whole<0, 1000>,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { file: None, max_bytes: Whole::of::<{ 16 << 20 }>(), keep: Whole::of::<5>() }
    }
}

/// `[run]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunConfig {
    /// Documents a chunk: the unit of work and of commit.
    pub chunk_documents: Whole<1, 65536>,
    /// Items that may wait between two stages.
    pub channel_capacity: Whole<1, 1024>,
    /// The share of inputs that may be rejected before the exit code says so.
    pub max_rejected: Share,
    /// How many inputs may be rejected before the run stops.
    pub max_rejected_documents: Whole<1, { 1 << 40 }>,
    /// When the run is to end, if it has not by then.
    pub deadline: Option<TimeOfDay>,
    /// How many seconds processors may work on one document in one stage; 0 for as long as it takes.
    pub document_timeout: Whole<0, 86_400>,
    /// Bytes of resident memory above which no more is read until what is under way is written; 0 for no limit.
    pub memory: Whole<0, { 1 << 44 }>,
    /// Milliseconds between two notes in the ledger: how much work a kill can cost.
    pub commit_milliseconds: Whole<0, 3_600_000>,
    /// Whether documents are done again whose results come from another configuration, model or version of pressrun.
    pub redo: bool,
}

impl RunConfig {
    /// How long processors may work on one document in one stage.
    #[must_use]
    pub fn document_limit(&self) -> Option<Duration> {
        Some(self.document_timeout.get()).filter(|&seconds| seconds > 0).map(Duration::from_secs)
    }

    /// Whether so many of `found` inputs are too many to go on. Of a few hundred nothing can be said yet.
    #[must_use]
    pub fn is_too_much(&self, rejected: u64, found: u64) -> bool {
        const ENOUGH: u64 = 1000;
        rejected > self.max_rejected_documents.get() || found >= ENOUGH && self.is_over_share(rejected, found)
    }

    /// Whether so many of `found` inputs are a larger share than is allowed.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    pub fn is_over_share(&self, rejected: u64, found: u64) -> bool {
        rejected as f64 / found.max(1) as f64 > self.max_rejected.get()
    }
}

impl Default for RunConfig {
    fn default() -> Self {
        Self {
            chunk_documents: Whole::of::<64>(),
            channel_capacity: Whole::of::<4>(),
            max_rejected: Share::of_percent::<50>(),
            max_rejected_documents: Whole::of::<100_000>(),
            deadline: None,
            document_timeout: Whole::of::<60>(),
            memory: Whole::of::<0>(),
            commit_milliseconds: Whole::of::<1000>(),
            redo: false,
        }
    }
}
