//! The statements that somebody should look at next, so that a label improves most for an hour of work.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use serde::Serialize;

use super::vectors::{self, sample};
use super::{FittingError, OwnTask};
use crate::analyse::Analyser;
use crate::digest::sha256;
use crate::own_labels::OwnLabels;
use crate::own_labels::definition::folded;
use crate::record::Document;

/// The largest share of suggestions that are drawn at random: an honest sample, by which precision can be judged.
const RANDOM_PER_TEN: usize = 1;
/// The number of suggestions that are best-scored before those near the threshold begin.
const FIRST_BEST: usize = 10;
/// The share of statements nearest to the threshold that are left out: they are often no sentences, or about nothing.
const OUTLIER_SHARE: f64 = 0.02;
/// The share of statements that are counted as near the threshold.
const NEAR_SHARE: f64 = 0.2;
/// The largest number of suggestions from one document.
const PER_DOCUMENT: usize = 2;
/// The number of documents that are analysed together.
const CHUNK_DOCUMENTS: usize = 32;

/// The kind and number of suggestions.
#[derive(Debug, Clone)]
pub struct SuggestionSettings {
    /// The label, by its code or name.
    pub label: String,
    /// The number of suggestions.
    pub count: usize,
    /// The number of documents of the archive to look through.
    pub documents: usize,
}

/// A statement to look at.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Suggestion {
    /// The id of the statement.
    pub statement: String,
    /// The sentence.
    pub text: String,
    /// The title of its article.
    pub title: Option<String>,
    /// The label that is asked about.
    pub label: String,
    /// The score of the label, 0 to 1.
    pub score: f32,
    /// The reason of the suggestion.
    pub reason: SuggestionReason,
}

/// The reasons of suggestions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SuggestionReason {
    /// It has one of the highest scores.
    Best,
    /// Its score is near the threshold.
    Near,
    /// It was drawn at random.
    Random,
}

impl SuggestionReason {
    /// The word in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Best => "best",
            Self::Near => "near",
            Self::Random => "random",
        }
    }
}

/// A statement that can be suggested.
struct Candidate {
    suggestion: Suggestion,
    document: String,
    /// The story: the document that it is a copy of, or itself.
    story: String,
    /// The distance from the threshold.
    distance: f32,
}

/// Suggests statements of the archive for a label of `task`, which has to be fitted. `paths` are the inputs of the run; empty for `[input]
/// paths`. One tenth is drawn at random; of the others the first ten are best-scored, and then half are best-scored and half near the
/// threshold. Examples are left out, and so are repetitions: at most two statements of a document, and one text once. The same archive
/// and labels give the same suggestions.
///
/// # Errors
/// An unknown label, labels that are not fitted, or models or inputs that cannot be used.
pub fn suggest(
    task: &OwnTask<'_>,
    paths: Vec<PathBuf>,
    settings: &SuggestionSettings,
) -> Result<Vec<Suggestion>, FittingError> {
    let label = task
        .file
        .find(&settings.label)
        .ok_or_else(|| FittingError::Task(format!("task `{}`: {}", task.name, task.file.unknown(&settings.label))))?;
    let mut analyser = vectors::analyser(task.config)?;
    let fingerprint = &analyser.tasks().models[task.model].folder.manifest().fingerprint;
    let own = OwnLabels::load(task.name, &task.file.file.path, fingerprint, task.settings)?;
    let documents = sample(task.config, paths, settings.documents)?;
    let candidates = candidates(task, &own, label, &mut analyser, &documents)?;
    Ok(Choice::new(settings.count).choose(candidates))
}

/// The statements of documents that are neither boilerplate nor examples.
fn candidates(
    task: &OwnTask<'_>,
    own: &OwnLabels,
    label: usize,
    analyser: &mut Analyser,
    documents: &[Document],
) -> Result<Vec<Candidate>, FittingError> {
    let examples: HashSet<String> = task.file.examples.iter().map(|example| folded(&example.text)).collect();
    let asked: HashSet<&str> = task.file.examples.iter().filter_map(|example| example.statement.as_deref()).collect();
    let mut candidates = Vec::new();
    for documents in documents.chunks(CHUNK_DOCUMENTS) {
        let readings = analyser.vectors(task.model, documents.to_vec())?;
        for (document, readings) in documents.iter().zip(readings) {
            for reading in readings.into_iter().filter(|reading| !reading.is_boilerplate) {
                let statement = format!("{}#{}", document.id, reading.index);
                if asked.contains(statement.as_str()) || examples.contains(&folded(&reading.text)) {
                    continue;
                }
                let score = own.scores(&reading.vector)[label];
                candidates.push(Candidate {
                    distance: (score - own.thresholds()[label]).abs(),
                    document: document.id.clone(),
                    story: document.duplicate_of.as_ref().map_or_else(|| document.id.clone(), |copy| copy.id.clone()),
                    suggestion: Suggestion {
                        statement,
                        text: reading.text,
                        title: document.metadata.title.clone(),
                        label: task.file.labels[label].code.clone(),
                        score,
                        reason: SuggestionReason::Best,
                    },
                });
            }
        }
    }
    Ok(candidates)
}

