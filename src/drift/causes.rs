//! The likely cause of what is unusual: the world, the input, or us.

use super::day::{Day, End, real};
use super::find::{Finding, compare_with, regular_sources};
use super::measure::{Measure, Sample};
use super::reference::Reference;
use crate::config::DriftConfig;
use crate::ledger::nights::OTHER_SOURCES;
use crate::output::schema::AlarmCause;

/// The largest number of sources that are left out in turn, the largest first.
const MAX_CANDIDATES: usize = 50;

/// Something unusual with its likely cause.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Explained {
    pub(super) finding: Finding,
    pub(super) cause: AlarmCause,
    pub(super) because: Option<String>,
    /// The source that it is about, or that explains it.
    pub(super) source: Option<String>,
}

/// Finds the causes of everything that is unusual in a night.
pub(super) fn explain(
    findings: Vec<Finding>,
    tonight: &Day,
    reference: &Reference,
    config: &DriftConfig,
) -> Vec<Explained> {
    let symptom = findings.iter().find(|finding| finding.measure.is_of_input()).cloned();
    let mut explained = Vec::new();
    for finding in findings {
        let past = if finding.measure.is_of_results() { &reference.same_results } else { &reference.same_input };
        let own = finding.measure.source().map(str::to_owned);
        let source = own.or_else(|| source_behind(&finding, tonight, past, config));
        let (cause, because) = cause(&finding, source.as_deref(), symptom.as_ref(), tonight, reference);
        explained.push(Explained { finding, cause, because, source });
    }
    explained
}

fn cause(
    finding: &Finding,
    source: Option<&str>,
    symptom: Option<&Finding>,
    tonight: &Day,
    reference: &Reference,
) -> (AlarmCause, Option<String>) {
    let measure = &finding.measure;
    if *measure == Measure::Speed {
        return (AlarmCause::Us, None);
    }
    if !measure.is_of_results() {
        if let Some(night) = reference.configured {
            return (AlarmCause::Us, Some(format!("the configuration changed in night {night}")));
        }
        if tonight.end == End::Deadline && finding.comparison.strength < 0.0 {
            return (AlarmCause::Us, Some("the run stopped at its deadline".to_owned()));
        }
    }
    if let Some(source) = source {
        let because = measure.source().is_none().then(|| format!("without `{source}` it is usual"));
        return (AlarmCause::Input, because);
    }
    match measure {
        Measure::Volume => volume_cause(finding, tonight, reference),
        Measure::Rejected => (AlarmCause::Input, main_reason(tonight)),
        measure if measure.is_of_input() => (AlarmCause::Input, None),
        _ => match symptom {
            Some(symptom) => (AlarmCause::Input, Some(describe(symptom))),
            None => (AlarmCause::World, None),
        },
    }
}

/// The news are more or less where most sources say so, and the input is broken where some are.
fn volume_cause(finding: &Finding, tonight: &Day, reference: &Reference) -> (AlarmCause, Option<String>) {
    /// The smallest number of sources of which most can be said.
    const SOME_SOURCES: usize = 3;
    let past = &reference.same_input;
    let sources = regular_sources(past);
    let silent = sources.iter().filter(|source| documents(tonight, source) == 0).count();
    if silent * 2 > sources.len() && sources.len() >= SOME_SOURCES {
        return (AlarmCause::Input, Some(format!("{silent} of {} regular sources are silent", sources.len())));
    }
    let is_up = finding.comparison.strength > 0.0;
    let alike = sources.iter().filter(|source| has_moved(source, is_up, tonight, past)).count();
    if alike * 2 > sources.len() && sources.len() >= SOME_SOURCES {
        let because = format!("{alike} of {} regular sources moved the same way", sources.len());
        return (AlarmCause::World, Some(because));
    }
    (AlarmCause::Input, None)
}

/// True if a source has more documents than in the mean of nights (fewer, unless `is_up`), by more than the noise of a count.
fn has_moved(source: &str, is_up: bool, tonight: &Day, past: &[&Day]) -> bool {
    let middle = past.iter().map(|day| real(documents(day, source))).sum::<f64>() / real(past.len() as u64);
    let now = real(documents(tonight, source));
    if is_up { now > middle + middle.sqrt() } else { now < middle - middle.sqrt() }
}

fn documents(day: &Day, source: &str) -> u64 {
    day.sources.get(source).map_or(0, |tally| tally.documents)
}

/// The source without which a measure is usual: the rest has then moved less than half as far. `None` if there is none.
fn source_behind(finding: &Finding, tonight: &Day, past: &[&Day], config: &DriftConfig) -> Option<String> {
    if !finding.measure.is_by_source() {
        return None;
    }
    let mut best = None;
    for source in candidates(tonight, past) {
        let Some(rest) = distance_without(&source, finding, tonight, past, config) else { continue };
        if best.as_ref().is_none_or(|(least, _)| rest < *least) {
            best = Some((rest, source));
        }
    }
    best.map(|(_, source)| source)
}

/// The distance from the median that the other sources have; `None` if a source does not explain what is unusual.
fn distance_without(
    source: &str,
    finding: &Finding,
    tonight: &Day,
    past: &[&Day],
    config: &DriftConfig,
) -> Option<f64> {
    let Finding { measure, comparison, .. } = finding;
    let min_statements = config.min_statements.get();
    let rest = measure.sample(tonight, &tonight.without(source), min_statements)?;
    let past: Vec<Sample> =
        past.iter().filter_map(|day| measure.sample(day, &day.without(source), min_statements)).collect();
    let without = compare_with(measure, rest, &past, 1, config)?;
    let is_usual = without.strength.abs() <= comparison.limit;
    let has_rest = *measure != Measure::Volume || without.usual >= 1.0;
    let is_explained = is_usual && has_rest && without.distance.abs() < comparison.distance.abs() / 2.0;
    is_explained.then_some(without.distance.abs())
}

/// The sources with the most documents, tonight or before. None if there is but one.
fn candidates(tonight: &Day, past: &[&Day]) -> Vec<String> {
    let mut sizes = std::collections::BTreeMap::new();
    for day in past.iter().copied().chain([tonight]) {
        for (source, tally) in day.sources.iter().filter(|(source, _)| *source != OTHER_SOURCES) {
            let size = sizes.entry(source).or_insert(0);
            *size = tally.documents.max(*size);
        }
    }
    if sizes.len() < 2 {
        return Vec::new();
    }
    let mut sources: Vec<(&String, u64)> = sizes.into_iter().collect();
    sources.sort_by_key(|&(_, size)| std::cmp::Reverse(size));
    sources.into_iter().take(MAX_CANDIDATES).map(|(source, _)| source.clone()).collect()
}

/// The most frequent reason of rejections.
fn main_reason(tonight: &Day) -> Option<String> {
    let (reason, _) = tonight.reasons.iter().max_by_key(|(reason, count)| (**count, std::cmp::Reverse(*reason)))?;
    Some(format!("most are `{reason}`"))
}

/// Something unusual about the input, in words.
fn describe(finding: &Finding) -> String {
    let more = if finding.comparison.strength > 0.0 { "more" } else { "fewer" };
    match &finding.measure {
        Measure::Rejected => "more documents than usual were rejected".to_owned(),
        Measure::Length if finding.comparison.strength > 0.0 => "documents are longer than usual".to_owned(),
        Measure::Length => "documents are shorter than usual".to_owned(),
        Measure::Language(code) => format!("{more} documents than usual are in `{code}`"),
        Measure::Flag(flag) => format!("{more} texts than usual have the flag `{flag}`"),
        _ => String::new(),
    }
}
