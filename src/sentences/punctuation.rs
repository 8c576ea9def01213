//! Characters that end sentences, and marks that open or close around sentences.

/// The kind of a run of punctuation at the end of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// A single full stop, which may belong to an abbreviation.
    Stop,
    /// Two or more dots, spaced or not, or the character `…`.
    Ellipsis,
    /// A run with a question or exclamation mark in it.
    Emphatic,
    /// A dash, with which a speaker may break off.
    Dash,
    /// The full-width marks of Chinese and Japanese, which need no space after them.
    Ideographic,
    /// A colon. The text that it announces may be a sentence of its own.
    Colon,
    /// The mark that closes a quotation without a stop, after a colon announced it: `She wrote: "so proud" Another`.
    Quotation,
    /// No written mark: a part of its own, such as a dateline, ends or begins here.
    SetApart,
}

/// The number of bytes of the run of terminators that `text` starts with, and its kind.
pub(super) fn run(text: &str) -> Option<(usize, Mark)> {
    if let Some(dash) = ["—", "–", "--"].into_iter().find(|dash| text.starts_with(dash)) {
        return Some((dash.len(), Mark::Dash));
    }
    if text.strip_prefix(':').is_some_and(|after| after.starts_with(char::is_whitespace)) {
        return Some((1, Mark::Colon));
    }
    let length = text.find(|character| !is_terminator(character)).unwrap_or(text.len());
    let run = &text[..length];
    let kind = match run {
        "" => return None,
        "." => Mark::Stop,
        _ if run.contains(['!', '?', '‼', '⁇', '⁈', '⁉']) => Mark::Emphatic,
        _ if run.contains(is_ideographic) => Mark::Ideographic,
        _ => Mark::Ellipsis,
    };
    Some((length, kind))
}

/// The number of bytes of the spaced ellipsis (`. . .`) that `text` starts with; 0 for a single dot.
pub(super) fn spaced_dots(text: &str) -> usize {
    let mut length = 0;
    let mut dots = 0;
    let mut rest = text;
    while let Some(after) = rest.strip_prefix('.') {
        dots += 1;
        length = text.len() - after.len();
        rest = after.strip_prefix([' ', '\u{a0}']).unwrap_or(after);
    }
    if dots > 1 { length } else { 0 }
}

/// The number of bytes of the quotation mark or bracket that `text` starts with, if it is a closing one.
pub(super) fn closer(text: &str) -> Option<usize> {
    let first = text.chars().next()?;
    let rest = &text[first.len_utf8()..];
    match first {
        // These have one form for both ends, so before a word they open it.
        '"' | '\'' | '*' | '_' => (!rest.starts_with(char::is_alphanumeric)).then_some(1),
        _ => is_closer(first).then_some(first.len_utf8()),
    }
}

/// Returns true for a character that may open a sentence before its first word.
pub(super) fn is_opener(character: char) -> bool {
    is_quote(character) || matches!(character, '(' | '[' | '{' | '¿' | '¡' | '*' | '_' | '`' | '（' | '【')
}

/// Returns true for a quotation mark of any shape.
pub(super) fn is_quote(character: char) -> bool {
    matches!(character, '"' | '\'' | '“' | '”' | '‘' | '’' | '„' | '«' | '»' | '‹' | '›' | '「' | '」' | '『' | '』')
}

fn is_terminator(character: char) -> bool {
    matches!(character, '.' | '!' | '?' | '…' | '‼' | '⁇' | '⁈' | '⁉') || is_ideographic(character)
}

fn is_ideographic(character: char) -> bool {
    matches!(character, '。' | '！' | '？' | '．' | '｡')
}

fn is_closer(character: char) -> bool {
    matches!(
        character,
        ')' | ']'
            | '}'
            | '”'
            | '’'
            | '»'
            | '›'
            | '」'
            | '』'
            | '）'
            | '】'
            | '〉'
            | '》'
            | '¹'
            | '²'
            | '³'
            | '†'
            | '‡'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_marks_has_one_kind() {
        assert_eq!(run(". A"), Some((1, Mark::Stop)));
        assert_eq!(run("... a"), Some((3, Mark::Ellipsis)));
        assert_eq!(run("…"), Some((3, Mark::Ellipsis)));
        assert_eq!(run("?!. A"), Some((3, Mark::Emphatic)));
        assert_eq!(run("。"), Some((3, Mark::Ideographic)));
        assert_eq!(run("-- A"), Some((2, Mark::Dash)));
        assert_eq!(run(": A"), Some((1, Mark::Colon)));
        assert_eq!(run(":30"), None);
        assert_eq!(run("a."), None);
    }

    #[test]
    fn dots_set_apart_by_single_spaces_are_one_ellipsis() {
        assert_eq!(spaced_dots(". . . Then"), 5);
        assert_eq!(spaced_dots("..."), 3);
        assert_eq!(spaced_dots(". Then"), 0);
    }

    #[test]
    fn a_straight_quotation_mark_before_a_word_does_not_close() {
        assert_eq!(closer("\" Then"), Some(1));
        assert_eq!(closer("\"Then"), None);
        assert_eq!(closer("” Then"), Some(3));
        assert_eq!(closer("“Then"), None);
    }
}