/// The choice among candidates, as far as it has got.
struct Choice {
    count: usize,
    chosen: Vec<Suggestion>,
    /// The number of suggestions from each document.
    per_document: HashMap<String, usize>,
    /// The document of each story: of copies, one is enough.
    stories: HashMap<String, String>,
    /// The folded texts of suggestions.
    texts: HashSet<String>,
}

impl Choice {
    fn new(count: usize) -> Self {
        Self { count, chosen: Vec::new(), per_document: HashMap::new(), stories: HashMap::new(), texts: HashSet::new() }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "shares of a number of statements"
    )]
    fn choose(mut self, mut candidates: Vec<Candidate>) -> Vec<Suggestion> {
        // Random ones first, so that they are drawn from all statements.
        candidates.sort_by_cached_key(|candidate| sha256(&candidate.suggestion.statement));
        let random = self.count * RANDOM_PER_TEN / 10;
        self.take(&candidates, random, SuggestionReason::Random);
        candidates.sort_by(|one, other| one.distance.total_cmp(&other.distance));
        let outliers = (candidates.len() as f64 * OUTLIER_SHARE) as usize;
        let near = (candidates.len() as f64 * NEAR_SHARE).ceil() as usize;
        let mut by_distance: Vec<usize> = (outliers..near.max(outliers).min(candidates.len())).collect();
        let mut by_score: Vec<usize> = (0..candidates.len()).collect();
        by_score.sort_by(|&one, &other| {
            let score = |place: usize| candidates[place].suggestion.score;
            score(other).total_cmp(&score(one))
        });
        // Among those near the threshold hashes decide, so that they are spread.
        by_distance.sort_by_cached_key(|&place| sha256(&candidates[place].suggestion.statement));
        let rest = self.count - self.chosen.len();
        let first = rest.min(FIRST_BEST);
        let near = (rest - first) / 2;
        let best = rest - near;
        self.take(by_score.iter().map(|&place| &candidates[place]), best, SuggestionReason::Best);
        self.take(by_distance.iter().map(|&place| &candidates[place]), near, SuggestionReason::Near);
        self.chosen
    }

    /// Takes the first `count` candidates that repeat nothing.
    fn take<'c>(
        &mut self,
        candidates: impl IntoIterator<Item = &'c Candidate>,
        count: usize,
        reason: SuggestionReason,
    ) {
        let end = self.chosen.len() + count;
        for candidate in candidates {
            if self.chosen.len() == end {
                return;
            }
            let text = folded(&candidate.suggestion.text);
            let is_of_story = self.stories.get(&candidate.story).is_none_or(|document| *document == candidate.document);
            let of_document = self.per_document.get(&candidate.document).copied().unwrap_or_default();
            if !is_of_story || of_document >= PER_DOCUMENT || self.texts.contains(&text) {
                continue;
            }
            self.texts.insert(text);
            self.stories.insert(candidate.story.clone(), candidate.document.clone());
            *self.per_document.entry(candidate.document.clone()).or_default() += 1;
            self.chosen.push(Suggestion { reason, ..candidate.suggestion.clone() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::cast_precision_loss, reason = "few candidates")]
    fn candidates(documents: usize, of_each: usize) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        for document in 0..documents {
            for index in 0..of_each {
                let score = (document * of_each + index) as f32 / (documents * of_each) as f32;
                candidates.push(Candidate {
                    document: format!("d{document}"),
                    // Every other document is a copy of the one before it.
                    story: format!("d{}", document / 2 * 2),
                    distance: (score - 0.6).abs(),
                    suggestion: Suggestion {
                        statement: format!("d{document}#{index}"),
                        text: format!("Text {document} {index}."),
                        title: None,
                        label: "a".to_owned(),
                        score,
                        reason: SuggestionReason::Best,
                    },
                });
            }
        }
        candidates
    }

    #[test]
    fn suggestions_are_best_near_and_random_without_repetition() {
        let chosen = Choice::new(40).choose(candidates(100, 10));
        let count = |reason| chosen.iter().filter(|suggestion| suggestion.reason == reason).count();
        assert_eq!([SuggestionReason::Random, SuggestionReason::Best, SuggestionReason::Near].map(count), [4, 23, 13]);
        let mut per_document: HashMap<&str, usize> = HashMap::new();
        let mut per_story: HashMap<usize, HashSet<&str>> = HashMap::new();
        for suggestion in &chosen {
            let document = suggestion.statement.split('#').next().unwrap();
            *per_document.entry(document).or_default() += 1;
            let number: usize = document[1..].parse().unwrap();
            per_story.entry(number / 2).or_default().insert(document);
        }
        assert!(per_document.values().all(|&count| count <= PER_DOCUMENT));
        assert!(per_story.values().all(|documents| documents.len() == 1), "of copies one is enough");
        let best = chosen.iter().find(|suggestion| suggestion.reason == SuggestionReason::Best).unwrap();
        assert!(best.score > 0.97, "{best:?}");
        let near = chosen.iter().filter(|suggestion| suggestion.reason == SuggestionReason::Near);
        assert!(near.clone().all(|suggestion| (suggestion.score - 0.6).abs() < 0.2));
    }

    #[test]
    fn a_small_archive_gives_what_it_has() {
        assert_eq!(Choice::new(40).choose(candidates(3, 1)).len(), 2);
        assert!(Choice::new(40).choose(Vec::new()).is_empty());
    }
}
