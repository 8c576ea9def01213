//! Reads labelled JSON Lines: the data that models are trained and evaluated on.
//!
//! A row has a text and a label (`code`, `label` or another known field), or labels of targets in it, or attributions
//! as code point ranges, or it is a document with `statements`. An invalid row is an error with its file and line.

/// The names of fields and the meanings of values.
mod layout;
/// Marked parts of a text to token labels, and back.
pub mod marks;
/// Rows to passages, and results back to rows.
pub mod passages;
/// One line to one row.
mod row;

use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::model::HeadManifest;
use crate::record::Act;
pub use layout::{Layout, Meaning, Scale};
pub use marks::Mark;
use row::RowReader;

/// The letter in `flags` of a sentence that states nothing: a byline, a caption, a link.
pub const NO_STATEMENT_FLAG: char = 'j';

/// The letter in `flags` of a sentence whose label is not clear from the sentence alone.
pub const WEAK_FLAG: char = 'w';

/// A labelled text.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledRow {
    /// Its line in the file, from 1.
    pub line: u64,
    /// Its `id`, if it has one.
    pub id: Option<String>,
    /// Its title, or nothing.
    pub title: String,
    /// The sentence before it, or nothing.
    pub before: String,
    /// The text.
    pub text: String,
    /// The sentence after it, or nothing.
    pub after: String,
    /// Its labels.
    pub gold: Gold,
    /// Its attributions, in the order of the file. Empty for rows without attributions.
    pub attributions: Vec<AttributionGold>,
}

/// An attribution of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributionGold {
    /// Its marked parts.
    pub marks: Vec<Mark>,
    /// What the source does with the content, if the row says it.
    pub act: Option<Act>,
    /// The speaker, if the row names one.
    pub speaker: Option<String>,
}

/// The labels of a text.
#[derive(Debug, Clone, PartialEq)]
pub enum Gold {
    /// For a sequence head.
    Labelled {
        /// The share of each label in the training target; the sum is 1.
        shares: Vec<f32>,
        /// The index of the right label among the head's labels; `None` if several apply in part.
        label: Option<usize>,
    },
    /// For a sequence head: the indices of the allowed labels. One of them is right, but it is not known which.
    OneOf(Vec<usize>),
    /// For a sequence head: a document whose sentences have labels of their own.
    Document(DocumentGold),
    /// For a token head: the marked parts, in order.
    Marks(Vec<Mark>),
}

/// The labels of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentGold {
    /// The acceptable labels of the document as a whole, the best first; empty if unknown.
    pub labels: Vec<usize>,
    /// Its sentences, in order.
    pub statements: Vec<StatementGold>,
}

/// The labels of a sentence of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementGold {
    /// The range in the document's text, in bytes.
    pub range: Range<usize>,
    /// The acceptable labels, the best first; empty if unknown.
    pub labels: Vec<usize>,
    /// The label is not clear from the sentence alone: it has the flag [`WEAK_FLAG`].
    pub is_weak: bool,
    /// The sentence states something: it has no flag [`NO_STATEMENT_FLAG`].
    pub is_statement: bool,
}

/// A file of labelled texts.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledSet {
    /// The file.
    pub path: PathBuf,
    /// Its rows, without those left out.
    pub rows: Vec<LabelledRow>,
    /// The number of rows left out, because their value stands for no label.
    pub skipped: usize,
}

/// An error in a labelled file.
#[derive(Debug, thiserror::Error)]
pub enum LabelledError {
    /// The file could not be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: std::io::Error,
    },
    /// A line of the file cannot be used.
    #[error("{}:{line}: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The fault, and the values that are allowed.
        message: String,
    },
    /// The file has no row to use.
    #[error("`{}` has no row to use ({skipped} left out for lack of a single label)", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// The number of rows left out.
        skipped: usize,
    },
}

