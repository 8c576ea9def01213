//! What a record is before it is parsed, and what is left of it then.

use super::copies::Sketch;
use super::formats::{capture, elements, html, json, parquet, plain, table};
use super::intake::Raw;
use super::refusal::{EXCERPT_BYTES, Refusal};
use super::text::mojibake::is_garbled;
use super::text::{dates, language};
use crate::config::InputConfig;
use crate::deadline::guard::Guard;
use crate::digest::sha256_of_all;
use crate::record::{Metadata, Place, Rejection, TextFlag};

/// A record's bytes, as its format has them.
pub(super) enum Content {
    /// A plain text.
    Text(Vec<u8>),
    /// A web page.
    Html(Vec<u8>),
    /// A JSON object.
    Json(json::Value),
    /// A row of a table.
    Row(table::Row),
    /// A row of columns.
    Columns(parquet::Row),
    /// An article between tags.
    Element(elements::Element),
    /// What a crawler got.
    Capture(capture::Capture),
}

impl Content {
    /// How much memory it takes, about.
    pub(super) fn bytes(&self) -> usize {
        self.beginning_of().len()
    }

    pub(super) fn beginning_of(&self) -> &[u8] {
        match self {
            Self::Text(bytes) | Self::Html(bytes) => bytes,
            Self::Row(row) => &row.bytes,
            Self::Columns(row) => row.longest(),
            Self::Element(element) => &element.bytes,
            Self::Capture(capture) => &capture.body,
            Self::Json(value) => &value.bytes,
        }
    }

    /// What it says; nothing where it is no article and is not meant to be one.
    fn parse(self, settings: &InputConfig) -> Result<Option<Parsed>, Refusal> {
        match self {
            Self::Text(bytes) => plain::parse(bytes).map(Some),
            Self::Html(bytes) => html::parse(&bytes, None, None).map(Some),
            Self::Row(row) => table::parse(row, &settings.fields).map(Some),
            Self::Element(element) => elements::parse(element).map(Some),
            Self::Columns(row) => parquet::parse(row, &settings.fields).map(Some),
            Self::Capture(capture) => capture::parse(capture, settings),
            Self::Json(value) => json::parse(value, &settings.fields).map(Some),
        }
    }
}

/// What a record says.
#[derive(Debug)]
pub(super) struct Parsed {
    /// The id that the record itself has.
    pub(super) own_id: Option<String>,
    pub(super) metadata: Metadata,
    pub(super) text: String,
    pub(super) encoding: &'static str,
}

/// A record before it has an id.
pub(crate) struct Record {
    pub(crate) place: Place,
    /// The id that the record itself has.
    pub(crate) own_id: Option<String>,
    /// The id that it gets where it has none.
    pub(crate) name: String,
    pub(crate) metadata: Metadata,
    pub(crate) text: String,
    pub(crate) encoding: &'static str,
    pub(crate) flags: Vec<TextFlag>,
    /// What tells it from another version of it.
    pub(crate) content: [u8; 32],
    /// What it is compared to others by; none where it is not.
    pub(crate) sketch: Option<Sketch>,
    /// Whether it is in a language that is wanted, or in one that nobody knows.
    pub(crate) is_wanted: bool,
}

/// Parses a raw record, whatever it holds; with a sketch where it `is_compared` to others.
pub(crate) fn parse(
    raw: Raw,
    settings: &InputConfig,
    guard: &Guard,
    is_compared: bool,
) -> Result<Option<Record>, Rejection> {
    let Raw { place, name, content } = raw;
    let bytes = content.beginning_of();
    let excerpt = bytes[..bytes.len().min(EXCERPT_BYTES)].to_vec();
    let judged = || {
        let Some(mut parsed) = content.parse(settings)? else { return Ok(None) };
        let is_wanted = language::complete(&mut parsed.metadata.language, &parsed.text, &settings.languages);
        Ok(Some((parsed, is_wanted)))
    };
    let judged = guard.at(&place, || String::from_utf8_lossy(&excerpt), judged);
    let judged = judged.unwrap_or_else(|(reason, message)| Err(Refusal::new(reason, message)));
    let judged = judged.map_err(|refusal| refusal.into_rejection(place.clone(), &excerpt))?;
    Ok(judged.map(|(Parsed { own_id, mut metadata, text, encoding }, is_wanted)| {
        metadata.published = metadata.published.map(as_date);
        metadata.modified = metadata.modified.map(as_date);
        let content = digest(&metadata, &text, encoding);
        let flags = if is_garbled(&text) { vec![TextFlag::Mojibake] } else { Vec::new() };
        let sketch = (is_compared && is_wanted).then(|| Sketch::of(&text));
        Record { place, own_id, name, metadata, text, encoding, flags, content, sketch, is_wanted }
    }))
}

/// A date in one form where it can be read, else as it came.
fn as_date(raw: String) -> String {
    dates::to_rfc3339(&raw).unwrap_or(raw)
}

fn digest(metadata: &Metadata, text: &str, encoding: &str) -> [u8; 32] {
    let fields = Metadata::FIELDS.map(|field| (field.value)(metadata));
    // A missing field is not an empty one.
    let present = fields.map(|field| if field.is_some() { "+" } else { "-" });
    sha256_of_all(fields.map(Option::unwrap_or_default).into_iter().chain(present).chain([text, encoding]))
}
