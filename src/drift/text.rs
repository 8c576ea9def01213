//! A comparison in words: a line for the result, one for each note and each alarm.

use std::fmt::Write;

use jiff::civil::Date;

use super::fold::describe_change;
use crate::output::schema::{AlarmKind, AlarmRecord, DriftRecord, DriftVerdict, MovedRecord};

/// The result in one line.
#[must_use]
pub fn headline(record: &DriftRecord) -> String {
    let DriftRecord { night, kind, nights_used, minimum, .. } = record;
    let kind = kind.as_str();
    let night = format!("night {night}, {} ({kind})", long_date(&record.day));
    let compared = format!("compared with {}", counted(u64::from(*nights_used), "night"));
    match record.verdict {
        DriftVerdict::Usual => format!("{night}: as usual, {compared}"),
        DriftVerdict::Unusual => {
            let alarms = counted(record.alarm_count() as u64, "alarm");
            format!("{night}: {alarms}, {compared}")
        }
        DriftVerdict::TooFewNights => format!("{night}: too few nights ({nights_used} of {minimum})"),
        DriftVerdict::Backfill => format!("{night}: a backfill, which is not compared"),
    }
}

/// The limits of the comparison, in a line each.
#[must_use]
pub fn notes(record: &DriftRecord) -> Vec<String> {
    let mut notes = Vec::new();
    if !record.finished {
        notes.push("the run has not finished: volumes, sources and speed are not compared".to_owned());
    }
    if record.verdict == DriftVerdict::Unusual && record.nights_used < record.minimum {
        notes.push(format!("too few nights ({} of {}) for more", record.nights_used, record.minimum));
    }
    if let Some(restart) = &record.restart {
        let changes: Vec<String> = restart.changes.iter().map(describe_change).collect();
        let few = if restart.nights_used < record.minimum {
            format!(": too few nights ({} of {})", restart.nights_used, record.minimum)
        } else {
            format!(" ({})", counted(u64::from(restart.nights_used), "night"))
        };
        notes.push(format!(
            "since night {} another {}; labels, tone, scores and shares are compared from there{few}",
            restart.night,
            changes.join(", ")
        ));
    }
    if record.alarms_left_out > 0 {
        notes.push(format!("{} more, which are weaker", counted(record.alarms_left_out.into(), "alarm")));
    }
    notes
}

/// An alarm in one line.
#[must_use]
pub fn alarm(alarm: &AlarmRecord) -> String {
    let mut text = subject(alarm);
    // Writing to a string cannot fail.
    if let (Some(usual), Some(low), Some(high)) = (alarm.usual, alarm.low, alarm.high) {
        let [usual, low, high] = [usual, low, high].map(|value| number(alarm.what, value));
        let _ = write!(text, ", usually {usual} ({low} to {high})");
    }
    if !alarm.moved.is_empty() {
        let _ = write!(text, "; with it: {}", moved(&alarm.moved));
    }
    let _ = write!(text, " · {}", alarm.cause.as_str());
    if let Some(because) = alarm.because.as_ref().filter(|_| alarm.what != AlarmKind::Change) {
        let _ = write!(text, ": {because}");
    }
    if alarm.twice {
        text += " · second night";
    }
    text
}

/// The thing that is unusual, and its value.
fn subject(alarm: &AlarmRecord) -> String {
    let value = alarm.value.map(|value| number(alarm.what, value)).unwrap_or_default();
    let label = alarm.name.as_ref().or(alarm.label.as_ref()).map(String::as_str).unwrap_or_default();
    let task = alarm.task.as_deref().unwrap_or_default();
    let source = alarm.source.as_deref().unwrap_or_default();
    match alarm.what {
        AlarmKind::MissingSource => format!("`{source}` fell silent: no documents"),
        AlarmKind::Change => format!("another {}", alarm.because.as_deref().unwrap_or_default()),
        AlarmKind::Volume if alarm.source.is_some() && alarm.because.is_none() => {
            format!("{value} documents of `{source}`")
        }
        AlarmKind::Volume => format!("{value} documents"),
        AlarmKind::Share => format!("{task} `{label}`: {value} of statements"),
        AlarmKind::Tone => format!("tone {value}"),
        AlarmKind::Score => format!("mean score of {task} {value}"),
        AlarmKind::Speakers => format!("{value} of attributions without a speaker"),
        AlarmKind::Rejected => format!("{value} of documents rejected"),
        AlarmKind::Copies => format!("{value} of documents are copies"),
        AlarmKind::Length => format!("{value} characters a document"),
        AlarmKind::Language => format!("language `{label}`: {value} of documents"),
        AlarmKind::Section => format!("section `{label}`: {value} of documents"),
        AlarmKind::Flag => format!("flag `{label}`: {value} of texts"),
        AlarmKind::Speed => format!("{value} statements a second"),
    }
}

/// The things that moved with an alarm: the first few by name, and the number of the others.
fn moved(moved: &[MovedRecord]) -> String {
    const SHOWN: usize = 5;
    let mut names: Vec<String> = moved.iter().take(SHOWN).map(moved_name).collect();
    if moved.len() > SHOWN {
        names.push(format!("{} more", moved.len() - SHOWN));
    }
    names.join(", ")
}

fn moved_name(moved: &MovedRecord) -> String {
    let label = moved.name.as_ref().or(moved.label.as_ref()).map(String::as_str).unwrap_or_default();
    let task = moved.task.as_deref().unwrap_or_default();
    match (moved.what, &moved.source) {
        (AlarmKind::MissingSource, Some(source)) => format!("`{source}` silent"),
        (_, Some(source)) => format!("`{source}`"),
        (AlarmKind::Share, _) => format!("{task} `{label}`"),
        (AlarmKind::Language | AlarmKind::Section | AlarmKind::Flag, _) => format!("{} `{label}`", moved.what.as_str()),
        (AlarmKind::Score, _) => format!("mean score of {task}"),
        (what, _) => what.as_str().to_owned(),
    }
}

/// A value as people write it.
fn number(what: AlarmKind, value: f64) -> String {
    match what {
        AlarmKind::Tone | AlarmKind::Score => format!("{value:.2}"),
        AlarmKind::Share
        | AlarmKind::Speakers
        | AlarmKind::Rejected
        | AlarmKind::Copies
        | AlarmKind::Language
        | AlarmKind::Section
        | AlarmKind::Flag => format!("{:.1} %", value * 100.0),
        AlarmKind::Speed if value < 10.0 => format!("{value:.1}"),
        _ => grouped(&format!("{value:.0}")),
    }
}

/// A whole number with commas between thousands.
fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn counted(count: u64, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

/// A day as `Mon 6 April 1987`.
fn long_date(day: &str) -> String {
    day.parse::<Date>().map_or_else(|_| day.to_owned(), |date| date.strftime("%a %-d %B %Y").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_have_commas() {
        assert_eq!(
            [grouped("7"), grouped("812"), grouped("1531"), grouped("1000000")],
            ["7", "812", "1,531", "1,000,000"]
        );
        assert_eq!(long_date("1987-04-06"), "Mon 6 April 1987");
        assert_eq!((counted(1, "night"), counted(0, "night")), ("1 night".to_owned(), "0 nights".to_owned()));
    }
}
