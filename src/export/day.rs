//! The day of a document, in the time zone of the configuration. Nothing is guessed: a document without a date is undated.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};

use crate::config::Partition;

/// The day of documents without a date.
pub(super) const UNDATED: &str = "undated";

/// The day of a document. Undated ones come last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Day {
    Dated(Date),
    Undated,
}

impl Day {
    /// The day of a date as documents have it: RFC 3339, or a date alone, which no zone moves.
    pub(super) fn of_date(date: Option<&str>, zone: &TimeZone) -> Self {
        let Some(date) = date else { return Self::Undated };
        if let Ok(moment) = date.parse::<Timestamp>() {
            return Self::Dated(zone.to_datetime(moment).date());
        }
        let is_date_alone = date.len() == "2031-03-01".len();
        date.parse::<civil::Date>().ok().filter(|_| is_date_alone).map_or(Self::Undated, Self::Dated)
    }

    /// The name of the folder with the files of this day, as Hive names them.
    pub(super) fn folder(self, partition: Partition) -> String {
        match (self, partition) {
            (_, Partition::Day) => format!("day={self}"),
            (Self::Undated, Partition::Month) => format!("month={UNDATED}"),
            (Self::Dated(date), Partition::Month) => format!("month={:04}-{:02}", date.year(), date.month()),
        }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dated(date) => date.fmt(f),
            Self::Undated => f.write_str(UNDATED),
        }
    }
}

/// The microseconds since 1970 of a moment in RFC 3339; `None` for a date alone.
pub(super) fn microseconds(date: &str) -> Option<i64> {
    date.parse::<Timestamp>().ok().map(Timestamp::as_microsecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zone_decides_the_day_of_a_moment_and_not_that_of_a_date() {
        let tokyo = TimeZone::get("Asia/Tokyo").unwrap();
        let day = |date: &str, zone: &TimeZone| Day::of_date(Some(date), zone).to_string();
        assert_eq!(day("2031-03-01T23:30:00-05:00", &TimeZone::UTC), "2031-03-02");
        assert_eq!(day("2031-03-01T17:30:00Z", &TimeZone::UTC), "2031-03-01");
        assert_eq!(day("2031-03-01T17:30:00Z", &tokyo), "2031-03-02");
        assert_eq!(day("2031-03-01", &tokyo), "2031-03-01");
    }

    #[test]
    fn what_is_no_date_is_undated_and_comes_last() {
        for date in [None, Some(""), Some("1 March"), Some("2031-13-01"), Some("2031-03-01T12:00:00")] {
            assert_eq!(Day::of_date(date, &TimeZone::UTC), Day::Undated, "{date:?}");
        }
        assert!(Day::of_date(Some("9999-12-31"), &TimeZone::UTC) < Day::Undated);
        assert_eq!(Day::Undated.folder(Partition::Month), "month=undated");
        assert_eq!(Day::of_date(Some("2031-03-01"), &TimeZone::UTC).folder(Partition::Month), "month=2031-03");
    }
}