impl LabelledSet {
    /// Reads the file at `path`, whose labels are those of `head`.
    ///
    /// # Errors
    /// The first line that is no row of such a set, and a file without rows.
    pub fn load(path: &Path, layout: &Layout, head: &HeadManifest) -> Result<Self, LabelledError> {
        let bytes = read_whole(path).map_err(|cause| LabelledError::Unreadable { path: path.to_owned(), cause })?;
        let mut set = Self { path: path.to_owned(), rows: Vec::new(), skipped: 0 };
        let mut reader = None;
        for (line, bytes) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
            if bytes.trim_ascii().is_empty() {
                continue;
            }
            match read_line(line, bytes, &mut reader, layout, head) {
                Ok(Line::Row(row)) => set.rows.push(*row),
                Ok(Line::Unlabelled) => set.skipped += 1,
                Ok(Line::Ignored) => {}
                Err(message) => return Err(LabelledError::Invalid { path: set.path, line, message }),
            }
        }
        if set.rows.is_empty() {
            return Err(LabelledError::Empty { path: set.path, skipped: set.skipped });
        }
        Ok(set)
    }
}

/// A line of a labelled file.
enum Line {
    /// A row to use.
    Row(Box<LabelledRow>),
    /// A row without a label.
    Unlabelled,
    /// A row that the layout does not want.
    Ignored,
}

/// Reads one line. The first row that is not ignored creates the `reader` for all of them.
fn read_line<'l>(
    line: u64,
    bytes: &[u8],
    reader: &mut Option<RowReader<'l>>,
    layout: &'l Layout,
    head: &'l HeadManifest,
) -> Result<Line, String> {
    let fields = row::parse_fields(bytes)?;
    if !layout.wants(&fields) {
        return Ok(Line::Ignored);
    }
    let reader = match reader {
        Some(reader) => reader,
        empty => empty.insert(RowReader::new(layout, head, &fields)?),
    };
    Ok(match reader.read_row(line, &fields)? {
        Some(row) => Line::Row(Box::new(row)),
        None => Line::Unlabelled,
    })
}

impl LabelledSet {
    /// The number of texts that can have a label: rows, and for documents their sentences.
    #[must_use]
    pub fn texts(&self) -> usize {
        let mut texts = self.skipped;
        for row in &self.rows {
            texts += match &row.gold {
                Gold::Document(gold) => gold.statements.len(),
                _ => 1,
            };
        }
        texts
    }

    /// True if a row is a document with labelled sentences.
    #[must_use]
    pub fn has_documents(&self) -> bool {
        self.rows.iter().any(|row| matches!(row.gold, Gold::Document(_)))
    }

    /// The same texts without their titles and neighbours.
    #[must_use]
    pub fn alone(mut self) -> Self {
        for row in &mut self.rows {
            row.title.clear();
            row.before.clear();
            row.after.clear();
        }
        self
    }
}

impl Gold {
    /// The indices of the acceptable labels of a text with a label of its own. Empty for other texts, and if several labels
    /// apply in part.
    #[must_use]
    pub fn acceptable(&self) -> &[usize] {
        match self {
            Self::Labelled { label, .. } => label.as_slice(),
            Self::OneOf(labels) => labels,
            Self::Document(_) | Self::Marks(_) => &[],
        }
    }

    /// The marked parts; empty for texts of sequence heads.
    #[must_use]
    pub fn marks(&self) -> &[Mark] {
        match self {
            Self::Marks(marks) => marks,
            Self::Labelled { .. } | Self::OneOf(_) | Self::Document(_) => &[],
        }
    }
}

