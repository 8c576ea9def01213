//! The names of the fields in a labelled file, and the meanings of their values.

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::config::values::Whole;
use crate::record::Label;
use crate::sentences::sentences;

/// The layout of a labelled file. All of it is optional: by default, fields are found by their usual names.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Layout {
    /// The field of the text.
    pub text: String,
    /// The field of its title; a row may lack it.
    pub title: String,
    /// The field of the sentence before it; a row may lack it.
    pub before: String,
    /// The field of the sentence after it; a row may lack it.
    pub after: String,
    /// The field of the label. By default the first known label field that a row has.
    pub label: Option<String>,
    /// The label of each value, by code or name. The row is left out if the label is "". A list allows each of its labels.
    pub labels: IndexMap<String, Meaning>,
    /// The separator of several values in one text, as "|" in "1|5". A JSON list needs none.
    pub separator: Option<String>,
    /// A letter of the field `flags`, in place of a label field: statements that have it get the head's last label, others its
    /// first.
    pub flag: Option<char>,
    /// The values that certain fields have to have. Other rows are ignored.
    pub only: IndexMap<String, String>,
    /// The number of sentences that are read from the beginning of a text, if one label is for a long text. By default all.
    pub lead_sentences: Option<Whole<1, 1000>>,
    /// A rating from which the labels were derived by cuts. It says how clear they are.
    pub scale: Option<Scale>,
}

/// The label or labels of a value.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Meaning {
    /// This label.
    One(String),
    /// Any of these labels: one of them is right.
    OneOf(Vec<String>),
}

/// Labels derived from a rating by cuts. The share of each label is the probability that another rating would fall between its
/// cuts, if ratings are normally distributed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// The field of the rating.
    pub field: String,
    /// The rising bounds between labels: one fewer than the head has labels.
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
    /// The part of `text` that is read.
    pub(super) fn lead<'t>(&self, text: &'t str) -> &'t str {
        let Some(most) = self.lead_sentences else { return text };
        match sentences(text).get(most.as_size() - 1) {
            Some(last) => &text[..last.span.byte_end],
            None => text,
        }
    }

    /// True if a row with these fields is to be read.
    pub(super) fn wants(&self, fields: &Map<String, Value>) -> bool {
        self.only.iter().all(|(field, wanted)| fields.get(field).and_then(plain).is_some_and(|value| value == *wanted))
    }
}

impl Scale {
    /// The share of each label for a text rated `value`.
    pub(super) fn shares(&self, value: f64) -> Vec<f32> {
        let mut edges = vec![0.0];
        for cut in &self.cuts {
            edges.push(normal_below((cut - value) / self.deviation));
        }
        edges.push(1.0);
        #[expect(clippy::cast_possible_truncation, reason = "the models compute in f32")]
        edges.windows(2).map(|pair| (pair[1] - pair[0]).max(0.0) as f32).collect()
    }
}

/// The share of the standard normal distribution below `z`, to 1e-4 (the logistic approximation of Bowling et al. 2009).
fn normal_below(z: f64) -> f64 {
    1.0 / (1.0 + (-0.07056 * z.powi(3) - 1.5976 * z).exp())
}

/// The meanings of values in known label fields.
pub(super) type KnownFields = IndexMap<String, IndexMap<String, Meaning>>;

/// The known label fields, in the order in which they are looked for.
pub(super) fn known_fields() -> KnownFields {
    toml::from_str(include_str!("public_datasets.toml")).unwrap_or_default()
}

/// The index of the label with the code or the name `value`. Codes come first.
pub(super) fn place(labels: &[Label], value: &str) -> Option<usize> {
    let by_code = labels.iter().position(|label| label.code.as_deref() == Some(value));
    by_code.or_else(|| labels.iter().position(|label| label.label == value))
}

/// A string, number or boolean as text.
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
