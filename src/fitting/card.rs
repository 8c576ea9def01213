//! Measurements of labels, for people.

use std::fmt::{self, Display, Formatter};

use serde::Serialize;

use super::label::LabelFit;
use super::vectors::Vectors;
use super::{Fitted, OwnTask, counted};
use crate::own_labels::{Estimate, FitKind};

/// The number of sentences of each kind that a card shows.
const NEIGHBOURS: usize = 5;
/// The longest text on a card, in characters.
const TEXT_CHARACTERS: usize = 90;
/// The number of examples from which a trained head is likely to be better.
const TRAIN_EXAMPLES: usize = 100;

/// The measurements of a label.
#[derive(Debug, Clone, Serialize)]
pub struct Card {
    /// The key of the label.
    pub code: String,
    /// The name of the label.
    pub name: String,
    /// What it was fitted to.
    pub fit: FitKind,
    /// The number of examples that have the label.
    pub examples: usize,
    /// The number of examples that do not have it.
    pub counterexamples: usize,
    /// The smallest score with which it is given, 0 to 1.
    pub threshold: f32,
    /// True if the threshold follows from the wanted precision.
    pub is_threshold_measured: bool,
    /// The share of right ones that is expected among the archive's sentences that get the label.
    pub precision: Option<Estimate>,
    /// The share that is expected to get the label among the archive's sentences that have it.
    pub recall: Option<f64>,
    /// The number of examples that get the label, out of fold, and that of right ones among them.
    pub given_examples: [usize; 2],
    /// The share of the archive's sentences that get the label.
    pub share: f64,
    /// Other labels that reach their thresholds in the same sentences, with their shares of the sentences of this label; the largest first.
    pub overlaps: Vec<Overlap>,
    /// The examples without the label that have the highest scores.
    pub nearest_wrong: Vec<Neighbour>,
    /// The sentences of the archive with the highest scores.
    pub best: Vec<Neighbour>,
}

/// Another label in the same sentences.
#[derive(Debug, Clone, Serialize)]
pub struct Overlap {
    /// The key of the other label.
    pub code: String,
    /// The share of this label's sentences that it has, too.
    pub share: f64,
}

/// A sentence with its score.
#[derive(Debug, Clone, Serialize)]
pub struct Neighbour {
    /// The score of the label, 0 to 1; of examples it is out of fold.
    pub score: f32,
    /// The text.
    pub text: String,
    /// The file and line of an example, or the id of a statement.
    pub origin: String,
}

/// The card of each label.
pub(super) fn cards(task: &OwnTask<'_>, vectors: &Vectors, fits: &[LabelFit]) -> Vec<Card> {
    let given: Vec<Vec<bool>> = fits
        .iter()
        .map(|LabelFit { fitted, .. }| {
            let scores = vectors.background.iter().map(|sentence| fitted.score(&sentence.vector));
            scores.map(|score| score >= fitted.threshold).collect()
        })
        .collect();
    fits.iter().enumerate().map(|(label, fit)| card(task, vectors, fit, label, &given)).collect()
}

fn card(task: &OwnTask<'_>, vectors: &Vectors, fit: &LabelFit, label: usize, given: &[Vec<bool>]) -> Card {
    let fitted = &fit.fitted;
    Card {
        code: fitted.code.clone(),
        name: fitted.name.clone(),
        fit: fitted.fit,
        examples: fitted.examples,
        counterexamples: fitted.counterexamples,
        threshold: fitted.threshold,
        is_threshold_measured: fitted.is_threshold_measured,
        precision: fitted.precision,
        recall: fitted.recall,
        given_examples: given_examples(fit),
        share: fitted.share,
        overlaps: overlaps(task, label, given),
        nearest_wrong: nearest_wrong(task, fit),
        best: best(vectors, fit),
    }
}

/// The number of examples that get the label, out of fold, and that of right ones among them.
fn given_examples(fit: &LabelFit) -> [usize; 2] {
    let given = fit.scores.iter().filter(|(_, score, _)| *score >= fit.fitted.threshold);
    [given.clone().count(), given.filter(|(.., has_label)| *has_label).count()]
}

#[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 sentences")]
fn overlaps(task: &OwnTask<'_>, label: usize, given: &[Vec<bool>]) -> Vec<Overlap> {
    let own = given[label].iter().filter(|is_given| **is_given).count();
    let mut overlaps = Vec::new();
    for (other, of_other) in given.iter().enumerate().filter(|(other, _)| *other != label) {
        let both = given[label].iter().zip(of_other).filter(|(one, two)| **one && **two).count();
        if both > 0 {
            overlaps.push(Overlap { code: task.file.labels[other].code.clone(), share: both as f64 / own as f64 });
        }
    }
    overlaps.sort_by(|one, other| other.share.total_cmp(&one.share));
    overlaps
}