/// The content of a file, decompressed if its first bytes are those of gzip or zstd.
fn read_whole(path: &Path) -> std::io::Result<Vec<u8>> {
    const GZIP: [u8; 2] = [0x1f, 0x8b];
    const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
    let bytes = std::fs::read(path)?;
    let mut unpacked = Vec::new();
    if bytes.starts_with(&GZIP) {
        flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut unpacked)?;
    } else if bytes.starts_with(&ZSTD) {
        zstd::Decoder::with_buffer(bytes.as_slice())?.read_to_end(&mut unpacked)?;
    } else {
        return Ok(bytes);
    }
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{HeadKind, Report};
    use crate::record::Label;

    fn head(kind: HeadKind, labels: &[(Option<&str>, &str)]) -> HeadManifest {
        let label = |&(code, name): &(Option<&str>, &str)| Label {
            code: code.map(str::to_owned),
            label: name.to_owned(),
            iptc: None,
        };
        let (report, labels) = (Report::default(), labels.iter().map(label).collect());
        HeadManifest { kind, report, temperature: None, document: None, offsets: Vec::new(), confidence: None, labels }
    }

    fn topics() -> HeadManifest {
        let labels = [(Some("15"), "Domestic Commerce"), (Some("17"), "Technology"), (Some("29"), "Sports")];
        head(HeadKind::Sequence, &labels)
    }

    fn moods() -> HeadManifest {
        head(HeadKind::Sequence, &[(None, "negative"), (None, "neutral"), (None, "positive")])
    }

    fn read(lines: &str, layout: &Layout, head: &HeadManifest) -> Result<LabelledSet, LabelledError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), lines).unwrap();
        LabelledSet::load(file.path(), layout, head)
    }

    fn labels(lines: &str, head: &HeadManifest) -> Vec<Vec<usize>> {
        let rows = read(lines, &Layout::default(), head).unwrap().rows;
        rows.iter().map(|row| row.gold.acceptable().to_vec()).collect()
    }

    #[test]
    fn labels_are_found_under_the_names_of_public_sets() {
        assert_eq!(labels(r#"{"text":"a","code":29}"#, &topics()), [[2]]);
        assert_eq!(labels(r#"{"text":"a","ag_class":"3"}"#, &topics()), [[0]]);
        assert_eq!(labels(r#"{"text":"a","section":"tech"}"#, &topics()), [[1]]);
        assert_eq!(labels(r#"{"text":"a","stars":4}"#, &moods()), [[2]]);
        assert_eq!(labels(r#"{"text":"a","score":-3,"label":"negative"}"#, &moods()), [[0]]);
    }

    #[test]
    fn rows_without_a_single_label_are_counted() {
        let set =
            read("{\"text\":\"a\",\"ag_class\":1}\n\n{\"text\":\"b\",\"ag_class\":2}\n", &Layout::default(), &topics());
        let set = set.unwrap();
        assert_eq!((set.skipped, set.rows.len(), set.rows[0].line), (1, 1, 3));
    }

    #[test]
    fn targets_that_differ_share() {
        let row = r#"{"text":"a","targets":[{"label":"negative"},{"label":"positive"}]}"#;
        let set = read(row, &Layout::default(), &moods()).unwrap();
        assert_eq!(set.rows[0].gold, Gold::Labelled { shares: vec![0.5, 0.0, 0.5], label: None });
        assert_eq!(labels(r#"{"text":"a","targets":[{"label":"neutral"},{"label":"neutral"}]}"#, &moods()), [[1]]);
    }

    #[test]
    fn a_rating_says_how_clear_a_label_is_and_does_not_change_it() {
        let scale = Scale { field: "score".into(), cuts: vec![-0.5, 0.5], deviation: 0.4 };
        let layout = Layout { scale: Some(scale), ..Layout::default() };
        let set = read(r#"{"text":"a","score":0.45,"label":"neutral"}"#, &layout, &moods()).unwrap();
        let Gold::Labelled { shares, label } = &set.rows[0].gold else { panic!() };
        assert_eq!(*label, Some(1));
        assert!(shares[1] > 0.5 && shares[2] > 0.4, "{shares:?}");
    }

    #[test]
    fn only_the_wanted_rows_are_read_with_the_named_fields() {
        let layout = Layout {
            text: "summary".into(),
            label: Some("kind".into()),
            labels: [("money".to_owned(), Meaning::One("15".to_owned()))].into_iter().collect(),
            only: [("source".to_owned(), "b".to_owned())].into_iter().collect(),
            ..Layout::default()
        };
        let lines =
            "{\"source\":\"a\"}\n{\"source\":\"b\",\"summary\":\"taxes\",\"kind\":\"money\",\"before\":\"x\"}\n";
        let set = read(lines, &layout, &topics()).unwrap();
        let row = &set.rows[0];
        assert_eq!((row.text.as_str(), row.before.as_str(), row.gold.acceptable()), ("taxes", "x", [0].as_slice()));
    }

    #[test]
    fn a_value_can_stand_for_one_of_several_labels() {
        let meaning = Meaning::OneOf(vec!["15".into(), "Technology".into()]);
        let labels = [("3".to_owned(), meaning)].into_iter().collect();
        let layout = Layout { labels, ..Layout::default() };
        let set = read(r#"{"text":"a","ag_class":3}"#, &layout, &topics()).unwrap();
        assert_eq!(set.rows[0].gold, Gold::OneOf(vec![0, 1]));
    }

    #[test]
    fn a_list_of_codes_leaves_open_which_is_best() {
        let set = read(r#"{"text":"a","codes":["29","15"]}"#, &Layout::default(), &topics()).unwrap();
        assert_eq!(set.rows[0].gold, Gold::OneOf(vec![2, 0]));
        let layout: Layout = toml::from_str("label = 'topics'\nseparator = '|'").unwrap();
        let lines = "{\"text\":\"a\",\"topics\":\"15|17\"}\n{\"text\":\"b\",\"topics\":\"17\"}";
        let golds: Vec<_> = read(lines, &layout, &topics()).unwrap().rows.into_iter().map(|row| row.gold).collect();
        assert_eq!(golds[0], Gold::OneOf(vec![0, 1]));
        assert_eq!(golds[1], Gold::Labelled { shares: vec![0.0, 1.0, 0.0], label: Some(1) });
    }

    /// A document of three sentences: one of them with two codes, one weak, one that says nothing.
    const DOCUMENT: &str = r#"{"id":"d1","title":"Fúel","text":"Gás rose. It did. By Ann","codes":["15"],"label":"negative",
        "statements":[{"start":0,"end":9,"codes":["15","17"],"label":"negative","flags":""},
        {"start":10,"end":17,"codes":["15"],"label":null,"flags":"w"},
        {"start":18,"end":24,"codes":["0"],"label":"neutral","flags":"j"}]}"#;

    fn document(head: &HeadManifest, layout: &str) -> DocumentGold {
        let line = DOCUMENT.replace('\n', "");
        let row = read(&line, &toml::from_str(layout).unwrap(), head).unwrap().rows.remove(0);
        assert_eq!((row.id.as_deref(), row.title.as_str()), (Some("d1"), "Fúel"));
        let Gold::Document(gold) = row.gold else { panic!("{:?}", row.gold) };
        gold
    }

    #[test]
    fn statements_of_a_document_have_the_labels_of_each_head() {
        let gold = document(&topics(), "");
        assert_eq!(gold.labels, [0]);
        let found: Vec<_> = gold.statements.iter().map(|found| (found.range.clone(), found.labels.clone())).collect();
        assert_eq!(found, [(0..10, vec![0, 1]), (11..18, vec![0]), (19..25, vec![])]);
        assert_eq!(gold.statements.iter().map(|found| found.is_weak).collect::<Vec<_>>(), [false, true, false]);
        assert_eq!(gold.statements.iter().map(|found| found.is_statement).collect::<Vec<_>>(), [true, true, false]);
        let tones = document(&moods(), "label = 'label'");
        let found: Vec<_> = tones.statements.into_iter().map(|found| found.labels).collect();
        assert_eq!((tones.labels, found), (vec![0], vec![vec![0], vec![], vec![]]));
        let flagged = document(&head(HeadKind::Sequence, &[(None, "statement"), (None, "boilerplate")]), "flag = 'j'");
        let found: Vec<_> = flagged.statements.into_iter().map(|found| found.labels).collect();
        assert_eq!((flagged.labels, found), (vec![], vec![vec![0], vec![0], vec![1]]));
    }

    #[test]
    fn the_layout_gives_the_labels_of_values_also_in_documents() {
        let gold = document(&topics(), "labels = { 15 = '29', 17 = ['Technology', '15'] }");
        let labels: Vec<_> = gold.statements.into_iter().map(|statement| statement.labels).collect();
        assert_eq!((gold.labels, labels), (vec![2], vec![vec![2, 1, 0], vec![2], vec![]]));
        let gold = document(&moods(), "label = 'label'\nlabels = { negative = 'positive' }");
        assert_eq!((gold.labels, &gold.statements[0].labels), (vec![2], &vec![2]));
    }

    #[test]
    fn a_text_needs_a_label_that_is_not_null() {
        let message = read(r#"{"text":"a","label":null}"#, &Layout::default(), &moods()).unwrap_err().to_string();
        assert!(message.ends_with(":1: `label` is null, and not a label"), "{message}");
    }

    #[test]
    fn statements_that_cannot_be_are_refused_with_their_place() {
        let refused = |from: &str, to: &str| {
            let line = DOCUMENT.replace('\n', "").replace(from, to);
            read(&line, &Layout::default(), &topics()).unwrap_err().to_string()
        };
        for (from, to, expected) in [
            (
                "\"end\":24",
                "\"end\":99",
                "statement 3: 18 to 99 is not a range inside the text, which has 24 characters",
            ),
            ("\"start\":10", "\"start\":8", "statement 2 begins before the one before it ends"),
            ("[\"15\",\"17\"]", "[\"99\"]", "statement 1: `codes` is `99`, which the head does not know"),
            ("[\"15\",\"17\"]", "{}", "statement 1: `codes` is neither a label nor a list of labels"),
        ] {
            let message = refused(from, to);
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn packed_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let line = br#"{"text":"a","code":29}"#;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut gzip, line).unwrap();
        for (name, bytes) in [("a.gz", gzip.finish().unwrap()), ("a.zst", zstd::encode_all(&line[..], 1).unwrap())] {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(LabelledSet::load(&path, &Layout::default(), &topics()).unwrap().rows.len(), 1);
        }
    }

    #[test]
    fn code_points_become_bytes() {
        let tokens = head(HeadKind::Token, &[(None, "O"), (None, "B-source"), (None, "I-source")]);
        let row = r#"{"text":"Übrigens: Zoë","attributions":[{"source":[[10,13]],"cue":[[0,2]],"act":"ask","speaker":"Zoë"}]}"#;
        let set = read(row, &Layout::default(), &tokens).unwrap();
        let marks = vec![Mark { part: 0, range: 11..15 }];
        assert_eq!(set.rows[0].gold, Gold::Marks(marks.clone()));
        let expected = AttributionGold { marks, act: Some(Act::Ask), speaker: Some("Zoë".to_owned()) };
        assert_eq!(set.rows[0].attributions, [expected]);
    }

    #[test]
    fn an_unknown_act_is_refused() {
        let tokens = head(HeadKind::Token, &[(None, "O"), (None, "B-source"), (None, "I-source")]);
        let row = r#"{"text":"a b","attributions":[{"source":[[0,1]],"act":"sing"}]}"#;
        let message = read(row, &Layout::default(), &tokens).unwrap_err().to_string();
        assert!(
            message.contains(r#"the act of an attribution is "sing", expected one of `say`, `think`"#),
            "{message}"
        );
    }

    #[test]
    fn a_row_without_any_label_is_refused() {
        let message = read(r#"{"text":"a"}"#, &Layout::default(), &moods()).unwrap_err().to_string();
        assert!(message.contains(":1: no label: expected one of the fields `codes`, `code`"), "{message}");
    }
}
