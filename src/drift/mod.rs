//! A night compared with earlier nights: what is unusual, and whether the world, the input or we are the cause. `docs/drift.md` has the
//! rules. Everything but the examples is computed from the nights of the ledger alone.

/// Starts of runs to days, and days to their kinds.
mod calendar;
/// The likely causes of what is unusual.
mod causes;
/// A value against those of other nights.
mod compare;
/// The runs of a day as one night.
mod day;
/// Statements that show what is unusual.
pub mod examples;
/// The measures that are unusual.
mod find;
/// Joins what belongs together to lines.
mod fold;
/// The numbers that are compared.
mod measure;
/// The nights that a night is compared with.
mod reference;
pub(crate) mod testing;
/// A comparison in words.
pub mod text;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use calendar::{Calendar, Holidays};

use crate::config::DriftConfig;
use crate::ledger::{LedgerError, Night, NightKind};
use crate::output::schema::{AlarmKind, AlarmRecord, DayKind, DriftRecord, DriftVerdict};
use crate::output::{ReadError, SCHEMA};
use day::Day;
use reference::{Reference, minimum};

/// The largest number of alarms of a night.
pub const MAX_ALARMS: usize = 10;

/// Nights that cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum DriftError {
    /// The file of holidays cannot be read.
    #[error("cannot read the holidays in `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        #[source]
        cause: std::io::Error,
    },
    /// A line in the file of holidays is no date.
    #[error("`{}`, line {line}: `{found}` is no date; write 2031-12-26, or 12-26 for every year", path.display())]
    Holiday {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The first word of the line.
        found: String,
    },
    /// The start of a run is no time.
    #[error("night {night} started at `{started}`, which is no time as 2031-03-07T22:00:00Z")]
    Start {
        /// The number of the night.
        night: u32,
        /// The text in the ledger.
        started: String,
    },
    /// There is no such night.
    #[error("there is no night {night}; the last one is {last}")]
    NoNight {
        /// The number that was asked for.
        night: u32,
        /// The number of the last night.
        last: u32,
    },
    /// The file of nights cannot be read.
    #[error("cannot read the nights in `{}`", path.display())]
    Nights {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        #[source]
        cause: std::io::Error,
    },
    /// A line in the file of nights is no night.
    #[error("`{}`, line {line}: no night as `pressrun nights --json` prints it", path.display())]
    Night {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The cause.
        #[source]
        cause: serde_json::Error,
    },
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The statements of an example cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Parses nights as `pressrun nights --json` prints them, one a line, and sorts them by their numbers. `path` is for messages.
///
/// # Errors
/// A line that is no night.
pub fn parse_nights(text: &str, path: &Path) -> Result<Vec<Night>, DriftError> {
    let mut nights = Vec::new();
    for (line, number) in text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty()) {
        // A list of values would be read as the fields of a night in their order.
        let night = serde_json::from_str::<serde_json::Map<_, _>>(line)
            .and_then(|object| serde_json::from_value::<Night>(object.into()))
            .map_err(|cause| DriftError::Night { path: path.to_owned(), line: number, cause })?;
        nights.push(night);
    }
    nights.sort_by_key(|night| night.night);
    Ok(nights)
}

/// Compares the night `number`, or else the last one, with those before it. `None` if there are no nights. The result has no examples yet:
/// see [`examples::add`].
///
/// # Errors
/// A night that does not exist, or a start that is no time.
pub fn judge(
    nights: &[Night],
    number: Option<u32>,
    config: &DriftConfig,
    calendar: &Calendar,
) -> Result<Option<DriftRecord>, DriftError> {
    let Some(last) = nights.last() else { return Ok(None) };
    let night = match number {
        Some(number) => {
            let found = nights.iter().find(|night| night.night == number);
            found.ok_or(DriftError::NoNight { night: number, last: last.night })?
        }
        None => nights.iter().rfind(|night| night.kind == NightKind::Night).unwrap_or(last),
    };
    let days = day::days(nights, night.night, calendar)?;
    if night.kind == NightKind::Backfill {
        return backfill(night, config, calendar).map(Some);
    }
    Ok(days.len().checked_sub(1).map(|index| judge_day(&days, index, config)))
}

