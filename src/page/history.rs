//! The numbers of nights beside each other: series, and what is usual.

use jiff::civil::Date;

use super::words::{real, share};
use crate::ledger::nights::{LabelCounts, NightSpeed};
use crate::ledger::{Night, NightSource};
use crate::output::schema::DayKind;

/// The label of a statement whose best score is below the threshold.
pub(super) const UNSURE: &str = "unsure";

/// The smallest number of nights from which something is usual.
pub(super) const ENOUGH: usize = 3;

/// The number of nights of one kind from which tonight is compared with that kind alone.
const ENOUGH_OF_KIND: usize = 5;

/// Tonight, and the nights that it is compared with.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    /// The nights, the oldest first; the last one is tonight.
    nights: Vec<Night>,
    /// Their days.
    days: Vec<Day>,
}

/// The day whose night it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Day {
    /// The date; `None` if the start of the run is no time.
    pub(super) date: Option<Date>,
    pub(super) kind: DayKind,
}

/// The usual values of a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Usual {
    /// The median.
    pub(super) median: f64,
    /// The lower end of the middle four fifths.
    pub(super) low: f64,
    /// The upper end.
    pub(super) high: f64,
}

impl History {
    /// The history of `nights`, each with its day. The last one is tonight; there has to be one.
    pub(super) fn new(nights: Vec<(Day, Night)>) -> Self {
        let (days, nights) = nights.into_iter().unzip();
        Self { nights, days }
    }

    /// The nights, the oldest first.
    pub(super) fn nights(&self) -> &[Night] {
        &self.nights
    }

    /// The days of the nights.
    pub(super) fn days(&self) -> &[Day] {
        &self.days
    }

    /// The number of nights.
    pub(super) fn len(&self) -> usize {
        self.nights.len()
    }

    /// The number of nights that tonight can be compared with.
    pub(super) fn earlier(&self) -> usize {
        self.len().saturating_sub(1)
    }

    /// The night before tonight, if it is known.
    pub(super) fn before(&self) -> Option<&Night> {
        self.nights.get(self.len().checked_sub(2)?)
    }

    /// The values of a number, night by night; `None` where a night has none.
    pub(super) fn series(&self, number: impl Fn(&Night) -> Option<f64>) -> Vec<Option<f64>> {
        self.nights.iter().map(number).collect()
    }

    /// The usual value of a number in nights like tonight; `None` if there are too few.
    pub(super) fn usual(&self, number: impl Fn(&Night) -> Option<f64>) -> Option<Usual> {
        usual_of(self.comparable().filter_map(number).collect())
    }

    /// The nights before tonight of days of the same kind; all of them until there are enough of that kind.
    fn comparable(&self) -> impl Iterator<Item = &Night> {
        let tonight = self.days.last().map(|day| day.kind);
        let days = self.days.iter().take(self.earlier());
        let alike: Vec<bool> = days.map(|day| Some(day.kind) == tonight).collect();
        let has_enough = alike.iter().filter(|&&is_alike| is_alike).count() >= ENOUGH_OF_KIND;
        self.nights.iter().zip(alike).filter(move |(_, is_alike)| !has_enough || *is_alike).map(|(night, _)| night)
    }
}

/// The usual values among these; `None` if they are too few.
fn usual_of(mut values: Vec<f64>) -> Option<Usual> {
    if values.len() < ENOUGH {
        return None;
    }
    values.sort_by(f64::total_cmp);
    Some(Usual { median: quantile(&values, 0.5), low: quantile(&values, 0.1), high: quantile(&values, 0.9) })
}

/// A quantile of sorted values, between two of them if need be.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the number of values")]
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let place = part * real(sorted.len() as u64 - 1);
    let below = sorted[place.floor() as usize];
    let above = sorted[place.ceil() as usize];
    below + (above - below) * place.fract()
}

/// Documents written.
#[expect(clippy::unnecessary_wraps, reason = "one of several numbers, some of which a night may lack")]
pub(super) fn documents(night: &Night) -> Option<f64> {
    Some(real(night.documents.written))
}

