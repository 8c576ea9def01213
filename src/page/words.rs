//! Numbers, days and texts as readers see them.

use jiff::civil::Date;

/// A thin space that keeps a number and its unit together.
const THIN: char = '\u{202f}';

/// A whole number with commas between thousands: `12,345`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number that need not be whole, as one of people's: `12,345` from ten on, `3.5` below.
pub(super) fn about(number: f64) -> String {
    if number.abs() < 9.95 && (number - number.round()).abs() >= 0.05 {
        return format!("{number:.1}");
    }
    let sign = if number <= -0.5 { "−" } else { "" };
    format!("{sign}{}", count(whole(number.abs())))
}

/// A share in percent: `31 %`, and `3.4 %` below ten.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent == 0.0 {
        format!("0{THIN}%")
    } else if percent < 0.05 {
        format!("<0.1{THIN}%")
    } else if percent < 9.95 {
        format!("{percent:.1}{THIN}%")
    } else {
        format!("{percent:.0}{THIN}%")
    }
}

/// A tone from -1 to 1, with its sign: `+0.12`, `−0.05`.
pub(super) fn tone(tone: f64) -> String {
    let text = format!("{:.2}", tone.abs());
    if text == "0.00" {
        text
    } else if tone < 0.0 {
        format!("−{text}")
    } else {
        format!("+{text}")
    }
}

/// A difference as a share of what was there before: `12 % more than`, `3 % fewer than`, `as many as`.
pub(super) fn compared(now: f64, before: f64) -> String {
    if before <= 0.0 {
        return "more than".to_owned();
    }
    let change = now / before - 1.0;
    if change.abs() < 0.005 {
        "as many as".to_owned()
    } else if now >= 2.0 * before {
        format!("{} times as many as", about((now / before * 10.0).round() / 10.0))
    } else {
        format!("{:.0}{THIN}% {} than", change.abs() * 100.0, if change > 0.0 { "more" } else { "fewer" })
    }
}

/// A duration: `42 s`, `12 min`, `1 h 05 min`.
pub(super) fn duration(seconds: f64) -> String {
    let minutes = whole(seconds / 60.0);
    if seconds < 9.95 {
        format!("{seconds:.1}{THIN}s")
    } else if seconds < 99.5 {
        format!("{seconds:.0}{THIN}s")
    } else if minutes < 60 {
        format!("{minutes}{THIN}min")
    } else {
        format!("{}{THIN}h {:02}{THIN}min", minutes / 60, minutes % 60)
    }
}

/// A noun with its number: `1 story`, `12 stories`.
pub(super) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// A list as people write it: `a, b and c`.
pub(super) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The text with a capital letter at its start.
pub(super) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A day in full: `Sunday 29 November 2026`.
pub(super) fn long_day(day: Option<Date>) -> String {
    day.map_or_else(|| "unknown day".to_owned(), |day| day.strftime("%A %-d %B %Y").to_string())
}

/// A day in short: `29 Nov`.
pub(super) fn short_day(day: Option<Date>) -> String {
    day.map_or_else(|| "?".to_owned(), |day| day.strftime("%-d %b").to_string())
}

/// A short day with its weekday: `Sun 29 Nov`.
pub(super) fn weekday(day: Option<Date>) -> String {
    day.map_or_else(|| "?".to_owned(), |day| day.strftime("%a %-d %b").to_string())
}

/// The beginning of a foreign text on one line: without characters that a reader cannot see, and with at most so many characters.
pub(super) fn excerpt(text: &str, characters: usize) -> String {
    let mut shown = String::new();
    let mut length = 0;
    for word in text.split(is_blank).filter(|word| !word.is_empty()) {
        let visible: String = word.chars().filter(|character| !is_invisible(*character)).collect();
        if visible.is_empty() {
            continue;
        }
        if length > 0 {
            shown.push(' ');
            length += 1;
        }
        let letters = visible.chars().count();
        if length + letters > characters {
            // A long word is cut, and a short one is left out.
            if letters > 24 {
                shown.extend(visible.chars().take(characters.saturating_sub(length)));
            }
            return format!("{}…", shown.trim_end());
        }
        shown.push_str(&visible);
        length += letters;
    }
    shown
}

fn is_blank(character: char) -> bool {
    character.is_whitespace() || character.is_control()
}

/// True for marks that turn the direction of text or have no width: they could make a text look like another one.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// The nearest whole number that is not negative.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "for people")]
pub(super) fn whole(number: f64) -> u64 {
    number.round().max(0.0) as u64
}

/// A count as a number to reckon with.
#[expect(clippy::cast_precision_loss, reason = "for people")]
pub(super) fn real(count: u64) -> f64 {
    count as f64
}

/// A share, or 0 of nothing.
pub(super) fn share(part: u64, of_all: u64) -> f64 {
    if of_all == 0 { 0.0 } else { real(part) / real(of_all) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [0.0, 0.0004, 0.034, 0.0999, 0.31, 1.0].map(percent).map(|text| text.replace(THIN, " ")),
            ["0 %", "<0.1 %", "3.4 %", "10 %", "31 %", "100 %"]
        );
        assert_eq!([-0.123, 0.0, -0.001, 0.5].map(tone), ["−0.12", "0.00", "0.00", "+0.50"]);
        assert_eq!([0.5, 3.0, 3.44, 12.6, 1234.0].map(about), ["0.5", "3", "3.4", "13", "1,234"]);
        let times = [3.21, 42.0, 725.0, 3900.0].map(duration).map(|text| text.replace(THIN, " "));
        assert_eq!(times, ["3.2 s", "42 s", "12 min", "1 h 05 min"]);
        assert_eq!(compared(112.0, 100.0).replace(THIN, " "), "12 % more than");
        assert_eq!(compared(350.0, 100.0), "3.5 times as many as");
        assert_eq!(compared(100.0, 100.0), "as many as");
    }

    #[test]
    fn lists_have_an_and() {
        let items = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(
            [list(&items[..0]), list(&items[..1]), list(&items[..2]), list(&items)],
            ["", "a", "a and b", "a, b and c"]
        );
    }

    #[test]
    fn excerpts_end_with_a_word_and_have_nothing_that_is_not_seen() {
        assert_eq!(excerpt("  One\n two\tthree ", 100), "One two three");
        assert_eq!(excerpt("One two three", 9), "One two…");
        assert_eq!(excerpt("a\u{202e}b\u{0007}c\u{200b}", 100), "ab c");
        assert_eq!(excerpt(&"x".repeat(50), 10), format!("{}…", "x".repeat(10)));
        assert_eq!(excerpt("", 10), "");
    }

    #[test]
    fn days_are_written_in_full_and_in_short() {
        let date = "2026-11-29".parse().ok();
        assert_eq!(long_day(date), "Sunday 29 November 2026");
        assert_eq!((weekday(date), short_day(date)), ("Sun 29 Nov".to_owned(), "29 Nov".to_owned()));
        assert_eq!(long_day(None), "unknown day");
    }
}
