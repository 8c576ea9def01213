//! Synthetic texts for teachers to label: where a set has few rows, there is more to distil from texts that resemble them
//! (data augmentation for distillation, Tang et al. 2019).

use fastrand::Rng;

use crate::labelled::{Gold, LabelledRow};

/// The share of words that are replaced by words from anywhere in the set.
const REPLACED_WORDS: f64 = 0.15;

/// The share of synthetic texts that end like another text of the set.
const SPLICED_TEXTS: f64 = 0.5;

/// Makes `copies` synthetic texts from each of `rows`. Each of the `labels` labels is allowed for them, so that a teacher
/// chooses. The same rows and `seed` give the same texts.
pub(super) fn augment(rows: &[LabelledRow], copies: usize, labels: usize, seed: u64) -> Vec<LabelledRow> {
    let mut rng = Rng::with_seed(seed);
    let texts: Vec<Vec<&str>> = rows.iter().map(|row| row.text.split_whitespace().collect()).collect();
    let words = texts.concat();
    let mut synthetic = Vec::new();
    for (row, text) in rows.iter().zip(&texts) {
        for _ in 0..copies {
            synthetic.push(LabelledRow {
                line: row.line,
                id: None,
                title: String::new(),
                before: String::new(),
                text: synthetic_text(text, &texts, &words, &mut rng),
                after: String::new(),
                gold: Gold::OneOf((0..labels).collect()),
                attributions: Vec::new(),
            });
        }
    }
    synthetic
}

/// A text of the words of `text`, perhaps with the end of one of `texts`, with some words replaced by others of `words`.
fn synthetic_text(text: &[&str], texts: &[Vec<&str>], words: &[&str], rng: &mut Rng) -> String {
    let mut synthetic = match rng.choice(texts) {
        Some(other) if rng.f64() < SPLICED_TEXTS => spliced(text, other, rng),
        _ => text.to_vec(),
    };
    for word in &mut synthetic {
        if rng.f64() < REPLACED_WORDS {
            *word = rng.choice(words).copied().unwrap_or(word);
        }
    }
    synthetic.join(" ")
}

/// The beginning of one text with the end of another; at least one word of the first.
fn spliced<'t>(text: &[&'t str], other: &[&'t str], rng: &mut Rng) -> Vec<&'t str> {
    let end_of_first = rng.usize(..=text.len().saturating_sub(1)) + 1;
    let start_of_second = rng.usize(..=other.len());
    text.iter().take(end_of_first).chain(&other[start_of_second..]).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(texts: &[&str]) -> Vec<LabelledRow> {
        let mut rows = Vec::new();
        for (line, text) in (1..).zip(texts) {
            rows.push(LabelledRow {
                line,
                id: None,
                title: String::new(),
                before: "before".into(),
                text: (*text).to_owned(),
                after: String::new(),
                gold: Gold::Labelled { shares: vec![1.0, 0.0], label: Some(0) },
                attributions: Vec::new(),
            });
        }
        rows
    }

    #[test]
    fn synthetic_texts_have_the_words_of_the_set_and_no_label() {
        let rows = rows(&["Bill Passes in Senate", "Storm Hits Coast"]);
        let synthetic = augment(&rows, 20, 2, 1);
        assert_eq!(synthetic.len(), 40);
        let words: Vec<&str> = rows.iter().flat_map(|row| row.text.split(' ')).collect();
        for row in &synthetic {
            assert!(!row.text.is_empty() && row.text.split(' ').all(|word| words.contains(&word)), "{row:?}");
            assert_eq!((row.before.as_str(), &row.gold), ("", &Gold::OneOf(vec![0, 1])));
        }
        let new = synthetic.iter().filter(|made| rows.iter().all(|row| row.text != made.text)).count();
        assert!(new > 20, "only {new} of 40 are new");
        assert_eq!(synthetic, augment(&rows, 20, 2, 1));
        assert_ne!(synthetic, augment(&rows, 20, 2, 2));
    }
}
