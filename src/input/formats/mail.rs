//! Mail and saved web pages in MIME: a message a file (EML), or a page with its pictures (MHTML). Messages that are attached to others are
//! documents of their own. Parts are cut and limited here; the crate `mail-parser` parses headers and takes off transfer encodings.

use std::borrow::Cow;

use mail_parser::decoders::base64::base64_decode;
use mail_parser::{ContentType, HeaderName, Message, MessageParser, MimeHeaders};
use memchr::{memchr, memmem, memrchr};

use super::beginning::Beginning;
use super::manuscript::take_whole;
use super::{Format, html};
use crate::config::InputConfig;
use crate::input::collector::{Collector, Flow, Position};
use crate::input::layers::Container;
use crate::input::raw_record::{ParsedRecord, RawRecord};
use crate::input::refusal::Refusal;
use crate::input::stream::Stream;
use crate::input::text::decode::{decode_labelled, decode_page};
use crate::input::text::markup;
use crate::record::{Metadata, Reason};

pub(super) static FORMAT: Format =
    Format { extensions: &["eml", "mht", "mhtml"], is_one_record: true, recognise, read };

/// The headers of a message or of a part have no more bytes together.
const MAX_HEADER_BYTES: usize = 1 << 20;

/// Multiparts inside each other, no more.
const MAX_DEPTH: usize = 16;

/// Parts of a message, no more.
const MAX_PARTS: usize = 5000;

/// HTML is taken instead of plain text if it has more than so many halves of the letters.
const MORE_HALVES: usize = 3;

/// Every message to which another one is attached has one of these.
const ATTACHED_MARKS: [&[u8]; 4] = [b"rfc822", b"RFC822", b"message/global", b"/digest"];

/// The headers of a part that has none.
const NO_HEADERS: &[u8] = b"Content-Disposition: inline\n";

/// A message, or a file with the name of one. Markup and JSON are none, whatever their names.
fn recognise(beginning: &mut Beginning<'_, '_>) -> bool {
    if beginning.has_extension(FORMAT.extensions) {
        return !matches!(beginning.first(), Some(b'<' | b'{'));
    }
    is_message(beginning.head())
}

/// Tells whether a file begins with the headers of a message: nothing but headers, with sender and date, and one that only mail
/// programs write. An article that begins with lines like `From:` is none.
fn is_message(head: &[u8]) -> bool {
    // The last line may be cut.
    let whole_lines = memrchr(b'\n', head).map_or(0, |at| at + 1);
    let block = &head[..header_end(head).map_or(whole_lines, |(end, _)| end)];
    let mut names = Vec::new();
    for line in block.split_inclusive(|byte| *byte == b'\n') {
        match header_name(line) {
            Some(name) => names.push(name.to_ascii_lowercase()),
            None if line.starts_with(b" ") || line.starts_with(b"\t") => {}
            None => return false,
        }
    }
    let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
    let by_programs: [&[u8]; 3] = [b"message-id", b"mime-version", b"received"];
    names.contains(&b"from".as_slice())
        && names.contains(&b"date".as_slice())
        && by_programs.iter().any(|name| names.contains(name))
}

/// The name of the header that a line begins with.
pub(super) fn header_name(line: &[u8]) -> Option<&[u8]> {
    let name = &line[..memchr(b':', line)?];
    (!name.is_empty() && name.iter().all(u8::is_ascii_graphic)).then_some(name)
}

/// The end of the headers and the offset of the body. `None` if no blank line follows the headers.
fn header_end(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut at = 0;
    while let Some(length) = memchr(b'\n', &bytes[at..]) {
        if bytes[at..at + length].trim_ascii().is_empty() {
            return Some((at, at + length + 1));
        }
        at += length + 1;
    }
    None
}

/// Reads a file as a message.
fn read(stream: &mut Stream<'_>, _: Container<'_>, collector: &mut Collector<'_>) -> Flow {
    match take_whole(stream, collector)? {
        Some(bytes) => put_with_attached(bytes, Position::Whole, collector),
        None => Flow::Continue(()),
    }
}

/// Takes in a message, and those that are attached to it, which get its place.
pub(super) fn put_with_attached(bytes: Vec<u8>, position: Position, collector: &mut Collector<'_>) -> Flow {
    put_message(bytes, position, 0, collector)
}