fn nearest_wrong(task: &OwnTask<'_>, fit: &LabelFit) -> Vec<Neighbour> {
    let mut wrong: Vec<_> = fit.scores.iter().filter(|(.., has_label)| !has_label).collect();
    wrong.sort_by(|one, other| other.1.total_cmp(&one.1));
    let neighbours = wrong.into_iter().take(NEIGHBOURS).map(|(place, score, _)| {
        let example = &task.file.examples[*place];
        Neighbour {
            score: *score,
            text: example.text.clone(),
            origin: format!("{}:{}", example.file.display(), example.line),
        }
    });
    neighbours.collect()
}

fn best(vectors: &Vectors, fit: &LabelFit) -> Vec<Neighbour> {
    let unseen = vectors.background.iter().filter(|sentence| !vectors.is_example(sentence));
    let mut scored: Vec<_> = unseen.map(|sentence| (fit.fitted.score(&sentence.vector), sentence)).collect();
    scored.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let mut neighbours: Vec<Neighbour> = Vec::new();
    for (score, sentence) in scored {
        // Copies of one article say the same.
        if neighbours.iter().all(|known| known.text != sentence.text) {
            let (text, origin) = (sentence.text.clone(), sentence.statement.clone());
            neighbours.push(Neighbour { score, text, origin });
        }
        if neighbours.len() == NEIGHBOURS {
            break;
        }
    }
    neighbours
}

/// Fitted labels for people.
#[derive(Debug)]
pub struct FittedText<'f> {
    /// The labels.
    pub fitted: &'f Fitted,
    /// The name of the task.
    pub task: &'f str,
    /// True for all that is known; otherwise a few lines for each label.
    pub is_whole: bool,
}

impl Display for FittedText<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Fitted { fit, cards, in_articles, gone } = self.fitted;
        let labels = counted(cards.len(), "label");
        writeln!(f, "{}: {labels}, fitted against {} of the archive", self.task, counted(fit.background, "sentence"))?;
        if *in_articles > 0 {
            writeln!(f, "{} read in their articles", counted(*in_articles, "example"))?;
        }
        for statement in gone {
            writeln!(f, "statement `{statement}` is not in the output folder any more: its text was read by itself")?;
        }
        for card in cards {
            write!(f, "\n{card}")?;
            if self.is_whole {
                card.write_details(f)?;
            }
        }
        Ok(())
    }
}

impl Display for Card {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.name == self.code {
            writeln!(f, "{}", self.code)?;
        } else {
            writeln!(f, "{}: {}", self.code, self.name)?;
        }
        let examples = counted(self.examples, "example");
        let counterexamples = counted(self.counterexamples, "counterexample");
        match self.fit {
            FitKind::Description => writeln!(f, "  fitted to   its description alone: not calibrated")?,
            FitKind::Prototype => {
                writeln!(f, "  fitted to   {examples}, {counterexamples}: not calibrated before there are 8")?;
            }
            FitKind::Examples => writeln!(f, "  fitted to   {examples}, {counterexamples}")?,
        }
        let origin = if self.is_threshold_measured { "" } else { ", the usual threshold" };
        writeln!(
            f,
            "  given to    {:.1} % of the archive's sentences, from a score of {:.2}{origin}",
            100.0 * self.share,
            self.threshold
        )?;
        let (Some(precision), Some(recall)) = (&self.precision, &self.recall) else {
            return writeln!(f, "  precision   cannot say: it takes 8 examples that have the label and 8 that do not");
        };
        let Estimate { share, low, high, .. } = precision;
        let [given, right] = self.given_examples;
        writeln!(
            f,
            "  precision   {share:.2} expected ({low:.2} to {high:.2}); of {given} examples that get it, {right} have it"
        )?;
        writeln!(f, "  recall      {recall:.2} expected")
    }
}

impl Card {
    /// Writes the rest of the card: overlaps, the nearest wrong examples, and the best sentences of the archive.
    fn write_details(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for Overlap { code, share } in &self.overlaps {
            writeln!(f, "  overlap     {:.0} % of its sentences have {code}, too", 100.0 * share)?;
        }
        let lists = [("nearest wrong examples", &self.nearest_wrong), ("best in the archive", &self.best)];
        for (title, neighbours) in lists.into_iter().filter(|(_, neighbours)| !neighbours.is_empty()) {
            writeln!(f, "  {title}")?;
            for Neighbour { score, text, origin } in neighbours {
                writeln!(f, "    {score:.2}  {}  ({origin})", on_one_line(text))?;
            }
        }
        if self.examples >= TRAIN_EXAMPLES {
            writeln!(f, "  With so many examples a trained head is likely to be better: see docs/training.md")?;
        }
        Ok(())
    }
}

/// A text on one line, cut if it is long.
pub(super) fn on_one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(TEXT_CHARACTERS) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}
