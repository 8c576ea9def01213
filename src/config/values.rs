//! Types of values that check their limits: an invalid value is an error at its position in the file.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use isolang::Language;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

/// A whole number from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> Whole<MIN, MAX> {
    /// The constant `VALUE`; does not compile outside the limits.
    #[must_use]
    pub const fn constant<const VALUE: u64>() -> Self {
        const { assert!(MIN <= VALUE && VALUE <= MAX) };
        Self(VALUE)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The number as a size, or the largest size if it does not fit.
    #[must_use]
    pub fn as_size(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl From<u32> for Whole<0, 4_294_967_295> {
    fn from(number: u32) -> Self {
        Self(number.into())
    }
}

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for Whole<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number<const MIN: u64, const MAX: u64>;
        impl<const MIN: u64, const MAX: u64> Visitor<'_> for Number<MIN, MAX> {
            type Value = u64;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a whole number from {MIN} to {MAX}")
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<u64, E> {
                u64::try_from(value)
                    .ok()
                    .filter(|number| (MIN..=MAX).contains(number))
                    .ok_or_else(|| E::invalid_value(Unexpected::Signed(value), &self))
            }
        }
        deserializer.deserialize_i64(Number::<MIN, MAX>).map(Self)
    }
}

/// A share or a probability: a number from 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Share(f64);

impl Share {
    /// A percentage; does not compile above 100.
    #[must_use]
    pub fn of_percent<const PERCENT: u8>() -> Self {
        const { assert!(PERCENT <= 100) };
        Self(f64::from(PERCENT) / 100.0)
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = f64;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number from 0 to 1")
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<f64, E> {
                if (0.0..=1.0).contains(&value) {
                    Ok(value)
                } else {
                    Err(E::invalid_value(Unexpected::Float(value), &self))
                }
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<f64, E> {
                match value {
                    0 => Ok(0.0),
                    1 => Ok(1.0),
                    _ => Err(E::invalid_value(Unexpected::Signed(value), &self)),
                }
            }
        }
        deserializer.deserialize_any(Number).map(Self)
    }
}

/// A number of usual spreads from 1 to 20.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sensitivity(f64);

impl Sensitivity {
    /// The number.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl Default for Sensitivity {
    fn default() -> Self {
        Self(3.5)
    }
}

impl<'de> Deserialize<'de> for Sensitivity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = f64;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number from 1 to 20")
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<f64, E> {
                if (1.0..=20.0).contains(&value) {
                    Ok(value)
                } else {
                    Err(E::invalid_value(Unexpected::Float(value), &self))
                }
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<f64, E> {
                let number = u8::try_from(value).ok().filter(|number| (1..=20).contains(number));
                number.map(f64::from).ok_or_else(|| E::invalid_value(Unexpected::Signed(value), &self))
            }
        }
        deserializer.deserialize_any(Number).map(Self)
    }
}

/// A day of the week, by its first three letters: `Sat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weekday(jiff::civil::Weekday);

impl Weekday {
    /// Saturday.
    pub const SATURDAY: Self = Self(jiff::civil::Weekday::Saturday);
    /// Sunday.
    pub const SUNDAY: Self = Self(jiff::civil::Weekday::Sunday);

    /// The day.
    #[must_use]
    pub fn get(self) -> jiff::civil::Weekday {
        self.0
    }
}

impl<'de> Deserialize<'de> for Weekday {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use jiff::civil::Weekday::{Friday, Monday, Saturday, Sunday, Thursday, Tuesday, Wednesday};
        let text = String::deserialize(deserializer)?;
        let day = match text.as_str() {
            "Mon" => Monday,
            "Tue" => Tuesday,
            "Wed" => Wednesday,
            "Thu" => Thursday,
            "Fri" => Friday,
            "Sat" => Saturday,
            "Sun" => Sunday,
            other => {
                let expected = &"a day like \"Mon\", \"Tue\", \"Wed\", \"Thu\", \"Fri\", \"Sat\" or \"Sun\"";
                return Err(D::Error::invalid_value(Unexpected::Str(other), expected));
            }
        };
        Ok(Self(day))
    }
}

