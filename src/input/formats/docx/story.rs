//! The XML of a Word document to paragraphs. Elements are known by their names without prefixes: files in the strict variant of the standard
//! have other namespaces.

use std::collections::HashMap;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::input::formats::xml::Node;
use crate::input::refusal::Refusal;
use crate::input::text::{markup, squeezed};
use crate::record::{Metadata, Reason};

/// Elements inside each other, no more.
const MAX_DEPTH: usize = 128;

/// Elements whose content is not read: deletions, what was moved elsewhere, what older programs would show instead of the element before
/// it, and readings above characters.
const UNREAD: [&str; 4] = ["del", "moveFrom", "Fallback", "rt"];

/// The names that Word gives to the style of a title, in languages.
const TITLE_STYLES: [&str; 5] = ["title", "titel", "titre", "ttulo", "titolo"];

/// The text of a part.
#[derive(Debug, Default)]
pub(super) struct Story {
    pub(super) paragraphs: Vec<String>,
    /// The first paragraph in the style of a title.
    pub(super) title: Option<String>,
    /// The numbers of the notes that the text refers to, in their order.
    pub(super) footnotes: Vec<String>,
    pub(super) endnotes: Vec<String>,
}

/// Reads the main part.
pub(super) fn read_main(xml: &str) -> Result<Story, Refusal> {
    Ok(walk(xml)?.story)
}

/// Reads the notes with these numbers, in this order.
pub(super) fn read_notes(xml: &str, ids: &[String]) -> Result<Vec<String>, Refusal> {
    let mut notes = walk(xml)?.notes;
    Ok(ids.iter().filter_map(|id| notes.remove(id)).flatten().collect())
}

/// Reads the properties of a document.
pub(super) fn read_properties(xml: &str) -> Result<Metadata, Refusal> {
    let core = Node::parse(xml)?;
    Ok(Metadata {
        title: property(&core, "title"),
        byline: property(&core, "creator"),
        published: property(&core, "created"),
        modified: property(&core, "modified"),
        section: property(&core, "category"),
        language: property(&core, "language"),
        ..Metadata::default()
    })
}

fn property(core: &Node<'_>, name: &str) -> Option<String> {
    core.at(&[name]).and_then(Node::text)
}

/// Reads a part to its end.
fn walk(xml: &str) -> Result<Writer, Refusal> {
    let mut reader = Reader::from_str(xml);
    let mut writer = Writer::default();
    // The depth of the element that is not read, if the reader is in one.
    let mut unread_from = None;
    loop {
        match reader.read_event().map_err(|error| not_well_formed(&error))? {
            Event::Start(tag) => {
                let name = local_name(&tag);
                if unread_from.is_none() {
                    writer.note_change(&name);
                    if UNREAD.contains(&name.as_str()) {
                        unread_from = Some(writer.path.len());
                    } else {
                        writer.start(&name, &tag);
                    }
                }
                writer.path.push(name);
                if writer.path.len() > MAX_DEPTH {
                    return Err(Refusal::new(
                        Reason::TooDeep,
                        format!("has more than {MAX_DEPTH} elements inside each other"),
                    ));
                }
            }
            Event::Empty(tag) if unread_from.is_none() => {
                let name = local_name(&tag);
                writer.note_change(&name);
                writer.start(&name, &tag);
                writer.end(&name);
            }
            Event::End(_) => {
                let name = writer.path.pop().unwrap_or_default();
                if unread_from.is_none() {
                    writer.end(&name);
                } else if unread_from == Some(writer.path.len()) {
                    unread_from = None;
                }
            }
            Event::Text(text) if unread_from.is_none() => writer.text(&text.xml10_content()),
            Event::CData(text) if unread_from.is_none() => writer.text(&text.xml10_content()),
            Event::GeneralRef(name) if unread_from.is_none() => {
                writer.text(&markup::unescape(&format!("&{};", name.into_inner())));
            }
            Event::Eof if writer.path.is_empty() => return Ok(writer),
            Event::Eof => return Err(not_well_formed(&"an element does not end")),
            _ => {}
        }
    }
}

fn not_well_formed(error: &dyn std::fmt::Display) -> Refusal {
    Refusal::damaged(format!("is not well-formed XML: {error}"))
}

fn local_name(tag: &BytesStart<'_>) -> String {
    tag.local_name().as_ref().to_owned()
}

/// The value of an attribute, of any prefix.
pub(super) fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = tag.attributes();
    let mut attributes = attributes.with_checks(false).filter_map(Result::ok);
    let found = attributes.find(|attribute| attribute.key.local_name().as_ref() == name)?;
    Some(markup::unescape(&found.value).into_owned())
}

/// A paragraph that has begun.
#[derive(Debug, Default)]
struct Paragraph {
    text: String,
    is_title: bool,
    /// True if the mark at its end was deleted: it goes on in the next one.
    goes_on: bool,
    /// The paragraphs of text boxes in it.
    boxes: Vec<String>,
}

/// A row of a table that has begun.
#[derive(Debug, Default)]
struct Row {
    /// The paragraphs of each cell.
    cells: Vec<Vec<String>>,
    is_deleted: bool,
    /// The number of paragraphs that the row is inside of.
    depth: usize,
}

