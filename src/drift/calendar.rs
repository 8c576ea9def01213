//! Starts of runs to the days that they belong to, and days to their kinds.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::DriftError;
use crate::config::DriftConfig;
use crate::output::schema::DayKind;

/// The kinds of days, by weekday and by a list of holidays.
#[derive(Debug, Clone)]
pub struct Calendar {
    weekend: Vec<Weekday>,
    holidays: Holidays,
    zone: TimeZone,
}

impl Calendar {
    /// The calendar of a configuration, in the time zone of this machine. Reads the file of holidays, if there is one.
    ///
    /// # Errors
    /// A file of holidays that cannot be read, or a line in it that is no date.
    pub fn load(config: &DriftConfig) -> Result<Self, DriftError> {
        let holidays = config.holidays.as_deref().map_or(Ok(Holidays::default()), Holidays::load)?;
        Ok(Self::new(config, holidays, TimeZone::system()))
    }

    /// A calendar of these parts.
    #[must_use]
    pub fn new(config: &DriftConfig, holidays: Holidays, zone: TimeZone) -> Self {
        Self { weekend: config.weekend.iter().map(|day| day.get()).collect(), holidays, zone }
    }

    /// The kind of a day.
    #[must_use]
    pub fn kind(&self, day: Date) -> DayKind {
        if self.holidays.has(day) {
            DayKind::Holiday
        } else if self.weekend.contains(&day.weekday()) {
            DayKind::Weekend
        } else {
            DayKind::Workday
        }
    }

    /// The day that a run belongs to. A run that starts before noon does the work of the day before, just like one that
    /// started late in the evening.
    #[must_use]
    pub fn day(&self, started: &str) -> Option<Date> {
        let start = started.parse::<Timestamp>().ok()?.to_zoned(self.zone.clone());
        if start.time() < Time::midnight().saturating_add(12.hours()) {
            start.date().yesterday().ok()
        } else {
            Some(start.date())
        }
    }
}

/// Holidays: days of one year, or of every year.
#[derive(Debug, Clone, Default)]
pub struct Holidays {
    once: HashSet<Date>,
    every_year: HashSet<(i8, i8)>,
}

impl Holidays {
    /// Reads a file of holidays.
    fn load(path: &Path) -> Result<Self, DriftError> {
        let text =
            std::fs::read_to_string(path).map_err(|cause| DriftError::Unreadable { path: path.to_owned(), cause })?;
        Self::parse(&text, path)
    }

    /// Parses the text of a file of holidays: a date a line, as `2031-12-26` or as `12-26` for every year. What follows the date is a
    /// remark, and so is a line that begins with `#`.
    ///
    /// # Errors
    /// A line that does not begin with a date.
    pub fn parse(text: &str, path: &Path) -> Result<Self, DriftError> {
        let mut holidays = Self::default();
        for (line, number) in text.lines().zip(1..) {
            let Some(date) = line.split_whitespace().next().filter(|word| !word.starts_with('#')) else { continue };
            if !holidays.add(date) {
                return Err(DriftError::Holiday { path: PathBuf::from(path), line: number, found: date.to_owned() });
            }
        }
        Ok(holidays)
    }

    /// Adds a date; false if it is none.
    fn add(&mut self, date: &str) -> bool {
        /// A leap year, in which every day has a place.
        const LEAP_YEAR: &str = "2024-";
        let is_whole = date.len() == "2031-12-26".len();
        let text = if is_whole { date.to_owned() } else { format!("{LEAP_YEAR}{date}") };
        let Ok(day) = text.parse::<Date>() else { return false };
        if is_whole {
            self.once.insert(day);
        } else {
            self.every_year.insert((day.month(), day.day()));
        }
        true
    }

    fn has(&self, day: Date) -> bool {
        self.once.contains(&day) || self.every_year.contains(&(day.month(), day.day()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(zone: TimeZone) -> Calendar {
        let text = "# closed\n12-25 Christmas\n\n2031-04-14  Easter Monday\n";
        Calendar::new(&DriftConfig::default(), Holidays::parse(text, Path::new("h.txt")).unwrap(), zone)
    }

    #[test]
    fn a_run_before_noon_belongs_to_the_day_before() {
        let calendar = calendar(TimeZone::UTC);
        let day = |started: &str| calendar.day(started).map(|day| day.to_string());
        assert_eq!(day("2031-03-07T22:00:00Z").as_deref(), Some("2031-03-07"));
        assert_eq!(day("2031-03-08T02:00:00Z").as_deref(), Some("2031-03-07"));
        assert_eq!(day("2031-03-08T12:00:00Z").as_deref(), Some("2031-03-08"));
        assert_eq!(day("yesterday"), None);
    }

    #[test]
    fn the_day_is_that_of_the_zone() {
        let zone = TimeZone::fixed(jiff::tz::offset(-5));
        // 22:00 on Friday in New York.
        assert_eq!(calendar(zone).day("2031-03-08T03:00:00Z").unwrap().to_string(), "2031-03-07");
    }

    #[test]
    fn days_are_workdays_weekends_or_holidays() {
        let calendar = calendar(TimeZone::UTC);
        let kind = |day: &str| calendar.kind(day.parse().unwrap());
        assert_eq!(kind("2031-03-07"), DayKind::Workday);
        assert_eq!(kind("2031-03-08"), DayKind::Weekend);
        assert_eq!((kind("2031-12-25"), kind("2032-12-25")), (DayKind::Holiday, DayKind::Holiday));
        assert_eq!((kind("2031-04-14"), kind("2032-04-14")), (DayKind::Holiday, DayKind::Workday));
    }

    #[test]
    fn a_line_that_is_no_date_is_named() {
        for wrong in ["Easter", "31-12-2031", "13-01", "2031-02-30", "2031-1-1"] {
            let error = Holidays::parse(&format!("12-25\n{wrong}\n"), Path::new("h.txt")).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("`h.txt`, line 2: `{wrong}` is no date; write 2031-12-26, or 12-26 for every year")
            );
        }
        assert!(Holidays::parse("02-29\n", Path::new("h.txt")).is_ok());
    }
}
