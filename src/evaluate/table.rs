//! Scores as tables of text. An undefined score is a dash.

use comfy_table::{CellAlignment, Table, presets};

use super::attributions::{Estimate, RECOMMENDED_PRECISION};
use super::classification::{ClassScore, Confusion, Coverage, DocumentAccuracy, RECOMMENDED_ACCURACY};
use super::compare::{ClassificationComparison, Interval, TaggingComparison};
use super::{AttributionScores, ClassificationScores, RelationScores, Score, TaggingScores};

/// With more labels than this, a confusion matrix is too wide to read.
const MOST_COLUMNS: usize = 8;
/// The number of confusions that are shown instead.
const MOST_CONFUSIONS: usize = 10;
/// The length of a column header for a label without a code.
const SHORT_NAME_CHARACTERS: usize = 8;

/// A model's name and scores.
#[derive(Debug)]
pub struct Named<'a, Scores> {
    /// The name of the model, for people.
    pub name: &'a str,
    /// Its scores.
    pub scores: &'a Scores,
}

/// The scores of a sequence head: a few lines of totals; then tables by label, of confusions, of coverage and of reliability.
#[must_use]
pub fn classification(scores: &ClassificationScores) -> String {
    let headline = format!(
        "{} texts · accuracy {} · macro F1 {} · calibration error {} ({} by chance) · negative log-likelihood {}",
        scores.rows,
        decimal(scores.accuracy),
        decimal(scores.macro_f1),
        decimal(scores.ece),
        decimal(scores.ece_by_chance),
        decimal(scores.nll),
    );
    let mut lines = vec![headline];
    if let Some(first_choice) = scores.first_choice.filter(|_| scores.first_choice != scores.accuracy) {
        let weak = scores.weak.map(|weak| format!(" · accuracy on weak sentences {weak:.3}")).unwrap_or_default();
        lines.push(format!("first choice {first_choice:.3}{weak}"));
    }
    if let Some(documents) = &scores.documents {
        lines.push(document_line(documents));
    }
    if let Some(threshold) = &scores.threshold {
        lines.push(format!("at the task's threshold: {}", at_threshold(threshold)));
    }
    if let Some(recommended) = &scores.recommended {
        lines.push(format!("least threshold with {RECOMMENDED_ACCURACY} right: {}", at_threshold(recommended)));
    }
    let mut text = lines.join("\n");
    for table in [class_table(scores), confusion_table(scores), coverage_table(scores), reliability_table(scores)] {
        text = format!("{text}\n\n{table}");
    }
    text + "\n"
}

fn document_line(documents: &DocumentAccuracy) -> String {
    format!(
        "{} documents · accuracy {} · first choice {} · most frequent label of the sentences {} · calibration error {} ({} \
         by chance)",
        documents.rows,
        decimal(documents.accuracy),
        decimal(documents.first_choice),
        decimal(documents.most_frequent),
        decimal(documents.ece),
        decimal(documents.ece_by_chance),
    )
}

fn at_threshold(coverage: &Coverage) -> String {
    let Coverage { min_score, coverage, accuracy } = coverage;
    format!("{min_score:.2} · coverage {} · accuracy {}", decimal(*coverage), decimal(*accuracy))
}

/// The scores of a token head: a line of totals; then tables by part and, if it marks them, of relations.
#[must_use]
pub fn tagging(scores: &TaggingScores) -> String {
    let headline = format!(
        "{} texts · {} words · accuracy {} · micro F1 {} · macro F1 {}",
        scores.rows,
        scores.words,
        decimal(scores.accuracy),
        decimal(scores.micro_f1),
        decimal(scores.macro_f1),
    );
    let mut table = new_table(&["part", "counted by", "precision", "recall", "F1", "support"], 2);
    for part in &scores.per_class {
        let ways = [("word", &part.token), ("exact span", &part.span_exact), ("touching span", &part.span_overlap)];
        for (way, score) in ways {
            table.add_row([part.part.clone(), way.to_owned()].into_iter().chain(cells(score)));
        }
    }
    let relations = scores.relations.as_deref().map(relation_table).unwrap_or_default();
    let attributions = scores.attributions.as_deref().map(attribution_tables).unwrap_or_default();
    format!("{headline}\n\n{table}\n{relations}{attributions}")
}