/// Writes paragraphs as elements come.
#[derive(Debug, Default)]
struct Writer {
    story: Story,
    /// The paragraphs of each note, by its number.
    notes: HashMap<String, Vec<String>>,
    /// The number of the note that has begun.
    note: Option<String>,
    /// The names of the elements that have begun.
    path: Vec<String>,
    /// Paragraphs that have begun, each inside of the one before it: text boxes stand in paragraphs.
    open: Vec<Paragraph>,
    /// Rows that have begun, each inside of the one before it.
    rows: Vec<Row>,
    /// The text of a paragraph that goes on in the next one.
    carried: String,
    /// True in a run that is hidden.
    is_hidden: bool,
}

impl Writer {
    /// Takes in that the end of a paragraph or a row was deleted, or moved elsewhere.
    fn note_change(&mut self, name: &str) {
        if !matches!(name, "del" | "moveFrom") {
            return;
        }
        match self.path.as_slice() {
            [.., above, parent] if parent == "rPr" && above == "pPr" => {
                if let Some(paragraph) = self.open.last_mut() {
                    paragraph.goes_on = true;
                }
            }
            [.., parent] if parent == "trPr" => {
                if let Some(row) = self.rows.last_mut() {
                    row.is_deleted = true;
                }
            }
            _ => {}
        }
    }

    fn start(&mut self, name: &str, tag: &BytesStart<'_>) {
        let parent = self.path.last().map_or("", String::as_str);
        match name {
            "p" => {
                let text = std::mem::take(&mut self.carried);
                self.open.push(Paragraph { text, ..Paragraph::default() });
            }
            "r" => self.is_hidden = false,
            "vanish" if parent == "rPr" && self.path.iter().rev().nth(1).is_some_and(|above| above == "r") => {
                let value = attribute(tag, "val");
                self.is_hidden = !matches!(value.as_deref(), Some("0" | "false" | "off"));
            }
            "pStyle" => self.note_style(&attribute(tag, "val").unwrap_or_default()),
            "tab" if parent == "r" => self.write("\t"),
            "ptab" => self.write("\t"),
            "br" | "cr" if parent == "r" => self.write("\n"),
            "noBreakHyphen" => self.write("-"),
            "sym" => self.write(&symbol(tag)),
            "tr" => self.rows.push(Row { depth: self.open.len(), ..Row::default() }),
            "tc" => self.rows.last_mut().into_iter().for_each(|row| row.cells.push(Vec::new())),
            "footnoteReference" => self.story.footnotes.extend(attribute(tag, "id")),
            "endnoteReference" => self.story.endnotes.extend(attribute(tag, "id")),
            "footnote" | "endnote" => self.note = attribute(tag, "id"),
            _ => {}
        }
    }

    fn note_style(&mut self, style: &str) {
        if let Some(paragraph) = self.open.last_mut() {
            paragraph.is_title = TITLE_STYLES.contains(&style.to_lowercase().as_str());
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "p" => self.end_paragraph(),
            "r" => self.is_hidden = false,
            "tr" => self.end_row(),
            "footnote" | "endnote" => self.note = None,
            _ => {}
        }
    }

    /// Takes in what stands between tags, which is text only in some elements.
    fn text(&mut self, text: &str) {
        if self.path.last().is_some_and(|name| name == "t") {
            self.write(text);
        }
    }

    fn write(&mut self, text: &str) {
        if let Some(paragraph) = self.open.last_mut().filter(|_| !self.is_hidden) {
            paragraph.text.push_str(text);
        }
    }

    fn end_paragraph(&mut self) {
        let Some(paragraph) = self.open.pop() else { return };
        if paragraph.goes_on {
            self.carried = paragraph.text;
        } else {
            if paragraph.is_title && self.story.title.is_none() && !paragraph.text.trim().is_empty() {
                self.story.title = Some(squeezed(&paragraph.text));
            }
            self.put_text(paragraph.text);
        }
        for text in paragraph.boxes {
            self.put_text(text);
        }
    }

    /// Puts a row with short cells on one line. In a table that only arranges a page, cells have several paragraphs: these stay apart.
    fn end_row(&mut self) {
        let Some(row) = self.rows.pop().filter(|row| !row.is_deleted) else { return };
        let cells = row.cells.into_iter().map(|cell| {
            let filled = cell.into_iter().filter(|text| !text.trim().is_empty());
            filled.collect::<Vec<_>>()
        });
        let cells: Vec<Vec<String>> = cells.filter(|cell| !cell.is_empty()).collect();
        if cells.iter().all(|cell| cell.len() == 1) {
            self.put_text(cells.concat().join("\t"));
        } else {
            for text in cells.into_iter().flatten() {
                self.put_text(text);
            }
        }
    }

    /// Puts a paragraph where it belongs: into its cell, behind the paragraph that its text box stands in, into its note or the text.
    fn put_text(&mut self, text: String) {
        let depth = self.open.len();
        if let Some(cell) = self.rows.last_mut().filter(|row| row.depth == depth).and_then(|row| row.cells.last_mut()) {
            cell.push(text);
        } else if let Some(paragraph) = self.open.last_mut() {
            paragraph.boxes.push(text);
        } else if let Some(note) = &self.note {
            self.notes.entry(note.clone()).or_default().push(text);
        } else {
            self.story.paragraphs.push(text);
        }
    }
}

/// The character that a symbol stands for. Those of symbol fonts have no meaning outside of them.
fn symbol(tag: &BytesStart<'_>) -> String {
    let number = attribute(tag, "char").and_then(|number| u32::from_str_radix(&number, 16).ok());
    let character = number.and_then(char::from_u32).filter(|character| !('\u{e000}'..='\u{f8ff}').contains(character));
    character.map(String::from).unwrap_or_default()
}