/// Statements written.
#[expect(clippy::unnecessary_wraps, reason = "one of several numbers, some of which a night may lack")]
pub(super) fn statements(night: &Night) -> Option<f64> {
    Some(real(night.statements))
}

/// The share of copies among the documents written.
pub(super) fn copies(night: &Night) -> Option<f64> {
    share_of(night.documents.copies, night.documents.written)
}

/// The share of rejections among what was new.
pub(super) fn rejected(night: &Night) -> Option<f64> {
    share_of(night.documents.rejected, night.documents.written + night.documents.rejected)
}

/// The share of attributions without a speaker.
pub(super) fn unattributed(night: &Night) -> Option<f64> {
    share_of(night.unattributed, night.attributions)
}

/// The mean tone of statements.
pub(super) fn tone(night: &Night) -> Option<f64> {
    let counted = labelled(night, night.tone_task.as_deref()?);
    (counted > 0).then(|| night.tone_sum / real(counted))
}

/// The mean tone of the statements of a source.
pub(super) fn tone_of(night: &Night, source: &NightSource) -> Option<f64> {
    let counted: u64 = source.labels.get(night.tone_task.as_deref()?)?.values().sum();
    (counted > 0).then(|| source.tone_sum / real(counted))
}

/// The number of statements with a label of `task`, `unsure` among them.
pub(super) fn labelled(night: &Night, task: &str) -> u64 {
    night.labels.get(task).map_or(0, |labels| labels.values().sum())
}

/// The share of the statements with this label.
pub(super) fn label_share(night: &Night, task: &str, label: &str) -> Option<f64> {
    let counts = night.labels.get(task)?;
    share_of(counts.get(label).copied().unwrap_or_default(), counts.values().sum())
}

/// Documents of a source.
#[expect(clippy::unnecessary_wraps, reason = "one of several numbers, some of which a night may lack")]
pub(super) fn of_source(night: &Night, source: &str) -> Option<f64> {
    Some(real(night.sources.get(source).map_or(0, |found| found.documents)))
}

/// The slowest stage, with its seconds: the one that was at work for the longest time.
pub(super) fn slowest_stage(night: &Night) -> Option<(&str, f64)> {
    let stages = night.speed.stages.iter().map(|(stage, busy)| (stage.as_str(), *busy));
    stages.filter(|(_, busy)| *busy > 0.0).reduce(|slowest, stage| if stage.1 > slowest.1 { stage } else { slowest })
}

/// Adds a later run of the same day to a night. Its number, end and setup are those of the later one.
pub(super) fn add(night: &mut Night, later: Night) {
    let seconds = night.speed.seconds + later.speed.seconds;
    let words = night.words + later.words;
    let statements = night.statements + later.statements;
    let mut sum = std::mem::replace(night, later);
    night.started = sum.started;
    night.documents.written += sum.documents.written;
    night.documents.replaced += sum.documents.replaced;
    night.documents.copies += sum.documents.copies;
    night.documents.rejected += sum.documents.rejected;
    night.statements = statements;
    night.words = words;
    night.boilerplate += sum.boilerplate;
    night.attributions += sum.attributions;
    night.unattributed += sum.unattributed;
    night.characters += sum.characters;
    night.tone_sum += sum.tone_sum;
    night.tone_task = night.tone_task.take().or(sum.tone_task);
    add_labels(&mut night.labels, &sum.labels);
    for (task, names) in sum.label_names {
        night.label_names.entry(task).or_default().extend(names);
    }
    for (name, source) in sum.sources {
        let total = night.sources.entry(name).or_default();
        total.documents += source.documents;
        total.originals += source.originals;
        total.copies += source.copies;
        total.statements += source.statements;
        total.attributions += source.attributions;
        total.unattributed += source.unattributed;
        total.rejected += source.rejected;
        total.characters += source.characters;
        total.tone_sum += source.tone_sum;
        add_labels(&mut total.labels, &source.labels);
    }
    for (reason, count) in sum.reasons {
        *night.reasons.entry(reason).or_default() += count;
    }
    // The stages of the earlier run come first, so that their order stays if the later one had nothing to do.
    for (stage, busy) in &night.speed.stages {
        *sum.speed.stages.entry(stage.clone()).or_default() += busy;
    }
    night.speed = NightSpeed {
        seconds,
        words_per_second: real(words) / seconds.max(1e-9),
        statements_per_second: real(statements) / seconds.max(1e-9),
        stages: sum.speed.stages,
    };
}

