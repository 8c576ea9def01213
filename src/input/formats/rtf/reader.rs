//! Groups and their destinations: which text is the document's, and what control words write into it.

use std::collections::HashMap;

use super::charset::Charset;
use super::tokens::{Token, Tokens};
use crate::input::formats::manuscript::Manuscript;
use crate::input::refusal::Refusal;
use crate::record::{Metadata, Reason};

/// Groups inside each other, no more.
const MAX_DEPTH: usize = 128;

/// Destinations whose content is not the document's text, beside all that begin with `\*` and are not known.
const UNREAD: [&str; 34] = [
    "annotation",
    "atnauthor",
    "atndate",
    "atnid",
    "atnref",
    "atntime",
    "colortbl",
    "datafield",
    "filetbl",
    "fldinst",
    "footer",
    "footerf",
    "footerl",
    "footerr",
    "ftncn",
    "ftnsep",
    "ftnsepc",
    "header",
    "headerf",
    "headerl",
    "headerr",
    "listtext",
    "nonesttables",
    "nonshppict",
    "objclass",
    "objdata",
    "pict",
    "pntext",
    "private",
    "shprslt",
    "stylesheet",
    "tc",
    "template",
    "xe",
];

/// The use of a group's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Destination {
    Text,
    Unread,
    /// The text of a footnote.
    Note,
    Fonts,
    /// The properties of the document.
    Info,
    Title,
    Author,
    Category,
    Created,
    Revised,
    /// Something to draw, which may have a text in it.
    Shape,
    /// A text twice: for old programs, and in Unicode.
    Twofold,
}

/// The state of a group, which ends with it.
#[derive(Debug, Clone, Copy)]
struct Group {
    destination: Destination,
    charset: Charset,
    /// The number of characters behind `\u` that stand for it in old programs.
    fallback: usize,
    /// True if hidden or deleted.
    is_hidden: bool,
}

/// The parts of a date.
#[derive(Debug, Default)]
struct Moment {
    year: i32,
    month: i32,
    day: i32,
}

impl Moment {
    /// The date without the time, whose zone nobody knows.
    fn date(&self) -> Option<String> {
        let Self { year, month, day } = self;
        let is_date = (1980..=2199).contains(year) && (1..=12).contains(month) && (1..=31).contains(day);
        is_date.then(|| format!("{year}-{month:02}-{day:02}"))
    }
}

/// Parses a file. One that ends before its groups do is marked as cut.
pub(super) fn parse(bytes: &[u8]) -> Result<Manuscript, Refusal> {
    let mut reader = Reader::new();
    let mut tokens = Tokens::new(bytes);
    while let Some(token) = tokens.next() {
        match token {
            Token::Open => reader.open()?,
            Token::Close => {
                reader.close();
                // What follows the document is none of it.
                if reader.outer.is_empty() {
                    break;
                }
            }
            Token::Word("bin", Some(length)) => tokens.pass_over(usize::try_from(length).unwrap_or(0)),
            Token::Word(word, number) => reader.word(word, number),
            Token::Symbol(symbol) => reader.symbol(symbol),
            Token::Hex(byte) | Token::Byte(byte) => reader.byte(byte),
        }
    }
    Ok(reader.finish())
}

struct Reader {
    manuscript: Manuscript,
    group: Group,
    /// The groups around it.
    outer: Vec<Group>,
    /// The character set of the file.
    charset: Charset,
    /// The character sets of fonts that have one of their own.
    fonts: HashMap<i32, Charset>,
    /// The usual font.
    font: i32,
    /// The font that is being described.
    described_font: i32,
    /// Bytes that are not decoded yet, and their character set.
    pending: Vec<u8>,
    pending_charset: Charset,
    /// The first half of a character of two.
    high_surrogate: Option<u16>,
    /// The number of characters to leave out: they stand for the one before them.
    skipped: usize,
    /// True between `\*` and the word behind it.
    is_optional: bool,
    paragraph: String,
    note: String,
    notes: Vec<String>,
    property: String,
    created: Moment,
    revised: Moment,
}

impl Reader {
    fn new() -> Self {
        let group = Group { destination: Destination::Text, charset: Charset::WESTERN, fallback: 1, is_hidden: false };
        Self {
            manuscript: Manuscript::default(),
            group,
            outer: Vec::new(),
            charset: Charset::WESTERN,
            fonts: HashMap::new(),
            font: 0,
            described_font: 0,
            pending: Vec::new(),
            pending_charset: Charset::WESTERN,
            high_surrogate: None,
            skipped: 0,
            is_optional: false,
            paragraph: String::new(),
            note: String::new(),
            notes: Vec::new(),
            property: String::new(),
            created: Moment::default(),
            revised: Moment::default(),
        }
    }

