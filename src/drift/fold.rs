//! What is unusual to lines: what belongs together is one line, and the most important one comes first.

use std::cmp::Ordering;

use super::causes::Explained;
use super::day::Day;
use super::find::regular_sources;
use super::measure::{Measure, Scale};
use super::reference::{Reference, count};
use crate::output::schema::{AlarmCause, AlarmKind, AlarmRecord, ChangeRecord, MovedRecord};

/// The smallest number of sources that are told in the line of the whole volume if they moved with it.
const MANY_SOURCES: usize = 2;

/// Something unusual, and what moved with it.
#[derive(Debug)]
struct Line {
    main: Explained,
    moved: Vec<Explained>,
}

impl Line {
    /// True if it is the volume of all sources, which no single one explains.
    fn is_whole_volume(&self) -> bool {
        self.main.finding.measure == Measure::Volume && self.main.source.is_none()
    }

    /// True if it is a source that moved in a direction. Missing ones count if there are many of them.
    fn is_source_like(&self, is_up: bool, with_missing: bool) -> bool {
        let finding = &self.main.finding;
        finding.measure.source().is_some() && finding.is_up() == is_up && (with_missing || !finding.is_missing)
    }

    /// True if it tells of a missing source.
    fn has_missing(&self) -> bool {
        self.moved.iter().chain([&self.main]).any(|explained| explained.finding.is_missing)
    }

    /// The order of lines about a source: that it is missing, its volume, then the rest by strength.
    fn importance(&self, other: &Self) -> Ordering {
        let ours = &self.main.finding;
        let theirs = &other.main.finding;
        let by_missing = theirs.is_missing.cmp(&ours.is_missing);
        let by_volume = theirs.measure.source().is_some().cmp(&ours.measure.source().is_some());
        by_missing.then(by_volume).then_with(|| self.importance_by_strength(other))
    }

    /// The order by strength, the strongest first.
    fn importance_by_strength(&self, other: &Self) -> Ordering {
        let ours = &self.main.finding;
        let theirs = &other.main.finding;
        let by_strength = theirs.comparison.strength.abs().total_cmp(&ours.comparison.strength.abs());
        by_strength.then_with(|| ours.measure.cmp(&theirs.measure))
    }
}

/// Joins what belongs together, and sorts by importance: missing sources, then the rest by strength.
pub(super) fn fold(
    explained: Vec<Explained>,
    tonight: &Day,
    reference: &Reference,
    is_twice: impl Fn(&Explained) -> bool,
) -> Vec<AlarmRecord> {
    let mut lines: Vec<Line> = explained.into_iter().map(|main| Line { main, moved: Vec::new() }).collect();
    fold_sources_into_volume(&mut lines, reference);
    fold_by_source(&mut lines);
    fold_shares_into_tone(&mut lines);
    lines.sort_by(|a, b| b.has_missing().cmp(&a.has_missing()).then_with(|| a.importance_by_strength(b)));
    lines.iter().map(|line| record(line, tonight, is_twice(&line.main))).collect()
}

/// The alarm of a change of what results depend on.
pub(super) fn change_alarm(tonight: &Day, changes: &[ChangeRecord]) -> AlarmRecord {
    AlarmRecord {
        night: tonight.night,
        what: AlarmKind::Change,
        task: None,
        label: None,
        name: None,
        source: None,
        value: None,
        usual: None,
        low: None,
        high: None,
        strength: None,
        nights_used: 0,
        twice: false,
        cause: AlarmCause::Us,
        because: Some(changes.iter().map(describe_change).collect::<Vec<_>>().join(", ")),
        moved: Vec::new(),
        examples: Vec::new(),
    }
}

/// A change in words.
pub(super) fn describe_change(change: &ChangeRecord) -> String {
    let ChangeRecord { part, name, before, now } = change;
    let thing = match name {
        Some(name) => format!("{} `{name}`", part.as_str()),
        None => part.as_str().to_owned(),
    };
    match (before, now) {
        (Some(before), Some(now)) => format!("{thing}: {} → {}", short(before), short(now)),
        (None, Some(now)) => format!("{thing}: new, {}", short(now)),
        _ => format!("{thing}: not used any more"),
    }
}

/// A version, or the beginning of a hash.
fn short(version: &str) -> &str {
    const HASH_LENGTH: usize = 64;
    if version.len() == HASH_LENGTH && version.is_ascii() { &version[..8] } else { version }
}