fn put_message(bytes: Vec<u8>, position: Position, depth: usize, collector: &mut Collector<'_>) -> Flow {
    // Most messages have none, and are not parsed before their turn.
    let may_have_attached = ATTACHED_MARKS.iter().any(|mark| memmem::find(&bytes, mark).is_some());
    let attached = if may_have_attached { attached_messages(&bytes) } else { Vec::new() };
    if attached.is_empty() {
        return collector.put(position, Mail { bytes, has_attached: false });
    }
    // A file with several records numbers them.
    let position = if let Position::Whole = position { Position::record(0) } else { position };
    collector.put(position, Mail { bytes, has_attached: true })?;
    for message in attached {
        if depth >= MAX_DEPTH {
            let refusal =
                Refusal::new(Reason::TooDeep, format!("has more than {MAX_DEPTH} messages inside each other"));
            collector.refuse(position, refusal, &message)?;
        } else {
            put_message(message, position, depth + 1, collector)?;
        }
    }
    Flow::Continue(())
}

/// The messages that are attached to one, but not to one of those. None if it is broken: parsing it says so.
fn attached_messages(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    if let Some((end, begin)) = header_end(bytes)
        && let Ok(Some(headers)) = parse_headers(&bytes[..end])
    {
        let part = Part { kind: mime_type_of(&headers, "text/plain"), headers, body: &bytes[begin..] };
        let mut parts = 0;
        add_attached(&part, 0, &mut parts, &mut found).unwrap_or_else(|_| found.clear());
    }
    found
}

/// Adds the messages that are attached to a part.
fn add_attached(part: &Part<'_>, depth: usize, parts: &mut usize, found: &mut Vec<Vec<u8>>) -> Result<(), Refusal> {
    *parts += 1;
    if *parts > MAX_PARTS || depth > MAX_DEPTH {
        return Err(Refusal::new(Reason::TooLarge, "has too many parts"));
    }
    if is_attached_message(&part.kind) {
        let message = without_encoding(part.body, part.headers.content_transfer_encoding().unwrap_or_default())?;
        found.push(message.trim_ascii_start().to_vec());
        return Ok(());
    }
    for inner in part.inner()?.unwrap_or_default() {
        add_attached(&inner, depth + 1, parts, found)?;
    }
    Ok(())
}

fn is_attached_message(kind: &str) -> bool {
    matches!(kind, "message/rfc822" | "message/global")
}

/// The bytes of a message.
struct Mail {
    bytes: Vec<u8>,
    /// True if it carries other messages. Without a text of its own it is then no document.
    has_attached: bool,
}

impl RawRecord for Mail {
    fn excerpt_source(&self) -> &[u8] {
        &self.bytes
    }

    fn parse(self: Box<Self>, _: &InputConfig) -> Result<Option<ParsedRecord>, Refusal> {
        match parse(&self.bytes) {
            Err(refusal) if refusal.reason == Reason::Empty && self.has_attached => Ok(None),
            outcome => outcome.map(Some),
        }
    }
}

/// Parses a message: its text as plain text or as HTML, whichever says more, or the page that it is.
fn parse(bytes: &[u8]) -> Result<ParsedRecord, Refusal> {
    let Some((end, begin)) = header_end(bytes) else { return Err(Refusal::truncated("the message is cut short")) };
    let Some(headers) = parse_headers(&bytes[..end])? else {
        return Err(Refusal::damaged("has no headers of a message"));
    };
    let part = Part { kind: mime_type_of(&headers, "text/plain"), headers, body: &bytes[begin..] };
    let mut texts = Texts::default();
    texts.add_part(&part, 0)?;
    match texts.page(&part.headers) {
        Some(page) => parse_page(page, &part.headers),
        None => parse_message(&texts, &part.headers),
    }
}

fn parse_headers(block: &[u8]) -> Result<Option<Message<'_>>, Refusal> {
    if block.len() > MAX_HEADER_BYTES {
        return Err(Refusal::damaged(format!("has headers of more than {MAX_HEADER_BYTES} bytes")));
    }
    Ok(MessageParser::new().parse_headers(block))
}

/// Parses a saved page. The date of the message is the day when it was saved, and says nothing of the article.
fn parse_page(page: &Text<'_>, headers: &Message<'_>) -> Result<ParsedRecord, Refusal> {
    let mut parsed = html::parse(&page.bytes, page.charset.as_deref(), page.location.as_deref())?;
    parsed.metadata.title = parsed.metadata.title.take().or_else(|| subject(headers));
    Ok(parsed)
}

