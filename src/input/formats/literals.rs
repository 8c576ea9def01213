//! Values that programs wrote into a cell the way of their language: lists of strings in Python or JSON, and bytes in Python.

/// The strings of a list, joined, or the text of bytes: `['One.', "Two."]`, `b'One.'`. None where a cell is anything else.
pub(super) fn joined(cell: &str, join: &str) -> Option<String> {
    let cell = cell.trim();
    match cell.as_bytes() {
        [b'[', .., b']'] => Some(strings(cell)?.join(join)),
        [b'b', b'\'' | b'"', ..] => {
            let (bytes, rest) = literal(&cell[1..])?;
            rest.is_empty().then(|| String::from_utf8(bytes).ok())?
        }
        _ => None,
    }
}

/// The strings of a list that holds nothing else.
fn strings(list: &str) -> Option<Vec<String>> {
    let mut rest = list.strip_prefix('[')?.trim_start();
    let mut strings = Vec::new();
    while !rest.starts_with(']') {
        let (bytes, behind) = literal(rest)?;
        strings.push(String::from_utf8(bytes).ok()?);
        rest = behind.trim_start();
        match rest.strip_prefix(',') {
            Some(behind) => rest = behind.trim_start(),
            None if rest.starts_with(']') => {}
            None => return None,
        }
    }
    (rest == "]").then_some(strings)
}

/// The bytes of the string that begins here between quotation marks, and what is behind it.
fn literal(text: &str) -> Option<(Vec<u8>, &str)> {
    let quote = text.chars().next().filter(|mark| matches!(mark, '\'' | '"'))?;
    let mut bytes = Vec::new();
    let mut rest = &text[1..];
    loop {
        let character = rest.chars().next()?;
        rest = &rest[character.len_utf8()..];
        match character {
            '\\' => rest = escaped(rest, &mut bytes)?,
            character if character == quote => return Some((bytes, rest)),
            character => push(character, &mut bytes),
        }
    }
}

/// Adds what is behind a backslash; gives back what is behind that.
fn escaped<'t>(text: &'t str, bytes: &mut Vec<u8>) -> Option<&'t str> {
    let kind = text.chars().next()?;
    let rest = &text[kind.len_utf8()..];
    let digits = match kind {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => 0,
    };
    if digits > 0 {
        let number = u32::from_str_radix(rest.get(..digits)?, 16).ok()?;
        match (kind, u8::try_from(number)) {
            ('x', Ok(byte)) => bytes.push(byte),
            _ => push(char::from_u32(number)?, bytes),
        }
        return Some(&rest[digits..]);
    }
    push(
        match kind {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            other => other,
        },
        bytes,
    );
    Some(rest)
}

fn push(character: char, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_strings_are_joined() {
        for list in [r#"['One.', "It's two."]"#, r#"["One.","It's two."]"#, r"['One.', 'It\'s two.',]"] {
            assert_eq!(joined(list, "|").as_deref(), Some("One.|It's two."), "{list}");
        }
        assert_eq!(joined(r#"["caf\u00e9\n"]"#, "|").as_deref(), Some("café\n"));
        assert_eq!(joined("[]", "|").as_deref(), Some(""));
    }

    #[test]
    fn bytes_are_decoded() {
        assert_eq!(joined(r"b'\xe2\x80\x9cNo\xe2\x80\x9d'", "|").as_deref(), Some("“No”"));
        assert_eq!(joined(r"b'\xff'", "|"), None);
    }

    #[test]
    fn other_cells_stay_as_they_are() {
        for cell in [
            "",
            "One.",
            "[One.]",
            "['One.' and 'Two.']",
            "['One.', 2]",
            "[gallery ids=\"1\"]",
            "b'One.' he said",
            "['One.'",
        ] {
            assert_eq!(joined(cell, "|"), None, "{cell}");
        }
    }
}