/// The attributions by act, their sources and speakers, and the thresholds.
fn attribution_tables(scores: &AttributionScores) -> String {
    let mut acts =
        new_table(&["attributions", "in the gold", "95 %", "found", "95 %", "right act", "written", "gold"], 1);
    acts.add_row(act_row("said", [&scores.said_precision, &scores.said_recall], None));
    for act in &scores.acts {
        acts.add_row(act_row(act.act.as_str(), [&act.precision, &act.recall], Some(&act.right)));
    }
    let mut parts = new_table(&["of the attributions found", "share", "95 %", "support"], 1);
    for (name, estimate) in [
        ("right act", &scores.act),
        ("source with a right word", &scores.source),
        ("right speaker", &scores.speaker.right),
        ("wrong speaker", &scores.speaker.wrong),
        ("no speaker", &scores.speaker.null),
        ("quotations found", &scores.quotations.found),
        ("quotations with the right speaker", &scores.quotations.speaker),
    ] {
        parts.add_row([name.to_owned(), decimal(estimate.share), interval(estimate), estimate.support.to_string()]);
    }
    let mut thresholds = new_table(&["least score", "said: in the gold", "found"], 0);
    for row in &scores.thresholds {
        thresholds.add_row([format!("{:.2}", row.min_score), decimal(row.precision), decimal(row.recall)]);
    }
    let recommended = scores.recommended.map_or_else(
        || format!("no threshold has {RECOMMENDED_PRECISION} in the gold"),
        |row| format!("least threshold with {RECOMMENDED_PRECISION} in the gold: {:.2}", row.min_score),
    );
    format!("\nfrom a score of {:.2} on\n{acts}\n\n{parts}\n\n{thresholds}\n{recommended}\n", scores.min_score)
}

/// A row of the table of acts: precision and recall with their intervals, and the share with the right act.
fn act_row(name: &str, [precision, recall]: [&Estimate; 2], right: Option<&Estimate>) -> [String; 8] {
    [
        name.to_owned(),
        decimal(precision.share),
        interval(precision),
        decimal(recall.share),
        interval(recall),
        right.map_or_else(dash, |right| decimal(right.share)),
        precision.support.to_string(),
        recall.support.to_string(),
    ]
}

fn interval(estimate: &Estimate) -> String {
    if estimate.share.is_none() { dash() } else { format!("{:.3} to {:.3}", estimate.low, estimate.high) }
}

fn relation_table(scores: &RelationScores) -> String {
    let mut table = new_table(&["who said what", "counted by", "precision", "recall", "F1", "support"], 2);
    let parts =
        [("source", &scores.source), ("cue", &scores.cue), ("content", &scores.content), ("all three", &scores.all)];
    for (part, part_score) in parts {
        for (way, score) in [("exact span", &part_score.exact), ("touching span", &part_score.overlap)] {
            table.add_row([part.to_owned(), way.to_owned()].into_iter().chain(cells(score)));
        }
    }
    let direct = &scores.direct;
    let quotations = format!(
        "{} quotations of three words or more · found {} · with the right source {}",
        direct.support,
        decimal(direct.recall),
        decimal(direct.source),
    );
    format!("\n{table}\n\n{quotations}\n")
}

/// Two sequence heads side by side: our score, the baseline's, the difference and its interval.
#[must_use]
pub fn classification_comparison(
    ours: &Named<'_, ClassificationScores>,
    baseline: &Named<'_, ClassificationScores>,
    comparison: &ClassificationComparison,
) -> String {
    let mut table = comparison_table("score", ours.name, baseline.name);
    let ours = ours.scores;
    let baseline = baseline.scores;
    table.add_row(comparison_row("accuracy", [ours.accuracy, baseline.accuracy], &comparison.accuracy));
    table.add_row(comparison_row("macro F1", [ours.macro_f1, baseline.macro_f1], &comparison.macro_f1));
    let error = [decimal(ours.ece), decimal(baseline.ece), comparison.ece_difference.map_or_else(dash, signed)];
    table.add_row(["calibration error".to_owned()].into_iter().chain(error));
    format!("{table}\n")
}

/// Two token heads side by side, part by part: our score, the baseline's, the difference and its interval.
#[must_use]
pub fn tagging_comparison(
    ours: &Named<'_, TaggingScores>,
    baseline: &Named<'_, TaggingScores>,
    comparison: &TaggingComparison,
) -> String {
    let mut table = comparison_table("F1", ours.name, baseline.name);
    let scores = ours.scores.per_class.iter().zip(&baseline.scores.per_class);
    for (part, (ours, baseline)) in comparison.per_class.iter().zip(scores) {
        let words = format!("{}, words", part.part);
        table.add_row(comparison_row(&words, [ours.token.f1, baseline.token.f1], &part.token_f1));
        let spans = format!("{}, exact spans", part.part);
        table.add_row(comparison_row(&spans, [ours.span_exact.f1, baseline.span_exact.f1], &part.span_exact_f1));
    }
    format!("{table}\n")
}

