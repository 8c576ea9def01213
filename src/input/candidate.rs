//! A parsed record that has no id yet: a candidate for a document.

use super::collector::LocatedRecord;
use super::copies::Sketch;
use super::raw_record::ParsedRecord;
use super::refusal::{EXCERPT_BYTES, Refusal};
use super::text::mojibake::is_mojibake;
use super::text::{controls, dates, language};
use crate::config::InputConfig;
use crate::deadline::guard::Guard;
use crate::digest::{hexadecimal, sha256_of_all};
use crate::record::{Metadata, Original, Place, Reason, Rejection, TextFlag};

/// A record with its text and everything that admission needs to know of it.
pub(crate) struct Candidate {
    pub(crate) place: Place,
    /// The id in the record itself.
    pub(crate) own_id: Option<String>,
    /// The id to use if the record has none: the name of its file, with a number.
    pub(crate) name: String,
    pub(crate) metadata: Metadata,
    pub(crate) text: String,
    pub(crate) encoding: &'static str,
    pub(crate) flags: Vec<TextFlag>,
    /// A digest that differs between two versions of the record.
    pub(crate) digest: [u8; 32],
    /// The sketch by which copies are found, unless the record is not compared with others.
    pub(crate) sketch: Option<Sketch>,
    /// True if the configuration asks for the record's language, or the language is unknown.
    pub(crate) is_wanted: bool,
}

impl Candidate {
    /// Parses a raw record within the limits of `guard`. The candidate gets a sketch if it `is_compared` with other documents.
    /// `None` if the record is no article and is not meant to be one.
    ///
    /// # Errors
    /// The rejection of a record that cannot be a document.
    pub(crate) fn parse(
        located: LocatedRecord,
        settings: &InputConfig,
        guard: &Guard,
        is_compared: bool,
    ) -> Result<Option<Self>, Rejection> {
        let LocatedRecord { place, name, record } = located;
        let bytes = record.excerpt_source();
        let excerpt = bytes[..bytes.len().min(EXCERPT_BYTES)].to_vec();
        let guarded = guard.at(
            &place,
            || String::from_utf8_lossy(&excerpt),
            || {
                let Some(mut parsed) = record.parse(settings)? else { return Ok(None) };
                mend_controls(&mut parsed)?;
                let is_wanted = language::complete(&mut parsed.metadata.language, &parsed.text, &settings.languages);
                let is_wanted = is_wanted && !parsed.is_left_out;
                Ok(Some((parsed, is_wanted)))
            },
        );
        let outcome = guarded.unwrap_or_else(|(reason, message)| Err(Refusal::new(reason, message)));
        match outcome {
            Ok(None) => Ok(None),
            Ok(Some((parsed, is_wanted))) => Ok(Some(Self::new(place, name, parsed, is_wanted, is_compared))),
            Err(refusal) => Err(refusal.into_rejection(place, &excerpt)),
        }
    }

    fn new(place: Place, name: String, parsed: ParsedRecord, is_wanted: bool, is_compared: bool) -> Self {
        let ParsedRecord { own_id, mut metadata, text, encoding, flags, .. } = parsed;
        metadata.published = metadata.published.map(to_rfc3339);
        metadata.modified = metadata.modified.map(to_rfc3339);
        let digest = digest(&metadata, &text, encoding);
        let sketch = (is_compared && is_wanted).then(|| Sketch::from_text(&text));
        Self { place, own_id, name, metadata, text, encoding, flags, digest, sketch, is_wanted }
    }
}

/// The digest of a document with the digest `digest` of its record. That of a copy changes with its original.
pub(crate) fn content_digest(digest: &[u8; 32], original: Option<&Original>) -> [u8; 32] {
    let Some(Original { id, percent }) = original else { return *digest };
    sha256_of_all([&hexadecimal(digest), id.as_str(), &percent.to_string()])
}

/// Mends control characters in the text and in the metadata, and adds the flags that tell of them.
fn mend_controls(parsed: &mut ParsedRecord) -> Result<(), Refusal> {
    let is_mojibake = is_mojibake(&parsed.text);
    if is_mojibake {
        parsed.flag(TextFlag::Mojibake);
    }
    let mut has_controls = controls::mend(&mut parsed.text, is_mojibake);
    for field in Metadata::FIELDS {
        if let Some(value) = (field.value_mut)(&mut parsed.metadata) {
            has_controls |= controls::mend(value, is_mojibake);
        }
    }
    if has_controls {
        parsed.flag(TextFlag::Controls);
    }
    if parsed.text.trim().is_empty() {
        return Err(Refusal::new(Reason::Empty, "holds nothing but control characters"));
    }
    Ok(())
}

/// A date as RFC 3339 if it can be parsed, otherwise as it came.
fn to_rfc3339(raw: String) -> String {
    dates::to_rfc3339(&raw).unwrap_or(raw)
}

fn digest(metadata: &Metadata, text: &str, encoding: &str) -> [u8; 32] {
    let fields = Metadata::FIELDS.map(|field| (field.value)(metadata));
    // A missing field is not an empty one.
    let present = fields.map(|field| if field.is_some() { "+" } else { "-" });
    sha256_of_all(fields.map(Option::unwrap_or_default).into_iter().chain(present).chain([text, encoding]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(text: &str) -> Result<ParsedRecord, Reason> {
        let mut parsed = ParsedRecord::new(text.to_owned(), "UTF-8");
        parsed.metadata.title = Some("Caf\u{e9} \u{93}x\u{94}".to_owned());
        mend_controls(&mut parsed).map(|()| parsed).map_err(|refusal| refusal.reason)
    }

    #[test]
    fn control_characters_are_mended_in_text_and_metadata_and_flagged() {
        let parsed = mended("\u{93}We don\u{92}t know,\u{94}\u{1} she said.").unwrap();
        assert_eq!(
            (parsed.text.as_str(), &parsed.flags[..]),
            ("“We don’t know,” she said.", &[TextFlag::Controls][..])
        );
        assert_eq!(parsed.metadata.title.as_deref(), Some("Café “x”"));
    }

    #[test]
    fn in_a_garbled_text_they_stay() {
        let parsed = mended("â€œNo,â€\u{9d} she said, and cafÃ©.").unwrap();
        assert_eq!(
            (parsed.text.as_str(), &parsed.flags[..]),
            ("â€œNo,â€\u{9d} she said, and cafÃ©.", &[TextFlag::Mojibake][..])
        );
    }

    #[test]
    fn nothing_but_control_characters_is_no_text() {
        assert_eq!(mended("\u{1}\u{81}\n").unwrap_err(), Reason::Empty);
    }
}
