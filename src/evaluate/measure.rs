//! A model at labelled sets: what its head found in each row, beside what is right.

use std::ops::Range;

use serde::Serialize;

use super::compare::{ClassificationComparison, TaggingComparison};
use super::{
    ClassificationScores, Classified, CompareError, DocumentAccuracy, Marked, Related, RowPlace, Said, TaggingScores,
    compare_classification, compare_tagging, words,
};
use crate::attribution::{Relation, Relations, TaggedSentence};
use crate::labelled::marks::TagSet;
use crate::labelled::passages::{PassageReading, found_marks, infer_rows, mean_probabilities};
use crate::labelled::{DocumentGold, Gold, LabelledRow, LabelledSet};
use crate::model::document::DocumentScores;
use crate::model::passage::Segment;
use crate::model::{DocumentScaling, HeadKind, HeadManifest, Model, ModelError, Reading, Tokenizer};
use crate::record::{Label, Sentence};
use crate::sentences::sentences;
use crate::task::Tag;

/// The maximum number of tokens in a batch.
pub const BATCH_TOKENS: usize = 1024;

/// How many words a quotation has to have to be measured by.
const FEWEST_QUOTED_WORDS: usize = 3;

/// What a head found in labelled rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Measured {
    /// By a sequence head.
    Classified(Classification),
    /// By a token head, with the names of its parts.
    Marked(Vec<Marked>, Vec<String>),
}

/// What a sequence head found in labelled rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Classification {
    /// The head's labels.
    pub labels: Vec<Label>,
    /// Texts with a label of their own, and the sentences of documents that have labels, in the order of the file.
    pub rows: Vec<Classified>,
    /// Documents that have labels, in the order of the file.
    pub documents: Vec<Classified>,
}

/// What a sequence head read in one document.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentReadings {
    /// The document's line in its file, from 1.
    pub line: u64,
    /// What is right.
    pub gold: DocumentGold,
    /// The probabilities of each sentence.
    pub sentences: Vec<Vec<f32>>,
    /// The probabilities of the title, once for each passage.
    pub titles: Vec<Vec<f32>>,
}

/// What it is worth.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Scores {
    /// Of a sequence head.
    Classification(Box<ClassificationScores>),
    /// Of a token head.
    Tagging(TaggingScores),
}

impl Measured {
    /// What `model`, loaded with `head` alone, finds in `set`. Rows without a label that is right are left out.
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
                let is_measured =
                    |row: &&LabelledRow| matches!(row.gold, Gold::Document(_)) || !row.gold.acceptable().is_empty();
                let rows: Vec<LabelledRow> = set.rows.iter().filter(is_measured).cloned().collect();
                let found = infer_rows(&rows, tokenizer, model, BATCH_TOKENS)?;
                Ok(Self::Classified(Classification::new(head, &rows, &found)))
            }
            HeadKind::Token => {
                let tags = TagSet::new(&head.labels);
                let found = infer_rows(&set.rows, tokenizer, model, BATCH_TOKENS)?;
                let marked = |(row, found): (&LabelledRow, &Vec<PassageReading>)| Marked {
                    words: words(&row.text),
                    gold: row.gold.marks().to_vec(),
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
            Self::Classified(found) => found.rows.len(),
            Self::Marked(rows, _) => rows.len(),
        }
    }

    /// What it is worth.
    #[must_use]
    pub fn scores(&self) -> Scores {
        match self {
            Self::Classified(found) => Scores::Classification(Box::new(ClassificationScores {
                documents: DocumentAccuracy::of(&found.documents, &found.rows),
                ..ClassificationScores::of(&found.rows, &found.labels)
            })),
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
            (Self::Classified(ours), Self::Classified(baseline)) => {
                compare_classification(&ours.rows, &baseline.rows).map(|found| Some(Comparison::Classification(found)))
            }
            (Self::Marked(ours, parts), Self::Marked(baseline, _)) => {
                compare_tagging(ours, baseline, parts).map(|found| Some(Comparison::Tagging(found)))
            }
            _ => Ok(None),
        }
    }
}

impl Classification {
    fn new(head: &HeadManifest, rows: &[LabelledRow], found: &[Vec<PassageReading>]) -> Self {
        let mut classification = Self { labels: head.labels.clone(), rows: Vec::new(), documents: Vec::new() };
        for (row, found) in rows.iter().zip(found) {
            if let Gold::Document(gold) = &row.gold {
                let readings = DocumentReadings::new(row.line, gold, found);
                let (sentences, document) = readings.classified(head.document);
                classification.rows.extend(sentences);
                classification.documents.extend(document);
            } else {
                let mut classified = Classified::new(0, mean_probabilities(found));
                classified.acceptable = row.gold.acceptable().to_vec();
                classified.place.line = row.line;
                classification.rows.push(classified);
            }
        }
        classification
    }
}

