//! Tags with more attributes than a page has use for: the parser compares each attribute with all before it, so they are counted first.

use memchr::{memchr, memmem};

/// Elements whose content is no mark-up.
const RAW: [&[u8]; 7] = [b"script", b"style", b"textarea", b"title", b"xmp", b"iframe", b"noembed"];

/// The most attributes that one tag of `html` has, or a little more.
pub(super) fn most_attributes(html: &[u8]) -> usize {
    let mut most = 0;
    let mut rest = html;
    while let Some(start) = memchr(b'<', rest) {
        rest = &rest[start + 1..];
        if let Some(comment) = rest.strip_prefix(b"!--") {
            rest = after(comment, b"-->");
        } else if rest.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'/') {
            let name = name(rest);
            let (attributes, behind) = tag(rest);
            most = most.max(attributes);
            rest = if RAW.iter().any(|raw| name.eq_ignore_ascii_case(raw)) { raw_end(behind, name) } else { behind };
        }
    }
    most
}

fn name(tag: &[u8]) -> &[u8] {
    let end = tag.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(tag.len());
    &tag[..end]
}

/// The number of attributes that the tag may have that `html` begins with, and the HTML behind it.
fn tag(html: &[u8]) -> (usize, &[u8]) {
    let mut attributes = 0;
    let mut place = 0;
    let mut is_inside = true;
    while let Some(byte) = html.get(place) {
        match byte {
            b'>' => return (attributes, &html[place + 1..]),
            // A value in quotes begins after `=`; a quote elsewhere is part of a name.
            b'=' => {
                let value = html[place + 1..].trim_ascii_start();
                let quote = value.first().copied().filter(|byte| matches!(byte, b'"' | b'\''));
                let length = quote.map_or(0, |quote| memchr(quote, &value[1..]).map_or(value.len(), |end| end + 2));
                place = html.len() - value.len() + length;
                is_inside = quote.is_none();
                continue;
            }
            b'/' => is_inside = false,
            byte if byte.is_ascii_whitespace() => is_inside = false,
            _ if !is_inside => {
                attributes += 1;
                is_inside = true;
            }
            _ => {}
        }
        place += 1;
    }
    (attributes, &[])
}

/// The HTML behind the next `mark`.
fn after<'h>(html: &'h [u8], mark: &[u8]) -> &'h [u8] {
    memmem::find(html, mark).map_or(&[], |start| &html[start + mark.len()..])
}

/// The end tag of a raw element, and what is behind it.
fn raw_end<'h>(html: &'h [u8], name: &[u8]) -> &'h [u8] {
    let mut rest = html;
    while let Some(start) = memmem::find(rest, b"</") {
        rest = &rest[start..];
        if rest[2..].get(..name.len()).is_some_and(|end| end.eq_ignore_ascii_case(name)) {
            return rest;
        }
        rest = &rest[2..];
    }
    &[]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_counted_however_they_are_written() {
        for (html, count) in [
            ("<p>a b c d e f", 0),
            ("<p a b=1 c='x y z' d=\"x > y\" e = f>", 5),
            ("<p a=\"1\"b=\"2\"c>", 3),
            ("<p/a/b>", 2),
            ("1 < 2 a b c d e > <br>", 0),
            ("<!-- <p a b c d> --><i x>", 1),
            ("<script>if (a<b c d e f g h) '</p a b>'</script><i x>", 1),
            ("<p a b c", 3),
            ("<p a='b c d e", 1),
            ("<", 0),
        ] {
            assert_eq!(most_attributes(html.as_bytes()), count, "{html}");
        }
    }
}
