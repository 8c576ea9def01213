//! Markup with an article in each element of one name: feeds, NITF, NewsML-G2, wiki dumps, and the XML and SGML of research corpora. Elements are cut out by
//! their tags, so that one that is not well-formed costs only itself; what is inside is parsed later.

use std::io::BufRead;
use std::sync::Arc;

use super::beginning::{Beginning, HEAD_BYTES};
use super::{Format, feed, html, mediawiki, newsml, newsml1, nitf, proquest, rcv, refuse_unknown, reuters, trec};
use crate::config::InputConfig;
use crate::input::collector::{Collector, Flow, Position};
use crate::input::raw_record::{ParsedRecord, RawRecord};
use crate::input::refusal::{EXCERPT_BYTES, Refusal};
use crate::input::stream::Stream;
use crate::input::text::decode::{decode_labelled, meta_charset};

/// So many bytes before the first article are kept.
const MAX_CONTEXT_BYTES: usize = 1 << 16;

/// The name of a tag is found within so many bytes.
const TAG_BYTES: usize = 64;

/// The dialects. The first tag in a file that is the root of one decides.
static DIALECTS: &[&Dialect] = &[
    &feed::RSS,
    &feed::ATOM,
    &nitf::NITF,
    &newsml::NEWSML,
    &newsml1::NEWSML_1,
    &reuters::REUTERS,
    &rcv::RCV,
    &trec::TREC,
    &proquest::PROQUEST,
    &mediawiki::MEDIAWIKI,
];

/// Tells by its text whether an element is no article and is not meant to be.
type IsLeftOut = fn(&str) -> bool;

/// Tells, for the elements of a name, which of them are no articles and are not meant to be.
static LEFT_OUT: [(&str, IsLeftOut); 2] = [("DOC", trec::is_left_out), ("page", mediawiki::is_left_out)];

pub(super) static FORMAT: Format = Format {
    extensions: &["xml", "nitf", "newsml", "rss", "atom", "rdf", "sgm", "sgml"],
    is_one_record: false,
    recognise: |beginning| {
        beginning.first() == Some(b'<')
            && dialect(beginning.text()).is_some()
            && !html::is_doctype(&beginning.lower_text())
    },
    read: |stream, _, collector| match dialect(stream.peek(HEAD_BYTES)) {
        Some(dialect) => read_elements(stream, dialect, collector),
        None => refuse_unknown(stream, collector),
    },
};

/// A kind of markup.
#[derive(Debug)]
pub(super) struct Dialect {
    /// The names of elements that hold all others, by which the dialect is recognised.
    pub(super) roots: &'static [&'static str],
    /// The name of the element that holds an article.
    pub(super) element: &'static str,
    /// Parses an article. Gets the element with its tags, the beginning of the file before the first article, and the name of
    /// the encoding.
    pub(super) parse: fn(&str, &str, &'static str) -> Result<ParsedRecord, Refusal>,
}

/// The dialect of markup that begins like this, if it is known.
pub(super) fn dialect(beginning: &[u8]) -> Option<&'static Dialect> {
    let mut rest = beginning;
    while let Some(at) = memchr::memchr(b'<', rest) {
        rest = &rest[at + 1..];
        let name = local_name(rest);
        if name == b"entry" && is_of_atom(rest) {
            return Some(&feed::ATOM);
        }
        let dialect = DIALECTS.iter().copied().find(|dialect| dialect.roots.iter().any(|root| root.as_bytes() == name));
        if dialect.is_some() {
            return dialect;
        }
    }
    None
}

/// Tells whether the tag that begins here is of Atom: an entry may be a file of its own.
fn is_of_atom(tag: &[u8]) -> bool {
    let tag = &tag[..memchr::memchr(b'>', tag).unwrap_or(tag.len())];
    memchr::memmem::find(tag, b"http://www.w3.org/2005/Atom").is_some()
}

/// Tells whether a file says that it is XML.
pub(super) fn is_xml(beginning: &mut Beginning<'_, '_>) -> bool {
    beginning.has_extension(FORMAT.extensions) || beginning.lower_text().starts_with("<?xml")
}

/// The beginning of a file, which all of its articles share.
struct Context {
    dialect: &'static Dialect,
    /// The encoding that the file names.
    charset: Option<String>,
    /// The text before the first article.
    beginning: String,
}

/// An article with its tags.
struct Element {
    context: Arc<Context>,
    bytes: Vec<u8>,
}

