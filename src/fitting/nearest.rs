//! The examples that are nearest to a sentence: the reason why it has an own label.

use serde::Serialize;

use super::logistic::dot;
use super::{FittingError, OwnTask};
use crate::analyse::Analyser;
use crate::model::SentenceVector;
use crate::own_labels::OwnLabels;

/// The largest number of examples that are compared with a sentence, the first ones of each label.
const EXAMPLES: usize = 500;

/// An example and its similarity to a sentence.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NearestExample {
    /// The cosine of the two vectors, -1 to 1.
    pub similarity: f64,
    /// The text of the example.
    pub text: String,
    /// True if it has the label.
    pub has_label: bool,
    /// The file and line of the example.
    pub origin: String,
}

/// The examples of the label with the place `label` that are nearest to a sentence, at most so many. Examples are read by themselves.
pub(crate) fn nearest(
    task: &OwnTask<'_>,
    analyser: &mut Analyser,
    own: &OwnLabels,
    label: usize,
    sentence: &SentenceVector,
    count: usize,
) -> Result<Vec<NearestExample>, FittingError> {
    let examples: Vec<_> = task.file.examples.iter().filter(|example| example.label == label).take(EXAMPLES).collect();
    let texts: Vec<&str> = examples.iter().map(|example| example.text.as_str()).collect();
    let vectors = analyser.vectors_of_texts(task.model, &texts)?;
    let sentence = own.fit().centred(sentence);
    let mut nearest = Vec::new();
    for (example, vector) in examples.into_iter().zip(&vectors) {
        let Some(vector) = vector else { continue };
        nearest.push(NearestExample {
            similarity: dot(&sentence, &own.fit().centred(vector)),
            text: example.text.clone(),
            has_label: example.is_accepted,
            origin: format!("{}:{}", example.file.display(), example.line),
        });
    }
    // The sort is stable: of equals the first in the file stays first.
    nearest.sort_by(|one, other| other.similarity.total_cmp(&one.similarity));
    nearest.truncate(count);
    Ok(nearest)
}