    fn open(&mut self) -> Result<(), Refusal> {
        self.flush();
        self.skipped = 0;
        if self.outer.len() >= MAX_DEPTH {
            return Err(Refusal::new(Reason::TooDeep, format!("has more than {MAX_DEPTH} groups inside each other")));
        }
        self.outer.push(self.group);
        self.is_optional = false;
        Ok(())
    }

    fn close(&mut self) {
        self.flush();
        self.skipped = 0;
        let Some(outer) = self.outer.pop() else { return };
        let inner = std::mem::replace(&mut self.group, outer);
        if inner.destination == outer.destination {
            return;
        }
        let property = Some(self.property.trim().to_owned()).filter(|property| !property.is_empty());
        let metadata = &mut self.manuscript.metadata;
        match inner.destination {
            Destination::Title => metadata.title = property,
            Destination::Author => metadata.byline = property,
            Destination::Category => metadata.section = property,
            Destination::Note => self.notes.push(std::mem::take(&mut self.note)),
            // A text box stands on lines of its own.
            Destination::Text if outer.destination == Destination::Shape => self.end_paragraph(),
            _ => {}
        }
        self.property.clear();
    }

    fn word(&mut self, word: &str, number: Option<i32>) {
        if self.skipped > 0 {
            self.skipped -= 1;
            return;
        }
        let is_optional = std::mem::take(&mut self.is_optional);
        self.flush_before(word);
        if self.begin_destination(word) {
            return;
        }
        match self.group.destination {
            Destination::Fonts => self.describe_font(word, number),
            Destination::Created => note_date(&mut self.created, word, number),
            Destination::Revised => note_date(&mut self.revised, word, number),
            Destination::Text
            | Destination::Note
            | Destination::Title
            | Destination::Author
            | Destination::Category => {
                if is_optional {
                    self.group.destination = Destination::Unread;
                } else {
                    self.write_word(word, number);
                }
            }
            Destination::Unread | Destination::Info | Destination::Shape | Destination::Twofold => {}
        }
    }

    /// Decodes what stands before a word, unless it is part of a text.
    fn flush_before(&mut self, word: &str) {
        self.flush();
        if word != "u" {
            self.high_surrogate = None;
        }
    }

    /// Changes the destination if a word names one.
    fn begin_destination(&mut self, word: &str) -> bool {
        use Destination::{Author, Category, Created, Fonts, Info, Note, Revised, Shape, Text, Title, Twofold, Unread};
        let destination = match (self.group.destination, word) {
            (Shape, "shptxt") => Text,
            (Info, "title") => Title,
            (Info, "author") => Author,
            (Info, "category") => Category,
            (Info, "creatim") => Created,
            (Info, "revtim") => Revised,
            (Text, "fonttbl") => Fonts,
            (Text, "info") => Info,
            (Text, "footnote") => Note,
            (Text, "shpinst") => Shape,
            (Text | Note | Title | Author, "upr") => Twofold,
            (Twofold, "ud") => {
                self.outer.iter().rev().map(|group| group.destination).find(|outer| *outer != Twofold).unwrap_or(Text)
            }
            (Text | Note, word) if UNREAD.contains(&word) => Unread,
            _ => return false,
        };
        self.group.destination = destination;
        if word == "shptxt" {
            self.end_paragraph();
        }
        true
    }

    fn write_word(&mut self, word: &str, number: Option<i32>) {
        match word {
            "par" | "row" | "sect" | "page" | "column" | "nestrow" => self.end_paragraph(),
            "line" | "lbr" | "softline" => self.write("\n"),
            "tab" | "cell" | "nestcell" => self.write("\t"),
            "emdash" => self.write("—"),
            "endash" => self.write("–"),
            "emspace" | "enspace" | "qmspace" => self.write(" "),
            "bullet" => self.write("•"),
            "lquote" => self.write("‘"),
            "rquote" => self.write("’"),
            "ldblquote" => self.write("“"),
            "rdblquote" => self.write("”"),
            "u" => self.unicode(number.unwrap_or(0)),
            "uc" => self.group.fallback = usize::try_from(number.unwrap_or(1)).unwrap_or(0),
            "v" | "deleted" => self.group.is_hidden = number != Some(0),
            "plain" => {
                self.group.is_hidden = false;
                self.group.charset = self.font_charset(self.font);
            }
            "f" => self.group.charset = self.font_charset(number.unwrap_or(0)),
            "ansicpg" => self.set_charset(number.and_then(Charset::of_code_page)),
            "mac" => self.set_charset(Charset::of_code_page(10000)),
            "pc" => self.set_charset(Charset::of_code_page(437)),
            "pca" => self.set_charset(Charset::of_code_page(850)),
            "deff" => self.font = number.unwrap_or(0),
            _ => {}
        }
    }

