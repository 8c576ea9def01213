//! Parses dates in the forms that sources use, and writes them as RFC 3339. Nothing is guessed: a date that can be read in two
//! orders of day and month gives none, and a time without a zone is left out, so that only the date remains.

use jiff::civil::{Date, Time};

use crate::english::{MONTH_NAMES, WEEKDAY_NAMES};

/// Zone abbreviations that mean one zone, or that mail gives one meaning, in minutes east of Greenwich.
const ZONES: [(&str, i32); 22] = [
    ("z", 0),
    ("ut", 0),
    ("utc", 0),
    ("gmt", 0),
    ("est", -300),
    ("edt", -240),
    ("cst", -360),
    ("cdt", -300),
    ("mst", -420),
    ("mdt", -360),
    ("pst", -480),
    ("pdt", -420),
    ("wet", 0),
    ("west", 60),
    ("cet", 60),
    ("cest", 120),
    ("eet", 120),
    ("eest", 180),
    ("msk", 180),
    ("hkt", 480),
    ("sgt", 480),
    ("jst", 540),
];

/// Abbreviations that stand for more than one zone, or for one that changes with the season. Times with them are left out.
const UNSURE_ZONES: [&str; 10] = ["et", "ct", "mt", "pt", "ist", "bst", "ast", "local", "time", "uhr"];

/// Words that a date may be written with and without.
const FILLERS: [&str; 13] =
    ["at", "on", "of", "the", "published", "updated", "posted", "date", "modified", "last", "first", "created", "and"];

/// The years of a date. Earlier than newspapers, or later than this, is a mistake.
const YEARS: std::ops::RangeInclusive<i16> = 1600..=2199;

/// A longer text is not a date.
const MAX_BYTES: usize = 100;

/// `raw` as `2031-03-01T17:30:00-05:00`, in its own zone, or as `2031-03-01` if it has no time or no zone. `None` if it cannot
/// be parsed, or has two meanings.
pub(in crate::input) fn to_rfc3339(raw: &str) -> Option<String> {
    let raw = raw.trim();
    if raw.len() > MAX_BYTES || !raw.is_ascii() {
        return None;
    }
    numeric(raw).or_else(|| worded(raw)).map(|moment| moment.shown()).or_else(|| epoch(raw))
}

/// A number of seconds since 1970, or of thousandths, millionths or billionths of a second; its length decides which.
fn epoch(raw: &str) -> Option<String> {
    let raw = in_net(raw).unwrap_or(raw);
    let (whole, fraction) = raw.split_once('.').unwrap_or((raw, "0"));
    if !is_digits(whole) || !is_digits(fraction) || whole.starts_with('0') {
        return None;
    }
    let nanoseconds_per_unit: i128 = match whole.len() {
        9 | 10 => 1_000_000_000,
        12 | 13 => 1_000_000,
        15 | 16 => 1_000,
        18 | 19 => 1,
        _ => return None,
    };
    let billionths: i128 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    let nanoseconds =
        whole.parse::<i128>().ok()? * nanoseconds_per_unit + billionths * nanoseconds_per_unit / 1_000_000_000;
    let moment = jiff::Timestamp::from_nanosecond(nanoseconds).ok()?.to_string();
    // Later years have the same number of digits, and are mistakes.
    moment.get(..4)?.parse().is_ok_and(|year| YEARS.contains(&year)).then_some(moment)
}

/// The number in `/Date(1930374900000+0100)/`, as .NET writes dates.
fn in_net(raw: &str) -> Option<&str> {
    raw.strip_prefix("/Date(")?.strip_suffix(")/")?.split(['+', '-']).next()
}

/// A moment as a source writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Moment {
    date: Date,
    time: Option<Time>,
    /// Minutes east of Greenwich.
    offset: Option<i32>,
}

impl Moment {
    fn shown(&self) -> String {
        let Self { date, time: Some(time), offset: Some(offset) } = self else { return self.date.to_string() };
        let sign = if *offset < 0 { '-' } else { '+' };
        let zone = match offset.abs() {
            0 => "Z".to_owned(),
            minutes => format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60),
        };
        format!("{date}T{time}{zone}")
    }
}

