//! Named fields to a document, as the configuration names them.

use crate::config::FieldNames;
use crate::config::values::FieldPath;
use crate::input::raw_record::Parsed;
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
    let own_id = word(&names.id, &mut take);
    let metadata = Metadata::try_from_fields(|place, _| Ok::<_, Refusal>(word(&names.metadata[place], &mut take)))?;
    Ok(Parsed { own_id, metadata, text, encoding })
}

/// A field that is not blank.
fn word(path: &FieldPath, take: &mut impl FnMut(&FieldPath) -> Option<String>) -> Option<String> {
    take(path).filter(|text| !text.trim().is_empty())
}
