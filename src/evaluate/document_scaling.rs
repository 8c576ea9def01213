//! Fits the weight of a document in the labels of its sentences, on labelled documents.
//!
//! Three numbers for a whole head, fitted on documents that it was not trained on, so few that they say the same of other
//! documents. The combination is linear in the logits, so the temperature that calibrates it calibrates the head.

use super::Classified;
use super::calibration::{fit_temperature, likelihood_temperature, mean_negative_log_likelihood};
use super::measure::DocumentProbabilities;
use crate::model::DocumentScaling;
use crate::model::manifest::Temperature;

/// Weights of the document that are tried.
const WEIGHTS: [f64; 11] = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];

/// Weights of the title that are tried.
const TITLE_WEIGHTS: [f64; 7] = [0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0];

/// The temperature of the head, and the scaling of its documents: those weights with the least negative log-likelihood of
/// sentences and documents together, each at its best temperature; then the temperatures with the least calibration error.
/// `documents` must have been read at temperature 1.
#[must_use]
pub fn fit_document_scaling(documents: &[DocumentProbabilities]) -> (f64, DocumentScaling) {
    let mut best = (f64::INFINITY, DocumentScaling::none());
    for title_weight in TITLE_WEIGHTS {
        for weight in WEIGHTS {
            let scaling = DocumentScaling { weight, title_weight, ..DocumentScaling::none() };
            let (rows, own) = classified(documents, scaling);
            let cost = least_cost(&rows) + least_cost(&own);
            if cost < best.0 {
                best = (cost, scaling);
            }
        }
    }
    let (rows, own) = classified(documents, best.1);
    let temperature = fit_temperature(&[rows]);
    // The document's temperature comes on top of the head's.
    let own = if own.is_empty() { temperature } else { fit_temperature(&[own]) };
    let on_top = Temperature::try_from((own / temperature).clamp(0.01, 100.0)).unwrap_or(best.1.temperature);
    (temperature, DocumentScaling { temperature: on_top, ..best.1 })
}

/// The sentences and the documents with the scores that `scaling` makes.
fn classified(documents: &[DocumentProbabilities], scaling: DocumentScaling) -> (Vec<Classified>, Vec<Classified>) {
    let mut rows = Vec::new();
    let mut own = Vec::new();
    for document in documents {
        let (sentences, document) = document.classified(Some(scaling));
        rows.extend(sentences);
        own.extend(document);
    }
    (rows, own)
}

/// The negative log-likelihood at the temperature at which it is least; 0 of no rows.
fn least_cost(rows: &[Classified]) -> f64 {
    mean_negative_log_likelihood(rows, likelihood_temperature(rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labelled::{DocumentGold, StatementGold};

    /// Documents of which every sentence has the document's label, and the model is sure of one of them alone.
    fn documents() -> Vec<DocumentProbabilities> {
        let document = |line: u64| {
            let label = usize::try_from(line % 2).unwrap();
            let mut sure = vec![0.02; 2];
            sure[label] = 0.98;
            let statement = StatementGold { range: 0..1, labels: vec![label], is_weak: false, is_statement: true };
            DocumentProbabilities {
                line,
                gold: DocumentGold { labels: vec![label], statements: vec![statement; 4] },
                sentences: vec![sure.clone(), vec![0.5, 0.5], vec![0.5, 0.5], sure],
                titles: Vec::new(),
            }
        };
        (1..20).map(document).collect()
    }

    #[test]
    fn a_document_counts_where_its_sentences_share_its_label() {
        let (_, scaling) = fit_document_scaling(&documents());
        assert!(scaling.weight >= 0.9, "{scaling:?}");
    }

    #[test]
    fn a_document_does_not_count_where_its_sentences_differ() {
        let mut documents = documents();
        for document in &mut documents {
            for (statement, probabilities) in document.gold.statements.iter_mut().zip(&mut document.sentences).skip(1) {
                statement.labels = vec![1 - document.gold.labels[0]];
                *probabilities = vec![0.5, 0.5];
            }
        }
        assert!(fit_document_scaling(&documents).1.weight < 0.05);
    }
}
