//! Named fields to a document, as the configuration names them.

use crate::config::FieldNames;
use crate::config::values::FieldPath;
use crate::input::content::Parsed;
use crate::input::refusal::Refusal;
use crate::record::{Metadata, Reason};

/// A document of what `take` finds under each name. Blank fields are none.
pub(super) fn document(
    names: &FieldNames,
    encoding: &'static str,
    mut take: impl FnMut(&FieldPath) -> Option<String>,
) -> Result<Parsed, Refusal> {
    let Some(text) = take(&names.text) else {
        return Err(Refusal::new(Reason::MissingText, format!("has nothing in `{}`", names.text)));
    };
    if text.trim().is_empty() {
        return Err(Refusal::new(Reason::Empty, format!("holds no text in `{}`", names.text)));
    }
    let mut word = |path| take(path).filter(|text| !text.trim().is_empty());
    let own_id = word(&names.id);
    let metadata = Metadata {
        uri: word(&names.uri),
        title: word(&names.title),
        byline: word(&names.byline),
        published: word(&names.published),
        modified: word(&names.modified),
        section: word(&names.section),
        language: word(&names.language),
        source: word(&names.source),
    };
    Ok(Parsed { own_id, metadata, text, encoding })
}
