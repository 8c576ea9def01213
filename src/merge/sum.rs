//! The nights of parts as one night. Each part counted its own documents; only copies are counted anew, because the merge finds others.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use crate::ledger::nights::{LabelCounts, MAX_SOURCES, NO_SOURCE, OTHER_SOURCES};
use crate::ledger::{Night, NightSource};
use crate::output::line::label_key;
use crate::task::{LabelTask, Tasks};

/// Tone has four digits after the point, so sums of whole ten-thousandths do not depend on their order.
const TONE_UNITS: f64 = 1e4;

/// Adds `nights` to `night`, which has no counts yet. `copies` has the number of copies by source.
pub(super) fn add_nights<'n>(
    night: &mut Night,
    nights: impl Iterator<Item = &'n Night>,
    tasks: &Tasks,
    copies: &BTreeMap<String, u64>,
) {
    let mut scores: BTreeMap<&String, (f64, u64)> = BTreeMap::new();
    let mut sources: BTreeMap<String, NightSource> = BTreeMap::new();
    for part in nights {
        night.statements += part.statements;
        night.boilerplate += part.boilerplate;
        night.attributions += part.attributions;
        night.unattributed += part.unattributed;
        night.characters += part.characters;
        night.words += part.words;
        night.tone_sum = tone_sum(night.tone_sum, part.tone_sum);
        add_labels(&mut night.labels, &part.labels, &tasks.labels);
        for (task, score) in &part.scores {
            let statements = part.labels.get(task).map_or(0, |labels| labels.values().sum());
            let sum = scores.entry(task).or_default();
            *sum = (sum.0 + score * real(statements), sum.1 + statements);
        }
        for (source, counts) in &part.sources {
            add_source(sources.entry(source.clone()).or_default(), counts, &tasks.labels);
        }
        add_counts(&mut night.languages, &part.languages);
        add_counts(&mut night.sections, &part.sections);
        add_counts(&mut night.flags, &part.flags);
        night.tone_task = night.tone_task.take().or_else(|| part.tone_task.clone());
        night.label_names.extend(part.label_names.clone());
    }
    let mean = |(sum, statements): (f64, u64)| (sum / real(statements.max(1)) * TONE_UNITS).round() / TONE_UNITS;
    night.scores = scores.into_iter().map(|(task, sum)| (task.clone(), mean(sum))).collect();
    count_copies(&mut sources, copies);
    // Rejections of a part that was run again would count twice.
    sources.retain(|_, counts| counts.documents > 0);
    if night.documents.rejected > 0 {
        sources.entry(NO_SOURCE.to_owned()).or_default().rejected = night.documents.rejected;
    }
    night.sources = largest(sources, &tasks.labels);
}

/// Sets the numbers of copies and originals of each source.
fn count_copies(sources: &mut BTreeMap<String, NightSource>, copies: &BTreeMap<String, u64>) {
    for counts in sources.values_mut() {
        counts.copies = 0;
    }
    for (source, count) in copies {
        let name = if sources.contains_key(source) { source } else { OTHER_SOURCES };
        if let Some(counts) = sources.get_mut(name) {
            counts.copies += count;
        }
    }
    for counts in sources.values_mut() {
        counts.originals = counts.documents.saturating_sub(counts.copies);
    }
}

/// The sources with the most documents, and the others as one.
fn largest(sources: BTreeMap<String, NightSource>, tasks: &[LabelTask]) -> BTreeMap<String, NightSource> {
    let mut all: Vec<(String, NightSource)> = sources.into_iter().collect();
    // Stable: of equals the first name comes first.
    all.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.documents));
    let mut largest = BTreeMap::new();
    let mut others: Option<NightSource> = None;
    for (name, counts) in all {
        if largest.len() < MAX_SOURCES && name != OTHER_SOURCES {
            largest.insert(name, counts);
        } else {
            add_source(others.get_or_insert_default(), &counts, tasks);
        }
    }
    largest.extend(others.map(|others| (OTHER_SOURCES.to_owned(), others)));
    largest
}

fn add_source(total: &mut NightSource, counts: &NightSource, tasks: &[LabelTask]) {
    total.documents += counts.documents;
    total.originals += counts.originals;
    total.copies += counts.copies;
    total.statements += counts.statements;
    total.attributions += counts.attributions;
    total.unattributed += counts.unattributed;
    total.rejected += counts.rejected;
    total.characters += counts.characters;
    total.tone_sum = tone_sum(total.tone_sum, counts.tone_sum);
    add_labels(&mut total.labels, &counts.labels, tasks);
}

