//! Explains the results of one statement: what the model read with it, what each task made of it, which words mattered, and how its
//! attributions were found. The article is read and analysed again, so that everything is at hand.

/// The explanation for people.
mod text;
/// The words that mattered.
mod words;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use serde::Serialize;

use crate::analyse::Analyser;
use crate::config::Config;
use crate::error::RunError;
use crate::fitting::{FittingError, NearestExample, OwnTask, nearest};
use crate::model::document::DocumentScores;
use crate::model::processor_class;
use crate::model::{DocumentScaling, SentenceVector};
use crate::output::line::{UNSURE, attribution_record, statement_record};
use crate::output::lookup::{LookupError, find_statement};
use crate::output::schema::{AttributionRecord, StatementRecord};
use crate::own_labels::FitKind;
use crate::pipeline::StageError;
use crate::record::{AnalysedDocument, Chunk, Document, Flag, Sentence, SplitDocument, Verdict};
use crate::reread;
use crate::speakers;
use crate::stages::batch::Batch;
use crate::task::{LabelSource, LabelTask, Tasks};

pub use crate::speakers::{Refusal, RefusedCandidate};
pub use words::WordWeight;

/// The number of examples that are shown beside an own label.
const NEAREST_EXAMPLES: usize = 3;

/// An explanation of a statement's results.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The id of the statement.
    pub statement: String,
    /// The sentence.
    pub text: String,
    /// The title of the article.
    pub title: Option<String>,
    /// The place of the article in the input.
    pub place: String,
    /// Remarks on the statement.
    pub flags: Vec<Flag>,
    /// The program, the configuration and the models.
    pub made_by: MadeBy,
    /// The results that are stored in the output folder and differ from those below, by name. Empty if the configuration, the models and
    /// the program are those of the run.
    pub differences: Vec<String>,
    /// The text that the model read in one piece with the sentence.
    pub passage: PassageText,
    /// The labelling tasks, in the order of the configuration. Empty for boilerplate.
    pub tasks: Vec<TaskExplanation>,
    /// The attributions in the statement.
    pub attributions: Vec<AttributionExplanation>,
    /// The threshold of attributions, 0 to 1.
    pub attribution_min_score: Option<f32>,
}

/// What results depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MadeBy {
    /// The version of pressrun.
    pub version: String,
    /// The configuration file.
    pub config: String,
    /// The models, with their revisions and precisions: `newsroom 2031.1, f32`.
    pub models: Vec<String>,
    /// The class of the processor.
    pub processor: String,
}

/// A passage: what a model reads in one piece.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PassageText {
    /// The number of sentences in it.
    pub sentences: usize,
    /// The text before the sentence.
    pub before: String,
    /// The text after the sentence.
    pub after: String,
    /// True if the title stood in front of it.
    pub has_title: bool,
}

/// What a labelling task made of a statement.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TaskExplanation {
    /// The name of the task.
    pub task: String,
    /// The label that was given; `unsure` if the best score is below the threshold.
    pub label: String,
    /// The threshold, 0 to 1.
    pub min_score: f32,
    /// All labels, the most probable first.
    pub scores: Vec<LabelScore>,
    /// The document's own label and its score.
    pub document: Option<(String, f32)>,
    /// The label of the title by itself and its score.
    pub title: Option<(String, f32)>,
    /// The words of the sentence and their weights for the first of `scores`, in the order of the sentence.
    pub words: Vec<WordWeight>,
    /// The first of `scores`, if it is an own label; `None` for a label of a head.
    pub own_label: Option<OwnLabelExplanation>,
}

/// The fit of an own label, and what is near to the sentence.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OwnLabelExplanation {
    /// What the label was fitted to; only `examples` makes the score a probability.
    pub fit: FitKind,
    /// The nearest examples of the label, whether they have it or not.
    pub nearest: Vec<NearestExample>,
}

/// A label with its scores.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelScore {
    /// The code of the label, if it has one.
    pub code: Option<String>,
    /// The name of the label.
    pub label: String,
    /// The score in the article: the one that is written.
    pub score: f32,
    /// The score of the sentence in its passage, before the article's other sentences and its title count.
    pub alone: f32,
}