impl RawRecord for Element {
    fn excerpt_source(&self) -> &[u8] {
        &self.bytes
    }

    fn parse(self: Box<Self>, _: &InputConfig) -> Result<Option<ParsedRecord>, Refusal> {
        let Self { context, bytes } = *self;
        let (text, encoding) = decode_labelled(bytes, context.charset.as_deref())?;
        if LEFT_OUT.iter().any(|(element, is_left_out)| *element == context.dialect.element && is_left_out(&text)) {
            return Ok(Some(ParsedRecord::left_out(encoding)));
        }
        (context.dialect.parse)(&text, &context.beginning, encoding).map(Some)
    }
}

/// Reads every article.
fn read_elements(stream: &mut Stream<'_>, dialect: &'static Dialect, collector: &mut Collector<'_>) -> Flow {
    let limit = usize::try_from(collector.settings().max_document_bytes.get()).unwrap_or(usize::MAX);
    let name = dialect.element.as_bytes();
    let mut cutter = Cutter { stream, name, limit: MAX_CONTEXT_BYTES, kept: Vec::new(), length: 0 };
    let mut is_there = cutter.find_start();
    let context = Arc::new(Context::new(dialect, &cutter.kept));
    loop {
        let at = cutter.stream.position();
        match is_there {
            Ok(true) => {
                cutter.limit = limit;
                put_element(&mut cutter, &context, collector)?;
            }
            Ok(false) if context.ends_with(&cutter.kept) => return Flow::Continue(()),
            Ok(false) => {
                return collector.refuse(Position::record(at), Refusal::truncated("the file is cut short"), b"");
            }
            Err(refusal) => {
                let goes_on = refusal.goes_on;
                collector.refuse(Position::record(at), refusal, b"")?;
                if !goes_on {
                    return Flow::Continue(());
                }
            }
        }
        cutter.limit = MAX_CONTEXT_BYTES;
        is_there = cutter.find_start();
    }
}

fn put_element(cutter: &mut Cutter<'_, '_>, context: &Arc<Context>, collector: &mut Collector<'_>) -> Flow {
    let position = Position::record(cutter.stream.position());
    match cutter.element() {
        Ok(bytes) => collector.put(position, Element { context: Arc::clone(context), bytes }),
        Err(refusal) => {
            cutter.kept.truncate(EXCERPT_BYTES);
            collector.refuse(position, refusal, &cutter.kept)
        }
    }
}

impl Context {
    fn new(dialect: &'static Dialect, beginning: &[u8]) -> Self {
        let charset = meta_charset(beginning);
        let beginning =
            decode_labelled(beginning.to_vec(), charset.as_deref()).map_or_else(|_| String::new(), |(text, _)| text);
        Self { dialect, charset, beginning }
    }

    /// Tells whether the end of the file closes the element that was opened before the first article.
    fn ends_with(&self, end: &[u8]) -> bool {
        const ROOTS: [&[u8]; 7] = [b"rss", b"RDF", b"feed", b"newsMessage", b"NewsML", b"mediawiki", b"DOCSTREAM"];
        let tags = memchr::memchr_iter(b'<', self.beginning.as_bytes());
        let mut names = tags.map(|at| local_name(&self.beginning.as_bytes()[at + 1..]));
        let open = names.find(|name| ROOTS.contains(name));
        open.is_none_or(|name| memchr::memmem::find(end, &[name, b">"].concat()).is_some())
    }
}

/// Cuts elements of one name out of a stream.
struct Cutter<'s, 'r> {
    stream: &'s mut Stream<'r>,
    name: &'static [u8],
    /// So many bytes are kept.
    limit: usize,
    kept: Vec<u8>,
    length: usize,
}

impl Cutter<'_, '_> {
    /// Passes on to the next element. `false` where there is none.
    fn find_start(&mut self) -> Result<bool, Refusal> {
        (self.kept, self.length) = (Vec::new(), 0);
        loop {
            if !self.pass_to(b"<")? {
                return Ok(false);
            }
            if self.stream.peek(4).starts_with(b"<!--") {
                self.pass_over(b"-->")?;
            } else if self.is_start() {
                return Ok(true);
            } else {
                self.pass(1);
            }
        }
    }

