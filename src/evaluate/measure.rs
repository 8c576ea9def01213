//! Runs a model on labelled rows and keeps its predictions with the gold labels.

use serde::Serialize;

use super::classification::{Coverage, outcomes_of_rows};
use super::compare::{ClassificationComparison, TaggingComparison};
use super::{
    AttributionScores, ClassificationScores, Classified, CompareError, DocumentAccuracy, FoundRelation, GoldRelation,
    Marked, RelationSpans, RowPlace, TaggingScores, TextRelations, compare_classification, compare_tagging, words,
};
use crate::attribution::confidence::DEFAULT_WEIGHTS;
use crate::attribution::{Attributed, Attributions, TaggedSentence};
use crate::labelled::marks::TagSet;
use crate::labelled::passages::{PassageOutputs, found_marks, infer_rows, mean_probabilities};
use crate::labelled::{AttributionGold, DocumentGold, Gold, LabelledRow, LabelledSet};
use crate::model::document::DocumentScores;
use crate::model::{DocumentScaling, HeadKind, HeadManifest, Model, ModelError, Tokenizer};
use crate::record::Label;
use crate::sentences::sentences;
use crate::task::Tag;

/// The maximum number of tokens in a batch.
pub const BATCH_TOKENS: usize = 1024;

/// The minimum number of words of a quotation that is measured.
const FEWEST_QUOTED_WORDS: usize = 3;

/// The predictions of a head for labelled rows, with the gold labels.
#[derive(Debug, Clone, PartialEq)]
pub enum Measured {
    /// Of a sequence head.
    Classified(Classification),
    /// Of a token head, with the names of its parts.
    Marked(Vec<Marked>, Vec<String>),
}

/// The predictions of a sequence head for labelled rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Classification {
    /// The head's labels.
    pub labels: Vec<Label>,
    /// Texts with a label of their own, and the sentences of documents that have labels, in the order of the file.
    pub rows: Vec<Classified>,
    /// Documents that have labels, in the order of the file.
    pub documents: Vec<Classified>,
}

/// The probabilities of a sequence head in one document, before they are combined.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentProbabilities {
    /// The document's line in its file, from 1.
    pub line: u64,
    /// The right labels.
    pub gold: DocumentGold,
    /// The probabilities of each sentence, label by label in the head's order.
    pub sentences: Vec<Vec<f32>>,
    /// The probabilities of the title, once for each passage.
    pub titles: Vec<Vec<f32>>,
}

/// The scores of a head.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Scores {
    /// Of a sequence head.
    Classification(Box<ClassificationScores>),
    /// Of a token head.
    Tagging(TaggingScores),
}

impl Measured {
    /// Runs `model`, loaded with `head` alone, on `set`. Rows without a right label are left out.
    ///
    /// # Errors
    /// If the tokenizer or the model fails.
    pub fn new(
        set: &LabelledSet,
        head: &HeadManifest,
        tokenizer: &Tokenizer,
        model: &mut Model,
    ) -> Result<Self, ModelError> {
        match head.kind {
            HeadKind::Sequence => {
                let rows: Vec<LabelledRow> = set.rows.iter().filter(|row| has_gold_label(row)).cloned().collect();
                let found = infer_rows(&rows, tokenizer, model, BATCH_TOKENS)?;
                Ok(Self::Classified(Classification::new(head, &rows, &found)))
            }
            HeadKind::Token => {
                let tags = TagSet::new(&head.labels);
                let found = infer_rows(&set.rows, tokenizer, model, BATCH_TOKENS)?;
                let mut marked = Vec::with_capacity(set.rows.len());
                for (row, found) in set.rows.iter().zip(&found) {
                    marked.push(Marked {
                        words: words(&row.text),
                        gold: row.gold.marks().to_vec(),
                        found: found_marks(&row.text, found, &tags),
                        relations: relations_of_row(row, found, head, &tags),
                    });
                }
                Ok(Self::Marked(marked, tags.parts))
            }
        }
    }