fn parse_message(texts: &Texts<'_>, headers: &Message<'_>) -> Result<ParsedRecord, Refusal> {
    let (text, encoding) = texts.best()?;
    if text.trim().is_empty() {
        return Err(Refusal::new(Reason::Empty, "holds no text for readers"));
    }
    let sender = sender(headers);
    let is_list = headers.header(HeaderName::ListId).or_else(|| headers.header(HeaderName::ListUnsubscribe)).is_some();
    let metadata = Metadata {
        uri: raw_header(headers, "Archived-At").map(|uri| uri.trim_matches(['<', '>']).to_owned()),
        title: subject(headers),
        byline: sender.clone().filter(|_| !is_list),
        published: published(headers),
        modified: None,
        section: None,
        language: raw_header(headers, "Content-Language"),
        source: sender.filter(|_| is_list),
    };
    Ok(ParsedRecord { own_id: headers.message_id().map(str::to_owned), metadata, ..ParsedRecord::new(text, encoding) })
}

fn subject(headers: &Message<'_>) -> Option<String> {
    headers.subject().map(|subject| subject.trim().to_owned()).filter(|subject| !subject.is_empty())
}

/// The name of the sender, or the address if there is none.
fn sender(headers: &Message<'_>) -> Option<String> {
    let first = headers.from()?.first()?;
    let name = first.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    name.or(first.address.as_deref()).map(str::to_owned)
}

/// The date of the message, as it stands there if it is none.
fn published(headers: &Message<'_>) -> Option<String> {
    let date = headers.date().filter(|date| date.is_valid()).map(mail_parser::DateTime::to_rfc3339);
    date.or_else(|| raw_header(headers, "Date"))
}

/// The value of a header as it stands there, unless it is blank.
fn raw_header(headers: &Message<'_>, name: &'static str) -> Option<String> {
    let value = headers.header_raw(name)?.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

/// A part of a message, or a message.
struct Part<'m> {
    /// Its MIME type, in small letters.
    kind: String,
    headers: Message<'m>,
    body: &'m [u8],
}

impl Part<'_> {
    /// The parts inside it. `None` if it is no multipart.
    fn inner(&self) -> Result<Option<Vec<Self>>, Refusal> {
        let boundary = attribute(&self.headers, "boundary").filter(|_| self.kind.starts_with("multipart/"));
        let Some(boundary) = boundary else { return Ok(None) };
        let usual_kind = if self.kind == "multipart/digest" { "message/rfc822" } else { "text/plain" };
        let mut parts = Vec::new();
        for part in cut_parts(self.body, boundary)?.into_iter().take(MAX_PARTS + 1) {
            let (end, begin) = header_end(part).unwrap_or((part.len(), part.len()));
            let headers = parse_headers(&part[..end])?.or_else(|| MessageParser::new().parse_headers(NO_HEADERS));
            parts.extend(headers.map(|headers| Self {
                kind: mime_type_of(&headers, usual_kind),
                headers,
                body: &part[begin..],
            }));
        }
        Ok(Some(parts))
    }
}

/// The texts of a message.
#[derive(Default)]
struct Texts<'m> {
    plain: Vec<Text<'m>>,
    html: Vec<Text<'m>>,
    parts: usize,
}

/// A part with text, without its transfer encoding.
struct Text<'m> {
    bytes: Cow<'m, [u8]>,
    charset: Option<String>,
    /// The address that the part was saved from.
    location: Option<String>,
    flow: LineFlow,
}

/// The meaning of a space at the end of a line (RFC 3676).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LineFlow {
    /// It means nothing.
    Fixed,
    /// The line goes on in the next one.
    Flowed,
    /// The same, and the space is not part of the text.
    FlowedWithoutSpace,
}

