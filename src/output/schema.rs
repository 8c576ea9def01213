//! The records that a run writes, one type each: the writer makes them, `super::reader` returns them, and `docs/schema/` is
//! generated from them. Field names are an interface: see `docs/output.md`. Comments on fields are the descriptions of the schemas.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::{Deserialize, Deserializer, Serialize};

use super::SCHEMA;
use crate::own_labels::FitKind;
use crate::record::{Act, AttributionKind, CopyCount, Flag, Metadata, Place, Reason, Speaker, SpeakerKind, TextFlag};

/// The form of a document's id.
const ID: &str = "^[A-Za-z0-9._~-]+$";

/// The form of a SHA-256.
const SHA256: &str = "^[0-9a-f]{64}$";

/// A line of a statement file. Fields that `[output] fields` leaves out are `None` here and missing in the line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(description = "A line of a statement file, with all fields of `[output] fields`. Further properties are \
                          labelling tasks, under their names.")]
pub struct StatementRecord {
    /// The version of this format.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: u32,
    /// The id of the document.
    #[schemars(regex(pattern = ID), length(max = 160))]
    pub document: String,
    /// The id of the statement: the document's id, `#` and the index.
    #[schemars(regex(pattern = r"^[A-Za-z0-9._~-]+#[0-9]+$"))]
    pub statement: String,
    /// The number of the statement in the document, from 0.
    pub index: usize,
    /// The sentence.
    #[schemars(required, length(min = 1))]
    pub text: Option<String>,
    /// The first code point of the sentence in the document's text.
    #[schemars(required)]
    pub start: Option<usize>,
    /// One past the last code point.
    #[schemars(required)]
    pub end: Option<usize>,
    /// The first byte in the document's text as UTF-8.
    #[schemars(required)]
    pub byte_start: Option<usize>,
    /// One past the last byte.
    #[schemars(required)]
    pub byte_end: Option<usize>,
    /// The number of the paragraph, from 0.
    #[schemars(required)]
    pub paragraph: Option<usize>,
    /// The metadata of the document.
    #[serde(flatten)]
    pub metadata: Metadata,
    /// The id of the document that this one is a copy of. Null if it is no copy.
    #[schemars(regex(pattern = ID), length(max = 160))]
    pub duplicate_of: Option<String>,
    /// The results of the labelling tasks, by their names.
    #[serde(flatten)]
    pub tasks: IndexMap<String, LabelRecord>,
    /// The attributions in this statement. Missing if no attribution task is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(required)]
    pub attributions: Option<Vec<AttributionRecord>>,
    /// Remarks on the statement.
    #[schemars(required, extend("uniqueItems" = true))]
    pub flags: Option<Vec<Flag>>,
}

/// The result of a labelling task. All its fields are null in a statement with the flag `boilerplate`, and in a document that has
/// neither statements nor a title.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(description = "The result of a labelling task. All its fields are null in a statement with the flag \
                          `boilerplate`, and in a document that has neither statements nor a title. Further properties are \
                          the probabilities of all labels, if the head has few.")]
pub struct LabelRecord {
    /// The code of the label, if the head has codes. Null if the label is `unsure`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub code: Option<Option<String>>,
    /// The name of the label, or `unsure`.
    pub label: Option<String>,
    /// The probability of the most probable label.
    #[schemars(range(min = 0, max = 1))]
    pub score: Option<f64>,
    /// The IPTC Media Topic of the label, if the head has such a mapping.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[schemars(regex(pattern = "^medtop:[0-9]{2}000000$"))]
    pub iptc: Option<Option<String>>,
    /// The most probable label that was not given, if the head has many labels.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub runner_up: Option<Option<RunnerUpRecord>>,
    /// All labels that the statement has, the best first, if it can have several own labels. Empty if none fits.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub labels: Option<Option<Vec<GivenLabelRecord>>>,
    /// What the own label was fitted to; only `examples` makes the score a probability. Null if the label is `unsure`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub fit: Option<Option<FitKind>>,
    /// The probability of each label by its name, if the head has few labels.
    #[serde(flatten)]
    pub probabilities: IndexMap<String, Option<f64>>,
}