fn class_table(scores: &ClassificationScores) -> Table {
    let mut table = new_table(&["label", "precision", "recall", "F1", "support", "predicted"], 1);
    for class in &scores.per_class {
        let name = [class.code.as_deref(), Some(&class.label)].into_iter().flatten().collect::<Vec<_>>().join(" ");
        table.add_row([name].into_iter().chain(cells(&class.score)).chain([class.predicted.to_string()]));
    }
    table
}

fn confusion_table(scores: &ClassificationScores) -> Table {
    if scores.per_class.len() > MOST_COLUMNS {
        return largest_confusions(&scores.confusion);
    }
    confusion_matrix(scores)
}

fn confusion_matrix(scores: &ClassificationScores) -> Table {
    let columns: Vec<String> = scores.per_class.iter().map(short_name).collect();
    let header: Vec<&str> = ["gold \\ predicted"].into_iter().chain(columns.iter().map(String::as_str)).collect();
    let mut table = new_table(&header, 1);
    for (label, counts) in scores.confusion.labels.iter().zip(&scores.confusion.counts) {
        table.add_row([label.clone()].into_iter().chain(counts.iter().map(usize::to_string)));
    }
    table
}

fn short_name(class: &ClassScore) -> String {
    class.code.clone().unwrap_or_else(|| class.label.chars().take(SHORT_NAME_CHARACTERS).collect())
}

fn largest_confusions(confusion: &Confusion) -> Table {
    let mut confused: Vec<(usize, &str, &str)> = Vec::new();
    for (row, counts) in confusion.counts.iter().enumerate() {
        let wrong = counts.iter().enumerate().filter(|&(column, &count)| column != row && count > 0);
        confused.extend(wrong.map(|(column, &count)| (count, &*confusion.labels[row], &*confusion.labels[column])));
    }
    confused.sort_by_key(|&(count, ..)| std::cmp::Reverse(count));
    let mut table = new_table(&["gold -> predicted", "texts"], 1);
    for (count, gold, predicted) in confused.into_iter().take(MOST_CONFUSIONS) {
        table.add_row([format!("{gold} -> {predicted}"), count.to_string()]);
    }
    table
}

fn coverage_table(scores: &ClassificationScores) -> Table {
    let mut table = new_table(&["least score", "coverage", "accuracy"], 0);
    for row in &scores.coverage {
        table.add_row([format!("{:.1}", row.min_score), decimal(row.coverage), decimal(row.accuracy)]);
    }
    table
}

fn reliability_table(scores: &ClassificationScores) -> Table {
    let mut table = new_table(&["scores", "texts", "mean score", "accuracy"], 1);
    for bin in scores.reliability.iter().filter(|bin| bin.rows > 0) {
        let scores = format!("{:.2} to {:.2}", bin.above, bin.up_to);
        table.add_row([scores, bin.rows.to_string(), decimal(bin.mean_score), decimal(bin.accuracy)]);
    }
    table
}

fn comparison_table(what: &str, ours: &str, baseline: &str) -> Table {
    new_table(&[what, ours, baseline, "difference", "95 % interval", "better in"], 1)
}

fn comparison_row(what: &str, scores: [Option<f64>; 2], interval: &Interval) -> [String; 6] {
    if scores == [None; 2] {
        return [what.to_owned(), dash(), dash(), dash(), dash(), dash()];
    }
    let [ours, baseline] = scores.map(decimal);
    let bounds = format!("{} to {}", signed(interval.low), signed(interval.high));
    let better = format!("{:.1} %", 100.0 * interval.share_better);
    [what.to_owned(), ours, baseline, signed(interval.difference), bounds, better]
}

fn cells(score: &Score) -> [String; 4] {
    [decimal(score.precision), decimal(score.recall), decimal(score.f1), score.support.to_string()]
}

/// A table whose first `names` columns are words and whose others are numbers.
fn new_table(header: &[&str], names: usize) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(header);
    for column in table.column_iter_mut().skip(names) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn decimal(value: Option<f64>) -> String {
    value.map_or_else(dash, |value| format!("{value:.3}"))
}

fn signed(value: f64) -> String {
    format!("{value:+.3}")
}