impl<'m> Texts<'m> {
    /// Collects the texts of a part and of the parts inside it. Attachments are none.
    fn add_part(&mut self, part: &Part<'m>, depth: usize) -> Result<(), Refusal> {
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(Refusal::new(Reason::TooLarge, format!("has more than {MAX_PARTS} parts")));
        }
        match part.inner()? {
            Some(inner) => self.add_parts(part, inner, depth),
            None if part.headers.content_disposition().is_some_and(ContentType::is_attachment) => Ok(()),
            None if part.kind == "text/plain" || part.kind == "text/html" => {
                self.add_text(&part.kind, &part.headers, part.body)
            }
            None => Ok(()),
        }
    }

    /// Collects the texts of the parts of a multipart: of all of them, or of the root of related ones.
    fn add_parts(&mut self, part: &Part<'m>, mut inner: Vec<Part<'m>>, depth: usize) -> Result<(), Refusal> {
        if depth >= MAX_DEPTH {
            return Err(Refusal::new(
                Reason::TooDeep,
                format!("has more than {MAX_DEPTH} multiparts inside each other"),
            ));
        }
        if part.kind == "multipart/related" {
            let start = attribute(&part.headers, "start");
            let root = start.and_then(|start| inner.iter().position(|part| is_id(start, &part.headers)));
            inner = inner.into_iter().skip(root.unwrap_or(0)).take(1).collect();
        }
        for part in inner {
            self.add_part(&part, depth + 1)?;
        }
        Ok(())
    }

    fn add_text(&mut self, kind: &str, headers: &Message<'_>, body: &'m [u8]) -> Result<(), Refusal> {
        let is_flowed = attribute(headers, "format").is_some_and(|format| format.eq_ignore_ascii_case("flowed"));
        let has_no_space = attribute(headers, "delsp").is_some_and(|delsp| delsp.eq_ignore_ascii_case("yes"));
        let text = Text {
            bytes: without_encoding(body, headers.content_transfer_encoding().unwrap_or_default())?,
            // Programs that name ASCII often send UTF-8.
            charset: attribute(headers, "charset")
                .filter(|charset| !charset.eq_ignore_ascii_case("us-ascii"))
                .map(str::to_owned),
            location: headers.content_location().map(|location| location.split_whitespace().collect()),
            flow: match (is_flowed, has_no_space) {
                (false, _) => LineFlow::Fixed,
                (true, false) => LineFlow::Flowed,
                (true, true) => LineFlow::FlowedWithoutSpace,
            },
        };
        if kind == "text/html" {
            self.html.push(text);
        } else {
            self.plain.push(text);
        }
        Ok(())
    }

    /// The page of a saved page: HTML with the address that it was saved from, in a message that nobody sent.
    fn page(&self, headers: &Message<'_>) -> Option<&Text<'m>> {
        let page = self.html.first().filter(|page| page.location.is_some())?;
        headers.message_id().is_none().then_some(page)
    }

    /// The text of the message, and its encoding: plain text, unless the HTML says much more. Plain text is often no more than a link
    /// to the letter in a browser.
    fn best(&self) -> Result<(String, &'static str), Refusal> {
        let mut plain = Vec::new();
        let mut encoding = "UTF-8";
        for part in &self.plain {
            let (text, name) = decode_labelled(part.bytes.to_vec(), part.charset.as_deref())?;
            plain.push(part.flow.join_lines(&text.replace("\r\n", "\n")));
            encoding = name;
        }
        let plain = plain.join("\n\n").trim_end().to_owned();
        let Some(page) = self.html.first() else { return Ok((plain, encoding)) };
        let (markup, page_encoding) = decode_page(&page.bytes, page.charset.as_deref())?;
        let all = markup::text(&markup);
        if 2 * letters(&all) <= MORE_HALVES * letters(&plain) {
            return Ok((plain, encoding));
        }
        // Letters are laid out in tables, which the search for an article on a page takes for one paragraph.
        Ok((all, page_encoding))
    }
}

impl LineFlow {
    /// The text with the lines joined that belong together.
    fn join_lines(self, text: &str) -> String {
        if self == Self::Fixed {
            return text.to_owned();
        }
        let mut joined = String::with_capacity(text.len());
        for line in text.split_inclusive('\n') {
            let words = line.trim_end_matches('\n');
            // The line before a signature ends with a space, too.
            if !words.ends_with(' ') || words == "-- " {
                joined.push_str(line);
            } else if self == Self::Flowed {
                joined.push_str(words);
            } else {
                joined.push_str(&words[..words.len() - 1]);
            }
        }
        joined
    }
}

/// An attribute of the type of a part.
fn attribute<'h>(headers: &'h Message<'_>, name: &str) -> Option<&'h str> {
    headers.content_type()?.attribute(name)
}

/// The MIME type that headers name, in small letters, or the usual one.
fn mime_type_of(headers: &Message<'_>, usual: &str) -> String {
    let Some(content_type) = headers.content_type() else { return usual.to_owned() };
    let kind = format!("{}/{}", content_type.ctype(), content_type.subtype().unwrap_or_default());
    kind.to_ascii_lowercase()
}