/// Tells of many sources that moved with the whole volume in its line.
fn fold_sources_into_volume(lines: &mut Vec<Line>, reference: &Reference) {
    let Some(volume) = lines.iter().find(|line| line.is_whole_volume()) else { return };
    let is_up = volume.main.finding.is_up();
    let missing = lines.iter().filter(|line| line.main.finding.is_missing).count();
    let is_mass = missing >= MANY_SOURCES && missing * 2 > regular_sources(&reference.all).len();
    if lines.iter().filter(|line| line.is_source_like(is_up, is_mass)).count() >= MANY_SOURCES {
        join(lines, Line::is_whole_volume, |line| line.is_source_like(is_up, is_mass));
    }
}

/// Tells of everything that moved with a source in one line.
fn fold_by_source(lines: &mut Vec<Line>) {
    let mut sources: Vec<String> = lines.iter().filter_map(|line| line.main.source.clone()).collect();
    sources.sort();
    sources.dedup();
    for source in sources {
        let of_source = lines.iter().filter(|line| line.main.source.as_deref() == Some(&source));
        let Some(main) = of_source.min_by(|a, b| a.importance(b)).map(|line| line.main.finding.measure.clone()) else {
            continue;
        };
        join(
            lines,
            |line| line.main.finding.measure == main,
            |line| line.main.source.as_deref() == Some(source.as_str()),
        );
    }
}

/// Tells of the shares of negative and positive labels in the line of the tone that they make.
fn fold_shares_into_tone(lines: &mut Vec<Line>) {
    let tone = lines.iter().find_map(|line| match &line.main.finding.measure {
        Measure::Tone { task } => Some(task.clone()),
        _ => None,
    });
    let Some(task) = tone else { return };
    join(
        lines,
        |line| matches!(line.main.finding.measure, Measure::Tone { .. }),
        |line| matches!(&line.main.finding.measure, Measure::Share { task: other, .. } if *other == task),
    );
}

/// Moves the lines that are `folded` into the first one that is `main`.
fn join(lines: &mut Vec<Line>, is_main: impl Fn(&Line) -> bool, is_folded: impl Fn(&Line) -> bool) {
    let Some(place) = lines.iter().position(is_main) else { return };
    let mut main = lines.remove(place);
    let (folded, rest): (Vec<Line>, Vec<Line>) = std::mem::take(lines).into_iter().partition(is_folded);
    for line in folded {
        main.moved.push(line.main);
        main.moved.extend(line.moved);
    }
    *lines = rest;
    lines.push(main);
}

fn record(line: &Line, tonight: &Day, twice: bool) -> AlarmRecord {
    let Explained { finding, cause, because, source } = &line.main;
    let comparison = &finding.comparison;
    let mut moved: Vec<MovedRecord> = line.moved.iter().map(|explained| moved_record(explained, tonight)).collect();
    moved.sort();
    let scale = finding.measure.scale();
    let MovedRecord { what, task, label, name, .. } = moved_record(&line.main, tonight);
    AlarmRecord {
        night: tonight.night,
        what,
        task,
        label,
        name,
        source: source.clone(),
        value: Some(round(comparison.value, scale)),
        usual: Some(round(comparison.usual, scale)),
        low: Some(round(comparison.low, scale)),
        high: Some(round(comparison.high, scale)),
        strength: Some((comparison.strength.abs() * 10.0).round() / 10.0),
        nights_used: count(comparison.nights),
        twice,
        cause: *cause,
        because: because.clone(),
        moved,
        examples: Vec::new(),
    }
}

fn moved_record(explained: &Explained, tonight: &Day) -> MovedRecord {
    let finding = &explained.finding;
    let measure = &finding.measure;
    let name = match measure {
        Measure::Share { task, label } => tonight.label_name(task, label).map(str::to_owned),
        _ => None,
    };
    MovedRecord {
        what: if finding.is_missing { AlarmKind::MissingSource } else { measure.kind() },
        task: measure.task().map(str::to_owned),
        label: measure.label().map(str::to_owned),
        name,
        source: measure.source().map(str::to_owned),
    }
}

/// A value with as many digits as tell something.
fn round(value: f64, scale: Scale) -> f64 {
    let digits = match scale {
        Scale::Count | Scale::Size => 1.0,
        Scale::Speed => 10.0,
        Scale::Share | Scale::Mean { .. } => 10_000.0,
    };
    (value * digits).round() / digits
}