/// The most probable label that was not given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RunnerUpRecord {
    /// The code of the label, if the head has codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The name of the label.
    pub label: String,
    /// Its probability.
    #[schemars(range(min = 0, max = 1))]
    pub score: f64,
}

/// One of several own labels that a statement has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct GivenLabelRecord {
    /// The code of the label.
    pub code: String,
    /// The name of the label.
    pub label: String,
    /// Its score.
    #[schemars(range(min = 0, max = 1))]
    pub score: f64,
}

/// A report of what a source said: the part of it that is in one statement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct AttributionRecord {
    /// The number of the attribution in the document, from 0.
    pub attribution: usize,
    /// What the source does with the content: only `say`, `ask` and `deny` are statements of the source.
    pub act: Act,
    /// The form of the report: whether all, none or some of the content is inside quotation marks.
    pub kind: AttributionKind,
    /// The probability that it is an attribution.
    #[schemars(range(min = 0, max = 1))]
    pub score: f64,
    /// The words that name the source.
    pub source: Option<SpanRecord>,
    /// The person or organisation, as fully as the document names it. Null if the document is not clear.
    pub speaker: Option<Speaker>,
    /// The others who say it together with the speaker.
    pub also: Vec<Speaker>,
    /// The reporting words.
    pub cue: Option<SpanRecord>,
    /// The content in this statement, in one or more pieces.
    #[schemars(length(min = 1))]
    pub content: Vec<SpanRecord>,
}

/// A piece of the document's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct SpanRecord {
    /// The text.
    pub text: String,
    /// Its first code point in the document's text.
    pub start: usize,
    /// One past its last code point.
    pub end: usize,
}

/// A line of `documents.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(description = "A line of `documents.jsonl`. Further properties are labelling tasks, under their names.")]
pub struct DocumentRecord {
    /// The version of this format.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: u32,
    /// The id of the document.
    #[schemars(regex(pattern = ID), length(max = 160))]
    pub document: String,
    /// The place of the document in the input.
    pub place: Place,
    /// The metadata of the document.
    #[serde(flatten)]
    pub metadata: Metadata,
    /// The id of the document that this one is a copy of. Null if it is no copy.
    #[schemars(regex(pattern = ID), length(max = 160))]
    pub duplicate_of: Option<String>,
    /// The estimated share of the shorter text that is in the longer one; 1 if they are identical. Null if it is no copy.
    #[schemars(range(min = 0, max = 1))]
    pub similarity: Option<f64>,
    /// SHA-256 of the text in UTF-8.
    #[schemars(regex(pattern = SHA256))]
    pub text_sha256: String,
    /// The length of the text in code points.
    pub characters: usize,
    /// The length of the text in bytes of UTF-8.
    pub bytes: usize,
    /// The encoding of the input, by its WHATWG name.
    pub encoding: String,
    /// Remarks on the text.
    pub flags: Vec<TextFlag>,
    /// The number of paragraphs.
    pub paragraphs: usize,
    /// The number of statements.
    pub statements: usize,
    /// The number of statements with the flag `boilerplate`. No share or mean counts them.
    pub boilerplate: usize,
    /// The number of attributions.
    pub attributions: usize,
    /// The number of attributions by act.
    #[serde(default)]
    pub acts: IndexMap<String, usize>,
    /// The number of attributions that were left out because their score is below `min_score`.
    #[serde(default)]
    pub unsure_attributions: usize,
    /// The people and organisations that are reported, the most reported first.
    pub speakers: Vec<SpeakerRecord>,
    /// The file with the statements, relative to the output folder.
    #[schemars(regex(pattern = r"^statements(/[A-Za-z0-9._~-]+|-[0-9]{5,})\.jsonl(\.zst)?$"))]
    pub statements_file: String,
    /// The results of the labelling tasks, by their names.
    #[serde(flatten)]
    pub tasks: IndexMap<String, DocumentLabelRecord>,
}

