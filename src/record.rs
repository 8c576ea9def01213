//! The data that flows through a run: documents, their sentences, and the results for each sentence.
//!
//! Everything here is plain data. Field names that reach the output are an interface (see `docs/output.md`).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The place of an input, precise enough to find it again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Place {
    /// The file, as it was found.
    pub source: String,
    /// The file inside it, if it is an archive; `!` stands before one inside another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(required)]
    pub member: Option<String>,
    /// The number of the record in the file, from 1, its members included, if a file holds more than lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(required, range(min = 1))]
    pub record: Option<u64>,
    /// The line, from 1, if a record has lines of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(required, range(min = 1))]
    pub line: Option<u64>,
    /// The offset of the record's first byte, from 0, if a file holds many records: in the member, unpacked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(required)]
    pub byte: Option<u64>,
}

impl Place {
    /// A whole file.
    #[must_use]
    pub fn file(source: impl Into<String>) -> Self {
        Self { source: source.into(), ..Self::default() }
    }

    /// Record number within the file, from 1; 0 for a whole-file document.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.record.or(self.line).unwrap_or(0)
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.source)?;
        if let Some(member) = &self.member {
            write!(f, "!{member}")?;
        }
        match (self.line, self.record) {
            (Some(line), _) => write!(f, ":{line}"),
            (None, Some(record)) => write!(f, "#{record}"),
            (None, None) => Ok(()),
        }
    }
}

/// Metadata of an article, under the names of ninjs. [`Metadata::FIELDS`] lists the fields for code that treats them alike.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Metadata {
    /// The article's address or other global name.
    pub uri: Option<String>,
    /// The headline.
    pub title: Option<String>,
    /// The author, as the input names them.
    pub byline: Option<String>,
    /// The time of publication, in RFC 3339 if the input's date can be parsed.
    pub published: Option<String>,
    /// The time of the last change, in RFC 3339 if the input's date can be parsed.
    pub modified: Option<String>,
    /// The section of the newspaper.
    pub section: Option<String>,
    /// The language, as the input gives it, or else the detected one by its ISO 639 code. Null if the detection is not sure.
    pub language: Option<String>,
    /// The publisher.
    pub source: Option<String>,
}

/// A field of [`Metadata`].
#[derive(Debug, Clone, Copy)]
pub struct MetadataField {
    /// Its name in the output, and the default of its name in the input.
    pub name: &'static str,
    /// Its value.
    pub value: fn(&Metadata) -> Option<&str>,
    /// A reference for setting its value.
    pub value_mut: fn(&mut Metadata) -> &mut Option<String>,
}

/// The table of the fields, from their names in the struct.
macro_rules! metadata_fields {
    ($($name:ident),*) => {
        [$(MetadataField {
            name: stringify!($name),
            value: |metadata| metadata.$name.as_deref(),
            value_mut: |metadata| &mut metadata.$name,
        }),*]
    };
}

impl Metadata {
    /// Every field, in the order of the output. The configuration, the hash of a document and the parsers go over this list.
    pub const FIELDS: [MetadataField; 8] =
        metadata_fields![uri, title, byline, published, modified, section, language, source];

    /// The names of [`Self::FIELDS`].
    pub const NAMES: [&'static str; Self::FIELDS.len()] = {
        let mut names = [""; Self::FIELDS.len()];
        let mut place = 0;
        while place < names.len() {
            names[place] = Self::FIELDS[place].name;
            place += 1;
        }
        names
    };

    /// The metadata whose fields have the values that `value` gives for each, in the order of [`Self::FIELDS`].
    ///
    /// # Errors
    /// The first error of `value`.
    pub fn try_from_fields<E>(
        mut value: impl FnMut(usize, &MetadataField) -> Result<Option<String>, E>,
    ) -> Result<Self, E> {
        let mut metadata = Self::default();
        for (place, field) in Self::FIELDS.iter().enumerate() {
            *(field.value_mut)(&mut metadata) = value(place, field)?;
        }
        Ok(metadata)
    }
}