    /// The number of rows with predictions: texts, and labelled sentences of documents.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self {
            Self::Classified(found) => found.rows.len(),
            Self::Marked(rows, _) => rows.len(),
        }
    }

    /// The scores of the predictions. `min_score` is the task's threshold, if a configuration names one: a sequence head is also
    /// scored at it, and attributions by act and speaker are counted from it on.
    #[must_use]
    pub fn scores(&self, min_score: Option<f64>) -> Scores {
        match self {
            Self::Classified(found) => {
                let outcomes = outcomes_of_rows(&found.rows);
                let mut scores = ClassificationScores::from_outcomes(&found.rows, &outcomes, &found.labels);
                scores.documents = DocumentAccuracy::new(&found.documents, &found.rows, &outcomes);
                scores.threshold = min_score.map(|min_score| Coverage::new(&outcomes, min_score));
                Scores::Classification(Box::new(scores))
            }
            Self::Marked(rows, parts) => {
                let mut scores = TaggingScores::from_rows(rows, parts);
                scores.attributions = AttributionScores::from_rows(rows, min_score.unwrap_or_default()).map(Box::new);
                Scores::Tagging(scores)
            }
        }
    }
}

fn has_gold_label(row: &LabelledRow) -> bool {
    matches!(row.gold, Gold::Document(_)) || !row.gold.acceptable().is_empty()
}

/// The differences between two models on the same rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Comparison {
    /// Of sequence heads.
    Classification(ClassificationComparison),
    /// Of token heads.
    Tagging(TaggingComparison),
}

impl Measured {
    /// The differences from `baseline`; `None` if one is of a sequence head and the other of a token head.
    ///
    /// # Errors
    /// If they are not of the same rows.
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
    fn new(head: &HeadManifest, rows: &[LabelledRow], found: &[Vec<PassageOutputs>]) -> Self {
        let mut classification = Self { labels: head.labels.clone(), rows: Vec::new(), documents: Vec::new() };
        for (row, found) in rows.iter().zip(found) {
            if let Gold::Document(gold) = &row.gold {
                let probabilities = DocumentProbabilities::new(row.line, gold, found);
                let (sentences, document) = probabilities.classified(head.document);
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

/// The prediction for one text, as a line of `--predictions`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Prediction<'m> {
    /// The line of the file, from 1.
    pub line: u64,
    /// The sentence of the line's document, from 0; `None` for other texts, and for the document itself.
    pub statement: Option<usize>,
    /// True if it is for a whole document.
    pub is_document: bool,
    /// The best label: its code if it has one, or its name.
    pub label: &'m str,
    /// Its probability.
    pub score: f32,
    /// The labels that are right, the best first.
    pub acceptable: Vec<&'m str>,
    /// True if the best label is one of them.
    pub is_acceptable: bool,
    /// The probability of each label, in the head's order.
    pub scores: indexmap::IndexMap<&'m str, f32>,
}

impl Classification {
    /// The prediction for each text, in the order of the file, and then for each document.
    pub fn predictions(&self) -> impl Iterator<Item = Prediction<'_>> {
        let rows = self.rows.iter().map(|row| self.prediction(row, false));
        rows.chain(self.documents.iter().map(|row| self.prediction(row, true)))
    }

    fn prediction(&self, row: &Classified, is_document: bool) -> Prediction<'_> {
        let (best, score) = row.best();
        let probabilities = row.probabilities.iter().enumerate();
        Prediction {
            line: row.place.line,
            statement: row.place.statement,
            is_document,
            label: self.code_or_name(best),
            score,
            acceptable: row.acceptable.iter().map(|&label| self.code_or_name(label)).collect(),
            is_acceptable: row.acceptable.contains(&best),
            scores: probabilities.map(|(label, &score)| (self.code_or_name(label), score)).collect(),
        }
    }

    fn code_or_name(&self, label: usize) -> &str {
        let label = &self.labels[label];
        label.code.as_ref().unwrap_or(&label.label)
    }
}

impl DocumentProbabilities {
    /// Runs `model`, loaded with one sequence head, on the documents of `set`, in the order of the file. Rows that are no documents
    /// are left out.
    ///
    /// # Errors
    /// Where the tokenizer or the model fails.
    pub fn infer(set: &LabelledSet, tokenizer: &Tokenizer, model: &mut Model) -> Result<Vec<Self>, ModelError> {
        let documents = set.rows.iter().filter(|row| matches!(row.gold, Gold::Document(_)));
        let rows: Vec<LabelledRow> = documents.cloned().collect();
        let mut documents = Vec::new();
        for (row, passages) in rows.iter().zip(infer_rows(&rows, tokenizer, model, BATCH_TOKENS)?) {
            if let Gold::Document(gold) = &row.gold {
                documents.push(Self::new(row.line, gold, &passages));
            }
        }
        Ok(documents)
    }