/// Someone who is reported in a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct SpeakerRecord {
    /// The fullest name of the person or organisation.
    #[schemars(length(min = 1))]
    pub name: String,
    /// Their role, in the words of the document.
    pub role: Option<String>,
    /// Person, organisation or somebody without a name of their own.
    pub kind: SpeakerKind,
    /// The number of statements that report what they said: the acts `say`, `ask` and `deny`.
    pub statements: usize,
    /// The number of statements that report what they think: the act `think`.
    #[serde(default)]
    pub thoughts: usize,
    /// The number of statements that report what they did not say: the act `refuse`.
    #[serde(default)]
    pub refusals: usize,
    /// The mean over the statements that report what they said, by task: positive minus negative probability. Empty if there are
    /// none.
    pub mean: IndexMap<String, f64>,
}

/// The result of a labelling task for a document: its own label, and how the labels of its statements spread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DocumentLabelRecord {
    /// The label of the document as a whole.
    #[serde(flatten)]
    pub label: LabelRecord,
    /// The share of the statements with each label, by code if there is one.
    pub shares: BTreeMap<String, f64>,
    /// The mean of positive minus negative probability over the statements, if the head has such labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1, max = 1))]
    pub mean: Option<f64>,
}

/// A line of `rejected.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RejectionRecord {
    /// The version of this format.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: u32,
    /// The place of what was rejected.
    pub place: Place,
    /// The stage that rejected it.
    pub stage: String,
    /// The reason as a word.
    pub reason: Reason,
    /// The reason as a sentence.
    pub message: String,
    /// The beginning of what was rejected.
    pub excerpt: String,
}

/// The report of a run, `run.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RunRecord {
    /// The version of this format.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: u32,
    /// The name of this program.
    pub program: String,
    /// The version of this program.
    pub version: String,
    /// The way in which the run ended.
    pub outcome: Outcome,
    /// The error that ended the run, or the fault of its results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The time at which the run began, in UTC.
    pub started: String,
    /// The time at which the run ended, in UTC.
    pub finished: String,
    /// Elapsed time in seconds, from the first document looked for to the last one written.
    #[schemars(range(min = 0))]
    pub seconds: f64,
    /// The configuration.
    pub config: ConfigRecord,
    /// The models in use.
    pub models: Vec<ModelRecord>,
    /// The fate of every document.
    pub accounting: Accounting,
    /// The number of rejections by reason.
    pub rejected: BTreeMap<String, u64>,
    /// The number of files and archive members that were left out because pressrun does not read their kind, by kind: extensions such as
    /// `.jpg`, `no extension`, and `other` for all beyond 64 kinds.
    #[serde(default)]
    pub left_out: BTreeMap<String, u64>,
    /// The number of written documents that are copies of others.
    pub copies: CopyCount,
    /// The number of statements written.
    pub statements: u64,
    /// The number of attributions in them.
    pub attributions: u64,
    /// The number of attributions by act.
    #[serde(default)]
    pub acts: IndexMap<String, u64>,
    /// The number of attributions that were left out because their score is below `min_score`.
    #[serde(default)]
    pub unsure_attributions: u64,
    /// The number of statements with the flag `boilerplate`, which have no labels.
    pub boilerplate: u64,
    /// Counts of the labels given to statements, by task.
    pub labels: IndexMap<String, IndexMap<String, u64>>,
    /// Counts of the labels given to documents, by task.
    pub document_labels: IndexMap<String, IndexMap<String, u64>>,
    /// The tokens that models read.
    pub tokens: TokenRecord,
    /// The number of bytes of input read.
    pub input_bytes: u64,
    /// The number of bytes of input that were not reached.
    pub input_bytes_left: u64,
    /// The speed of the run.
    pub throughput: Throughput,
    /// The time that each stage took.
    pub stages: Vec<StageRecord>,
}

/// The way in which a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// All input has been seen.
    Complete,
    /// It was asked to stop, and what had been read is written.
    Interrupted,
    /// Its time was over, and what had been read is written.
    Deadline,
    /// Too many inputs were rejected, and it did not go on.
    Stopped,
    /// It broke off.
    Failed,
}

impl Outcome {
    /// The word that stands in the output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Interrupted => "interrupted",
            Self::Deadline => "deadline",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }
}

