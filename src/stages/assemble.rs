//! Results of models to statements: collects the batches of a chunk and gives each sentence its results.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rayon::prelude::*;

use super::batch::{Batch, Row};
use super::infer::Infer;
use crate::attribution::{self, TaggedSentence};
use crate::deadline::guard::{Guard, reject_document};
use crate::model::document::DocumentScores;
use crate::model::passage::Segment;
use crate::model::{DocumentScaling, HeadOutputs, SentenceVector};
use crate::own_labels::OwnLabels;
use crate::pipeline::{Halt, Outlet, Stage};
use crate::record::{
    AnalysedChunk, AnalysedDocument, Chunk, Flag, Reason, Rejection, Sentence, SplitDocument, Statement, TokenCount,
    Verdict,
};
use crate::sentences::is_boilerplate;
use crate::task::{LabelSource, LabelTask, Tag, Tasks};

/// Assembles statements from sentences and the results of models.
#[derive(Debug)]
pub struct Assemble {
    tasks: Arc<Tasks>,
    /// The statements of the chunk under way, by document. Batches arrive in order, so there is one at a time.
    statements: Vec<Vec<Statement>>,
    /// The results of sequence heads for each document of the chunk under way.
    outputs: Vec<DocumentOutputs>,
    /// The tokens of each statement, by document, with their roles in attributions.
    tagged: Vec<Vec<Tagged>>,
    /// Documents of the chunk that a model could not read, by their indices in the chunk.
    rejected: BTreeMap<usize, Rejection>,
    tokens: TokenCount,
    guard: Guard,
}

/// The scores that the labels of a document's sentences have by themselves, before they are combined.
#[derive(Debug, Clone, Default)]
struct DocumentOutputs {
    /// For each labelling task, the scores of each sentence.
    labels: Vec<Vec<Vec<f32>>>,
    /// For each labelling task, the probabilities of the title, by the first sentence of the passage that it was read with:
    /// passages come in the order of their lengths, and sums are taken in the order of the text.
    titles: Vec<BTreeMap<usize, Vec<f32>>>,
    /// For each model, the vector of each sentence; empty unless own labels need it.
    vectors: Vec<Vec<SentenceVector>>,
    /// For each model, the vector of the title in the first passage, with the first sentence of that passage.
    title_vectors: Vec<Option<(usize, SentenceVector)>>,
    /// For each sentence, true if it is boilerplate.
    boilerplate: Vec<bool>,
}

/// The tokens of a sentence.
#[derive(Debug, Clone, Default)]
struct Tagged {
    /// Their roles in attributions.
    tags: Vec<Tag>,
    /// The probabilities of these, in 255ths.
    confidences: Vec<u8>,
    /// Their positions in the sentence, in bytes.
    offsets: Vec<(usize, usize)>,
}

impl Assemble {
    /// A stage that assembles the results of `tasks`.
    #[must_use]
    pub fn new(tasks: Arc<Tasks>) -> Self {
        Self {
            tasks,
            statements: Vec::new(),
            outputs: Vec::new(),
            tagged: Vec::new(),
            rejected: BTreeMap::new(),
            tokens: TokenCount::default(),
            guard: Guard::new(Self::NAME),
        }
    }

    /// Rejects documents on which the stage has worked for longer than `limit`.
    #[must_use]
    pub fn within(self, limit: Option<Duration>) -> Self {
        Self { guard: self.guard.within(limit), ..self }
    }

    /// Makes room for the results of a chunk, at its first batch.
    fn begin(&mut self, chunk: &Chunk<SplitDocument>) {
        if !self.statements.is_empty() {
            return;
        }
        let tasks = self.tasks.labels.len();
        let models = self.tasks.models.len();
        let finds_boilerplate = !self.tasks.boilerplate.is_empty();
        for SplitDocument { document, sentences } in &chunk.documents {
            self.statements.push(sentences.iter().map(|&sentence| blank(sentence)).collect());
            self.outputs.push(DocumentOutputs {
                labels: vec![vec![Vec::new(); sentences.len()]; tasks],
                titles: vec![BTreeMap::new(); tasks],
                vectors: vec![vec![SentenceVector::default(); sentences.len()]; models],
                title_vectors: vec![None; models],
                boilerplate: sentences
                    .iter()
                    .map(|sentence| finds_boilerplate && is_boilerplate(sentence.span.slice(&document.text)))
                    .collect(),
            });
            self.tagged.push(vec![Tagged::default(); sentences.len()]);
        }
    }