/// One article: text and metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Unique within a run and safe as a file name.
    pub id: String,
    /// Its origin.
    pub place: Place,
    /// Its metadata.
    pub metadata: Metadata,
    /// The decoded text, otherwise unchanged. All offsets refer to it.
    pub text: String,
    /// The encoding it was decoded from, by its WHATWG name.
    pub encoding: &'static str,
    /// Remarks on the text.
    pub flags: Vec<TextFlag>,
    /// The document of which it is a copy, if any.
    pub duplicate_of: Option<Original>,
    /// SHA-256 of the text, the metadata and the original.
    pub content: [u8; 32],
}

/// A document that another is a copy of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Original {
    /// Its id.
    #[serde(rename = "duplicate_of")]
    pub id: String,
    /// The share of the shorter text that is in the longer one, in percent; 100 if the texts are the same. Written as a share, 0 to 1.
    #[serde(rename = "similarity", serialize_with = "as_share")]
    pub percent: u8,
}

impl Original {
    /// A share from 0 to 1 as a percentage.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 100")]
    pub fn percent(similarity: f64) -> u8 {
        (100.0 * similarity).round() as u8
    }

    /// The share of the shorter text that is in the longer one, from 0 to 1.
    #[must_use]
    pub fn share(&self) -> f64 {
        f64::from(self.percent) / 100.0
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn as_share<S: serde::Serializer>(percent: &u8, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(f64::from(*percent) / 100.0)
}

/// Something a reader of a document should know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TextFlag {
    /// It was decoded wrongly before it came here, so that it has letters like `Ã©`.
    Mojibake,
    /// It came with tags, entities or shortcodes where its format has plain text, and they were turned into text.
    Markup,
    /// It came with control characters. Those of windows-1252 became the characters that they stand for; others were left out.
    Controls,
    /// Its JSON was not valid, or its line ends were escaped twice, and it was repaired: half surrogates, `NaN`, raw control characters,
    /// `\n` in letters.
    Repaired,
    /// A field of its metadata holds no text, and was left out.
    Metadata,
}

/// A half-open range of a document's text, in Unicode code points and in UTF-8 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First code point.
    pub start: usize,
    /// One past the last code point.
    pub end: usize,
    /// First byte.
    pub byte_start: usize,
    /// One past the last byte.
    pub byte_end: usize,
}

impl Span {
    /// The text that the span covers.
    #[must_use]
    pub fn slice<'t>(&self, text: &'t str) -> &'t str {
        &text[self.byte_start..self.byte_end]
    }
}

/// A sentence of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sentence {
    /// Its position in the document's text.
    pub span: Span,
    /// The number of its paragraph, from 0.
    pub paragraph: usize,
    /// True for a title, a heading, a byline or the like that stands alone.
    pub is_heading: bool,
}

/// A document with its sentences, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitDocument {
    /// The document.
    pub document: Document,
    /// Its sentences, in order and without overlap.
    pub sentences: Vec<Sentence>,
}

/// A fixed number of documents in input order: the unit of work, of determinism and of commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk<T> {
    /// The documents, in input order.
    pub documents: Vec<T>,
    /// Bytes of input read from the start of the run until the chunk closed.
    pub input_bytes: u64,
}

/// One of the labels that a head can give.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// The code in a code book, if there is one: the stable key of the label.
    pub code: Option<String>,
    /// The name for people.
    pub label: String,
    /// The IPTC Media Topic that it maps to, as `medtop:NN000000`.
    pub iptc: Option<String>,
}

/// The result of a labelling task for a statement or a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The label, as an index into the head's labels; `None` if the best label's probability is below `min_score`.
    pub label: Option<usize>,
    /// The probability of the most probable label.
    pub score: f32,
    /// The probabilities of all labels, in the head's order.
    pub probabilities: Vec<f32>,
}

