//! A piece of XML as a tree of elements, each with the place of what it holds. Entities of a document type are never looked up, inside
//! or outside: what is not known stays as it is.

use quick_xml::events::{BytesStart, Event};

use crate::input::refusal::Refusal;
use crate::input::text::markup;
use crate::record::Reason;

/// Elements inside each other, no more.
const MAX_DEPTH: usize = 128;

/// An element.
#[derive(Debug)]
pub(super) struct Node<'x> {
    /// Its name, with what stands before a colon.
    name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Node<'x>>,
    /// The markup between its tags.
    inner: &'x str,
}

impl<'x> Node<'x> {
    /// The first element of `xml`.
    pub(super) fn parse(xml: &'x str) -> Result<Self, Refusal> {
        let mut reader = quick_xml::Reader::from_str(xml);
        // Feeds are full of `&` that are no entities.
        reader.config_mut().allow_dangling_amp = true;
        let mut open: Vec<(Node<'x>, usize)> = Vec::new();
        loop {
            let before = position(&reader);
            let event = reader.read_event().map_err(|error| not_well_formed(&error))?;
            let closed = match event {
                Event::Start(_) if open.len() >= MAX_DEPTH => return Err(too_deep()),
                Event::Start(tag) => {
                    open.push((Self::new(&tag), position(&reader)));
                    continue;
                }
                Event::Empty(tag) => Self::new(&tag),
                Event::End(_) => {
                    let Some((mut node, begin)) = open.pop() else { continue };
                    node.inner = xml.get(begin..before).unwrap_or_default();
                    node
                }
                Event::Eof => return Err(Refusal::damaged("is not well-formed XML: unclosed element")),
                _ => continue,
            };
            match open.last_mut() {
                Some((parent, _)) => parent.children.push(closed),
                None => return Ok(closed),
            }
        }
    }

    fn new(tag: &BytesStart<'_>) -> Self {
        // Without the search for repeated ones, which takes long where there are many.
        let mut attributes = tag.attributes();
        let attributes = attributes.with_checks(false).filter_map(Result::ok);
        Self {
            name: tag.name().as_ref().to_owned(),
            attributes: attributes
                .map(|found| (found.key.as_ref().to_owned(), markup::unescape(&found.value).into_owned()))
                .collect(),
            children: Vec::new(),
            inner: "",
        }
    }

    /// The children of that name; of any prefix where it has none.
    pub(super) fn all<'n>(&'n self, name: &'n str) -> impl Iterator<Item = &'n Self> {
        self.children.iter().filter(move |child| child.is(name))
    }

    fn is(&self, name: &str) -> bool {
        let local_name = self.name.rsplit(':').next().unwrap_or_default();
        self.name == name || !name.contains(':') && local_name == name
    }

    /// The first child of exactly that name.
    pub(super) fn exactly(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The first child of that name with the prefix of this element, as in `<rss:item><rss:title>`, or without one.
    pub(super) fn own(&self, name: &str) -> Option<&Self> {
        let prefix = self.name.split_once(':').map(|(prefix, _)| prefix);
        let own = prefix.and_then(|prefix| self.exactly(&format!("{prefix}:{name}")));
        own.or_else(|| self.exactly(name))
    }

    /// The text of the child that [`Self::own`] finds.
    pub(super) fn own_text(&self, name: &str) -> Option<String> {
        self.own(name).and_then(Self::text)
    }

    /// The first element on a path through children.
    pub(super) fn at(&self, way: &[&str]) -> Option<&Self> {
        match way {
            [] => Some(self),
            [name, rest @ ..] => self.children.iter().filter(|child| child.is(name)).find_map(|child| child.at(rest)),
        }
    }

    /// The first element of that name, wherever it is.
    pub(super) fn anywhere(&self, name: &str) -> Option<&Self> {
        self.children.iter().find_map(|child| if child.is(name) { Some(child) } else { child.anywhere(name) })
    }

    /// As [`Self::anywhere`], outside elements of the other name.
    pub(super) fn anywhere_outside(&self, name: &str, outside: &str) -> Option<&Self> {
        let mut children = self.children.iter().filter(|child| !child.is(outside));
        children.find_map(|child| if child.is(name) { Some(child) } else { child.anywhere_outside(name, outside) })
    }

    /// The value of an attribute, unless it is blank.
    pub(super) fn attribute(&self, name: &str) -> Option<String> {
        let found = self.attributes.iter().find(|(known, _)| known == name)?;
        Some(found.1.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// Its text without tags, unless that is empty.
    pub(super) fn text(&self) -> Option<String> {
        Some(markup::text(self.inner)).filter(|text| !text.is_empty())
    }

    /// The text of the first element on a path through children.
    pub(super) fn text_at(&self, way: &[&str]) -> Option<String> {
        self.at(way).and_then(Self::text)
    }

    /// An attribute of the first element on a path through children.
    pub(super) fn attribute_at(&self, way: &[&str], name: &str) -> Option<String> {
        self.at(way).and_then(|node| node.attribute(name))
    }

    /// As markup that was written down as text, the way of feeds.
    pub(super) fn written_markup(&self) -> String {
        let mut written = String::new();
        let mut rest = self.inner;
        while let Some((before, behind)) = rest.split_once("<![CDATA[") {
            written.push_str(&markup::unescape(before));
            let (raw, behind) = behind.split_once("]]>").unwrap_or((behind, ""));
            written.push_str(raw);
            rest = behind;
        }
        written.push_str(&markup::unescape(rest));
        written
    }

    /// The markup between its tags.
    pub(super) fn inner(&self) -> &'x str {
        self.inner
    }
}

fn not_well_formed(error: &quick_xml::Error) -> Refusal {
    Refusal::damaged(format!("is not well-formed XML: {error}"))
}

fn too_deep() -> Refusal {
    Refusal::new(Reason::TooDeep, format!("has more than {MAX_DEPTH} elements inside each other"))
}

fn position(reader: &quick_xml::Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}
