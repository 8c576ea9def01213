//! Which field holds the label, and what its values stand for.

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::config::values::Whole;
use crate::record::Label;
use crate::sentences::sentences;

/// How the rows of a file are to be read. All of it can be left out: the usual names are looked for.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Layout {
    /// The field of the text.
    pub text: String,
    /// The field of the title that it stands under; a row may lack it.
    pub title: String,
    /// The field of the sentence before it; a row may lack it.
    pub before: String,
    /// The field of the sentence after it; a row may lack it.
    pub after: String,
    /// The field of the label. Without it the first known one that a row has.
    pub label: Option<String>,
    /// What label each value stands for, by code or name; "" leaves a row out. A list means that one of its labels is
    /// right, and which is not known.
    pub labels: IndexMap<String, Meaning>,
    /// What stands between several values of a label field that is a text, as "|" in "1|5". A list needs none.
    pub separator: Option<String>,
    /// A letter of the field `flags` instead of a label field: rows and statements that have it are of the head's last label,
    /// others of its first.
    pub flag: Option<char>,
    /// Rows whose fields have other values than these are not read.
    pub only: IndexMap<String, String>,
    /// How many sentences of a text are read, from its beginning, where one label stands for a long text; all without it.
    pub lead_sentences: Option<Whole<1, 1000>>,
    /// A number from which the labels were cut, to know how clear they are.
    pub scale: Option<Scale>,
}

/// What a value of a label field stands for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Meaning {
    /// This label.
    One(String),
    /// One of these labels.
    OneOf(Vec<String>),
}

/// Labels cut from a number: how likely another rating would give each of them, if ratings scatter normally.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// The field of the number.
    pub field: String,
    /// Between which numbers lies which label: one cut fewer than the head has labels, rising.
    pub cuts: Vec<f64>,
    /// The standard deviation of a rating.
    pub deviation: f64,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            text: "text".into(),
            title: "title".into(),
            before: "before".into(),
            after: "after".into(),
            label: None,
            labels: IndexMap::new(),
            separator: None,
            flag: None,
            only: IndexMap::new(),
            lead_sentences: None,
            scale: None,
        }
    }
}

impl Layout {
    /// What is read of `text`.
    pub(super) fn lead<'t>(&self, text: &'t str) -> &'t str {
        let last =
            self.lead_sentences.and_then(|most| sentences(text).get(most.as_size() - 1).map(|last| last.span.byte_end));
        last.map_or(text, |end| &text[..end])
    }

    /// Whether a row with these fields is to be read.
    pub(super) fn wants(&self, fields: &Map<String, Value>) -> bool {
        self.only.iter().all(|(field, wanted)| fields.get(field).and_then(plain).is_some_and(|value| value == *wanted))
    }
}

impl Scale {
    /// The share of each label for a text rated `value`.
    pub(super) fn shares(&self, value: f64) -> Vec<f32> {
        let below = |cut: &f64| normal_below((cut - value) / self.deviation);
        let edges: Vec<f64> = std::iter::once(0.0).chain(self.cuts.iter().map(below)).chain([1.0]).collect();
        #[expect(clippy::cast_possible_truncation, reason = "the models compute in f32")]
        edges.windows(2).map(|pair| (pair[1] - pair[0]).max(0.0) as f32).collect()
    }
}

/// The share of the standard normal distribution below `z`, to 1e-4 (the logistic approximation of Bowling et al. 2009).
fn normal_below(z: f64) -> f64 {
    1.0 / (1.0 + (-0.07056 * z.powi(3) - 1.5976 * z).exp())
}

/// What the values of label fields stand for where the layout does not say it.
pub(super) type KnownFields = IndexMap<String, IndexMap<String, Meaning>>;

/// The known label fields, in the order in which they are looked for.
pub(super) fn known_fields() -> KnownFields {
    toml::from_str(include_str!("known_fields.toml")).unwrap_or_default()
}

/// The place of the label called `value`, by code first.
pub(super) fn place(labels: &[Label], value: &str) -> Option<usize> {
    let by_code = labels.iter().position(|label| label.code.as_deref() == Some(value));
    by_code.or_else(|| labels.iter().position(|label| label.label == value))
}

/// A string, number or truth value as people write it.
pub(super) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_fields_can_be_read() {
        let known = known_fields();
        assert_eq!(known.keys().collect::<Vec<_>>(), ["codes", "code", "label", "stars", "ag_class", "section"]);
        assert_eq!(known["stars"]["4"], Meaning::One("positive".into()));
    }

    #[test]
    fn the_lead_is_so_many_sentences() {
        let layout = |most: &str| toml::from_str::<Layout>(most).unwrap();
        let text = "Snow falls.\n\nIt lies. It melts.";
        assert_eq!(layout("lead_sentences = 2").lead(text), "Snow falls.\n\nIt lies.");
        assert_eq!(layout("lead_sentences = 4").lead(text), text);
        assert_eq!(layout("").lead(text), text);
        assert!(toml::from_str::<Layout>("lead_sentences = 0").is_err());
    }

    #[test]
    fn a_rating_near_a_cut_is_shared() {
        let scale = Scale { field: "score".into(), cuts: vec![-0.5, 0.5], deviation: 0.4 };
        let shares = scale.shares(0.5);
        assert!((shares[2] - 0.5).abs() < 1e-3 && shares[0] < 0.01, "{shares:?}");
        assert!((shares.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert!(scale.shares(3.0)[2] > 0.999);
    }
}
