//! A model at labelled sets: what its head found in each row, beside what is right.

use std::ops::Range;

use serde::Serialize;

use super::compare::{ClassificationComparison, TaggingComparison};
use super::{
    ClassificationScores, Classified, CompareError, Marked, Related, Said, TaggingScores, compare_classification,
    compare_tagging, words,
};
use crate::attribution::{Relation, Relations, TaggedSentence};
use crate::labelled::marks::TagSet;
use crate::labelled::passages::{PassageReading, found_marks, mean_probabilities, read_all};
use crate::labelled::{Gold, LabelledRow, LabelledSet, Mark};
use crate::model::passage::Segment;
use crate::model::{HeadKind, HeadManifest, Model, ModelError, Reading, Tokenizer};
use crate::record::{Label, Sentence};
use crate::sentences::sentences;
use crate::task::Tag;

/// How many tokens a batch has at most.
const BATCH_TOKENS: usize = 1024;

/// How many words a quotation has to have to be measured by.
const FEWEST_QUOTED_WORDS: usize = 3;

/// What a head found in labelled rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Measured {
    /// By a sequence head, with its labels.
    Classified(Vec<Classified>, Vec<Label>),
    /// By a token head, with the names of its parts.
    Marked(Vec<Marked>, Vec<String>),
}

/// What it is worth.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Scores {
    /// Of a sequence head.
    Classification(ClassificationScores),
    /// Of a token head.
    Tagging(TaggingScores),
}

impl Measured {
    /// What `model`, loaded with `head` alone, finds in `set`. Rows to which several labels apply in part are left out.
    ///
    /// # Errors
    /// Where the tokenizer or libtorch fails.
    pub fn new(
        set: &LabelledSet,
        head: &HeadManifest,
        tokenizer: &Tokenizer,
        model: &mut Model,
    ) -> Result<Self, ModelError> {
        match head.kind {
            HeadKind::Sequence => {
                let rows: Vec<LabelledRow> =
                    set.rows.iter().filter(|row| row.gold.label().is_some()).cloned().collect();
                let found = read_all(&rows, tokenizer, model, BATCH_TOKENS)?;
                let classified = |(row, found): (&LabelledRow, &Vec<PassageReading>)| {
                    Some(Classified { gold: row.gold.label()?, probabilities: mean_probabilities(found) })
                };
                Ok(Self::Classified(rows.iter().zip(&found).filter_map(classified).collect(), head.labels.clone()))
            }
            HeadKind::Token => {
                let tags = TagSet::new(&head.labels);
                let found = read_all(&set.rows, tokenizer, model, BATCH_TOKENS)?;
                let marked = |(row, found): (&LabelledRow, &Vec<PassageReading>)| Marked {
                    words: words(&row.text),
                    gold: gold_marks(row),
                    found: found_marks(&row.text, found, &tags),
                    said: said(row, found, head, &tags),
                };
                Ok(Self::Marked(set.rows.iter().zip(&found).map(marked).collect(), tags.parts))
            }
        }
    }

    /// How many rows have been read.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self {
            Self::Classified(rows, _) => rows.len(),
            Self::Marked(rows, _) => rows.len(),
        }
    }

    /// What it is worth.
    #[must_use]
    pub fn scores(&self) -> Scores {
        match self {
            Self::Classified(rows, labels) => Scores::Classification(ClassificationScores::of(rows, labels)),
            Self::Marked(rows, parts) => Scores::Tagging(TaggingScores::of(rows, parts)),
        }
    }
}

/// How two models differ on the same rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Comparison {
    /// Of sequence heads.
    Classification(ClassificationComparison),
    /// Of token heads.
    Tagging(TaggingComparison),
}

impl Measured {
    /// How it differs from `baseline`; none where one is of a sequence head and the other of a token head.
    ///
    /// # Errors
    /// Where they are not of the same rows.
    pub fn compare(&self, baseline: &Self) -> Result<Option<Comparison>, CompareError> {
        match (self, baseline) {
            (Self::Classified(ours, _), Self::Classified(baseline, _)) => {
                compare_classification(ours, baseline).map(|found| Some(Comparison::Classification(found)))
            }
            (Self::Marked(ours, parts), Self::Marked(baseline, _)) => {
                compare_tagging(ours, baseline, parts).map(|found| Some(Comparison::Tagging(found)))
            }
            _ => Ok(None),
        }
    }
}

/// Who said what in a row, where the head marks that: found as a run finds it.
fn said(row: &LabelledRow, found: &[PassageReading], head: &HeadManifest, tags: &TagSet) -> Option<Said> {
    let meanings = head.labels.iter().map(|label| Tag::parse(&label.label)).collect::<Option<Vec<_>>>()?;
    let place = |part: &str| tags.parts.iter().position(|known| known == part);
    let parts = [place("source")?, place("cue")?, place("content")?];
    let relations = Relations::of(&row.text, &tagged_sentences(&row.text, found, &meanings));
    let gold = row.attributions.iter().map(|marks| Related::of_marks(marks, parts)).collect();
    let related = |relation: Relation| Related {
        source: relation.source.into_iter().collect(),
        cue: relation.cue.into_iter().collect(),
        content: relation.content,
    };
    let is_long = |range: &Range<usize>| {
        let text = &row.text[range.clone()];
        words(text).iter().filter(|word| text[(*word).clone()].starts_with(char::is_alphanumeric)).count()
            >= FEWEST_QUOTED_WORDS
    };
    let quotations = relations.quotations.into_iter().filter(is_long).collect();
    Some(Said { gold, found: relations.found.into_iter().map(related).collect(), quotations })
}

fn tagged_sentences<'f>(text: &str, found: &'f [PassageReading], meanings: &[Tag]) -> Vec<TaggedSentence<'f>> {
    let segments = found.iter().flat_map(|found| found.passage.own_segments().zip(&found.readings));
    let of = |(sentence, ((segment, _), reading)): (Sentence, ((&'f Segment, usize), &Reading))| TaggedSentence {
        range: sentence.span.byte_start..sentence.span.byte_end,
        paragraph: sentence.paragraph,
        tags: reading.tokens.first().into_iter().flatten().map(|&label| meanings[label]).collect(),
        offsets: &segment.offsets,
    };
    // A row with marks is read sentence by sentence, all of them.
    sentences(text).into_iter().zip(segments).map(of).collect()
}

fn gold_marks(row: &LabelledRow) -> Vec<Mark> {
    match &row.gold {
        Gold::Marks(marks) => marks.clone(),
        Gold::Labelled { .. } | Gold::OneOf(_) => Vec::new(),
    }
}