/// Compares every night with those before it, the first one first. Runs of the same day are one night.
///
/// # Errors
/// A start that is no time.
pub fn judge_each(nights: &[Night], config: &DriftConfig, calendar: &Calendar) -> Result<Vec<DriftRecord>, DriftError> {
    let days = day::days(nights, u32::MAX, calendar)?;
    Ok((0..days.len()).map(|index| judge_day(&days, index, config)).collect())
}

impl DriftRecord {
    /// The sources that fell silent, those that are told in the line of another alarm too.
    pub fn missing_sources(&self) -> impl Iterator<Item = &str> {
        let of_alarms = self.alarms.iter().filter(|alarm| alarm.what == AlarmKind::MissingSource);
        let moved = self.alarms.iter().flat_map(|alarm| &alarm.moved);
        let of_moved = moved.filter(|moved| moved.what == AlarmKind::MissingSource);
        let sources = of_alarms.map(|alarm| &alarm.source).chain(of_moved.map(|moved| &moved.source));
        sources.filter_map(Option::as_deref)
    }

    /// The number of alarms, those that are left out included.
    #[must_use]
    pub fn alarm_count(&self) -> usize {
        self.alarms.len() + self.alarms_left_out as usize
    }
}

/// Compares the night at `index` with those before it.
fn judge_day(days: &[Day], index: usize, config: &DriftConfig) -> DriftRecord {
    let tonight = &days[index];
    let reference = Reference::find(days, index, config);
    let before = index.checked_sub(1).map(|before| &days[before].setup);
    let changes = before.map(|before| tonight.setup.changes(before)).unwrap_or_default();
    let result_changes = before.map(|before| tonight.setup.result_changes(before)).unwrap_or_default();

    let findings = find::findings(tonight, &reference, config);
    let previous = previous_findings(days, index, config);
    let explained = causes::explain(findings, tonight, &reference, config);
    let mut alarms = fold::fold(explained, tonight, &reference, |explained| {
        previous.iter().any(|finding| finding.is_like(&explained.finding))
    });
    if !result_changes.is_empty() {
        let after_missing = alarms.iter().take_while(|alarm| has_missing(alarm)).count();
        alarms.insert(after_missing, fold::change_alarm(tonight, &result_changes));
    }
    let left_out = alarms.len().saturating_sub(MAX_ALARMS);
    alarms.truncate(MAX_ALARMS);
    let verdict = if !alarms.is_empty() {
        DriftVerdict::Unusual
    } else if reference.all.len() < minimum(config) {
        DriftVerdict::TooFewNights
    } else {
        DriftVerdict::Usual
    };
    DriftRecord {
        schema: SCHEMA,
        night: tonight.night,
        day: tonight.date.to_string(),
        kind: tonight.kind,
        verdict,
        finished: tonight.is_finished(),
        nights_used: reference::count(reference.all.len()),
        minimum: reference::count(minimum(config)),
        restart: reference.restart,
        changes,
        alarms,
        alarms_left_out: reference::count(left_out),
    }
}

/// The unusual measures of the night of the same kind before.
fn previous_findings(days: &[Day], index: usize, config: &DriftConfig) -> Vec<find::Finding> {
    let kind = days[index].kind;
    let previous = days[..index].iter().rposition(|day| day.is_finished() && day.kind == kind);
    let Some(previous) = previous else { return Vec::new() };
    find::findings(&days[previous], &Reference::find(days, previous, config), config)
}

fn has_missing(alarm: &AlarmRecord) -> bool {
    alarm.what == AlarmKind::MissingSource || alarm.moved.iter().any(|moved| moved.what == AlarmKind::MissingSource)
}

/// The result for a run that did documents once more.
fn backfill(night: &Night, config: &DriftConfig, calendar: &Calendar) -> Result<DriftRecord, DriftError> {
    let day = calendar.day(&night.started);
    let day = day.ok_or_else(|| DriftError::Start { night: night.night, started: night.started.clone() })?;
    let kind: DayKind = calendar.kind(day);
    Ok(DriftRecord {
        schema: SCHEMA,
        night: night.night,
        day: day.to_string(),
        kind,
        verdict: DriftVerdict::Backfill,
        finished: true,
        nights_used: 0,
        minimum: reference::count(minimum(config)),
        restart: None,
        changes: Vec::new(),
        alarms: Vec::new(),
        alarms_left_out: 0,
    })
}
