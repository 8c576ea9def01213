//! Made-up texts: where a set has few rows, a teacher can say more of texts that are nearly its rows (data augmentation for
//! distillation, Tang et al. 2019).

use crate::labelled::{Gold, LabelledRow};

/// How many words of a made-up text come from anywhere in the set.
const FOREIGN_WORDS: f64 = 0.15;

/// How many made-up texts end like another text of the set.
const SPLICED: f64 = 0.5;

/// Makes `of_each` texts of each of `rows`, with all of `labels` left open: they are for a teacher to choose. The same
/// rows and `seed` give the same texts.
pub(super) fn variants(rows: &[LabelledRow], of_each: usize, labels: usize, seed: u64) -> Vec<LabelledRow> {
    let mut chance = fastrand::Rng::with_seed(seed);
    let texts: Vec<Vec<&str>> = rows.iter().map(|row| row.text.split_whitespace().collect()).collect();
    let words = texts.concat();
    let variant = |text: &[&str], chance: &mut fastrand::Rng| {
        let mut made = match chance.choice(&texts) {
            Some(other) if chance.f64() < SPLICED => spliced(text, other, chance),
            _ => text.to_vec(),
        };
        for word in &mut made {
            if chance.f64() < FOREIGN_WORDS {
                *word = chance.choice(&words).copied().unwrap_or(word);
            }
        }
        made.join(" ")
    };
    let row = |text: String, of: &LabelledRow| LabelledRow {
        line: of.line,
        id: None,
        title: String::new(),
        before: String::new(),
        text,
        after: String::new(),
        gold: Gold::OneOf((0..labels).collect()),
        attributions: Vec::new(),
    };
    let of_row = |(of, text): (&LabelledRow, &Vec<&str>)| -> Vec<LabelledRow> {
        (0..of_each).map(|_| row(variant(text, &mut chance), of)).collect()
    };
    rows.iter().zip(&texts).flat_map(of_row).collect()
}

/// The beginning of one text with the end of another; at least one word of the first.
fn spliced<'t>(text: &[&'t str], other: &[&'t str], chance: &mut fastrand::Rng) -> Vec<&'t str> {
    let (begin, end) = (chance.usize(..=text.len().saturating_sub(1)) + 1, chance.usize(..=other.len()));
    text.iter().take(begin).chain(&other[end..]).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(texts: &[&str]) -> Vec<LabelledRow> {
        let gold = Gold::Labelled { shares: vec![1.0, 0.0], label: Some(0) };
        let row = |(line, text): (u64, &&str)| LabelledRow {
            line,
            id: None,
            title: String::new(),
            before: "before".into(),
            text: (*text).to_owned(),
            after: String::new(),
            gold: gold.clone(),
            attributions: Vec::new(),
        };
        (1..).zip(texts).map(row).collect()
    }

    #[test]
    fn made_up_texts_have_the_words_of_the_set_and_no_label() {
        let rows = rows(&["Bill Passes in Senate", "Storm Hits Coast"]);
        let made = variants(&rows, 20, 2, 1);
        assert_eq!(made.len(), 40);
        let words: Vec<&str> = rows.iter().flat_map(|row| row.text.split(' ')).collect();
        for row in &made {
            assert!(!row.text.is_empty() && row.text.split(' ').all(|word| words.contains(&word)), "{row:?}");
            assert_eq!((row.before.as_str(), &row.gold), ("", &Gold::OneOf(vec![0, 1])));
        }
        let new = made.iter().filter(|made| rows.iter().all(|row| row.text != made.text)).count();
        assert!(new > 20, "only {new} of 40 are new");
        assert_eq!(made, variants(&rows, 20, 2, 1));
        assert_ne!(made, variants(&rows, 20, 2, 2));
    }
}
