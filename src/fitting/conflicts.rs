//! Examples that contradict each other, as questions: nearly the same sentence with two answers, and answers that the others make unlikely.

use std::path::PathBuf;

use serde::Serialize;

use super::logistic::dot;
use super::vectors::{self, Vectors};
use super::{FittingError, OwnTask, label};

/// The cosine from which two sentences say nearly the same.
const SAME: f64 = 0.9;
/// The score below which an example is unlikely to have the label. Above one minus this, a counterexample is unlikely not to have it.
const UNLIKELY: f32 = 0.05;

/// A question to the person who labels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Conflict {
    /// The key of the label.
    pub label: String,
    /// The example.
    pub example: Answered,
    /// The example that says nearly the same and has another answer; `None` if all others together make the answer unlikely.
    pub other: Option<Answered>,
    /// The cosine of the two, or the score of the example out of fold.
    pub score: f64,
}

/// An example with its answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answered {
    /// The file and line.
    pub origin: String,
    /// The text.
    pub text: String,
    /// True if it has the label.
    pub has_label: bool,
}

/// Finds conflicts among the examples of a task: first sentences that are nearly the same, then unlikely answers, the strongest first.
/// `paths` are the inputs of the run; empty for `[input] paths`.
///
/// # Errors
/// As [`super::fit`], except that contradictions are what is looked for.
pub fn conflicts(task: &OwnTask<'_>, paths: Vec<PathBuf>) -> Result<Vec<Conflict>, FittingError> {
    let mut analyser = vectors::analyser(task.config)?;
    let vectors = Vectors::collect(task, &mut analyser, paths)?;
    let mut pairs: Vec<Conflict> = Vec::new();
    let mut unlikely: Vec<Conflict> = Vec::new();
    let fits = label::fit_all(&task.file, &vectors, task.settings);
    for (label, fit) in fits.iter().enumerate() {
        pairs.extend(nearly_same(task, label, &vectors));
        for &(place, score, has_label) in &fit.scores {
            let surprise = if has_label { score } else { 1.0 - score };
            if surprise < UNLIKELY {
                let example = answered(task, place, has_label);
                let label = task.file.labels[label].code.clone();
                unlikely.push(Conflict { label, example, other: None, score: f64::from(score) });
            }
        }
    }
    pairs.sort_by(|one, other| other.score.total_cmp(&one.score));
    let surprise = |conflict: &Conflict| (conflict.score - 0.5).abs();
    unlikely.sort_by(|one, other| surprise(other).total_cmp(&surprise(one)));
    pairs.extend(unlikely);
    Ok(pairs)
}

/// Pairs of examples of one label that say nearly the same and have different answers.
fn nearly_same(task: &OwnTask<'_>, label: usize, vectors: &Vectors) -> Vec<Conflict> {
    let file = &task.file;
    let own: Vec<(usize, &Vec<f64>)> = vectors
        .examples
        .iter()
        .enumerate()
        .filter(|(place, _)| file.examples[*place].label == label)
        .filter_map(|(place, vector)| Some((place, vector.as_ref()?)))
        .collect();
    let is_accepted = |place: usize| file.examples[place].is_accepted;
    let refused: Vec<_> = own.iter().filter(|(place, _)| !is_accepted(*place)).collect();
    let mut found = Vec::new();
    for (place, vector) in own.iter().filter(|(place, _)| is_accepted(*place)) {
        for (other, other_vector) in &refused {
            let cosine = dot(vector, other_vector);
            if cosine >= SAME {
                found.push(Conflict {
                    label: file.labels[label].code.clone(),
                    example: answered(task, *place, true),
                    other: Some(answered(task, *other, false)),
                    score: cosine,
                });
            }
        }
    }
    found
}

fn answered(task: &OwnTask<'_>, place: usize, has_label: bool) -> Answered {
    let example = &task.file.examples[place];
    let origin = format!("{}:{}", example.file.display(), example.line);
    Answered { origin, text: example.text.clone(), has_label }
}

impl std::fmt::Display for Conflict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let answer = |answered: &Answered| if answered.has_label { "has it" } else { "does not have it" };
        let line = |answered: &Answered| {
            format!("    {}  {} ({})", super::card::on_one_line(&answered.text), answered.origin, answer(answered))
        };
        let Self { label, example, other, score } = self;
        let Some(other) = other else {
            writeln!(f, "{label}: by all other examples its score is {score:.2}. Is the answer right?")?;
            return writeln!(f, "{}", line(example));
        };
        writeln!(f, "{label}: nearly the same (cosine {score:.2}), but two answers. Which is right?")?;
        writeln!(f, "{}\n{}", line(example), line(other))
    }
}