    /// Stores the results of a document's title, which was read together with the passage of `row`.
    fn add_title(&mut self, batch: &Batch, row: &Row, output: &HeadOutputs) {
        let outputs = &mut self.outputs[row.document];
        for (task, of_title) in self.tasks.labels.iter().zip(&mut outputs.titles) {
            if task.model == batch.model {
                of_title.insert(row.first_sentence, task.scores(output));
            }
        }
        if let (Some(first), Some(vector)) = (outputs.title_vectors.get_mut(batch.model), &output.vector)
            && first.as_ref().is_none_or(|(sentence, _)| row.first_sentence < *sentence)
        {
            *first = Some((row.first_sentence, vector.clone()));
        }
    }

    /// Stores the results of a sentence, given by its document's index in the chunk and its own index in the document.
    fn add_sentence(
        &mut self,
        batch: &Batch,
        document: usize,
        sentence: usize,
        segment: &Segment,
        output: &HeadOutputs,
    ) {
        let statement = &mut self.statements[document][sentence];
        let outputs = &mut self.outputs[document];
        for (task, of_sentences) in self.tasks.labels.iter().zip(&mut outputs.labels) {
            if task.model == batch.model {
                of_sentences[sentence] = task.scores(output);
            }
        }
        if let (Some(vectors), Some(vector)) = (outputs.vectors.get_mut(batch.model), &output.vector) {
            vectors[sentence].clone_from(vector);
        }
        for task in self.tasks.boilerplate.iter().filter(|task| task.model == batch.model) {
            outputs.boilerplate[sentence] |= task.finds(output);
        }
        if let Some(task) = self.tasks.attribution.as_ref().filter(|task| task.model == batch.model) {
            self.tagged[document][sentence] = Tagged {
                tags: output.tokens[task.slot].iter().map(|&label| task.tags[label]).collect(),
                confidences: output.confidences[task.slot].clone(),
                offsets: segment.offsets.clone(),
            };
        }
        if segment.is_truncated && !statement.flags.contains(&Flag::Truncated) {
            statement.flags.push(Flag::Truncated);
        }
    }

    /// Stores the results of a row, or rejects its document if the model failed.
    fn add_row(&mut self, batch: &Batch, row: &Row) {
        match row.inference.get() {
            Ok(outputs) => {
                let (of_document, of_sentences) = outputs.split_at(usize::from(row.passage.has_document));
                for output in of_document {
                    self.add_title(batch, row, output);
                }
                for (offset, (segment, output)) in row.passage.sentences().iter().zip(of_sentences).enumerate() {
                    self.add_sentence(batch, row.document, row.first_sentence + offset, segment, output);
                }
            }
            Err(message) => {
                let document = &batch.chunk.documents[row.document].document;
                self.rejected
                    .entry(row.document)
                    .or_insert_with(|| reject_document(Infer::NAME, document, Reason::ModelFailed, message.to_owned()));
            }
        }
    }