/// The configuration of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ConfigRecord {
    /// The file.
    pub path: String,
    /// SHA-256 of the file.
    #[schemars(regex(pattern = SHA256))]
    pub sha256: String,
}

/// A model of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ModelRecord {
    /// The name in the configuration.
    pub name: String,
    /// The folder.
    pub path: String,
    /// The revision, as the model's manifest says it.
    pub revision: String,
    /// `bf16` or `f32`.
    pub precision: String,
    /// `cpu` or `cuda`.
    pub device: String,
    /// The number of copies that ran side by side.
    #[schemars(range(min = 1))]
    pub workers: usize,
    /// The most tokens of a batch.
    pub batch_tokens: usize,
}

/// The fate of every document: `found` is the sum of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Accounting {
    /// All documents that the run came across.
    pub found: u64,
    /// Written by this run.
    pub written: u64,
    /// Rejected by this run.
    pub rejected: u64,
    /// Done by an earlier run.
    pub skipped: u64,
    /// In languages that are not wanted.
    pub filtered: u64,
}

impl Accounting {
    /// True if every document that was found is in one of the other counts.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        let Self { found, written, rejected, skipped, filtered } = self;
        // A damaged report may have any numbers.
        let sum =
            [written, rejected, skipped, filtered].into_iter().try_fold(0_u64, |sum, &count| sum.checked_add(count));
        sum == Some(*found)
    }
}

/// The tokens that models read.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct TokenRecord {
    /// Tokens of texts.
    pub useful: u64,
    /// Tokens computed, padding included.
    pub padded: u64,
    /// The share of padding, 0 to 1.
    #[schemars(range(min = 0, max = 1))]
    pub padding_waste: f64,
    /// Tokens of passages that came from the cache.
    pub recalled: u64,
}

impl TokenRecord {
    /// The share of tokens that came from the cache, 0 to 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    pub fn recalled_share(&self) -> f64 {
        self.recalled as f64 / (self.useful + self.recalled).max(1) as f64
    }
}

/// The speed of a run: counts per second of elapsed time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Throughput {
    /// Documents.
    #[schemars(range(min = 0))]
    pub documents_per_second: f64,
    /// Statements.
    #[schemars(range(min = 0))]
    pub statements_per_second: f64,
    /// Useful tokens.
    #[schemars(range(min = 0))]
    pub tokens_per_second: f64,
}

/// A stage of the run. Seconds are summed over its threads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct StageRecord {
    /// The name of the stage.
    pub stage: String,
    /// The number of its threads.
    pub threads: usize,
    /// The number of items taken.
    pub items_in: u64,
    /// The number of items given.
    pub items_out: u64,
    /// Time at work.
    #[schemars(range(min = 0))]
    pub busy_seconds: f64,
    /// Time spent waiting for the previous stage.
    #[schemars(range(min = 0))]
    pub starved_seconds: f64,
    /// Time spent waiting for the next stage.
    #[schemars(range(min = 0))]
    pub blocked_seconds: f64,
}

/// A night compared with earlier nights: what `pressrun drift --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct DriftRecord {
    /// The version of this format.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: u32,
    /// The number of the night. Where several runs belong to one day, that of the last one.
    pub night: u32,
    /// The day to which the night belongs: a run that starts before noon belongs to the day before.
    #[schemars(regex(pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))]
    pub day: String,
    /// The kind of the day.
    pub kind: DayKind,
    /// The result in a word.
    pub verdict: DriftVerdict,
    /// False if the run broke off or was stopped. Volumes, sources and speed are not compared then.
    pub finished: bool,
    /// The number of earlier nights of this kind.
    pub nights_used: u32,
    /// The number of earlier nights that are needed.
    pub minimum: u32,
    /// A change within these nights, because of which fewer of them serve for labels, tone, scores and shares. Null if there is none.
    pub restart: Option<RestartRecord>,
    /// The changes since the night before.
    pub changes: Vec<ChangeRecord>,
    /// What is unusual: sources that fell silent, then changes, then the rest by strength. At most ten.
    #[schemars(length(max = 10))]
    pub alarms: Vec<AlarmRecord>,
    /// The number of further alarms.
    pub alarms_left_out: u32,
}