/// Adds counts of labels, in the order of each task's head.
fn add_labels(total: &mut LabelCounts, counts: &LabelCounts, tasks: &[LabelTask]) {
    for task in tasks {
        let of_task = total.entry(task.name.clone()).or_default();
        let Some(counts) = counts.get(&task.name) else { continue };
        let mut sum = IndexMap::new();
        for label in (0..task.labels.len()).map(Some).chain([None]) {
            let key = label_key(task, label);
            let count = [of_task.get(key), counts.get(key)].into_iter().flatten().sum::<u64>();
            if count > 0 {
                sum.insert(key.to_owned(), count);
            }
        }
        *of_task = sum;
    }
}

fn add_counts(total: &mut BTreeMap<String, u64>, counts: &BTreeMap<String, u64>) {
    for (name, count) in counts {
        *total.entry(name.clone()).or_default() += count;
    }
}

fn tone_sum(one: f64, other: f64) -> f64 {
    ((one * TONE_UNITS).round() + (other * TONE_UNITS).round()) / TONE_UNITS
}

#[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 statements")]
fn real(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Report;
    use crate::record::Label;
    use crate::task::LabelSource;

    fn tasks() -> Tasks {
        let label = |name: &str| Label { code: None, label: name.to_owned(), iptc: None };
        let task = LabelTask {
            name: "mood".to_owned(),
            model: 0,
            source: LabelSource::Head { slot: 0 },
            labels: ["negative", "neutral", "positive"].map(label).to_vec(),
            report: Report::Distribution,
            min_score: 0.0,
            document: None,
        };
        Tasks { labels: vec![task], ..Tasks::default() }
    }

    fn labels(counts: &[(&str, u64)]) -> LabelCounts {
        let counts = counts.iter().map(|(label, count)| ((*label).to_owned(), *count)).collect();
        LabelCounts::from([("mood".to_owned(), counts)])
    }

    fn sum(nights: &[Night], copies: &[(&str, u64)]) -> Night {
        let mut night = Night::default();
        let copies = copies.iter().map(|(source, count)| ((*source).to_owned(), *count)).collect();
        add_nights(&mut night, nights.iter(), &tasks(), &copies);
        night
    }

    #[test]
    fn labels_keep_the_order_of_the_head_and_means_their_weights() {
        let night = |score, tone_sum, counts: &[(&str, u64)]| Night {
            labels: labels(counts),
            scores: BTreeMap::from([("mood".to_owned(), score)]),
            tone_sum,
            ..Night::default()
        };
        let sum = sum(&[night(0.5, 0.1, &[("positive", 1)]), night(0.9, 0.2, &[("negative", 2), ("unsure", 1)])], &[]);
        let names: Vec<&String> = sum.labels["mood"].keys().collect();
        assert_eq!(names, ["negative", "positive", "unsure"]);
        assert_eq!((sum.scores["mood"], sum.tone_sum), (0.8, 0.3));
    }

    #[test]
    fn small_sources_are_joined_and_copies_are_those_of_the_merge() {
        let source = |documents, copies| NightSource { documents, copies, ..NightSource::default() };
        let first = (0..MAX_SOURCES).map(|number| (format!("{number:05}"), source(2, 1)));
        let second = [("00000", source(1, 1)), ("late", source(1, 0)), (OTHER_SOURCES, source(5, 0))];
        let nights = [
            Night { sources: first.collect(), ..Night::default() },
            Night { sources: second.map(|(name, counts)| (name.to_owned(), counts)).into(), ..Night::default() },
        ];
        let sources = sum(&nights, &[("00000", 1), ("nobody knows", 2)]).sources;
        assert_eq!(sources.len(), MAX_SOURCES + 1);
        assert_eq!((sources["00000"].documents, sources["00000"].originals, sources["00000"].copies), (3, 2, 1));
        assert_eq!((sources["00001"].originals, sources["00001"].copies), (2, 0));
        assert_eq!((sources[OTHER_SOURCES].documents, sources[OTHER_SOURCES].copies), (6, 2));
    }
}