    /// The element that begins here, with its tags.
    fn element(&mut self) -> Result<Vec<u8>, Refusal> {
        (self.kept, self.length) = (Vec::new(), 0);
        self.pass(1);
        loop {
            if !self.pass_to(b"<")? {
                return Err(Refusal::truncated("the element is cut short"));
            }
            let head = self.stream.peek(TAG_BYTES);
            if head.starts_with(b"<![CDATA[") {
                self.pass_over(b"]]>")?;
            } else if head.starts_with(b"<!--") {
                self.pass_over(b"-->")?;
            } else if head[1..].starts_with(b"/") && local_name(&head[2..]) == self.name {
                self.pass_over(b">")?;
                break;
            } else if self.is_start() {
                return Err(Refusal::damaged("the element does not end before the next one begins"));
            } else {
                self.pass(1);
            }
        }
        if self.length > self.limit {
            return Err(Refusal::too_large(self.length as u64, self.limit as u64));
        }
        Ok(std::mem::take(&mut self.kept))
    }

    fn is_start(&mut self) -> bool {
        let name = self.name;
        self.stream.peek(TAG_BYTES).get(1..).is_some_and(|tag| local_name(tag) == name)
    }

    /// Passes on to `mark`. `false` where the stream ends before it.
    fn pass_to(&mut self, mark: &[u8]) -> Result<bool, Refusal> {
        loop {
            let buffer = self.stream.peek(mark.len());
            if buffer.len() < mark.len() {
                let length = buffer.len();
                self.pass(length);
                self.stream.fill_buf()?;
                return Ok(false);
            }
            if let Some(at) = memchr::memmem::find(buffer, mark) {
                self.pass(at);
                return Ok(true);
            }
            let length = buffer.len() + 1 - mark.len();
            self.pass(length);
        }
    }

    /// Passes over what ends with `mark`. Where it does not end, over its first character: it only looked like it.
    fn pass_over(&mut self, mark: &[u8]) -> Result<(), Refusal> {
        let kept = self.kept.len();
        let length = self.length;
        if self.pass_to(mark)? {
            self.pass(mark.len());
            return Ok(());
        }
        if self.length <= self.limit {
            let behind = self.kept.split_off(kept);
            self.stream.put_back(&behind);
            self.length = length;
            self.pass(1);
        }
        Ok(())
    }

    fn pass(&mut self, length: usize) {
        let room = self.limit.saturating_sub(self.kept.len());
        let bytes = self.stream.peek(1);
        self.kept.extend_from_slice(&bytes[..length.min(room)]);
        self.length += length;
        self.stream.consume(length);
    }
}

/// The name of the tag that begins like this, without its prefix.
fn local_name(tag: &[u8]) -> &[u8] {
    let end = tag.iter().take(TAG_BYTES).position(|byte| byte.is_ascii_whitespace() || b"></".contains(byte));
    let Some(end) = end else { return b"" };
    let name = &tag[..end];
    memchr::memrchr(b':', name).map_or(name, |colon| &name[colon + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::formats::testing::read_texts;
    use crate::record::Reason;

    #[test]
    fn the_first_root_decides() {
        let entry = "<entry><content>An &lt;rss&gt; element.</content></entry>";
        assert_eq!(dialect(format!("<feed>{entry}<rss/></feed>").as_bytes()).unwrap().element, "entry");
        assert_eq!(dialect(b"<x:RDF><feed>").unwrap().element, "item");
        assert!(dialect(b"<rssx><story/>").is_none());
    }

    #[test]
    fn a_root_that_only_begins_like_another_is_none_that_has_to_end() {
        let nitf = "<nitf><body><body.content><p>One.</p></body.content></body></nitf>";
        let feed_set = format!("<feedset>{nitf}</feedset>");
        assert_eq!(read_texts("a.xml", feed_set.as_bytes()), [Ok("One.".to_owned())]);
    }

    #[test]
    fn an_element_that_does_not_end_costs_only_itself() {
        let feed = "<rss><channel><item><description>One.</description></item><item><description>Two.\
            <item><description>Three.</description></item></channel></rss>";
        let one_and_three = [Ok("One.".to_owned()), Err(Reason::Damaged), Ok("Three.".to_owned())];
        assert_eq!(read_texts("a.xml", feed.as_bytes()), one_and_three);
        let cut = &feed[..feed.len() - "</rss>".len()];
        assert_eq!(read_texts("a.xml", cut.as_bytes()).last(), Some(&Err(Reason::Truncated)));
    }
}