/// The kind of a day. Nights are compared with nights of the same kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DayKind {
    /// Neither weekend nor holiday.
    Workday,
    /// A day of `[drift] weekend`.
    Weekend,
    /// A day in the file of `[drift] holidays`.
    Holiday,
}

impl DayKind {
    /// The word that stands in the output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Workday => "workday",
            Self::Weekend => "weekend",
            Self::Holiday => "holiday",
        }
    }
}

/// The result of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DriftVerdict {
    /// Nothing is unusual.
    Usual,
    /// There are alarms.
    Unusual,
    /// There are not enough nights to compare with, and no alarm.
    TooFewNights,
    /// Documents were done once more. Such a run is not compared.
    Backfill,
}

/// A change because of which results cannot be compared with those of nights before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RestartRecord {
    /// The first night after the change.
    pub night: u32,
    /// The number of nights since then that serve for the comparison.
    pub nights_used: u32,
    /// The change.
    #[schemars(length(min = 1))]
    pub changes: Vec<ChangeRecord>,
}

/// Something about pressrun that differs from the night before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ChangeRecord {
    /// The thing that changed.
    pub part: ChangedPart,
    /// The name of the model. Null for other things.
    pub name: Option<String>,
    /// The version or hash before. Null if the model is new.
    pub before: Option<String>,
    /// The version or hash now. Null if the model is not used any more.
    pub now: Option<String>,
}

/// A thing that can change between nights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChangedPart {
    /// The revision of a model.
    Model,
    /// The version of pressrun.
    Program,
    /// The class of the processor, on which the last digits of scores depend.
    Processor,
    /// Tasks, thresholds or fields: something else on which results depend.
    Results,
    /// The configuration file, in something on which results do not depend, such as the input.
    Configuration,
}

impl ChangedPart {
    /// The word that stands in the output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Program => "program",
            Self::Processor => "processor",
            Self::Results => "results",
            Self::Configuration => "configuration",
        }
    }
}

/// A number of a night that is unusual.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct AlarmRecord {
    /// The number of the night.
    pub night: u32,
    /// The thing that is unusual.
    pub what: AlarmKind,
    /// The task, for shares, tone and scores.
    pub task: Option<String>,
    /// The code of the label (its name if it has none), for shares; the language, the section or the remark on texts.
    pub label: Option<String>,
    /// The name of the label, for shares.
    pub name: Option<String>,
    /// The source: the one with an unusual volume, or the one without which the number is usual.
    pub source: Option<String>,
    /// The number: documents, a share from 0 to 1, a mean, characters a document, or statements a second. Null for a change.
    pub value: Option<f64>,
    /// The median of the nights that it is compared with.
    pub usual: Option<f64>,
    /// The least usual number.
    pub low: Option<f64>,
    /// The largest usual number.
    pub high: Option<f64>,
    /// The distance from the median, in usual spreads.
    #[schemars(range(min = 0))]
    pub strength: Option<f64>,
    /// The number of nights that it is compared with.
    pub nights_used: u32,
    /// True if the night of this kind before had the same alarm.
    pub twice: bool,
    /// The likely cause.
    pub cause: AlarmCause,
    /// The reason for that cause in a few words, if there is one.
    pub because: Option<String>,
    /// What moved along with it, and has no alarm of its own.
    pub moved: Vec<MovedRecord>,
    /// Statements of the night that show it.
    #[schemars(length(max = 3))]
    pub examples: Vec<String>,
}

/// Something that moved together with an alarm.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct MovedRecord {
    /// The thing.
    pub what: AlarmKind,
    /// The task, for shares, tone and scores.
    pub task: Option<String>,
    /// The label, the language, the section or the remark.
    pub label: Option<String>,
    /// The name of the label, for shares.
    pub name: Option<String>,
    /// The source, for missing sources.
    pub source: Option<String>,
}