    /// Labels and attributes the statements of a complete chunk.
    fn end(&mut self, chunk: Arc<Chunk<SplitDocument>>, out: &mut Outlet<'_, AnalysedChunk>) -> Result<(), Halt> {
        // The last batch holds the last reference, so nothing is copied.
        let Chunk { documents, input_bytes } = Arc::unwrap_or_clone(chunk);
        let statements = std::mem::take(&mut self.statements);
        let outputs = std::mem::take(&mut self.outputs);
        let tagged = std::mem::take(&mut self.tagged);
        let rejected = std::mem::take(&mut self.rejected);
        let outcomes: Vec<Result<AnalysedDocument, Rejection>> = documents
            .into_par_iter()
            .zip(statements)
            .zip(outputs)
            .zip(tagged)
            .enumerate()
            .map(|(index, (((split, mut statements), outputs), tagged))| {
                if let Some(rejection) = rejected.get(&index) {
                    return Err(rejection.clone());
                }
                let verdicts = outputs.label(&self.tasks.labels, &mut statements);
                self.attribute(split, statements, verdicts, &tagged)
            })
            .collect();
        let mut documents = Vec::new();
        for document in outcomes {
            match document {
                Ok(document) => documents.push(document),
                Err(rejection) => out.reject(rejection)?,
            }
        }
        out.emit(AnalysedChunk { documents, input_bytes, tokens: std::mem::take(&mut self.tokens) })
    }

    /// Finds the attributions of a document, within the time limit.
    fn attribute(
        &self,
        split: SplitDocument,
        mut statements: Vec<Statement>,
        verdicts: Vec<Option<Verdict>>,
        tagged: &[Tagged],
    ) -> Result<AnalysedDocument, Rejection> {
        let SplitDocument { document, sentences } = split;
        let unsure_attributions = self.guard.on(&document, || {
            let Some(task) = &self.tasks.attribution else { return 0 };
            let settings = attribution::Settings {
                weights: task.confidence.unwrap_or(attribution::confidence::DEFAULT_WEIGHTS),
                min_score: task.min_score,
            };
            let tagged = tagged_sentences(&sentences, tagged);
            let byline = document.metadata.byline.as_deref();
            attribution::attribute(&document.text, byline, &tagged, &settings, &mut statements)
        })?;
        Ok(AnalysedDocument { document, statements, verdicts, unsure_attributions })
    }
}

impl DocumentOutputs {
    /// Gives each statement its labels, or the flag for boilerplate, and returns the document's own labels.
    fn label(&self, tasks: &[LabelTask], statements: &mut [Statement]) -> Vec<Option<Verdict>> {
        for (statement, is_boilerplate) in statements.iter_mut().zip(&self.boilerplate) {
            if *is_boilerplate {
                statement.flags.push(Flag::Boilerplate);
            }
        }
        let mut verdicts = Vec::new();
        for (place, task) in tasks.iter().enumerate() {
            verdicts.push(match &task.source {
                LabelSource::Head { .. } => self.label_by_head(task, place, statements),
                LabelSource::Own(own) => self.label_by_vectors(task, place, own, statements),
            });
        }
        verdicts
    }

    /// Gives each statement its label of the task number `place`, and returns the document's own label.
    fn label_by_head(&self, task: &LabelTask, place: usize, statements: &mut [Statement]) -> Option<Verdict> {
        // Boilerplate does not count for the labels of the document.
        let counted = self.labels[place]
            .iter()
            .zip(&self.boilerplate)
            .filter(|(_, is_boilerplate)| !**is_boilerplate)
            .map(|(probabilities, _)| probabilities.as_slice());
        let scaling = task.document.unwrap_or_else(DocumentScaling::none);
        let scores = DocumentScores::new(scaling, counted, self.titles[place].values().map(Vec::as_slice));
        let in_document = |probabilities: &[f32]| match task.document {
            Some(_) => scores.sentence(probabilities, true),
            None => probabilities.to_vec(),
        };
        self.judge_sentences(task, place, statements, in_document);
        scores.document().map(|probabilities| task.judge(probabilities))
    }

    /// As [`Self::label_by_head`], with own labels.
    fn label_by_vectors(
        &self,
        task: &LabelTask,
        place: usize,
        own: &OwnLabels,
        statements: &mut [Statement],
    ) -> Option<Verdict> {
        self.judge_sentences(task, place, statements, <[f32]>::to_vec);
        let vectors = self.vectors[task.model].iter().zip(&self.boilerplate);
        let counted = vectors.filter(|(_, is_boilerplate)| !**is_boilerplate).map(|(vector, _)| vector);
        let title = self.title_vectors[task.model].iter().map(|(_, vector)| vector);
        own.document_scores(counted.chain(title)).map(|scores| task.judge(scores))
    }