/// The form in which content is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AttributionKind {
    /// All of it inside quotation marks.
    Direct,
    /// None of it inside quotation marks.
    Indirect,
    /// Some of it inside quotation marks.
    Mixed,
}

/// What a source does with the content, by the reporting words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Act {
    /// Says, writes, announces or shows it: a statement of the source.
    #[default]
    Say,
    /// Believes, hopes, wants, plans, fears or decides it: told about the source, who need not have said it.
    Think,
    /// Asks it, or asks for it: a question, a request, a demand.
    Ask,
    /// Denies or rejects it: the source says that it is not so.
    Deny,
    /// Does not say it: declines to comment, does not answer. It is no statement of the source.
    Refuse,
}

impl Act {
    /// All acts, in the order of tables.
    pub const ALL: [Self; 5] = [Self::Say, Self::Think, Self::Ask, Self::Deny, Self::Refuse];

    /// The word in the output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Say => "say",
            Self::Think => "think",
            Self::Ask => "ask",
            Self::Deny => "deny",
            Self::Refuse => "refuse",
        }
    }

    /// True if the source has said something: they say, ask or deny it.
    #[must_use]
    pub fn is_said(self) -> bool {
        matches!(self, Self::Say | Self::Ask | Self::Deny)
    }
}

/// A person or organisation that said something, as fully as the document names them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Speaker {
    /// The fullest name of the person or organisation. A group without a name of its own has the words that describe it:
    /// "local officials". Null for one person or body whom the document does not name.
    #[schemars(length(min = 1))]
    pub name: Option<String>,
    /// The role that the text gives them, in its words.
    pub role: Option<String>,
    /// The kind of the speaker.
    pub kind: SpeakerKind,
    /// The rule by which the speaker was found.
    pub evidence: Evidence,
}

/// The kinds of speakers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SpeakerKind {
    /// A person with a name.
    Person,
    /// An organisation, a body or a publication with a name.
    Organisation,
    /// Somebody to whom the document gives no name, or a group without a name of its own: "a spokesman", "local officials".
    Unnamed,
}

/// The rules by which the speaker of a source is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// The source has the name as fully as the document gives it.
    Name,
    /// The source has a part of a name that the document gives more fully: a surname, a first name, an acronym.
    PartOfName,
    /// The source is a pronoun: "he", "she", "it".
    Pronoun,
    /// The source is "who", right behind the name.
    Relative,
    /// The source is a role that the document gives to one person: "the prime minister".
    Role,
    /// The source is a noun for an organisation that the document names: "the airline".
    Noun,
    /// The source is "I", and the speaker has written the text, by its byline, or has signed the letter.
    Author,
    /// The source is what the speaker has published: "a report by the ministry", "his website".
    Document,
    /// The source describes somebody without a name: "a spokesman", "local officials". Such a speaker is `unnamed`.
    Description,
}

/// A report of what a source said: source, cue and content.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribution {
    /// Its number in the document, from 0. A quotation of several sentences is one attribution in several statements.
    pub number: usize,
    /// What the source does with the content.
    pub act: Act,
    /// The form in which the content is reported.
    pub kind: AttributionKind,
    /// The probability that it is one, 0 to 1.
    pub score: f32,
    /// The words for the source. They may be in another sentence.
    pub source: Option<Span>,
    /// The person or organisation that the source means; `None` if the document does not make it clear.
    pub speaker: Option<Speaker>,
    /// The others who say it together with the speaker: "Ann Lee and Bob Roe said".
    pub also: Vec<Speaker>,
    /// The words for "said". They may be in another sentence.
    pub cue: Option<Span>,
    /// The parts of the content in this statement.
    pub content: Vec<Span>,
}

/// The weights of the features that tell how sure an attribution is. `attribution::confidence` has the formula.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "BTreeMap<String, f64>")]
pub struct ConfidenceWeights(pub [f64; Self::NAMES.len()]);

