//! Labelled JSON Lines to texts with what is known of them: what a model is trained on and measured by.
//!
//! A row has a text and a label (`code`, `label` or another known field), or labels of targets in it, or attributions
//! as code point ranges. Whatever is wrong with a row is said with its file and line, before anything is computed.

/// Which field holds the label, and what its values stand for.
mod layout;
/// Marked parts of a text to labels of tokens, and back.
pub mod marks;
/// Rows to what a model reads, and what it read back to rows.
pub mod passages;
/// One line to one row.
mod row;

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
    /// Of a sequence head: one of these labels is right, and which is not known. By their places in the head's labels.
    OneOf(Vec<usize>),
    /// The parts that a token head is to find, in order.
    Marks(Vec<Mark>),
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
        let bytes = std::fs::read(path).map_err(|cause| LabelledError::Unreadable { path: path.to_owned(), cause })?;
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
    /// The same texts without their neighbours.
    #[must_use]
    pub fn alone(mut self) -> Self {
        for row in &mut self.rows {
            row.before.clear();
            row.after.clear();
        }
        self
    }
}

impl Gold {
    /// The one label that is right, by its place in the head's labels.
    #[must_use]
    pub fn label(&self) -> Option<usize> {
        match self {
            Self::Labelled { label, .. } => *label,
            Self::OneOf(_) | Self::Marks(_) => None,
        }
    }
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
        HeadManifest { kind, report, temperature: None, offsets: Vec::new(), labels }
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

    fn labels(lines: &str, head: &HeadManifest) -> Vec<Option<usize>> {
        read(lines, &Layout::default(), head).unwrap().rows.iter().map(|row| row.gold.label()).collect()
    }

    #[test]
    fn labels_are_found_under_the_names_of_public_sets() {
        assert_eq!(labels(r#"{"text":"a","code":29}"#, &topics()), [Some(2)]);
        assert_eq!(labels(r#"{"text":"a","ag_class":"3"}"#, &topics()), [Some(0)]);
        assert_eq!(labels(r#"{"text":"a","section":"tech"}"#, &topics()), [Some(1)]);
        assert_eq!(labels(r#"{"text":"a","stars":4}"#, &moods()), [Some(2)]);
        assert_eq!(labels(r#"{"text":"a","score":-3,"label":"negative"}"#, &moods()), [Some(0)]);
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
        assert_eq!(labels(r#"{"text":"a","targets":[{"label":"neutral"},{"label":"neutral"}]}"#, &moods()), [Some(1)]);
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
        assert_eq!((row.text.as_str(), row.before.as_str(), row.gold.label()), ("taxes", "x", Some(0)));
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
    fn code_points_become_bytes() {
        let tokens = head(HeadKind::Token, &[(None, "O"), (None, "B-source"), (None, "I-source")]);
        let row = r#"{"text":"Übrigens: Zoë","attributions":[{"source":[[10,13]],"cue":[[0,2]]}]}"#;
        let set = read(row, &Layout::default(), &tokens).unwrap();
        assert_eq!(set.rows[0].gold, Gold::Marks(vec![Mark { part: 0, range: 11..15 }]));
    }

    #[test]
    fn a_row_without_any_label_is_refused() {
        let message = read(r#"{"text":"a"}"#, &Layout::default(), &moods()).unwrap_err().to_string();
        assert!(message.contains(":1: no label: expected one of the fields `code`, `label`"), "{message}");
    }
}
