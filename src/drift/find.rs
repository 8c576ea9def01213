//! The measures of a night that are unusual.

use std::collections::BTreeSet;

use super::compare::{Comparison, compare, limit};
use super::day::Day;
use super::measure::{Measure, Sample};
use super::reference::{Reference, minimum};
use crate::config::DriftConfig;
use crate::ledger::nights::OTHER_SOURCES;

/// The number of documents from which on a source is regular.
pub(super) const REGULAR_DOCUMENTS: u64 = 5;

/// The share of nights, in tenths, in which a regular source has its documents.
const REGULAR_TENTHS: usize = 8;

/// A measure that is unusual.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Finding {
    pub(super) measure: Measure,
    pub(super) comparison: Comparison,
    /// True if it is a regular source without a document.
    pub(super) is_missing: bool,
}

impl Finding {
    /// True if it is the same alarm as `other`, of another night.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.measure == other.measure && self.is_missing == other.is_missing && self.is_up() == other.is_up()
    }

    /// True if the value is larger than usual.
    pub(super) fn is_up(&self) -> bool {
        self.comparison.strength > 0.0
    }
}

/// Finds the measures of a night that are unusual.
pub(super) fn findings(tonight: &Day, reference: &Reference, config: &DriftConfig) -> Vec<Finding> {
    let mut findings = Vec::new();
    if tonight.is_finished() {
        findings.extend(missing_sources(tonight, reference, config));
        findings.extend(judge_family(vec![Measure::Volume], tonight, &reference.same_input, config));
        let sources = source_measures(tonight, reference, config);
        findings.extend(judge_family(sources, tonight, &reference.same_input, config));
        // Each source has sections of its own: where a source is unusual, so are they.
        if findings.iter().all(|finding| finding.measure.source().is_none()) {
            let sections = section_measures(tonight, &reference.same_input);
            findings.extend(judge_family(sections, tonight, &reference.same_input, config));
        }
        findings.extend(judge_family(vec![Measure::Speed], tonight, &reference.same_results, config));
    }
    for family in result_measures(tonight, &reference.same_results) {
        findings.extend(judge_family(family, tonight, &reference.same_results, config));
    }
    findings
}

/// Compares a measure of a night with other nights; `None` if too few of them have enough documents.
pub(super) fn compare_with(
    measure: &Measure,
    tonight: Sample,
    past: &[Sample],
    series: usize,
    config: &DriftConfig,
) -> Option<Comparison> {
    let limit = limit(config.sensitivity.get(), series, past.len());
    (past.len() >= minimum(config)).then(|| compare(measure.scale(), tonight, past, limit))
}

/// The unusual ones among measures of one family. The limit depends on how many there are.
fn judge_family(measures: Vec<Measure>, tonight: &Day, past: &[&Day], config: &DriftConfig) -> Vec<Finding> {
    let series = measures.len();
    let min_statements = config.min_statements.get();
    let mut findings = Vec::new();
    for measure in measures {
        let Some(sample) = measure.sample(tonight, &tonight.total, min_statements) else { continue };
        let past: Vec<Sample> = past.iter().filter_map(|day| measure.sample(day, &day.total, min_statements)).collect();
        let comparison = compare_with(&measure, sample, &past, series, config);
        if let Some(comparison) = comparison.filter(|comparison| comparison.is_unusual(measure.direction())) {
            findings.push(Finding { measure, comparison, is_missing: false });
        }
    }
    findings
}

/// The regular sources that have no document tonight.
fn missing_sources(tonight: &Day, reference: &Reference, config: &DriftConfig) -> Vec<Finding> {
    let past = &reference.all;
    if past.len() < minimum(config) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for source in regular_sources(past) {
        let measure = Measure::SourceVolume(source);
        let samples: Vec<Sample> = past.iter().filter_map(|day| measure.sample(day, &day.total, 0)).collect();
        let sample = measure.sample(tonight, &tonight.total, 0).filter(|sample| sample.documents < 0.5);
        let comparison = sample.and_then(|sample| compare_with(&measure, sample, &samples, 1, config));
        findings.extend(comparison.map(|comparison| Finding { measure, comparison, is_missing: true }));
    }
    findings
}

/// The sources that have at least [`REGULAR_DOCUMENTS`] documents in most nights.
pub(super) fn regular_sources(past: &[&Day]) -> Vec<String> {
    let names: BTreeSet<&String> = past.iter().flat_map(|day| day.sources.keys()).collect();
    let mut regular = Vec::new();
    for source in names.into_iter().filter(|source| source.as_str() != OTHER_SOURCES) {
        let nights = past.iter().filter(|day| has_documents(day, source)).count();
        if nights * 10 >= past.len() * REGULAR_TENTHS {
            regular.push(source.clone());
        }
    }
    regular
}

fn has_documents(day: &Day, source: &str) -> bool {
    day.sources.get(source).is_some_and(|tally| tally.documents >= REGULAR_DOCUMENTS)
}

/// The volumes of regular sources that have documents tonight. Where there is but one source, its volume is that of the night.
fn source_measures(tonight: &Day, reference: &Reference, config: &DriftConfig) -> Vec<Measure> {
    let past = &reference.same_input;
    let names: BTreeSet<&String> = past.iter().chain([&tonight]).flat_map(|day| day.sources.keys()).collect();
    if names.len() < 2 || past.len() < minimum(config) {
        return Vec::new();
    }
    let mut measures = Vec::new();
    for source in names.into_iter().filter(|source| source.as_str() != OTHER_SOURCES) {
        let has_some = tonight.sources.get(source).is_some_and(|tally| tally.documents > 0);
        let nights = past.iter().filter(|day| has_documents(day, source)).count();
        if has_some && nights * 2 > past.len() {
            measures.push(Measure::SourceVolume(source.clone()));
        }
    }
    measures
}

/// The shares of sections.
fn section_measures(tonight: &Day, past: &[&Day]) -> Vec<Measure> {
    let days = past.iter().copied().chain([tonight]);
    distinct(days.flat_map(|day| day.sections.keys())).map(Measure::Section).collect()
}

/// The measures of what came in and of what was found in it, in families of the same kind.
fn result_measures(tonight: &Day, past: &[&Day]) -> Vec<Vec<Measure>> {
    let days: Vec<&Day> = past.iter().copied().chain([tonight]).collect();
    let mut families = vec![
        vec![Measure::Rejected],
        vec![Measure::Copies],
        vec![Measure::Speakers],
        vec![Measure::Length],
        distinct(days.iter().flat_map(|day| day.languages.keys())).map(Measure::Language).collect(),
        distinct(days.iter().flat_map(|day| day.flags.keys())).map(Measure::Flag).collect(),
    ];
    families.extend(tonight.tone_task.iter().map(|task| vec![Measure::Tone { task: task.clone() }]));
    families.push(distinct(tonight.scored_tasks()).map(|task| Measure::Score { task }).collect());
    for task in tonight.total.labels.keys() {
        let labels =
            distinct(days.iter().filter_map(|day| day.total.labels.get(task)).flat_map(|counts| counts.keys()));
        families.push(labels.map(|label| Measure::Share { task: task.clone(), label }).collect());
    }
    families
}

/// The different names, in the order of the alphabet.
fn distinct<'n>(names: impl Iterator<Item = &'n String>) -> impl Iterator<Item = String> {
    names.collect::<BTreeSet<_>>().into_iter().cloned()
}