/// A time of day, as `06:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeOfDay(jiff::civil::Time);

impl TimeOfDay {
    /// The duration from `now` to the next moment with this time of day.
    #[must_use]
    pub fn after(self, now: &jiff::Zoned) -> std::time::Duration {
        let today = self.after_on_day(now, 0).filter(|time| !time.is_zero());
        today.or_else(|| self.after_on_day(now, 1)).unwrap_or_default()
    }

    /// The duration from `now` to this time of day, so many days later; `None` if that has passed.
    fn after_on_day(self, now: &jiff::Zoned, days: i64) -> Option<std::time::Duration> {
        let day = now.date().checked_add(jiff::Span::new().days(days)).ok()?;
        let moment = day.to_datetime(self.0).to_zoned(now.time_zone().clone()).ok()?;
        std::time::Duration::try_from(moment.duration_since(now)).ok()
    }
}

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time = text.parse().ok().filter(|_| text.len() == 5);
        time.map(Self).ok_or_else(|| D::Error::invalid_value(Unexpected::Str(&text), &"a time of day like \"06:00\""))
    }
}

/// A time zone, by its name in the time zone database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(jiff::tz::TimeZone);

impl Zone {
    /// The time zone.
    #[must_use]
    pub fn get(&self) -> &jiff::tz::TimeZone {
        &self.0
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self(jiff::tz::TimeZone::UTC)
    }
}

impl TryFrom<&str> for Zone {
    type Error = jiff::Error;

    fn try_from(name: &str) -> Result<Self, jiff::Error> {
        if name == "UTC" { Ok(Self::default()) } else { jiff::tz::TimeZone::get(name).map(Self) }
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::try_from(name.as_str()).map_err(|_| {
            D::Error::invalid_value(Unexpected::Str(&name), &"a time zone like \"Europe/London\" or \"UTC\"")
        })
    }
}

/// A path, or `false` for none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OptionalPath(Option<PathBuf>);

impl OptionalPath {
    /// The path, if there is one.
    #[must_use]
    pub fn get(&self) -> Option<&Path> {
        self.0.as_deref()
    }
}

impl From<Option<PathBuf>> for OptionalPath {
    fn from(path: Option<PathBuf>) -> Self {
        Self(path)
    }
}

impl From<&str> for OptionalPath {
    fn from(path: &str) -> Self {
        Self(Some(path.into()))
    }
}

impl<'de> Deserialize<'de> for OptionalPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PathOrFalse;
        impl Visitor<'_> for PathOrFalse {
            type Value = Option<PathBuf>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a path, or false for none")
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
                if value { Err(E::invalid_value(Unexpected::Bool(value), &self)) } else { Ok(None) }
            }

            fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
                if value.is_empty() {
                    Err(E::invalid_value(Unexpected::Str(value), &self))
                } else {
                    Ok(Some(value.into()))
                }
            }
        }
        deserializer.deserialize_any(PathOrFalse).map(Self)
    }
}

/// The path of a field in a record: a name, or names with dots between them for a field inside others. A number is the index of an
/// item of a list, from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldPath {
    whole: String,
    steps: Vec<String>,
}

impl FieldPath {
    pub(super) fn parse(text: &str) -> Self {
        Self { whole: text.to_owned(), steps: text.split('.').map(str::to_owned).collect() }
    }

    /// The path as written in the configuration.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.whole
    }

    /// The names of the path, one by one.
    #[must_use]
    pub fn steps(&self) -> &[String] {
        &self.steps
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.whole)
    }
}

impl<'de> Deserialize<'de> for FieldPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let path = Self::parse(&String::deserialize(deserializer)?);
        let is_path = path.steps.iter().all(|step| !step.is_empty());
        let expected = &"the name of a field, or names with dots between them, as in \"body.text\"";
        if is_path { Ok(path) } else { Err(D::Error::invalid_value(Unexpected::Str(&path.whole), expected)) }
    }
}

/// A pattern of files and folders to skip, written as in `.gitignore`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnorePattern(String);