impl ConfidenceWeights {
    /// The names of the features, in the order of the weights.
    pub const NAMES: [&'static str; 18] = [
        "bias",
        "source",
        "cue",
        "source_confidence",
        "cue_confidence",
        "content_confidence",
        "content_share",
        "quoted",
        "words",
        "same_sentence",
        "known_cue",
        "think",
        "ask",
        "deny",
        "refuse",
        "infinitive",
        "layout",
        "first_person",
    ];
}

impl TryFrom<BTreeMap<String, f64>> for ConfidenceWeights {
    type Error = String;

    fn try_from(weights: BTreeMap<String, f64>) -> Result<Self, String> {
        const LARGEST: f64 = 100.0;
        if let Some(unknown) = weights.keys().find(|name| !Self::NAMES.contains(&name.as_str())) {
            return Err(format!("unknown feature `{unknown}`, expected {}", Self::NAMES.join(", ")));
        }
        let mut all = [0.0; Self::NAMES.len()];
        for (weight, name) in all.iter_mut().zip(Self::NAMES) {
            *weight = *weights.get(name).ok_or_else(|| format!("the weight of `{name}` is missing"))?;
            if !(-LARGEST..=LARGEST).contains(weight) {
                return Err(format!("the weight of `{name}` is no number from -100.0 to 100.0"));
            }
        }
        Ok(Self(all))
    }
}

/// Something a reader of a statement should know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Flag {
    /// A title, heading, byline or the like.
    Heading,
    /// No statement but a byline, a dateline, a caption, a credit, a link or the like: it has no labels, and no share or mean
    /// counts it.
    Boilerplate,
    /// Longer than the model reads: what was found comes from its beginning.
    Truncated,
}

/// A sentence together with its results.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// The sentence.
    pub sentence: Sentence,
    /// The verdict of each labelling task, in the order of the configuration; `None` for boilerplate.
    pub verdicts: Vec<Option<Verdict>>,
    /// The attributions with content in it.
    pub attributions: Vec<Attribution>,
    /// Remarks.
    pub flags: Vec<Flag>,
}

/// A document with its statements and results: it is ready to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct AnalysedDocument {
    /// The document.
    pub document: Document,
    /// Its statements, in order.
    pub statements: Vec<Statement>,
    /// The verdict of each labelling task on the document as a whole, in the order of the configuration; `None` if no statement
    /// counts.
    pub verdicts: Vec<Option<Verdict>>,
    /// The number of attributions that were left out because their score is below `min_score`.
    pub unsure_attributions: usize,
}

impl Statement {
    /// True for boilerplate, which no share or mean counts.
    #[must_use]
    pub fn is_boilerplate(&self) -> bool {
        self.flags.contains(&Flag::Boilerplate)
    }
}

/// A chunk with all results: it is written and committed together.
#[derive(Debug, Clone, PartialEq)]
pub struct AnalysedChunk {
    /// The documents, in input order.
    pub documents: Vec<AnalysedDocument>,
    /// Bytes of input read from the start of the run until the chunk closed.
    pub input_bytes: u64,
    /// Tokens that were computed or came from the cache for it.
    pub tokens: TokenCount,
}

/// The numbers of tokens that were computed or came from the cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct TokenCount {
    /// Tokens of the text itself, `[CLS]` and `[SEP]` included.
    pub useful: u64,
    /// Tokens computed, padding included.
    pub padded: u64,
    /// Tokens of passages that came from the cache.
    pub recalled: u64,
}

impl std::ops::AddAssign for TokenCount {
    fn add_assign(&mut self, other: Self) {
        self.useful += other.useful;
        self.padded += other.padded;
        self.recalled += other.recalled;
    }
}

impl TokenCount {
    /// The share of computed tokens that was padding, 0 to 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share for people; 2^52 tokens are out of reach")]
    pub fn padding_waste(&self) -> f64 {
        if self.padded == 0 { 0.0 } else { 1.0 - self.useful as f64 / self.padded as f64 }
    }
}