fn dash() -> String {
    "–".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::{Classified, Marked, compare_classification, compare_tagging, words};
    use crate::labelled::Mark;
    use crate::record::Label;

    fn labels(count: usize) -> Vec<Label> {
        let label =
            |place: usize| Label { code: Some(format!("c{place}")), label: format!("Label {place}"), iptc: None };
        (0..count).map(label).collect()
    }

    /// As many texts as labels, twice each: once taken for itself, once for the first label.
    fn rows(labels: usize) -> Vec<Classified> {
        let row = |gold: usize, best: usize| {
            let probabilities = (0..labels).map(|class| if class == best { 0.75 } else { 0.01 }).collect();
            Classified::new(gold, probabilities)
        };
        (0..labels).flat_map(|label| [row(label, label), row(label, 0)]).collect()
    }

    fn scores(count: usize) -> ClassificationScores {
        ClassificationScores::from_rows(&rows(count), &labels(count))
    }

    /// The line that begins with `start`, its cells parted by single spaces.
    #[track_caller]
    fn line(text: &str, start: &str) -> String {
        let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        lines.into_iter().find(|line| line.starts_with(start)).unwrap()
    }

    #[test]
    fn few_labels_have_a_matrix() {
        let text = classification(&scores(2));
        assert!(
            text.starts_with(
                "4 texts · accuracy 0.750 · macro F1 0.733 · calibration error 0.000 (0.173 by chance) · "
            )
        );
        assert_eq!(line(&text, "c1"), "c1 Label 1 1.000 0.500 0.667 2 1");
        assert_eq!(line(&text, "gold"), "gold \\ predicted c0 c1");
        assert_eq!(line(&text, "Label 1"), "Label 1 1 1");
        assert_eq!(line(&text, "0.8"), "0.8 0.000 –");
    }

    #[test]
    fn many_labels_have_their_ten_largest_confusions() {
        let mut rows = rows(29);
        rows.push(rows[11].clone());
        let text = classification(&ClassificationScores::from_rows(&rows, &labels(29)));
        assert_eq!(text.matches(" -> Label").count(), 10);
        let first = text.lines().find(|line| line.contains(" -> Label")).unwrap();
        assert_eq!(first.split_whitespace().collect::<Vec<_>>().join(" "), "Label 5 -> Label 0 2");
    }

    #[test]
    fn nothing_read_is_dashes() {
        let text = classification(&ClassificationScores::from_rows(&[], &labels(2)));
        assert!(text.starts_with("0 texts · accuracy – · "));
        assert!(!text.contains("NaN"));
    }

    #[test]
    fn models_stand_side_by_side() {
        let (ours, baseline) = (scores(2), scores(2));
        let comparison = compare_classification(&rows(2), &rows(2)).unwrap();
        let (ours, baseline) = (Named { name: "new", scores: &ours }, Named { name: "old", scores: &baseline });
        let text = classification_comparison(&ours, &baseline, &comparison);
        assert_eq!(line(&text, "score"), "score new old difference 95 % interval better in");
        assert_eq!(line(&text, "accuracy"), "accuracy 0.750 0.750 +0.000 +0.000 to +0.000 0.0 %");
        assert_eq!(line(&text, "calibration"), "calibration error 0.000 0.000 +0.000");
    }

    #[test]
    fn marks_stand_part_by_part() {
        let mark = |range| vec![Mark { part: 0, range }];
        let rows = [Marked { words: words("Ann Lee said"), gold: mark(0..7), found: mark(0..3), relations: None }];
        let right = [Marked { found: mark(0..7), ..rows[0].clone() }];
        let parts = ["source", "cue"].map(str::to_owned);
        let (ours, baseline) = (TaggingScores::from_rows(&right, &parts), TaggingScores::from_rows(&rows, &parts));
        let text = tagging(&baseline);
        assert!(text.starts_with("1 texts · 3 words · accuracy 0.667 · micro F1 0.667 · macro F1 0.667"));
        assert_eq!(line(&text, "source exact"), "source exact span 0.000 0.000 0.000 1");

        let comparison = compare_tagging(&right, &rows, &parts).unwrap();
        let (ours, baseline) = (Named { name: "new", scores: &ours }, Named { name: "old", scores: &baseline });
        let text = tagging_comparison(&ours, &baseline, &comparison);
        assert_eq!(line(&text, "cue, words"), "cue, words – – – – –");
        assert_eq!(line(&text, "source, words"), "source, words 1.000 0.667 +0.333 +0.333 to +0.333 100.0 %");
    }
}
