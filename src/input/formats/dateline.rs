//! Datelines that a file holds apart from the text. They become its first paragraph, as they are printed: no field of metadata has the place.

/// Adds a dateline to a text, unless the text begins with the same words.
pub(super) fn with_dateline(dateline: Option<String>, text: String) -> String {
    match dateline {
        Some(dateline) if !begins_with(&text, &dateline) => {
            format!("{}\n\n{text}", dateline.trim_matches(|mark: char| mark.is_whitespace() || "-–—".contains(mark)))
        }
        _ => text,
    }
}

fn begins_with(text: &str, dateline: &str) -> bool {
    let mut found = words(text);
    words(dateline).all(|word| found.next().is_some_and(|found| found.eq_ignore_ascii_case(word)))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dateline_stands_before_the_text_once() {
        let with = |dateline: &str, text: &str| with_dateline(Some(dateline.to_owned()), text.to_owned());
        assert_eq!(with("PORT ANSELM (AP) ", "It rained."), "PORT ANSELM (AP)\n\nIt rained.");
        assert_eq!(
            with("PORT ANSELM, March 4", "Port Anselm, March 4 (Wire) -- It rained."),
            "Port Anselm, March 4 (Wire) -- It rained."
        );
        assert_eq!(with("BERGEN, March 4 - ", "It rained."), "BERGEN, March 4\n\nIt rained.");
        assert_eq!(with("BERGEN", "Bergensk rain."), "BERGEN\n\nBergensk rain.");
        assert_eq!(
            (with("-", "It rained."), with_dateline(None, "It rained.".to_owned())),
            ("It rained.".to_owned(), "It rained.".to_owned())
        );
    }
}