    fn set_charset(&mut self, charset: Option<Charset>) {
        if let Some(charset) = charset {
            self.charset = charset;
            self.group.charset = charset;
        }
    }

    fn font_charset(&self, font: i32) -> Charset {
        self.fonts.get(&font).copied().unwrap_or(self.charset)
    }

    fn describe_font(&mut self, word: &str, number: Option<i32>) {
        match (word, number) {
            ("f", Some(font)) => self.described_font = font,
            ("fcharset", Some(charset)) => self.add_font(Charset::of_font(charset)),
            ("cpg", Some(code_page)) => self.add_font(Charset::of_code_page(code_page)),
            _ => {}
        }
    }

    fn add_font(&mut self, charset: Option<Charset>) {
        if let Some(charset) = charset {
            self.fonts.insert(self.described_font, charset);
        }
    }

    fn symbol(&mut self, symbol: u8) {
        if symbol == b'*' {
            self.is_optional = true;
            return;
        }
        if self.skipped > 0 {
            self.skipped -= 1;
            return;
        }
        match symbol {
            b'~' => self.write_flushed("\u{a0}"),
            b'_' => self.write_flushed("-"),
            b'\\' | b'{' | b'}' => self.byte(symbol),
            // An end of a line behind a backslash ends a paragraph.
            b'\n' | b'\r' if self.is_text() => {
                self.flush();
                self.end_paragraph();
            }
            b'\t' => self.write_flushed("\t"),
            _ => {}
        }
    }

    fn byte(&mut self, byte: u8) {
        if self.skipped > 0 {
            self.skipped -= 1;
            return;
        }
        self.is_optional = false;
        self.high_surrogate = None;
        let is_written = self.is_text()
            || matches!(self.group.destination, Destination::Title | Destination::Author | Destination::Category);
        if !is_written {
            return;
        }
        if self.pending.is_empty() {
            self.pending_charset = self.group.charset;
        }
        self.pending.push(byte);
    }

    /// A character by its number, and what stands for it in old programs behind it.
    fn unicode(&mut self, number: i32) {
        self.skipped = self.group.fallback;
        let Ok(unit) = u32::try_from(if number < 0 { number + 0x1_0000 } else { number }) else { return };
        let high = self.high_surrogate.take();
        let character = match (high, u16::try_from(unit)) {
            (Some(high), Ok(low)) => char::decode_utf16([high, low]).next().and_then(Result::ok),
            (None, Ok(high)) if (0xd800..0xdc00).contains(&high) => {
                self.high_surrogate = Some(high);
                return;
            }
            _ => char::from_u32(unit),
        };
        // The characters of symbol fonts are in the private use area, which has no text.
        if let Some(character) = character.filter(|character| !('\u{e000}'..='\u{f8ff}').contains(character)) {
            self.write(character.encode_utf8(&mut [0; 4]));
        }
    }

    fn is_text(&self) -> bool {
        matches!(self.group.destination, Destination::Text | Destination::Note)
    }

    fn write_flushed(&mut self, text: &str) {
        self.flush();
        self.write(text);
    }

    fn write(&mut self, text: &str) {
        if self.group.is_hidden {
            return;
        }
        match self.group.destination {
            Destination::Text => self.paragraph.push_str(text),
            Destination::Note => self.note.push_str(text),
            Destination::Title | Destination::Author | Destination::Category => self.property.push_str(text),
            _ => {}
        }
    }

    /// Decodes the bytes that have come.
    fn flush(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let bytes = std::mem::take(&mut self.pending);
        let mut text = String::with_capacity(bytes.len());
        self.pending_charset.decode_to(&bytes, &mut text);
        self.write(&text);
    }

    fn end_paragraph(&mut self) {
        if self.group.destination == Destination::Note {
            self.note.push('\n');
        } else {
            let paragraph = std::mem::take(&mut self.paragraph);
            self.manuscript.push(&paragraph);
        }
    }