/// An attribution, and whether it was written.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AttributionExplanation {
    /// The attribution.
    #[serde(flatten)]
    pub record: AttributionRecord,
    /// True if its score is below the threshold, so that it is not written.
    pub is_left_out: bool,
    /// Those who are named shortly before a pronoun or a role, and whom it does not mean; the nearest first.
    pub refused: Vec<RefusedCandidate>,
}

/// A statement that cannot be explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// The statement cannot be found.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The configuration, the models or the inputs cannot be used.
    #[error(transparent)]
    Run(#[from] Box<RunError>),
    /// A stage failed.
    #[error("the article could not be analysed: {0}")]
    Stage(StageError),
    /// The article is not in the input any more, or is another one.
    #[error("document `{document}` is no longer where it was read, in `{source_file}`")]
    Gone {
        /// The id of the document.
        document: String,
        /// The file.
        source_file: String,
    },
    /// The article has changed, so that it has no such statement.
    #[error("document `{document}` has changed since it was read: it has {statements} statements now")]
    Changed {
        /// The id of the document.
        document: String,
        /// The number of its statements.
        statements: usize,
    },
    /// The files of own labels cannot be used.
    #[error(transparent)]
    Labels(#[from] FittingError),
    /// The article was rejected.
    #[error("document `{document}` is rejected now: {message}")]
    Rejected {
        /// The id of the document.
        document: String,
        /// The reason.
        message: String,
    },
}

/// Explains the statement with this `id`, such as `a1b2c3#7`, of the output folder of `config`. `paths` are the inputs of the run; empty
/// for `[input] paths`.
///
/// # Errors
/// A statement that is not in the folder, an article that is not in the input any more, or models that cannot be used.
pub fn explain(config: &Config, paths: Vec<PathBuf>, id: &str) -> Result<Explanation, ExplainError> {
    let stored = find_statement(&config.output.directory, id)?;
    let mut found = reread::documents(config, paths, std::slice::from_ref(&stored.entry)).map_err(Box::new)?;
    let document = found.remove(&stored.entry.document).ok_or_else(|| ExplainError::Gone {
        document: stored.entry.document.clone(),
        source_file: stored.entry.source.clone(),
    })?;
    let tasks = Tasks::resolve(config).map_err(RunError::from).map_err(Box::new)?;
    let min_score = tasks.attribution.as_ref().map(|task| task.min_score);
    let mut analyser = Analyser::with_tasks(config, without_threshold(tasks)).map_err(Box::new)?;
    let place = document.place.to_string();
    let article = analyse(&mut analyser, document)?;
    let Some(statement) = article.statements.get(stored.index) else {
        let statements = article.statements.len();
        return Err(ExplainError::Changed { document: stored.entry.document, statements });
    };
    let split = SplitDocument {
        document: article.document.clone(),
        sentences: article.statements.iter().map(|statement| statement.sentence).collect(),
    };
    let readings = Readings::new(&mut analyser, &split)?;
    let is_boilerplate = statement.is_boilerplate();
    let tasks = if is_boilerplate {
        Vec::new()
    } else {
        let mut tasks = task_explanations(&mut analyser, &article, &split, &readings, stored.index)?;
        explain_own_labels(config, &mut analyser, &readings, stored.index, &mut tasks)?;
        tasks
    };
    let attributions = statement.attributions.iter().map(|attribution| AttributionExplanation {
        record: attribution_record(attribution, &article.document.text),
        is_left_out: min_score.is_some_and(|min_score| attribution.score < min_score),
        refused: refused_candidates(&article, attribution.number),
    });
    let now = statement_record(analyser.tasks(), &article.document, stored.index, statement);
    Ok(Explanation {
        statement: id.to_owned(),
        text: statement.sentence.span.slice(&article.document.text).to_owned(),
        title: article.document.metadata.title.clone(),
        place,
        flags: statement.flags.clone(),
        made_by: made_by(config, analyser.tasks()),
        differences: differences(stored.statement(), &now, min_score),
        passage: readings.passage_text(&split, stored.index),
        tasks,
        attributions: attributions.collect(),
        attribution_min_score: min_score,
    })
}

/// Those whom the source of the attribution with this number could have meant and does not.
fn refused_candidates(article: &AnalysedDocument, number: usize) -> Vec<RefusedCandidate> {
    let mut sources: BTreeMap<usize, Range<usize>> = BTreeMap::new();
    for attribution in article.statements.iter().flat_map(|statement| &statement.attributions) {
        if let Some(source) = attribution.source {
            sources.insert(attribution.number, source.byte_start..source.byte_end);
        }
    }
    let Some(wanted) = sources.keys().position(|known| *known == number) else { return Vec::new() };
    let sources: Vec<Range<usize>> = sources.into_values().collect();
    let sentences = article.statements.iter().map(|statement| statement.sentence.span);
    let sentences: Vec<Range<usize>> = sentences.map(|span| span.byte_start..span.byte_end).collect();
    let byline = article.document.metadata.byline.as_deref();
    speakers::refused(&article.document.text, byline, &sentences, &sources, wanted)
}

/// The tasks with attributions of any score, so that those that are left out can be shown.
fn without_threshold(mut tasks: Tasks) -> Tasks {
    if let Some(task) = &mut tasks.attribution {
        task.min_score = 0.0;
    }
    tasks
}

fn analyse(analyser: &mut Analyser, document: Document) -> Result<AnalysedDocument, ExplainError> {
    let id = document.id.clone();
    let results = analyser.analyse(vec![document]).map_err(ExplainError::Stage)?;
    match results.into_iter().next() {
        Some(Ok(article)) => Ok(article),
        Some(Err(rejection)) => Err(ExplainError::Rejected { document: id, message: rejection.message }),
        None => Err(ExplainError::Rejected { document: id, message: "it has no results".to_owned() }),
    }
}

fn made_by(config: &Config, tasks: &Tasks) -> MadeBy {
    let models = tasks
        .models
        .iter()
        .map(|model| format!("{} {}, {}", model.name, model.folder.manifest().revision, model.runtime.precision));
    MadeBy {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        config: config.file.path.display().to_string(),
        models: models.collect(),
        processor: processor_class().to_owned(),
    }
}

/// The stored results that differ from those of `now`.
fn differences(stored: &StatementRecord, now: &StatementRecord, min_score: Option<f32>) -> Vec<String> {
    let mut differences = Vec::new();
    if stored.text.as_ref().is_some_and(|text| Some(text) != now.text.as_ref()) {
        differences.push("text: the sentence was another one".to_owned());
    }
    for (name, before) in &stored.tasks {
        let label = |label: &Option<String>| label.clone().unwrap_or_else(|| "boilerplate".to_owned());
        match now.tasks.get(name) {
            None => differences.push(format!("{name}: there was such a task")),
            Some(now) if now != before => differences.push(format!(
                "{name}: stored {} {:.2}, now {} {:.2}",
                label(&before.label),
                before.score.unwrap_or_default(),
                label(&now.label),
                now.score.unwrap_or_default()
            )),
            Some(_) => {}
        }
    }
    let written = now
        .attributions
        .iter()
        .flatten()
        .filter(|attribution| min_score.is_none_or(|min_score| attribution.score >= f64::from(min_score)));
    let of_speakers =
        |attribution: &AttributionRecord| attribution.speaker.as_ref().and_then(|speaker| speaker.name.clone());
    let speakers_now: Vec<_> = written.map(of_speakers).collect();
    if let Some(before) = &stored.attributions {
        let before: Vec<_> = before.iter().map(of_speakers).collect();
        if before != speakers_now {
            differences.push(format!("attributions: stored {}, now {}", names(&before), names(&speakers_now)));
        }
    }
    differences
}

/// The speakers of attributions, for people.
fn names(speakers: &[Option<String>]) -> String {
    let names: Vec<&str> = speakers.iter().map(|name| name.as_deref().unwrap_or("no name")).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// What the models made of a document's passages, before the results are combined.
#[derive(Debug)]
struct Readings {
    batches: Vec<Batch>,
}

impl Readings {
    fn new(analyser: &mut Analyser, split: &SplitDocument) -> Result<Self, ExplainError> {
        let chunk = Chunk { documents: vec![split.clone()], input_bytes: 0 };
        Ok(Self { batches: analyser.infer(chunk).map_err(ExplainError::Stage)? })
    }

    /// The sentences of the passage with the sentence `index` for the model number `model`, and whether the title is in front.
    fn passage(&self, model: usize, index: usize) -> Option<(Range<usize>, bool)> {
        let rows = self.batches.iter().filter(|batch| batch.model == model).flat_map(|batch| &batch.rows);
        rows.map(|row| {
            (row.first_sentence..row.first_sentence + row.passage.sentences().len(), row.passage.has_document)
        })
        .find(|(sentences, _)| sentences.contains(&index))
    }

    /// The probabilities that a task's head gave each sentence of the document `document`, in the order of the text. Empty for a sentence
    /// that the model could not read.
    fn sentences(&self, task: &LabelTask, document: usize, count: usize) -> Vec<Vec<f32>> {
        let mut all = vec![Vec::new(); count];
        for row in self.rows(task, document) {
            let Ok(outputs) = row.inference.get() else { continue };
            let of_sentences = outputs.iter().skip(usize::from(row.passage.has_document));
            for (place, output) in (row.first_sentence..).zip(of_sentences) {
                all[place] = task.scores(output);
            }
        }
        all
    }

    /// The probabilities that a task's head gave the title, once for each passage, in the order of the text.
    fn titles(&self, task: &LabelTask, document: usize) -> Vec<Vec<f32>> {
        let mut rows: Vec<_> = self.rows(task, document).filter(|row| row.passage.has_document).collect();
        rows.sort_by_key(|row| row.first_sentence);
        let outputs = rows.iter().filter_map(|row| row.inference.get().ok()?.first());
        outputs.map(|output| task.scores(output)).collect()
    }

    fn rows(&self, task: &LabelTask, document: usize) -> impl Iterator<Item = &crate::stages::batch::Row> {
        let batches = self.batches.iter().filter(|batch| batch.model == task.model);
        batches.flat_map(|batch| &batch.rows).filter(move |row| row.document == document)
    }

    /// The vector of the sentence `index`, if the model number `model` gives vectors.
    fn vector(&self, model: usize, index: usize) -> Option<SentenceVector> {
        for row in self.batches.iter().filter(|batch| batch.model == model).flat_map(|batch| &batch.rows) {
            let Some(place) = index.checked_sub(row.first_sentence) else { continue };
            if place < row.passage.sentences().len() {
                let outputs = row.inference.get().ok()?;
                return outputs.get(place + usize::from(row.passage.has_document))?.vector.clone();
            }
        }
        None
    }

    /// The passage of the first model, for people.
    fn passage_text(&self, split: &SplitDocument, index: usize) -> PassageText {
        let (sentences, has_title) = self.passage(0, index).unwrap_or((index..index + 1, false));
        let text = &split.document.text;
        let own = split.sentences[index].span;
        let first = split.sentences[sentences.start].span;
        let last = split.sentences[sentences.end - 1].span;
        PassageText {
            sentences: sentences.len(),
            before: text[first.byte_start..own.byte_start].to_owned(),
            after: text[own.byte_end..last.byte_end].to_owned(),
            has_title,
        }
    }
}

/// Explains each labelling task of the sentence `index`.
fn task_explanations(
    analyser: &mut Analyser,
    article: &AnalysedDocument,
    split: &SplitDocument,
    readings: &Readings,
    index: usize,
) -> Result<Vec<TaskExplanation>, ExplainError> {
    let sentence = split.sentences[index].span.slice(&split.document.text);
    let words = words::words(sentence);
    let mut explanations = Vec::new();
    let tasks = analyser.tasks().labels.clone();
    for model in 0..analyser.tasks().models.len() {
        let of_model: Vec<(usize, &LabelTask)> =
            tasks.iter().enumerate().filter(|(_, task)| task.model == model).collect();
        let Some((passage, _)) = readings.passage(model, index) else { continue };
        let own_place = index - passage.start;
        let whole = passage_alone(split, passage);
        // All variants are inferred together: the batches depend on the sentence alone.
        let documents = words.iter().map(|word| words::without(&whole, own_place, word)).collect();
        let chunk = Chunk { documents, input_bytes: 0 };
        let variants = Readings { batches: analyser.infer(chunk).map_err(ExplainError::Stage)? };
        for (place, task) in of_model {
            let own = readings.sentences(task, 0, split.sentences.len()).swap_remove(index);
            let Some(Some(verdict)) = article.statements[index].verdicts.get(place) else { continue };
            let mut explanation = task_explanation(task, place, article, readings, verdict, &own);
            let Some(best) = task.best(&verdict.probabilities) else { continue };
            for (number, word) in words.iter().enumerate() {
                let without = variants.sentences(task, number, whole.sentences.len()).swap_remove(own_place);
                let Some(&probability) = without.get(best) else { continue };
                let start = split.sentences[index].span.start + sentence[..word.start].chars().count();
                let text = &sentence[word.clone()];
                explanation.words.push(WordWeight {
                    word: text.to_owned(),
                    start,
                    end: start + text.chars().count(),
                    weight: words::log_odds(own[best]) - words::log_odds(probability),
                });
            }
            explanations.push((place, explanation));
        }
    }
    explanations.sort_by_key(|(place, _)| *place);
    Ok(explanations.into_iter().map(|(_, explanation)| explanation).collect())
}

/// Adds the fit and the nearest examples to the tasks with own labels.
fn explain_own_labels(
    config: &Config,
    analyser: &mut Analyser,
    readings: &Readings,
    index: usize,
    explanations: &mut [TaskExplanation],
) -> Result<(), ExplainError> {
    for task in analyser.tasks().labels.clone() {
        let LabelSource::Own(own) = &task.source else { continue };
        let explanation = explanations.iter_mut().find(|explanation| explanation.task == task.name);
        let (Some(explanation), Some(vector)) = (explanation, readings.vector(task.model, index)) else { continue };
        let best = explanation.scores.first().and_then(|best| best.code.as_ref());
        let Some(label) = own.fitted().iter().position(|label| Some(&label.code) == best) else { continue };
        let files = OwnTask::open(config, Some(&task.name))?;
        let nearest = nearest(&files, analyser, own, label, &vector, NEAREST_EXAMPLES)?;
        explanation.own_label = Some(OwnLabelExplanation { fit: own.fitted()[label].fit, nearest });
    }
    Ok(())
}

/// The sentences of a passage as a document of their own, which makes the same passage.
fn passage_alone(split: &SplitDocument, passage: Range<usize>) -> SplitDocument {
    let sentences: Vec<Sentence> = split.sentences[passage].to_vec();
    SplitDocument { document: split.document.clone(), sentences }
}

fn task_explanation(
    task: &LabelTask,
    place: usize,
    article: &AnalysedDocument,
    readings: &Readings,
    verdict: &Verdict,
    own: &[f32],
) -> TaskExplanation {
    let mut scores: Vec<LabelScore> = Vec::with_capacity(task.labels.len());
    for (number, label) in task.labels.iter().enumerate() {
        scores.push(LabelScore {
            code: label.code.clone(),
            label: label.label.clone(),
            score: verdict.probabilities[number],
            alone: own.get(number).copied().unwrap_or_default(),
        });
    }
    // The sort is stable: of equals the first stays first, as in a run.
    scores.sort_by(|one, other| other.score.total_cmp(&one.score));
    let best = task.best(&verdict.probabilities);
    if let Some(best) = best {
        // The best own label need not have the largest score: thresholds differ.
        let name = &task.labels[best].label;
        if let Some(place) = scores.iter().position(|score| score.label == *name) {
            scores[..=place].rotate_right(1);
        }
    }
    let titles = readings.titles(task, 0);
    let title = match &task.source {
        LabelSource::Head { .. } => {
            let scaling = task.document.unwrap_or_else(DocumentScaling::none);
            DocumentScores::new(scaling, std::iter::empty(), titles.iter().map(Vec::as_slice)).document()
        }
        LabelSource::Own(_) => titles.into_iter().next(),
    };
    TaskExplanation {
        task: task.name.clone(),
        label: verdict.label.map_or(UNSURE.to_owned(), |label| task.labels[label].label.clone()),
        min_score: best.map_or(task.min_score, |best| task.threshold(best)),
        scores,
        document: article.verdicts[place].as_ref().and_then(|verdict| named(task, &verdict.probabilities)),
        title: title.and_then(|probabilities| named(task, &probabilities)),
        words: Vec::new(),
        own_label: None,
    }
}

/// The most probable label and its probability.
fn named(task: &LabelTask, probabilities: &[f32]) -> Option<(String, f32)> {
    let best = task.best(probabilities)?;
    Some((task.labels[best].label.clone(), probabilities[best]))
}