    fn new(line: u64, gold: &DocumentGold, found: &[PassageOutputs]) -> Self {
        let sentences = found.iter().flat_map(|passage| &passage.outputs);
        let titles = found.iter().filter_map(|passage| passage.document.as_ref());
        Self {
            line,
            gold: gold.clone(),
            sentences: sentences.filter_map(|output| output.sequences.first().cloned()).collect(),
            titles: titles.filter_map(|output| output.sequences.first().cloned()).collect(),
        }
    }

    /// The labelled sentences and the document, if it has labels, with their probabilities combined by `scaling`. Without
    /// `scaling` sentences keep their own probabilities.
    #[must_use]
    pub fn classified(&self, scaling: Option<DocumentScaling>) -> (Vec<Classified>, Option<Classified>) {
        // Boilerplate has no part in the document's label.
        let statements = self.gold.statements.iter().zip(&self.sentences).filter(|(gold, _)| gold.is_statement);
        let scores = DocumentScores::new(
            scaling.unwrap_or_else(DocumentScaling::none),
            statements.map(|(_, probabilities)| probabilities.as_slice()),
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

/// The relations of a row, found in the same way as in a run; `None` if the head does not mark sources, cues and contents.
fn relations_of_row(
    row: &LabelledRow,
    found: &[PassageOutputs],
    head: &HeadManifest,
    tags: &TagSet,
) -> Option<TextRelations> {
    let meanings = head.labels.iter().map(|label| Tag::parse(&label.label)).collect::<Option<Vec<_>>>()?;
    let parts = [place_of_part(tags, "source")?, place_of_part(tags, "cue")?, place_of_part(tags, "content")?];
    let weights = head.confidence.unwrap_or(DEFAULT_WEIGHTS);
    let attributions = Attributions::new(&row.text, None, &tagged_sentences(&row.text, found, &meanings), &weights);
    let mut found = Vec::with_capacity(attributions.found.len());
    for Attributed { relation, act, score, features, speakers, .. } in attributions.found {
        found.push(FoundRelation {
            spans: RelationSpans {
                source: relation.source.into_iter().collect(),
                cue: relation.cue.into_iter().collect(),
                content: relation.content,
            },
            act,
            score,
            features,
            speakers: speakers.into_iter().filter_map(|speaker| speaker.name).collect(),
        });
    }
    let mut quotations = attributions.quotations;
    quotations.retain(|range| count_words_with_letters(&row.text[range.clone()]) >= FEWEST_QUOTED_WORDS);
    let mut gold = Vec::with_capacity(row.attributions.len());
    for AttributionGold { marks, act, speaker } in &row.attributions {
        let spans = RelationSpans::from_marks(marks, parts);
        gold.push(GoldRelation { spans, act: *act, speaker: speaker.clone() });
    }
    Some(TextRelations { gold, found, quotations })
}

fn place_of_part(tags: &TagSet, name: &str) -> Option<usize> {
    tags.parts.iter().position(|part| part == name)
}

/// The number of words that begin with a letter or digit.
fn count_words_with_letters(text: &str) -> usize {
    words(text).into_iter().filter(|word| text[word.clone()].starts_with(char::is_alphanumeric)).count()
}

/// The sentences of `text` with the meaning of each token's label.
fn tagged_sentences<'f>(text: &str, found: &'f [PassageOutputs], meanings: &[Tag]) -> Vec<TaggedSentence<'f>> {
    // A row with marks is inferred sentence by sentence, all of them, so that segments and sentences correspond.
    let segments = found.iter().flat_map(|found| found.passage.own_segments().zip(&found.outputs));
    let mut tagged = Vec::new();
    for (sentence, ((segment, _), output)) in sentences(text).into_iter().zip(segments) {
        tagged.push(TaggedSentence {
            range: sentence.span.byte_start..sentence.span.byte_end,
            paragraph: sentence.paragraph,
            tags: output.tokens.first().into_iter().flatten().map(|&label| meanings[label]).collect(),
            confidences: output.confidences.first().map(Vec::as_slice).unwrap_or_default(),
            offsets: &segment.offsets,
        });
    }
    tagged
}
