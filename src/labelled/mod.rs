//! Labelled JSON Lines to texts with what is known of them: what a model is trained on and measured by.
//!
//! A row has a text and a label (`code`, `label` or another known field), or labels of targets in it, or attributions
//! as code point ranges, or it is a document with `statements`. Whatever is wrong with a row is said with its file and line,
//! before anything is computed.

/// Which field holds the label, and what its values stand for.
mod layout;
/// Marked parts of a text to labels of tokens, and back.
pub mod marks;
/// Rows to what a model reads, and what it read back to rows.
pub mod passages;
/// One line to one row.
mod row;

use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::model::{HeadKind, HeadManifest};
pub use layout::{Layout, Meaning, Scale};
pub use marks::Mark;
use marks::TagSet;
use row::RowReader;

/// A labelled text.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledRow {
    /// Its line in the file, from 1.
    pub line: u64,
    /// Its `id`, where it has one.
    pub id: Option<String>,
    /// The title that it stands under, or nothing.
    pub title: String,
    /// The sentence before it, or nothing.
    pub before: String,
    /// The text.
    pub text: String,
    /// The sentence after it, or nothing.
    pub after: String,
    /// What is known of it.
    pub gold: Gold,
    /// Which marks belong together: the parts of one attribution each, in the order of the file. None of other rows.
    pub attributions: Vec<Vec<Mark>>,
}

/// What is known of a labelled text.
#[derive(Debug, Clone, PartialEq)]
pub enum Gold {
    /// Of a sequence head.
    Labelled {
        /// How far each label applies, to learn from; the sum is 1.
        shares: Vec<f32>,
        /// The one label that is right, by its place in the head's labels; none where several apply in part.
        label: Option<usize>,
    },
    /// Of a sequence head: each of these labels may be right, and which is best is not known. By their places in the head's
    /// labels.
    OneOf(Vec<usize>),
    /// Of a sequence head: a document whose sentences have labels of their own.
    Document(DocumentGold),
    /// The parts that a token head is to find, in order.
    Marks(Vec<Mark>),
}

/// What is known of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentGold {
    /// The labels that the document as a whole may have, the best first; none where that is not known.
    pub labels: Vec<usize>,
    /// Its sentences, in order.
    pub statements: Vec<StatementGold>,
}

/// What is known of a sentence of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementGold {
    /// Where it stands in the document's text, in bytes.
    pub range: Range<usize>,
    /// The labels that it may have, the best first; none where that is not known.
    pub labels: Vec<usize>,
    /// Nobody could tell its label from the sentence alone: it has the flag `w`.
    pub is_weak: bool,
    /// It says something. A byline, a caption or a link does not: it has the flag `j`.
    pub is_statement: bool,
}

/// A file of labelled texts.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledSet {
    /// The file.
    pub path: PathBuf,
    /// Its rows, but for those left out.
    pub rows: Vec<LabelledRow>,
    /// Rows left out: their value stands for no single label.
    pub skipped: usize,
}

/// Why a labelled file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LabelledError {
    /// The file could not be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
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
        /// What is wrong and what is allowed.
        message: String,
    },
    /// There is nothing to learn from.
    #[error("`{}` has no row to use ({skipped} left out for lack of a single label)", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// How many rows were left out.
        skipped: usize,
    },
}

impl LabelledSet {
    /// Reads the file at `path`, whose labels are those of `head`.
    ///
    /// # Errors
    /// The first line that is no row of such a set, and a file without rows.
    pub fn read(path: &Path, layout: &Layout, head: &HeadManifest) -> Result<Self, LabelledError> {
        let bytes = read_whole(path).map_err(|cause| LabelledError::Unreadable { path: path.to_owned(), cause })?;
        let invalid = |line, message| LabelledError::Invalid { path: path.to_owned(), line, message };
        let (mut set, mut reader) = (Self { path: path.to_owned(), rows: Vec::new(), skipped: 0 }, None);
        for (line, bytes) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
            if bytes.trim_ascii().is_empty() {
                continue;
            }
            let fields = row::fields(bytes).map_err(|message| invalid(line, message))?;
            if !layout.wants(&fields) {
                continue;
            }
            let reader = match &mut reader {
                Some(reader) => reader,
                empty => empty.insert(RowReader::new(layout, head, &fields).map_err(|message| invalid(line, message))?),
            };
            match reader.read(line, &fields).map_err(|message| invalid(line, message))? {
                Some(row) => set.rows.push(row),
                None => set.skipped += 1,
            }
        }
        if set.rows.is_empty() {
            return Err(LabelledError::Empty { path: set.path, skipped: set.skipped });
        }
        Ok(set)
    }
}

impl LabelledSet {
    /// How many texts can have a label: rows, and for documents their sentences.
    #[must_use]
    pub fn texts(&self) -> usize {
        let of_row = |row: &LabelledRow| match &row.gold {
            Gold::Document(gold) => gold.statements.len(),
            _ => 1,
        };
        self.skipped + self.rows.iter().map(of_row).sum::<usize>()
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
    /// The labels that are right for a text with a label of its own, by their places in the head's labels. None of other
    /// texts, and where several apply in part.
    #[must_use]
    pub fn acceptable(&self) -> &[usize] {
        match self {
            Self::Labelled { label, .. } => label.as_slice(),
            Self::OneOf(labels) => labels,
            Self::Document(_) | Self::Marks(_) => &[],
        }
    }
}

/// The bytes of a file, unpacked where it is gzip or zstd by its first bytes.
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

/// The names of the parts that `head` finds.
#[must_use]
pub fn parts(head: &HeadManifest) -> Vec<String> {
    match head.kind {
        HeadKind::Token => TagSet::new(&head.labels).parts,
        HeadKind::Sequence => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Report;
    use crate::record::Label;

    fn head(kind: HeadKind, labels: &[(Option<&str>, &str)]) -> HeadManifest {
        let label = |&(code, name): &(Option<&str>, &str)| Label {
            code: code.map(str::to_owned),
            label: name.to_owned(),
            iptc: None,
        };
        let (report, labels) = (Report::default(), labels.iter().map(label).collect());
        HeadManifest { kind, report, temperature: None, document: None, offsets: Vec::new(), labels }
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
        LabelledSet::read(file.path(), layout, head)
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
            ("[\"15\",\"17\"]", "{}", "statement 1: `codes` is not a list of labels"),
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
            assert_eq!(LabelledSet::read(&path, &Layout::default(), &topics()).unwrap().rows.len(), 1);
        }
    }

    #[test]
    fn code_points_become_bytes() {
        let tokens = head(HeadKind::Token, &[(None, "O"), (None, "B-source"), (None, "I-source")]);
        let row = r#"{"text":"Übrigens: Zoë","attributions":[{"source":[[10,13]],"cue":[[0,2]]}]}"#;
        let set = read(row, &Layout::default(), &tokens).unwrap();
        assert_eq!(set.rows[0].gold, Gold::Marks(vec![Mark { part: 0, range: 11..15 }]));
    }

    #[test]
    fn a_row_without_any_label_is_refused() {
        let message = read(r#"{"text":"a"}"#, &Layout::default(), &moods()).unwrap_err().to_string();
        assert!(message.contains(":1: no label: expected one of the fields `codes`, `code`"), "{message}");
    }
}