    /// Gives each statement that is not boilerplate its label. `combined` turns the scores of a sentence by itself into those in its
    /// document.
    fn judge_sentences(
        &self,
        task: &LabelTask,
        place: usize,
        statements: &mut [Statement],
        combined: impl Fn(&[f32]) -> Vec<f32>,
    ) {
        let sentences = self.labels[place].iter().zip(&self.boilerplate);
        for (statement, (scores, is_boilerplate)) in statements.iter_mut().zip(sentences) {
            statement.verdicts.push((!is_boilerplate).then(|| task.judge(combined(scores))));
        }
    }
}

impl Stage for Assemble {
    const NAME: &'static str = "assemble";
    type In = Batch;
    type Out = AnalysedChunk;

    fn process(&mut self, batch: Batch, out: &mut Outlet<'_, AnalysedChunk>) -> Result<(), Halt> {
        self.begin(&batch.chunk);
        self.tokens += batch.tokens;
        for row in &batch.rows {
            self.add_row(&batch, row);
        }
        self.rejected.extend(batch.rejected);
        if batch.is_last { self.end(batch.chunk, out) } else { Ok(()) }
    }
}

fn tagged_sentences<'t>(sentences: &[Sentence], tagged: &'t [Tagged]) -> Vec<TaggedSentence<'t>> {
    let mut all = Vec::with_capacity(sentences.len());
    for (sentence, Tagged { tags, confidences, offsets }) in sentences.iter().zip(tagged) {
        all.push(TaggedSentence {
            range: sentence.span.byte_start..sentence.span.byte_end,
            paragraph: sentence.paragraph,
            tags: tags.clone(),
            confidences,
            offsets,
        });
    }
    all
}

/// A statement without results.
fn blank(sentence: Sentence) -> Statement {
    let flags = if sentence.is_heading { vec![Flag::Heading] } else { Vec::new() };
    Statement { sentence, verdicts: Vec::new(), attributions: Vec::new(), flags }
}

#[cfg(test)]
mod tests {
    use super::super::batch::Inference;
    use super::*;
    use crate::model::{Passage, Report};
    use crate::pipeline::run_inline;
    use crate::record::{Document, Label};
    use crate::task::{AttributionTask, BoilerplateTask};

    fn tasks(min_score: f32) -> Arc<Tasks> {
        let label = |name: &str| Label { code: None, label: name.to_owned(), iptc: None };
        let task = LabelTask {
            name: "mood".into(),
            model: 0,
            source: LabelSource::Head { slot: 0 },
            labels: vec![label("good"), label("bad")],
            report: Report::Distribution,
            min_score,
            document: None,
        };
        Arc::new(Tasks { labels: vec![task], ..Tasks::default() })
    }

    fn chunk(texts: &[&str]) -> Arc<Chunk<SplitDocument>> {
        let split = |text: &&str| SplitDocument {
            sentences: crate::sentences::sentences(text),
            document: Document { id: (*text).to_owned(), ..Document::of_text((*text).to_owned()) },
        };
        Arc::new(Chunk { documents: texts.iter().map(split).collect(), input_bytes: 1 })
    }

    fn batch(chunk: &Arc<Chunk<SplitDocument>>, rows: &[(usize, usize, [f32; 2])], is_last: bool) -> Batch {
        let row = |&(document, first_sentence, scores): &(usize, usize, [f32; 2])| {
            let segment = Segment { tokens: 0..2, offsets: vec![(0, 0); 2], is_truncated: first_sentence == 1 };
            let passage = Passage { ids: vec![1, 2], segments: vec![segment], has_document: false };
            let inference = Inference::default();
            inference.set(Ok(vec![HeadOutputs { sequences: vec![scores.to_vec()], ..HeadOutputs::default() }]));
            Row { document, first_sentence, passage, key: [0; 16], inference }
        };
        Batch {
            chunk: Arc::clone(chunk),
            model: 0,
            rows: rows.iter().map(row).collect(),
            needs_inference: true,
            rejected: Vec::new(),
            tokens: TokenCount { useful: 3 * rows.len() as u64, padded: 4 * rows.len() as u64, recalled: 0 },
            is_last,
        }
    }