/// A thing that can be unusual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlarmKind {
    /// A source that usually has documents has none.
    MissingSource,
    /// The model, the program or its results are other ones than the night before.
    Change,
    /// The number of documents, of all sources or of one.
    Volume,
    /// The share of a label among statements.
    Share,
    /// The mean tone of statements.
    Tone,
    /// The mean score of a task.
    Score,
    /// The share of attributions without a speaker.
    Speakers,
    /// The share of documents that were rejected.
    Rejected,
    /// The share of documents that are copies.
    Copies,
    /// The mean length of documents.
    Length,
    /// The share of a language among documents.
    Language,
    /// The share of a section of the newspaper among documents.
    Section,
    /// The share of documents with a remark on their text.
    Flag,
    /// Statements a second.
    Speed,
}

impl AlarmKind {
    /// The word that stands in the output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MissingSource => "missing_source",
            Self::Change => "change",
            Self::Volume => "volume",
            Self::Share => "share",
            Self::Tone => "tone",
            Self::Score => "score",
            Self::Speakers => "speakers",
            Self::Rejected => "rejected",
            Self::Copies => "copies",
            Self::Length => "length",
            Self::Language => "language",
            Self::Section => "section",
            Self::Flag => "flag",
            Self::Speed => "speed",
        }
    }
}

/// The likely cause of an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AlarmCause {
    /// The news: nothing about the input or about pressrun explains it.
    World,
    /// The input: a source, an encoding, a language, the length of texts, rejections.
    Input,
    /// Ourselves: the model, the program, the configuration, the machine.
    Us,
}

impl AlarmCause {
    /// The word that stands in the output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::World => "world",
            Self::Input => "input",
            Self::Us => "us",
        }
    }
}