    fn finish(mut self) -> Manuscript {
        self.flush();
        self.group.destination = Destination::Text;
        self.end_paragraph();
        for note in std::mem::take(&mut self.notes) {
            self.manuscript.push(&note);
        }
        let metadata = std::mem::take(&mut self.manuscript.metadata);
        self.manuscript.metadata =
            Metadata { published: self.created.date(), modified: self.revised.date(), ..metadata };
        self.manuscript.encoding = self.charset.name();
        self.manuscript.is_cut = !self.outer.is_empty();
        self.manuscript
    }
}

fn note_date(moment: &mut Moment, word: &str, number: Option<i32>) {
    let number = number.unwrap_or(0);
    match word {
        "yr" => moment.year = number,
        "mo" => moment.month = number,
        "dy" => moment.day = number,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::input::formats::testing::{read_article, read_texts};
    use crate::record::Reason;

    const DOCUMENT: &str = r"{\rtf1\ansi\ansicpg1252\uc1\deff0{\fonttbl{\f0\fswiss\fcharset0 Arial;}{\f1\fcharset204 Arial Cyr;}}
{\colortbl;\red0\green0\blue0;}{\stylesheet{\s1 heading 1;}}{\*\generator Writer 9;}
{\info{\title Quay to close}{\author Ida Brenn}{\creatim\yr2031\mo3\dy4\hr9\min5}{\revtim\yr2031\mo3\dy5}{\operator Tomas Ilger}}
{\header Bay Courier\par}{\footer Page {\field{\*\fldinst PAGE}{\fldrslt 1}}\par}
\pard\b Quay to close\b0\par
\pard The harbour council voted \'96 by six to five \u8211? to close the \v hidden \v0 quay for caf\'e9s.\line
It rains.{\footnote Said on Tuesday.}\par
{\f1\'cf\'f0\'e8\'e2\'e5\'f2} \ldblquote\u-10179?\u-8704?\rdblquote  {\upr{cafe}{\*\ud{caf\u233?}}} a\~b \{c\}\par
{\field{\*\fldinst HYPERLINK https://x.example}{\fldrslt The council}} said {\deleted no}{\revised yes}.\par
{\shp{\*\shpinst\shpleft0{\sp{\sn shapeType}{\sv 202}}{\shptxt \pard In a box.\par}}{\shprslt{\*\do In a box.}}}
{\pict\pngblip 89504e47}{\pict\bin5 }{}\x}\trowd\intbl Boats\cell 40\cell\row
}trailing";

    #[test]
    fn a_document_is_its_text_in_order() {
        let article = read_article("a.rtf", DOCUMENT.as_bytes());
        let expected = [
            "Quay to close",
            "The harbour council voted – by six to five – to close the quay for cafés.\nIt rains.",
            "Привет “😀” café a\u{a0}b {c}",
            "The council said yes.",
            "In a box.",
            "Boats\t40",
            "Said on Tuesday.",
        ];
        assert_eq!(article.text.split("\n\n").collect::<Vec<_>>(), expected);
        let metadata = article.metadata;
        assert_eq!((metadata.title.as_deref(), metadata.byline.as_deref()), (Some("Quay to close"), Some("Ida Brenn")));
        assert_eq!(
            (metadata.published.as_deref(), metadata.modified.as_deref()),
            (Some("2031-03-04"), Some("2031-03-05"))
        );
        assert_eq!(article.encoding, "windows-1252");
    }

    #[test]
    fn characters_of_two_bytes_are_decoded_together() {
        let text = br"{\rtf1\ansi\ansicpg932 \'93\'fa\'96{\b {}}\'7b and \'83\\.\par}";
        let article = read_article("a", text);
        assert!(article.text.starts_with("日"), "{}", article.text);
        assert_eq!(article.encoding, "Shift_JIS");
    }

    #[test]
    fn a_file_that_is_cut_or_empty_or_nests_too_deep_is_rejected() {
        for end in (6..DOCUMENT.len() - "}trailing".len()).step_by(97) {
            let outcomes = read_texts("a.rtf", &DOCUMENT.as_bytes()[..end]);
            assert_eq!(outcomes, [Err(Reason::Truncated)], "{end}");
        }
        assert_eq!(read_texts("a.rtf", br"{\rtf1\ansi\par}"), [Err(Reason::Empty)]);
        let deep = format!("{{\\rtf1{}", "{".repeat(200_000));
        assert_eq!(read_texts("a.rtf", deep.as_bytes()), [Err(Reason::TooDeep)]);
        let odd = br"{\rtf1 a\'zz\u99999999999 b\u-1?\bin-5 c\bin99999999 d";
        assert_eq!(read_texts("a.rtf", odd), [Err(Reason::Truncated)]);
    }
}