impl IgnorePattern {
    /// The pattern as written in the configuration.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for IgnorePattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let is_pattern = ignore::gitignore::GitignoreBuilder::new("").add_line(None, &text).is_ok();
        let expected = &"a pattern as in .gitignore, like \"*.tmp\"";
        if is_pattern { Ok(Self(text)) } else { Err(D::Error::invalid_value(Unexpected::Str(&text), expected)) }
    }
}

/// A language of ISO 639, by its shortest code: `en`, or `haw` if it has no code of two letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LanguageCode(&'static str);

impl LanguageCode {
    /// The language with this code of two or three lower case letters, if there is one. Close variants count as one
    /// language, such as Bokmål and Nynorsk.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        let language = match code {
            "und" | "mul" | "mis" | "zxx" => return None,
            "nb" | "nob" | "nn" | "nno" => "no",
            "cmn" => "zh",
            "pes" => "fa",
            _ => {
                let known = Language::from_639_1(code).or_else(|| Language::from_639_3(code))?;
                known.to_639_1().unwrap_or_else(|| known.to_639_3())
            }
        };
        Some(Self(language))
    }

    /// Its code.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl<'de> Deserialize<'de> for LanguageCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let expected = &"a language's code of two or three lower case letters, like \"en\"";
        Self::from_code(&text).ok_or_else(|| D::Error::invalid_value(Unexpected::Str(&text), expected))
    }
}

/// The number of workers of a model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Workers {
    /// One per core on a processor, one per device on GPUs.
    #[default]
    Auto,
    /// This number.
    Count(NonZeroUsize),
}

impl<'de> Deserialize<'de> for Workers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AutoOrCount;
        impl Visitor<'_> for AutoOrCount {
            type Value = Workers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"auto\" or a whole number from 1 to 1024")
            }

            fn visit_str<E: Error>(self, value: &str) -> Result<Workers, E> {
                match value {
                    "auto" => Ok(Workers::Auto),
                    other => Err(E::invalid_value(Unexpected::Str(other), &self)),
                }
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Workers, E> {
                usize::try_from(value)
                    .ok()
                    .filter(|&count| count <= 1024)
                    .and_then(NonZeroUsize::new)
                    .map(Workers::Count)
                    .ok_or_else(|| E::invalid_value(Unexpected::Signed(value), &self))
            }
        }
        deserializer.deserialize_any(AutoOrCount)
    }
}

/// Gives value types their JSON Schemas, which stand where the values are used.
macro_rules! inline_schemas {
    ($($type:ident: $schema:tt),* $(,)?) => {
        $(
            impl JsonSchema for $type {
                fn inline_schema() -> bool {
                    true
                }

                fn schema_name() -> std::borrow::Cow<'static, str> {
                    stringify!($type).into()
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!($schema)
                }
            }
        )*
    };
}

inline_schemas! {
    Share: { "type": "number", "minimum": 0, "maximum": 1 },
    Sensitivity: { "type": "number", "minimum": 1, "maximum": 20 },
    Weekday: { "enum": ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] },
    TimeOfDay: { "type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$" },
    Zone: { "type": "string", "examples": ["Europe/London", "UTC"] },
    OptionalPath: { "oneOf": [{ "type": "string", "minLength": 1 }, { "const": false }] },
    FieldPath: { "type": "string", "pattern": "^[^.]+(\\.[^.]+)*$" },
    IgnorePattern: { "type": "string" },
    LanguageCode: { "type": "string", "pattern": "^[a-z]{2,3}$" },
    Workers: { "oneOf": [{ "const": "auto" }, { "type": "integer", "minimum": 1, "maximum": 1024 }] },
}

impl<const MIN: u64, const MAX: u64> JsonSchema for Whole<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("WholeFrom{MIN}To{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_morning_is_after_midnight() {
        let time = |text: &str| TimeOfDay(text.parse().unwrap());
        let now: jiff::Zoned = "2031-03-04T22:00:00+00:00[+00:00]".parse().unwrap();
        assert_eq!(time("06:00").after(&now).as_secs(), 8 * 3600);
        assert_eq!(time("23:30").after(&now).as_secs(), 5400);
        assert_eq!(time("22:00").after(&now).as_secs(), 24 * 3600);
    }
}