/// ISO 8601, extended or basic: `2031-03-01T12:00:00.5+01:00`, `2031-03-01 12:00`, `20310301T120000Z`, `20310301`.
fn numeric(raw: &str) -> Option<Moment> {
    let (date, rest) = iso_date(raw)?;
    if rest.is_empty() {
        return Some(Moment { date, time: None, offset: None });
    }
    let rest = rest.strip_prefix(['T', 't', ' ', '_']).or_else(|| is_digits(rest).then_some(rest))?.trim_start();
    let end = rest.find(|character: char| !matches!(character, '0'..='9' | ':' | '.' | ',')).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(end);
    let time = iso_time(clock)?;
    let zone = zone.trim().split('[').next().unwrap_or_default();
    let offset = if zone.is_empty() { None } else { Some(zone_offset(zone)?) };
    Some(Moment { date, time: Some(time), offset })
}

/// The date at the start, and what follows it.
fn iso_date(raw: &str) -> Option<(Date, &str)> {
    ['-', '/', '.'].iter().find_map(|&separator| extended_date(raw, separator)).or_else(|| basic_date(raw))
}

/// `2031-03-01` at the start, with any separator, and what follows it.
fn extended_date(raw: &str, separator: char) -> Option<(Date, &str)> {
    let (year, rest) = raw.split_once(separator)?;
    let (month, rest) = rest.split_once(separator)?;
    let end = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
    if year.len() != 4 || !(1..=2).contains(&month.len()) || !(1..=2).contains(&end) {
        return None;
    }
    Some((date_of(number(year)?, number(month)?, number(&rest[..end])?)?, &rest[end..]))
}

/// `20310301` at the start, and what follows it.
fn basic_date(raw: &str) -> Option<(Date, &str)> {
    let digits = raw.get(..8).filter(|digits| is_digits(digits))?;
    Some((date_of(number(&digits[..4])?, number(&digits[4..6])?, number(&digits[6..])?)?, &raw[8..]))
}

/// `12:00`, `12:00:00.5` or `120000`.
fn iso_time(clock: &str) -> Option<Time> {
    let (whole, fraction) = clock.split_once(['.', ',']).unwrap_or((clock, ""));
    let parts: Vec<&str> = match whole.len() {
        4 | 6 if is_digits(whole) => (0..whole.len()).step_by(2).map(|start| &whole[start..start + 2]).collect(),
        _ => whole.split(':').collect(),
    };
    let (hour, minute, second) = match parts[..] {
        [hour, minute] => (number(hour)?, number(minute)?, 0),
        [hour, minute, second] => (number(hour)?, number(minute)?, number(second)?),
        _ => return None,
    };
    let nanoseconds = if fraction.is_empty() { 0 } else { format!("{fraction:0<9}").get(..9)?.parse().ok()? };
    time_of(hour, minute, second, nanoseconds)
}