fn add_labels(sums: &mut LabelCounts, counts: &LabelCounts) {
    for (task, labels) in counts {
        let of_task = sums.entry(task.clone()).or_default();
        for (label, count) in labels {
            *of_task.entry(label.clone()).or_default() += count;
        }
    }
}

fn share_of(part: u64, of_all: u64) -> Option<f64> {
    (of_all > 0).then(|| share(part, of_all))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::nights::NightDocuments;

    /// Nights from Monday 2 November 2026 on, with so many documents each.
    fn history(written: &[u64]) -> History {
        let first: Date = "2026-11-02".parse().unwrap();
        let day = |place: usize| {
            let date = first.checked_add(jiff::Span::new().days(i64::try_from(place).unwrap())).unwrap();
            let kind = if date.weekday().to_monday_zero_offset() > 4 { DayKind::Weekend } else { DayKind::Workday };
            Day { date: Some(date), kind }
        };
        let night =
            |&written| Night { documents: NightDocuments { written, ..Default::default() }, ..Night::default() };
        History::new(written.iter().enumerate().map(|(place, written)| (day(place), night(written))).collect())
    }

    #[test]
    fn runs_of_a_day_add_up() {
        let labels =
            |count| LabelCounts::from([("topic".to_owned(), [("29".to_owned(), count)].into_iter().collect())]);
        let source = |documents| NightSource { documents, labels: labels(documents), ..NightSource::default() };
        let run = |night, written| Night {
            night,
            started: format!("run {night}"),
            documents: NightDocuments { written, found: 9, ..Default::default() },
            statements: written * 10,
            labels: labels(written),
            sources: [("a".to_owned(), source(written))].into(),
            reasons: [("empty".to_owned(), 1)].into(),
            speed: NightSpeed {
                seconds: 2.0,
                stages: [("infer".to_owned(), 1.5)].into_iter().collect(),
                ..Default::default()
            },
            ..Night::default()
        };
        let mut night = run(1, 3);
        add(&mut night, run(2, 4));
        assert_eq!(
            (night.night, night.started.as_str(), night.documents.written, night.documents.found),
            (2, "run 1", 7, 9)
        );
        assert_eq!((night.labels, &night.sources["a"]), (labels(7), &source(7)));
        assert_eq!((night.reasons["empty"], night.speed.stages["infer"]), (2, 3.0));
        assert!((night.speed.statements_per_second - 17.5).abs() < 1e-9);
    }

    #[test]
    fn tonight_is_no_part_of_what_is_usual() {
        let usual = history(&[10, 20, 30, 1000]).usual(documents).unwrap();
        assert_eq!((usual.median, usual.low, usual.high), (20.0, 12.0, 28.0));
        assert_eq!(history(&[10, 20, 30]).usual(documents), None, "two nights are too few");
    }

    #[test]
    fn a_workday_is_compared_with_workdays_as_soon_as_there_are_enough() {
        // The sixth and seventh are a weekend, the eighth is a Monday.
        let usual = history(&[100, 100, 100, 100, 100, 10, 10, 90]).usual(documents).unwrap();
        assert!((usual.low - 100.0).abs() < 1e-9);
        let usual = history(&[100, 100, 100, 100, 100, 10, 90]).usual(documents).unwrap();
        assert!(usual.low < 100.0, "one Saturday is too few for a Sunday");
    }
}
