//! Named fields to a document, as the configuration names them.

use crate::config::values::FieldPath;
use crate::config::{FieldNames, RecordMarkup};
use crate::input::raw_record::ParsedRecord;
use crate::input::refusal::Refusal;
use crate::input::text::escapes;
use crate::input::text::record_markup::{plain_line, plain_text};
use crate::record::{Metadata, Reason, TextFlag};

/// A document of what `take` finds under each name. Blank fields are none.
pub(super) fn document(
    names: &FieldNames,
    encoding: &'static str,
    mut take: impl FnMut(&FieldPath) -> Option<String>,
) -> Result<ParsedRecord, Refusal> {
    let Some(text) = take(&names.text) else {
        return Err(Refusal::new(Reason::MissingText, format!("has nothing in `{}`", names.text)));
    };
    if text.trim().is_empty() {
        return Err(Refusal::new(Reason::Empty, format!("holds no text in `{}`", names.text)));
    }
    let own_id = word(&names.id, &mut take);
    let metadata = Metadata::try_from_fields(|place, _| Ok::<_, Refusal>(word(&names.metadata[place], &mut take)))?;
    Ok(ParsedRecord { own_id, metadata, ..ParsedRecord::new(text, encoding) })
}

/// A document with line ends for escaped ones, whose text and metadata have no tags, entities and shortcodes any more, unless these are to be
/// kept.
pub(super) fn without_markup(mut parsed: ParsedRecord, markup: RecordMarkup) -> Result<ParsedRecord, Refusal> {
    if escapes::mend(&mut parsed.text) {
        parsed.flag(TextFlag::Repaired);
    }
    if markup == RecordMarkup::Keep {
        return Ok(parsed);
    }
    if let Some(text) = plain_text(&parsed.text) {
        if text.trim().is_empty() {
            return Err(Refusal::new(Reason::Empty, "holds no text but markup"));
        }
        parsed.text = text;
        parsed.flag(TextFlag::Markup);
    }
    let Metadata { title, byline, section, source, .. } = &mut parsed.metadata;
    let mut has_markup = false;
    for field in [title, byline, section, source] {
        if let Some(line) = field.as_deref().and_then(plain_line) {
            *field = Some(line).filter(|line| !line.is_empty());
            has_markup = true;
        }
    }
    if has_markup {
        parsed.flag(TextFlag::Markup);
    }
    Ok(parsed)
}

/// A field that is not blank.
fn word(path: &FieldPath, take: &mut impl FnMut(&FieldPath) -> Option<String>) -> Option<String> {
    take(path).filter(|text| !text.trim().is_empty())
}
