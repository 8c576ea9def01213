//! `[[tests]]`: texts with expected results, in `pipeline.toml` or in files of their own.

use std::fmt;
use std::path::Path;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::de::{Deserializer, Error, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::{ConfigError, ConfigFile};

/// `[[tests]]`: a text, and the results that one of its statements must or must not have.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestCase {
    /// The name in reports. Without one, the beginning of the text.
    pub name: Option<String>,
    /// The text: a statement, with as much of its article around it as matters.
    #[schemars(with = "String")]
    pub text: Spanned<String>,
    /// The title of the article.
    pub title: Option<String>,
    /// The author of the article.
    pub byline: Option<String>,
    /// The number of the tested statement in the text, from 0. It must be given if the text has several.
    #[schemars(with = "Option<usize>")]
    pub statement: Option<Spanned<usize>>,
    /// The results that the statement must have: labels by task, `speaker`, `act`, `boilerplate`.
    #[serde(default)]
    #[schemars(with = "IndexMap<String, Expected>")]
    pub expect: IndexMap<Spanned<String>, Spanned<Expected>>,
    /// The results that the statement must not have, by the same names.
    #[serde(default)]
    #[schemars(with = "IndexMap<String, Expected>")]
    pub not: IndexMap<Spanned<String>, Spanned<Expected>>,
}

/// The value of an expectation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Expected {
    /// A label's name or code, a speaker's name, an act. Of several, one is enough.
    AnyOf(Vec<String>),
    /// For `boilerplate`: true or false. For `speaker`: false for no named speaker.
    Is(bool),
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AnyOf(values) => f.write_str(&values.join(" or ")),
            Self::Is(value) => write!(f, "{value}"),
        }
    }
}

impl<'de> Deserialize<'de> for Expected {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ExpectedVisitor)
    }
}

struct ExpectedVisitor;

impl<'de> Visitor<'de> for ExpectedVisitor {
    type Value = Expected;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name, a list of names, true or false")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Expected, E> {
        Ok(Expected::Is(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Expected, E> {
        Ok(Expected::AnyOf(vec![value.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Expected, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        if values.is_empty() {
            return Err(A::Error::invalid_value(Unexpected::Seq, &"at least one name"));
        }
        Ok(Expected::AnyOf(values))
    }
}

/// A file with tests alone.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct TestFile {
    tests: Vec<TestCase>,
}

/// Tests, and the file that they are in.
#[derive(Debug, Clone)]
pub struct TestCases {
    /// The file.
    pub file: ConfigFile,
    /// The tests, in the order of the file.
    pub cases: Vec<TestCase>,
}

impl TestCases {
    /// Reads a file with tests alone.
    ///
    /// # Errors
    /// [`ConfigError`] with the position of the first error.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let file = ConfigFile::load(path)?;
        let TestFile { tests } = file.sections()?;
        Ok(Self { file, cases: tests })
    }
}