/// The JSON Schemas of the files in an output folder and of `pressrun drift --json`, with the names that they have in `docs/schema/`.
#[must_use]
pub fn json_schemas() -> [(&'static str, serde_json::Value); 5] {
    [
        ("statement", json_schema::<StatementRecord>()),
        ("document", json_schema::<DocumentRecord>()),
        ("rejection", json_schema::<RejectionRecord>()),
        ("run", json_schema::<RunRecord>()),
        ("drift", json_schema::<DriftRecord>()),
    ]
}

/// The schema of what is written, where optional means that a key can be missing.
fn json_schema<T: JsonSchema>() -> serde_json::Value {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>().to_value()
}

/// Reads a field that is there, and null perhaps: a missing one and null are not the same here.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{DOCUMENT_FIELDS, STATEMENT_FIELDS};
    use crate::record::Evidence;

    fn a_label() -> LabelRecord {
        LabelRecord {
            code: Some(None),
            label: Some("unsure".to_owned()),
            score: Some(0.25),
            iptc: Some(Some("medtop:11000000".to_owned())),
            runner_up: Some(Some(RunnerUpRecord { code: None, label: "Sport".to_owned(), score: 0.25 })),
            labels: Some(Some(vec![GivenLabelRecord { code: "a".to_owned(), label: "A".to_owned(), score: 0.75 }])),
            fit: Some(Some(FitKind::Examples)),
            probabilities: IndexMap::from([("positive".to_owned(), Some(0.5)), ("negative".to_owned(), None)]),
        }
    }

    fn a_statement() -> StatementRecord {
        let span = SpanRecord { text: "said".to_owned(), start: 3, end: 7 };
        StatementRecord {
            schema: SCHEMA,
            document: "a".to_owned(),
            statement: "a#0".to_owned(),
            index: 0,
            text: Some("He said no.".to_owned()),
            start: Some(0),
            end: Some(11),
            byte_start: Some(0),
            byte_end: Some(11),
            paragraph: Some(0),
            metadata: Metadata { title: Some("No".to_owned()), ..Metadata::default() },
            duplicate_of: None,
            tasks: IndexMap::new(),
            attributions: Some(vec![AttributionRecord {
                attribution: 0,
                act: Act::Say,
                kind: AttributionKind::Indirect,
                score: 0.75,
                source: None,
                speaker: Some(Speaker {
                    name: Some("Ada Vale".to_owned()),
                    role: None,
                    kind: SpeakerKind::Person,
                    evidence: Evidence::Name,
                }),
                also: Vec::new(),
                cue: Some(span.clone()),
                content: vec![span],
            }]),
            flags: Some(vec![Flag::Heading]),
        }
    }

    fn a_document() -> DocumentRecord {
        DocumentRecord {
            schema: SCHEMA,
            document: "a".to_owned(),
            place: Place::file("a.txt"),
            metadata: Metadata::default(),
            duplicate_of: None,
            similarity: None,
            text_sha256: "0".repeat(64),
            characters: 11,
            bytes: 11,
            encoding: "UTF-8".to_owned(),
            flags: vec![TextFlag::Mojibake],
            paragraphs: 1,
            statements: 1,
            boilerplate: 0,
            attributions: 1,
            acts: IndexMap::from([("say".to_owned(), 1)]),
            unsure_attributions: 0,
            speakers: vec![SpeakerRecord {
                name: "Ada Vale".to_owned(),
                role: None,
                kind: SpeakerKind::Person,
                statements: 1,
                thoughts: 0,
                refusals: 0,
                mean: IndexMap::from([("sentiment".to_owned(), -0.5)]),
            }],
            statements_file: "statements/a.jsonl".to_owned(),
            tasks: IndexMap::new(),
        }
    }

    fn keys(record: &impl Serialize) -> Vec<String> {
        let value = serde_json::to_value(record).unwrap();
        value.as_object().unwrap().keys().cloned().collect()
    }

    #[test]
    fn records_come_back_as_they_were_written() {
        let mut statement = a_statement();
        statement.tasks.insert("topic".to_owned(), a_label());
        let line = serde_json::to_string(&statement).unwrap();
        assert_eq!(serde_json::from_str::<StatementRecord>(&line).unwrap(), statement, "{line}");
        let mut document = a_document();
        let label =
            DocumentLabelRecord { label: a_label(), shares: BTreeMap::from([("unsure".to_owned(), 1.0)]), mean: None };
        document.tasks.insert("topic".to_owned(), label);
        let line = serde_json::to_string(&document).unwrap();
        assert_eq!(serde_json::from_str::<DocumentRecord>(&line).unwrap(), document, "{line}");
    }

    #[test]
    fn a_statement_without_its_optional_fields_is_read() {
        let line =
            r#"{"schema":1,"document":"a","statement":"a#0","index":0,"mood":{"label":null,"score":null,"good":null}}"#;
        let statement: StatementRecord = serde_json::from_str(line).unwrap();
        assert_eq!((statement.text, statement.attributions, statement.flags), (None, None, None));
        assert_eq!(statement.tasks["mood"].probabilities["good"], None);
        assert_eq!(statement.tasks["mood"].code, None, "the head has no codes");
    }

    #[test]
    fn the_configuration_knows_the_fields_of_the_records() {
        assert_eq!(keys(&a_statement()), STATEMENT_FIELDS);
        for key in keys(&a_document()) {
            let is_known = [STATEMENT_FIELDS.as_slice(), &DOCUMENT_FIELDS].concat().contains(&key.as_str());
            // Heads that find boilerplate give no field, so that their tasks may be called like the count.
            assert!(is_known || key == "boilerplate", "{key}");
        }
    }

    #[test]
    fn words_of_alarms_are_those_of_the_output() {
        for (word, value) in [
            (AlarmKind::MissingSource.as_str(), serde_json::to_value(AlarmKind::MissingSource)),
            (AlarmKind::Language.as_str(), serde_json::to_value(AlarmKind::Language)),
            (AlarmCause::Us.as_str(), serde_json::to_value(AlarmCause::Us)),
            (DayKind::Holiday.as_str(), serde_json::to_value(DayKind::Holiday)),
            (ChangedPart::Results.as_str(), serde_json::to_value(ChangedPart::Results)),
        ] {
            assert_eq!(value.unwrap(), word);
        }
    }

    #[test]
    fn outcomes_have_the_words_of_the_output() {
        for outcome in [Outcome::Complete, Outcome::Interrupted, Outcome::Deadline, Outcome::Stopped, Outcome::Failed] {
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.as_str());
        }
    }
}