fn is_id(id: &str, headers: &Message<'_>) -> bool {
    headers.content_id().is_some_and(|known| known == id.trim_matches(['<', '>']))
}

/// The letters of a text, without those of addresses.
fn letters(text: &str) -> usize {
    let words = text.split_whitespace().filter(|word| !word.contains("://"));
    words.flat_map(str::chars).filter(|character| character.is_alphabetic()).count()
}

/// Cuts the body of a multipart into its parts.
fn cut_parts<'m>(body: &'m [u8], boundary: &str) -> Result<Vec<&'m [u8]>, Refusal> {
    let delimiter = format!("--{boundary}");
    let mut parts = Vec::new();
    let mut begin: Option<usize> = None;
    for at in memmem::find_iter(body, delimiter.as_bytes()) {
        if at > 0 && body[at - 1] != b'\n' || begin.is_some_and(|begin| at < begin) {
            continue;
        }
        let behind = at + delimiter.len();
        let end = memchr(b'\n', &body[behind..]).map_or(body.len(), |length| behind + length + 1);
        let rest = body[behind..end].trim_ascii();
        if !rest.is_empty() && rest != b"--" {
            continue;
        }
        parts.extend(begin.map(|begin| without_line_end(&body[begin..at])));
        if rest == b"--" {
            return Ok(parts);
        }
        begin = Some(end);
    }
    Err(Refusal::truncated("the message is cut short: its last part does not end"))
}

fn without_line_end(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

fn without_encoding<'m>(body: &'m [u8], encoding: &str) -> Result<Cow<'m, [u8]>, Refusal> {
    match encoding.trim().to_ascii_lowercase().as_str() {
        "base64" => {
            let decoded = base64_decode(body).ok_or_else(|| Refusal::damaged("has a part that is not valid base64"))?;
            Ok(decoded.into())
        }
        "quoted-printable" => Ok(decode_quoted_printable(body).into()),
        _ => Ok(body.into()),
    }
}

/// Decodes quoted-printable. What is none stays as it is, as RFC 2045 advises: many letters have a bare `=` in their addresses.
fn decode_quoted_printable(body: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(body.len());
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let content = line.trim_ascii_end();
        let is_soft = content.ends_with(b"=");
        let mut rest = content.strip_suffix(b"=").unwrap_or(content);
        while let Some(at) = memchr(b'=', rest) {
            decoded.extend_from_slice(&rest[..at]);
            let byte = rest.get(at + 1..at + 3).and_then(parse_hex);
            decoded.push(byte.unwrap_or(b'='));
            rest = &rest[at + if byte.is_some() { 3 } else { 1 }..];
        }
        decoded.extend_from_slice(rest);
        if !is_soft && line.ends_with(b"\n") {
            decoded.push(b'\n');
        }
    }
    decoded
}

