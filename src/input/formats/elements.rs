//! Markup with an article in each element of one name: feeds, NITF, NewsML-G2, and the SGML of Reuters-21578. Elements are cut out by
//! their tags, so that one that is not well-formed costs only itself; what is inside is parsed later.

use std::io::BufRead;
use std::sync::Arc;

use super::{feed, newsml, nitf, reuters};
use crate::input::content::{Content, Parsed};
use crate::input::intake::{Flow, Intake, Spot};
use crate::input::refusal::{EXCERPT_BYTES, Refusal};
use crate::input::stream::Stream;
use crate::input::text::decode::{decode_labelled, meta_charset};

/// What stands before the first article is no longer than this, as far as it is looked at.
const MAX_CONTEXT_BYTES: usize = 1 << 16;

/// So much of a tag says which it is.
const TAG_BYTES: usize = 64;

/// Which names mean what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Dialect {
    Rss,
    Atom,
    Nitf,
    NewsMl,
    Reuters,
}

impl Dialect {
    /// The element that holds an article.
    fn element(self) -> &'static str {
        match self {
            Self::Rss => "item",
            Self::Atom => "entry",
            Self::Nitf => "nitf",
            Self::NewsMl => "newsItem",
            Self::Reuters => "REUTERS",
        }
    }

    /// What markup that begins so is, if it is any of these.
    pub(super) fn of(beginning: &[u8]) -> Option<Self> {
        let mut rest = beginning;
        while let Some(at) = memchr::memchr(b'<', rest) {
            rest = &rest[at + 1..];
            match local_name(rest) {
                b"rss" | b"RDF" => return Some(Self::Rss),
                b"feed" => return Some(Self::Atom),
                b"nitf" => return Some(Self::Nitf),
                b"newsMessage" | b"newsItem" | b"packageItem" => return Some(Self::NewsMl),
                b"REUTERS" => return Some(Self::Reuters),
                _ => {}
            }
        }
        None
    }
}

/// What all articles of a file share.
pub(in super::super) struct Context {
    dialect: Dialect,
    /// How the file says that it is encoded.
    charset: Option<String>,
    /// What stands before the first article.
    beginning: String,
}

/// An article with its tags.
pub(in super::super) struct Element {
    context: Arc<Context>,
    pub(in super::super) bytes: Vec<u8>,
}

impl From<Element> for Content {
    fn from(element: Element) -> Self {
        Self::Element(element)
    }
}

/// Reads every article.
pub(super) fn read(stream: &mut Stream<'_>, dialect: Dialect, intake: &mut Intake<'_, '_>) -> Flow {
    let limit = usize::try_from(intake.settings().max_document_bytes.get()).unwrap_or(usize::MAX);
    let name = dialect.element().as_bytes();
    let mut cutter = Cutter { stream, name, limit: MAX_CONTEXT_BYTES, kept: Vec::new(), length: 0 };
    let mut is_there = cutter.find_start();
    let context = Arc::new(Context::new(dialect, &cutter.kept));
    loop {
        let at = cutter.stream.position();
        match is_there {
            Ok(true) => {
                cutter.limit = limit;
                take_element(&mut cutter, &context, intake)?;
            }
            Ok(false) if context.ends_with(&cutter.kept) => return Flow::Continue(()),
            Ok(false) => return intake.refuse(Spot::record(at), Refusal::truncated("the file is cut short"), b""),
            Err(refusal) => {
                let goes_on = refusal.goes_on;
                intake.refuse(Spot::record(at), refusal, b"")?;
                if !goes_on {
                    return Flow::Continue(());
                }
            }
        }
        cutter.limit = MAX_CONTEXT_BYTES;
        is_there = cutter.find_start();
    }
}

fn take_element(cutter: &mut Cutter<'_, '_>, context: &Arc<Context>, intake: &mut Intake<'_, '_>) -> Flow {
    let spot = Spot::record(cutter.stream.position());
    match cutter.element() {
        Ok(bytes) => intake.put(spot, Element { context: Arc::clone(context), bytes }),
        Err(refusal) => {
            cutter.kept.truncate(EXCERPT_BYTES);
            intake.refuse(spot, refusal, &cutter.kept)
        }
    }
}

impl Context {
    fn new(dialect: Dialect, beginning: &[u8]) -> Self {
        let charset = meta_charset(beginning);
        let beginning =
            decode_labelled(beginning.to_vec(), charset.as_deref()).map_or_else(|_| String::new(), |(text, _)| text);
        Self { dialect, charset, beginning }
    }

    /// Whether what follows the last article closes what has been opened before the first.
    fn ends_with(&self, end: &[u8]) -> bool {
        let is_open =
            |name: &&&str| self.beginning.contains(&format!("<{name}")) || self.beginning.contains(&format!(":{name}"));
        let open = ["rss", "RDF", "feed", "newsMessage"].iter().find(is_open);
        open.is_none_or(|name| memchr::memmem::find(end, format!("{name}>").as_bytes()).is_some())
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
        let (kept, length) = (self.kept.len(), self.length);
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

/// The name of the tag that begins so, without what stands before a colon.
fn local_name(tag: &[u8]) -> &[u8] {
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/' | b'<');
    let Some(end) = tag.iter().take(TAG_BYTES).position(is_end) else { return b"" };
    let name = &tag[..end];
    memchr::memrchr(b':', name).map_or(name, |colon| &name[colon + 1..])
}

/// An article to a document.
pub(in super::super) fn parse(element: Element) -> Result<Parsed, Refusal> {
    let Element { context, bytes } = element;
    let (text, encoding) = decode_labelled(bytes, context.charset.as_deref())?;
    match context.dialect {
        Dialect::Rss => feed::rss(&text, &context.beginning, encoding),
        Dialect::Atom => feed::atom(&text, &context.beginning, encoding),
        Dialect::Nitf => nitf::parse(&text, encoding),
        Dialect::NewsMl => newsml::parse(&text, encoding),
        Dialect::Reuters => reuters::parse(&text, encoding),
    }
}