/// The number of documents that are copies of others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct CopyCount {
    /// Of the same text.
    pub exact: u64,
    /// Of nearly the same text.
    pub near: u64,
}

impl CopyCount {
    /// The count for one document with this original, if it is a copy.
    #[must_use]
    pub fn of_document(original: Option<&Original>) -> Self {
        match original {
            None => Self::default(),
            Some(original) if original.percent == 100 => Self { exact: 1, near: 0 },
            Some(_) => Self { exact: 0, near: 1 },
        }
    }
}

impl std::ops::AddAssign for CopyCount {
    fn add_assign(&mut self, other: Self) {
        self.exact += other.exact;
        self.near += other.near;
    }
}

/// The reason of a rejection, a machine-readable word in `rejected.jsonl`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The file could not be opened or read.
    Unreadable,
    /// Nothing that can be read.
    UnknownFormat,
    /// Longer than `[input] max_document_bytes`, or unpacks to more than `[input]` allows.
    TooLarge,
    /// No encoding makes text of it.
    NotText,
    /// Nothing but white space.
    Empty,
    /// A web page that is no article: an error page, or one that asks for consent.
    NoArticle,
    /// It ends before it should.
    Truncated,
    /// It breaks the rules of its format: compressed data, an archive, a record of the web, a row, XML.
    Damaged,
    /// Something inside something, too many times.
    TooDeep,
    /// The file changed or went away while it was read.
    Changed,
    /// The record is not a JSON object.
    InvalidJson,
    /// The record lacks its text field.
    MissingText,
    /// A field of the record has a type that cannot be used.
    WrongType,
    /// A stage panicked at it: a mistake of this program.
    Panicked,
    /// A model could not read it.
    ModelFailed,
    /// It took longer than `[run] document_timeout`.
    TooSlow,
}

impl Reason {
    /// The word in the output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::UnknownFormat => "unknown_format",
            Self::TooLarge => "too_large",
            Self::NotText => "not_text",
            Self::Empty => "empty",
            Self::NoArticle => "no_article",
            Self::Truncated => "truncated",
            Self::Damaged => "damaged",
            Self::TooDeep => "too_deep",
            Self::Changed => "changed",
            Self::InvalidJson => "invalid_json",
            Self::MissingText => "missing_text",
            Self::WrongType => "wrong_type",
            Self::Panicked => "panicked",
            Self::ModelFailed => "model_failed",
            Self::TooSlow => "too_slow",
        }
    }
}

/// The length of the excerpt of a rejected input, in characters.
pub const EXCERPT_CHARACTERS: usize = 160;

/// An input that could not be used. Every one is logged and listed in the output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The origin of the input.
    pub place: Place,
    /// The name of the stage that rejected it.
    pub stage: &'static str,
    /// The reason, as a word.
    pub reason: Reason,
    /// The reason, as a sentence.
    pub message: String,
    /// The beginning of the input.
    pub excerpt: String,
}

#[cfg(test)]
impl Document {
    /// A document with this text and without metadata.
    pub(crate) fn of_text(text: String) -> Self {
        Self {
            id: "x".into(),
            place: Place::file("x"),
            metadata: Metadata::default(),
            text,
            encoding: "UTF-8",
            flags: Vec::new(),
            duplicate_of: None,
            content: [0; 32],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_metadata_has_every_field_in_the_order_of_the_output() {
        let mut metadata = Metadata::default();
        for field in Metadata::FIELDS {
            *(field.value_mut)(&mut metadata) = Some(field.name.to_owned());
        }
        let json = serde_json::to_value(&metadata).unwrap();
        let fields: Vec<_> = json.as_object().unwrap().iter().collect();
        assert_eq!(fields.len(), Metadata::FIELDS.len());
        for ((key, value), field) in fields.into_iter().zip(Metadata::FIELDS) {
            assert_eq!((key.as_str(), value.as_str()), (field.name, (field.value)(&metadata)));
        }
    }
}