fn parse_hex(digits: &[u8]) -> Option<u8> {
    let digits =
        std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u8::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use crate::input::formats::testing::{read_article, read_articles, read_every_cut, read_texts};
    use crate::record::Reason;

    const HEADERS: &str = "From: =?utf-8?q?Zo=C3=AB?= Marsh <zoe@quay.example>\r\nTo: desk@quay.example\r\nSubject: Storm =?iso-8859-1?Q?=E0_la?=\r\n \
        carte\r\nDate: Tue, 4 Mar 2031 05:06:07 +0100 (CET)\r\nMessage-ID: <m1@quay.example>\r\nMIME-Version: 1.0\r\n";

    fn message(body: &str) -> Vec<u8> {
        format!("{HEADERS}{body}").into_bytes()
    }

    fn letter(plain: &str, html: &str) -> Vec<u8> {
        message(&format!(
            "Content-Type: multipart/mixed; boundary=\"out er\"\r\n\r\nNot shown.\r\n--out er\r\n\
             Content-Type: multipart/alternative; boundary=in\r\n\r\n\
             --in\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{plain}\r\n\
             --in\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n--in--\r\n\
             --out er\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nAttached.\r\n--out er--\r\n"
        ))
    }

    #[test]
    fn a_message_is_a_document() {
        let article = read_article("a", &message("\r\nIt rained.\r\n\r\nA lot.\r\n"));
        assert_eq!(
            (article.text.as_str(), article.own_id.as_deref()),
            ("It rained.\n\nA lot.", Some("m1@quay.example"))
        );
        let metadata = article.metadata;
        assert_eq!(
            (metadata.title.as_deref(), metadata.byline.as_deref()),
            (Some("Storm à la carte"), Some("Zoë Marsh"))
        );
        assert_eq!((metadata.published.as_deref(), metadata.source), (Some("2031-03-04T05:06:07+01:00"), None));
        let newsletter = message(
            "List-Unsubscribe: <https://quay.example/off>\r\nArchived-At: <https://quay.example/1>\r\n\r\nIt rained.",
        );
        let metadata = read_article("a.eml", &newsletter).metadata;
        assert_eq!((metadata.source.as_deref(), metadata.byline), (Some("Zoë Marsh"), None));
        assert_eq!(metadata.uri.as_deref(), Some("https://quay.example/1"));
    }

    #[test]
    fn plain_text_is_taken_unless_the_html_says_more() {
        let plain = "It rained=\r\n all night =E2=80=93 a lot. x=1";
        assert_eq!(
            read_article("a", &letter(plain, "<p>It rained all night.")).text,
            "It rained all night – a lot. x=1"
        );
        let html = "<head><title>No</title></head><table><tr><td>It rained all night.</td></tr><tr><td>Then it snowed.</td></tr></table>";
        let text = read_article("a", &letter("Read it: https://quay.example/a/long/address/of/a/letter", html)).text;
        assert_eq!(text, "It rained all night.\nThen it snowed.");
    }

    #[test]
    fn parts_have_charsets_and_transfer_encodings() {
        let base64 = "Content-Type: text/plain; charset=\"windows-1252\"\nContent-Transfer-Encoding: BASE64\n\nSXQgcmFp\nbmVkIJYgYSBsb3Qu\n";
        let article = read_article("a", &message(base64));
        assert_eq!((article.text.as_str(), article.encoding), ("It rained – a lot.", "windows-1252"));
        let flowed = "Content-Type: text/plain; format=flowed\n\nIt rained \nall night.\n-- \nZoe\n";
        assert_eq!(read_article("a", &message(flowed)).text, "It rained all night.\n-- \nZoe");
        let broken = "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n<<<>>>\n";
        assert_eq!(read_texts("a", &message(broken)), [Err(Reason::Damaged)]);
        let picture = "Content-Type: image/png\nContent-Transfer-Encoding: base64\n\nSXQg\n";
        assert_eq!(read_texts("a", &message(picture)), [Err(Reason::Empty)]);
    }

    #[test]
    fn a_saved_page_is_its_article() {
        let page = "<html><head><title>Storm</title></head><body><nav><a href=3D'/'>Home</a></nav><article>\
            <p>The storm reached the coast on Tuesday night, and the ferries stayed in port until noon.</p>\
            <p>Nobody was hurt, the harbour office said, but three boats sank.</p></article></body></html>";
        let saved = format!(
            "From: <Saved by Blink>\r\nSnapshot-Content-Location: https://quay.example/storm\r\nSubject: Storm\r\n\
             Date: Tue, 4 Mar 2031 05:06:07 +0000\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related;\r\n\ttype=\"text/html\";\r\n\t\
             boundary=\"----Part--x----\"\r\n\r\n\r\n------Part--x----\r\nContent-Type: text/html\r\nContent-ID: <frame-1>\r\n\
             Content-Transfer-Encoding: quoted-printable\r\nContent-Location: https://quay.example/storm\r\n\r\n{page}\r\n\
             ------Part--x----\r\nContent-Type: text/html\r\nContent-Location: https://ads.example/\r\n\r\n<p>An advertisement.</p>\r\n\
             ------Part--x------\r\n"
        );
        for name in ["a.mhtml", "a"] {
            let article = read_article(name, saved.as_bytes());
            assert!(article.text.starts_with("The storm reached") && article.text.ends_with("three boats sank."));
            let metadata = article.metadata;
            assert_eq!((metadata.title.as_deref(), metadata.published), (Some("Storm"), None));
            assert_eq!(metadata.uri.as_deref(), Some("https://quay.example/storm"));
        }
        read_every_cut("a.mhtml", saved.as_bytes());
    }

    #[test]
    fn an_article_that_begins_like_a_header_stays_one() {
        for text in [
            "From: Ann Vale\nDate: Tuesday\nSubject: Storm\n\nIt rained.",
            "Storm: It rained.\n\nFrom: Ann\nDate: Tuesday\nMessage-ID: x\n",
            "From: Ann\nDate: Tuesday\nThe message-id: was lost.\nIt rained.\nMIME-Version: 1.0\n\nIt rained.",
        ] {
            assert_eq!(read_texts("a", text.as_bytes()), [Ok(text.to_owned())]);
        }
    }

    #[test]
    fn a_message_that_is_cut_is_rejected() {
        let letter = letter("It rained.", "<p>It rained.</p>");
        read_every_cut("a.eml", &letter);
        let cut = &letter[..letter.len() - "--out er--\r\n".len()];
        assert_eq!(read_texts("a.eml", cut), [Err(Reason::Truncated)]);
        assert_eq!(read_texts("a.eml", HEADERS.as_bytes()), [Err(Reason::Truncated)]);
        assert_eq!(read_texts("a.eml", b"no header\n\nIt rained."), [Err(Reason::Damaged)]);
    }

    fn forwarding(text: &str, attached: &str) -> Vec<u8> {
        message(&format!(
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n{text}\r\n--b\r\nContent-Type: message/rfc822\r\n\
             Content-Disposition: attachment\r\n\r\n{attached}\r\n--b--\r\n"
        ))
    }

    const FORWARDED: &str = "From: Orla Venn <orla@quay.example>\r\nSubject: Quay\r\nDate: Mon, 3 Mar 2031 09:00:00 +0000\r\n\
        Message-ID: <q1@quay.example>\r\n\r\nThe quay will close.";

    #[test]
    fn an_attached_message_is_a_document_of_its_own() {
        let articles = read_articles("a.eml", &forwarding("For you.", FORWARDED));
        let found: Vec<_> = articles
            .iter()
            .map(|article| (article.text.as_str(), article.own_id.as_deref(), article.metadata.byline.as_deref()))
            .collect();
        let expected = [
            ("For you.", Some("m1@quay.example"), Some("Zoë Marsh")),
            ("The quay will close.", Some("q1@quay.example"), Some("Orla Venn")),
        ];
        assert_eq!(found, expected);
        let nested = forwarding(
            "First.",
            &String::from_utf8(forwarding("Second.", FORWARDED)).unwrap().replace("=b\r", "=c\r").replace("--b", "--c"),
        );
        let texts = ["First.", "Second.", "The quay will close."].map(|text| Ok(text.to_owned()));
        assert_eq!(read_texts("a", &nested), texts);
        read_every_cut("a.eml", &nested);
    }

    #[test]
    fn a_message_that_only_carries_others_is_none() {
        let text = || Ok("The quay will close.".to_owned());
        assert_eq!(read_texts("a.eml", &forwarding("", FORWARDED)), [text()]);
        let digest = format!(
            "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\n{FORWARDED}\r\n--b\r\n\r\n{FORWARDED}\r\n--b--\r\n"
        );
        assert_eq!(read_texts("a.eml", &message(&digest)), [text(), text()]);
        assert_eq!(read_texts("a.eml", &forwarding("", "no message\r\n\r\nIt rained.")), [Err(Reason::Damaged)]);
        let deep = (0..20).fold(FORWARDED.to_owned(), |inner, level| {
            format!("From: a@b.example\r\nDate: Tue, 4 Mar 2031 05:06:07 +0100\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b{level}x\r\n\r\n\
                --b{level}x\r\nContent-Type: message/rfc822\r\n\r\n{inner}\r\n--b{level}x--\r\n")
        });
        assert_eq!(read_texts("a.eml", deep.as_bytes()), [Err(Reason::TooDeep)]);
    }

    #[test]
    fn a_message_of_too_many_parts_is_refused() {
        let begins = (0..40).map(|level| format!("Content-Type: multipart/mixed; boundary=b{level}x\n\n--b{level}x\n"));
        let deep = begins.collect::<Vec<_>>().concat();
        let ends = (0..40).rev().map(|level| format!("\n--b{level}x--\n")).collect::<Vec<_>>().concat();
        assert_eq!(read_texts("a", &message(&format!("{deep}\nText.{ends}"))), [Err(Reason::TooDeep)]);
        let many = format!("Content-Type: multipart/mixed; boundary=b\n\n{}--b--\n", "--b\n\nText.\n".repeat(6000));
        assert_eq!(read_texts("a", &message(&many)), [Err(Reason::TooLarge)]);
    }
}