/// `Z`, `+01:00`, `+0100`, `+01` or an abbreviation.
fn zone_offset(zone: &str) -> Option<i32> {
    let name = zone.to_ascii_lowercase();
    if let Some((_, offset)) = ZONES.iter().find(|(known, _)| *known == name) {
        return Some(*offset);
    }
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let digits = digits.replace(':', "");
    let (hours, minutes) = match digits.len() {
        2 if is_digits(&digits) => (digits.as_str(), "0"),
        4 if is_digits(&digits) => digits.split_at(2),
        _ => return None,
    };
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours <= 18 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

/// The parts found so far of a date in words.
#[derive(Default)]
struct Parts {
    month: Option<i8>,
    day: Option<i8>,
    year: Option<i16>,
    date: Option<Date>,
    time: Option<Time>,
    offset: Option<i32>,
}

/// English, with the month in words, or in numbers that can be read one way only: `March 1, 2031 5:30 p.m. EST`,
/// `Tue, 01 Mar 2031 12:00:00 +0000`, `25/03/2031`.
fn worded(raw: &str) -> Option<Moment> {
    let lowered = raw.to_ascii_lowercase().replace("a.m.", "am").replace("p.m.", "pm").replace(" - ", " ");
    let mut parts = Parts::default();
    for word in lowered.split([' ', ',', '|', '(', ')', '\t', '\n', '\r']).filter(|word| !word.is_empty()) {
        take_word(word, &mut parts)?;
    }
    let date = match parts {
        Parts { date: Some(date), month: None, day: None, year: None, .. } => date,
        Parts { date: None, month: Some(month), day: Some(day), year: Some(year), .. } => date_of(year, month, day)?,
        _ => return None,
    };
    Some(Moment { date, time: parts.time, offset: parts.offset })
}

/// Adds a word to the parts. `None` if it cannot belong to a date.
fn take_word(word: &str, parts: &mut Parts) -> Option<()> {
    let bare = word.trim_matches(['.', ':']);
    if let Some(half) = ["am", "pm"].iter().position(|half| *half == bare) {
        return set(&mut parts.time.take().and_then(|time| in_half(time, half)), &mut parts.time);
    }
    if let Some(month) = named(bare, &MONTH_NAMES) {
        return set(&mut i8::try_from(month + 1).ok(), &mut parts.month);
    }
    if named(bare, &WEEKDAY_NAMES).is_some() || FILLERS.contains(&bare) || bare.is_empty() {
        return Some(());
    }
    if bare.contains(':') {
        return take_clock(bare, parts);
    }
    if UNSURE_ZONES.contains(&bare) && parts.time.is_some() {
        return Some(());
    }
    if let Some(offset) = zone_offset(bare).filter(|_| parts.time.is_some()) {
        return set(&mut Some(offset), &mut parts.offset);
    }
    if bare.contains(['/', '.', '-']) {
        return set(&mut numbers(bare), &mut parts.date);
    }
    take_number(bare, parts)
}

/// A day, with an ending or not, or a year.
fn take_number(word: &str, parts: &mut Parts) -> Option<()> {
    let digits = ["st", "nd", "rd", "th"].iter().find_map(|ending| word.strip_suffix(ending)).unwrap_or(word);
    if !is_digits(digits) {
        return take_clock(word, parts);
    }
    match digits.len() {
        4 => set(&mut number(digits), &mut parts.year),
        1 | 2 => set(&mut number(digits), &mut parts.day),
        _ => None,
    }
}

/// `5:30pm`, `17:30:00.5`, `5pm`, `17:30z`.
fn take_clock(word: &str, parts: &mut Parts) -> Option<()> {
    let end = word.find(|character: char| !matches!(character, '0'..='9' | ':' | '.')).unwrap_or(word.len());
    let (clock, ending) = word.split_at(end);
    let half = ["am", "pm"].iter().position(|half| *half == ending);
    let time = match half {
        Some(_) if is_digits(clock) => time_of(number(clock)?, 0, 0, 0)?,
        _ => iso_time(clock)?,
    };
    if let Some(half) = half {
        return set(&mut in_half(time, half), &mut parts.time);
    }
    if !ending.is_empty() {
        set(&mut Some(zone_offset(ending)?), &mut parts.offset)?;
    }
    set(&mut Some(time), &mut parts.time)
}

/// A time of the first or second half of the day.
fn in_half(time: Time, half: usize) -> Option<Time> {
    let hour = (1..=12).contains(&time.hour()).then_some(time.hour() % 12)?;
    time_of(hour + if half == 1 { 12 } else { 0 }, time.minute(), time.second(), 0)
}

/// Three numbers that are a date in one order only, as a number over 12 is not a month; or two numbers with a month between them.
fn numbers(word: &str) -> Option<Date> {
    let parts: Vec<&str> = word.split(['/', '.', '-']).collect();
    let [first, second, third] = parts[..] else { return None };
    if third.len() != 4 {
        return None;
    }
    if let Some(month) = named(second, &MONTH_NAMES) {
        return date_of(number(third)?, i8::try_from(month + 1).ok()?, number(first)?);
    }
    let first: i8 = number(first)?;
    let second: i8 = number(second)?;
    let year = number(third)?;
    match (date_of(year, second, first), date_of(year, first, second)) {
        (Some(one), Some(other)) if one != other => None,
        (one, other) => one.or(other),
    }
}

/// Sets `place`. `None` if it has a value already, or there is no value to set.
fn set<T>(value: &mut Option<T>, place: &mut Option<T>) -> Option<()> {
    if place.is_some() {
        return None;
    }
    *place = Some(value.take()?);
    Some(())
}

/// The place among `names` of the one that `word` is, in any case, whole or as its first three to five letters.
fn named(word: &str, names: &[&str]) -> Option<usize> {
    names.iter().position(|name| {
        let beginning = name.get(..word.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(word));
        beginning && (word.len() == name.len() || (3..=5).contains(&word.len()))
    })
}

fn date_of(year: i16, month: i8, day: i8) -> Option<Date> {
    Date::new(year, month, day).ok().filter(|_| YEARS.contains(&year))
}

/// A leap second counts as the one before it.
fn time_of(hour: i8, minute: i8, second: i8, nanoseconds: i32) -> Option<Time> {
    Time::new(hour, minute, if second == 60 { 59 } else { second }, nanoseconds).ok()
}

fn number<T: std::str::FromStr>(digits: &str) -> Option<T> {
    is_digits(digits).then(|| digits.parse().ok()).flatten()
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_give(expected: &str, raws: &[&str]) {
        for raw in raws {
            assert_eq!(to_rfc3339(raw).as_deref(), Some(expected), "{raw}");
        }
    }

    #[test]
    fn a_moment_keeps_the_zone_of_its_source() {
        all_give(
            "2031-03-01T17:30:00-05:00",
            &[
                "2031-03-01T17:30:00-05:00",
                "2031-03-01T17:30:00-0500",
                "2031-03-01 17:30 -05",
                "2031-03-01T17:30:00-05:00[America/New_York]",
                "20310301T173000-0500",
                "Sat, 01 Mar 2031 17:30:00 -0500",
                "Sat, 1 Mar 2031 17:30:00 EST",
                "March 1, 2031 5:30 p.m. EST",
                "Mar. 1, 2031, 5:30PM EST",
                "Published: Saturday, March 1st, 2031 at 5:30 pm (EST)",
            ],
        );
        all_give("2031-03-01T12:00:00Z", &["20310301T120000Z", "2031-03-01T12:00Z", "Sat, 01 Mar 2031 12:00:00 GMT"]);
        all_give("2031-03-01T12:00:00.25Z", &["2031-03-01T12:00:00.250+00:00", "2031-03-01T12:00:00,25Z"]);
    }

    #[test]
    fn a_time_without_a_zone_leaves_its_date() {
        all_give(
            "2031-03-01",
            &[
                "2031-03-01",
                "20310301",
                "2031/03/01",
                "2031-3-1",
                "2031-03-01T17:30:00",
                "20310301173000",
                "1 March 2031",
                "March 1, 2031",
                "Mar 1, 2031 5:30 pm",
                "17:30, 1 March 2031",
                " 1-MAR-2031 17:30:01.79",
                "1/Mar/2031",
                "01 Mar 2031",
            ],
        );
    }

    #[test]
    fn a_number_of_seconds_or_of_parts_of_them_is_a_moment() {
        all_give(
            "2031-03-04T07:15:00Z",
            &["1930374900", "1930374900000", "1930374900000000", "1930374900000000000", "1930374900.0"],
        );
        all_give("2031-03-04T07:15:00.25Z", &["1930374900.25", "1930374900250"]);
        all_give("1987-02-26T15:01:01Z", &["541350061", "541350061000"]);
        for raw in
            ["1", "12345", "12345678901", "0930374900", "9930374900", "-1930374900", "1930374900.", "1930374900.x"]
        {
            assert_eq!(to_rfc3339(raw), None, "{raw}");
        }
    }

    #[test]
    fn the_order_of_day_and_month_is_never_guessed() {
        for raw in ["03/04/2031", "3.4.2031", "03-04-2031"] {
            assert_eq!(to_rfc3339(raw), None, "{raw}");
        }
        all_give("2031-03-25", &["25/03/2031", "03/25/2031", "25.03.2031", "3-25-2031"]);
        all_give("2031-03-03", &["03/03/2031"]);
    }

    #[test]
    fn what_is_no_date_or_more_than_one_is_none() {
        let long = "1".repeat(1000);
        for raw in [
            "",
            " ",
            "yesterday",
            "2031",
            "March 2031",
            "2031-13-01",
            "2031-02-30",
            "0001-01-01T00:00:00Z",
            "12:00",
            "March 1, 2031 April 2, 2031",
            "25:00 March 1, 2031",
            "2031-03-01T25:00:00Z",
            "2031-03-01T12:00:00+99:00",
            "1 März 2031",
            "13 pm March 1, 2031",
            "2031-03-01garbage",
            "am",
            "T",
            "+",
            "2031-03-",
            &long,
        ] {
            assert_eq!(to_rfc3339(raw), None, "{raw}");
        }
    }

    #[test]
    fn an_unsure_zone_is_not_taken_for_another() {
        all_give("2031-03-01", &["March 1, 2031 5:30 pm IST", "March 1, 2031 5:30 p.m. ET"]);
        assert_eq!(to_rfc3339("March 1, 2031 5:30 pm XYZ"), None);
        all_give("2031-03-01T00:30:00+01:00", &["1 March 2031 12:30 am CET"]);
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_panic_and_what_it_gives_it_can_read(raw in "[0-9TZ:+./, apmAPMarchJn-]{0,40}") {
            if let Some(shown) = to_rfc3339(&raw) {
                proptest::prop_assert_eq!(to_rfc3339(&shown), Some(shown));
            }
        }
    }
}
