//! Line ends in the texts of records that other programs wrote in their own way: escaped once too often, as spreadsheets keep them, or
//! as the separators of Unicode.

/// A text has so many escaped line ends, or they are none.
const MIN_LINE_ENDS: usize = 2;

/// Mends `text` in place. Gives back whether there was something to mend.
pub(in crate::input) fn mend(text: &mut String) -> bool {
    let mut is_mended = false;
    if memchr::memmem::find(text.as_bytes(), b"_x000").is_some() && text.contains("_x000D_") {
        // Spreadsheets write a carriage return so; a line feed stands behind it.
        *text = text.replace("_x000D_\n", "\n").replace("_x000D_", "\n");
        is_mended = true;
    }
    if ["\u{2028}", "\u{2029}"].iter().any(|end| memchr::memmem::find(text.as_bytes(), end.as_bytes()).is_some()) {
        *text = text.replace('\u{2028}', "\n").replace('\u{2029}', "\n\n");
        is_mended = true;
    }
    if has_escaped_lines(text) {
        *text = unescaped(text);
        is_mended = true;
    }
    is_mended
}

/// True for a text on one line whose backslashes are all escapes, of several line ends among others.
fn has_escaped_lines(text: &str) -> bool {
    if memchr::memchr2(b'\\', b'\n', text.as_bytes()).is_none_or(|at| text.as_bytes()[at] == b'\n')
        || text.contains('\n')
    {
        return false;
    }
    let mut line_ends = 0;
    let mut behind_sentences = 0;
    let mut before = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character == '\\' {
            match characters.next() {
                Some('n') => {
                    line_ends += 1;
                    // A path such as `C:\news` has letters before its backslash, or a colon.
                    behind_sentences +=
                        usize::from(before.is_none_or(|before: char| !before.is_alphanumeric() && before != ':'));
                    before = Some('\n');
                    continue;
                }
                Some('r' | 't' | '"' | '\'' | '/' | '\\') => {}
                _ => return false,
            }
        }
        before = Some(character);
    }
    line_ends >= MIN_LINE_ENDS && behind_sentences * 2 > line_ends
}

fn unescaped(text: &str) -> String {
    let mut mended = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n') => mended.push('\n'),
                Some('t') => mended.push('\t'),
                Some('r') | None => {}
                Some(escaped) => mended.push(escaped),
            },
            _ => mended.push(character),
        }
    }
    mended
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(text: &str) -> Option<String> {
        let mut mended = text.to_owned();
        mend(&mut mended).then_some(mended)
    }

    #[test]
    fn escaped_line_ends_become_line_ends() {
        assert_eq!(
            mended(r#"One.\n\nTwo said \"no\".\r\nThree."#).as_deref(),
            Some("One.\n\nTwo said \"no\".\nThree.")
        );
        assert_eq!(mended("One._x000D_\n_x000D_\nTwo.").as_deref(), Some("One.\n\nTwo."));
        assert_eq!(mended("One.\u{2029}Two,\u{2028}three.").as_deref(), Some("One.\n\nTwo,\nthree."));
    }

    #[test]
    fn backslashes_that_mean_something_else_stay() {
        for text in [
            r"The file lies in C:\news\new\nets.",
            r"One \n and no more.",
            r"It rained.\n\nIt stopped in C:\data.",
            "One.\nTwo \\n\\n three.",
            "One.",
        ] {
            assert_eq!(mended(text), None, "{text}");
        }
    }
}