/// What a head says of one text, to look at.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Prediction<'m> {
    /// The line of the file, from 1.
    pub line: u64,
    /// The sentence of the line's document, from 0; `None` of other texts, and of the document itself.
    pub statement: Option<usize>,
    /// Whether it is said of a whole document.
    pub is_document: bool,
    /// The best label, by code where it has one.
    pub label: &'m str,
    /// Its probability.
    pub score: f32,
    /// The labels that are right, the best first.
    pub acceptable: Vec<&'m str>,
    /// Whether the best label is one of them.
    pub is_acceptable: bool,
    /// The probability of each label, in the head's order.
    pub scores: indexmap::IndexMap<&'m str, f32>,
}

impl Classification {
    /// What is said of each text, in the order of the file, and then of each document.
    pub fn predictions(&self) -> impl Iterator<Item = Prediction<'_>> {
        let rows = self.rows.iter().map(|row| self.prediction(row, false));
        rows.chain(self.documents.iter().map(|row| self.prediction(row, true)))
    }

    fn prediction(&self, row: &Classified, is_document: bool) -> Prediction<'_> {
        let key = |label: usize| self.labels[label].code.as_ref().unwrap_or(&self.labels[label].label).as_str();
        let (best, score) = row.best();
        Prediction {
            line: row.place.line,
            statement: row.place.statement,
            is_document,
            label: key(best),
            score,
            acceptable: row.acceptable.iter().map(|&label| key(label)).collect(),
            is_acceptable: row.acceptable.contains(&best),
            scores: row.probabilities.iter().enumerate().map(|(label, &score)| (key(label), score)).collect(),
        }
    }
}

impl DocumentReadings {
    /// Runs `model`, loaded with one sequence head, on the documents of `set`, in the order of the file. Rows that are no documents
    /// are left out.
    ///
    /// # Errors
    /// Where the tokenizer or libtorch fails.
    pub fn infer(set: &LabelledSet, tokenizer: &Tokenizer, model: &mut Model) -> Result<Vec<Self>, ModelError> {
        let documents = set.rows.iter().filter(|row| matches!(row.gold, Gold::Document(_)));
        let rows: Vec<LabelledRow> = documents.cloned().collect();
        let mut readings = Vec::new();
        for (row, passages) in rows.iter().zip(infer_rows(&rows, tokenizer, model, BATCH_TOKENS)?) {
            if let Gold::Document(gold) = &row.gold {
                readings.push(Self::new(row.line, gold, &passages));
            }
        }
        Ok(readings)
    }

    fn new(line: u64, gold: &DocumentGold, found: &[PassageReading]) -> Self {
        let sentences = found.iter().flat_map(|passage| &passage.readings);
        let titles = found.iter().filter_map(|passage| passage.document.as_ref());
        Self {
            line,
            gold: gold.clone(),
            sentences: sentences.filter_map(|reading| reading.sequences.first().cloned()).collect(),
            titles: titles.filter_map(|reading| reading.sequences.first().cloned()).collect(),
        }
    }

    /// The labelled sentences and the document, where it has labels, with the scores that `scaling` makes of the readings.
    #[must_use]
    pub fn classified(&self, scaling: Option<DocumentScaling>) -> (Vec<Classified>, Option<Classified>) {
        let counted = self.gold.statements.iter().zip(&self.sentences).filter(|(gold, _)| gold.is_statement);
        let counted = counted.map(|(_, probabilities)| probabilities.as_slice());
        let scores = DocumentScores::new(
            scaling.unwrap_or_else(DocumentScaling::none),
            counted,
            self.titles.iter().map(Vec::as_slice),
        );
        let mut rows = Vec::new();
        for (statement, (gold, probabilities)) in self.gold.statements.iter().zip(&self.sentences).enumerate() {
            if gold.labels.is_empty() {
                continue;
            }
            rows.push(Classified {
                place: RowPlace { line: self.line, statement: Some(statement) },
                acceptable: gold.labels.clone(),
                is_weak: gold.is_weak,
                probabilities: match scaling {
                    Some(_) => scores.sentence(probabilities, gold.is_statement),
                    None => probabilities.clone(),
                },
            });
        }
        let document = scores.document().filter(|_| !self.gold.labels.is_empty()).map(|probabilities| Classified {
            place: RowPlace { line: self.line, statement: None },
            acceptable: self.gold.labels.clone(),
            is_weak: false,
            probabilities,
        });
        (rows, document)
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