    #[test]
    fn findings_return_to_their_sentences_from_any_batch() {
        let chunk = chunk(&["One here. Two here.", "Three here."]);
        let batches = vec![
            batch(&chunk, &[(1, 0, [0.9, 0.1]), (0, 1, [0.2, 0.8])], false),
            batch(&chunk, &[(0, 0, [0.55, 0.45])], true),
        ];
        drop(chunk);
        let (chunks, _) = run_inline(Assemble::new(tasks(0.6)), batches).unwrap();
        let found: Vec<Vec<_>> = chunks[0]
            .documents
            .iter()
            .map(|document| {
                document.statements.iter().map(|statement| statement.verdicts[0].as_ref().unwrap().label).collect()
            })
            .collect();
        assert_eq!(found, [vec![None, Some(1)], vec![Some(0)]], "the first is unsure");
        assert_eq!(chunks[0].tokens, TokenCount { useful: 9, padded: 12, recalled: 0 });
        assert_eq!(chunks[0].documents[0].statements[1].flags, [Flag::Truncated]);
    }

    #[test]
    fn boilerplate_has_no_label_and_does_not_count_in_its_document() {
        let mut tasks = Arc::unwrap_or_clone(tasks(0.0));
        tasks.boilerplate.push(BoilerplateTask { name: "boilerplate".into(), model: 0, slot: 0, min_score: 0.8 });
        let chunk = chunk(&["By Ann Lee\n\nOne here. Two here."]);
        // The head of the labels tells boilerplate, too: its last label is probable in the second sentence.
        let rows = [(0, 0, [0.5, 0.5]), (0, 1, [0.1, 0.9]), (0, 2, [0.7, 0.3])];
        let batches = vec![batch(&chunk, &rows, true)];
        drop(chunk);
        let (chunks, _) = run_inline(Assemble::new(Arc::new(tasks)), batches).unwrap();
        let document = &chunks[0].documents[0];
        let labels: Vec<_> = document.statements.iter().map(|statement| statement.verdicts[0].clone()).collect();
        assert_eq!(labels[..2], [None, None], "by its form, and by the model");
        assert_eq!(labels[2].as_ref().unwrap().label, Some(0));
        assert_eq!(document.statements[1].flags, [Flag::Truncated, Flag::Boilerplate]);
        assert!(
            (document.verdicts[0].as_ref().unwrap().score - 0.7).abs() < 1e-6,
            "the third alone makes the document"
        );
    }

    #[test]
    fn a_document_that_takes_too_long_is_rejected_and_the_next_one_is_put_together() {
        let attribution = AttributionTask {
            name: "attributions".into(),
            model: 1,
            slot: 0,
            tags: Vec::new(),
            confidence: None,
            min_score: 0.0,
        };
        let tasks = Arc::new(Tasks { attribution: Some(attribution), ..Tasks::default() });
        let long = "“Aa bb” — Ann Lee said no. ".repeat(1000);
        let batches = vec![batch(&chunk(&[&long, "Two here."]), &[], true)];
        let assemble = Assemble::new(tasks).within(Some(Duration::ZERO));
        let (chunks, rejections) = run_inline(assemble, batches).unwrap();
        assert_eq!((rejections[0].reason, rejections[0].stage), (Reason::TooSlow, "assemble"));
        assert_eq!((rejections.len(), chunks[0].documents.len()), (1, 1));
    }

    #[test]
    fn chunks_without_anything_to_read_pass() {
        let batches = vec![batch(&chunk(&[]), &[], true), batch(&chunk(&["..."]), &[], true)];
        let (chunks, _) = run_inline(Assemble::new(tasks(0.0)), batches).unwrap();
        assert_eq!(chunks.iter().map(|chunk| chunk.documents.len()).collect::<Vec<_>>(), [0, 1]);
    }
}
