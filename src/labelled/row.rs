//! Converts one line to one row.

use std::ops::Range;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::layout::{self, Layout, Meaning, Scale};
use super::marks::TagSet;
use super::{AttributionGold, DocumentGold, Gold, LabelledRow, Mark, NO_STATEMENT_FLAG, StatementGold, WEAK_FLAG};
use crate::config::listed;
use crate::model::{HeadKind, HeadManifest};
use crate::record::{Act, Label};

/// The field of targets in a text, each with a `label`.
const TARGETS: &str = "targets";

/// The field of attributions, whose parts are ranges of code points.
const ATTRIBUTIONS: &str = "attributions";

/// The field of the sentences of a document, each with labels.
const STATEMENTS: &str = "statements";

/// The field of a sentence's flags, one letter each.
const FLAGS: &str = "flags";

type Fields = Map<String, Value>;

/// Reads the rows of one file.
#[derive(Debug)]
pub(super) struct RowReader<'l> {
    layout: &'l Layout,
    labels: &'l [Label],
    source: LabelSource,
}

/// The place of the labels in a row.
#[derive(Debug)]
enum LabelSource {
    /// A field of the row.
    Field(LabelField),
    /// A field of the document and of each of its statements.
    Statements(LabelField),
    /// A letter in the flags of each statement.
    Flag(char),
    /// The labels of targets.
    Targets,
    /// The parts of attributions with these names.
    Marks(Vec<String>),
}

/// A field with labels.
#[derive(Debug)]
struct LabelField {
    name: String,
    /// The labels of certain values. Other values are codes or names of labels.
    meanings: IndexMap<String, Meaning>,
}

/// Parses a line as a JSON object.
pub(super) fn parse_fields(line: &[u8]) -> Result<Fields, String> {
    match serde_json::from_slice(line) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err("not a JSON object".into()),
        Err(error) => Err(format!("not JSON: {error}")),
    }
}

impl<'l> RowReader<'l> {
    /// A reader for the rows of the file with the first row `first`, which decides where the labels are.
    pub(super) fn new(layout: &'l Layout, head: &'l HeadManifest, first: &Fields) -> Result<Self, String> {
        let source = match head.kind {
            HeadKind::Token if layout.lead_sentences.is_some() => {
                return Err("`lead_sentences` is for labels of whole texts, not for marked parts".into());
            }
            HeadKind::Token => LabelSource::Marks(TagSet::new(&head.labels).parts),
            HeadKind::Sequence => match (layout.flag, first.contains_key(STATEMENTS)) {
                (Some(flag), true) => LabelSource::Flag(flag),
                (Some(_), false) => return Err(format!("`flag` is for documents with `{STATEMENTS}`")),
                (None, true) => LabelSource::Statements(statement_field(layout, &head.labels)),
                (None, false) => label_source_of_text(layout, first)?,
            },
        };
        Ok(Self { layout, labels: &head.labels, source })
    }

    /// The row with these fields; `None` if its value stands for no label.
    pub(super) fn read_row(&self, line: u64, fields: &Fields) -> Result<Option<LabelledRow>, String> {
        let whole = required_text(fields, &self.layout.text)?;
        let is_document = matches!(self.source, LabelSource::Statements(_) | LabelSource::Flag(_));
        if is_document && self.layout.lead_sentences.is_some() {
            return Err(
                "`lead_sentences` is for labels of whole texts, not for documents with labelled statements".into()
            );
        }
        let text = self.layout.lead(&whole).to_owned();
        let mut reported = Vec::new();
        let gold = match &self.source {
            LabelSource::Marks(parts) => {
                reported = attributions(fields, parts, &text)?;
                Gold::Marks(in_order(&reported))
            }
            LabelSource::Targets => self.gold_of_targets(fields)?,
            LabelSource::Field(field) => match self.gold_of_field(fields, field)? {
                Some(gold) => gold,
                None => return Ok(None),
            },
            LabelSource::Statements(field) => {
                Gold::Document(document_gold(fields, &text, |fields| self.labels_in_field(fields, field))?)
            }
            LabelSource::Flag(flag) => Gold::Document(self.gold_of_flag(fields, &text, *flag)?),
        };
        Ok(Some(LabelledRow {
            line,
            id: fields.get("id").and_then(layout::plain),
            title: optional_text(fields, &self.layout.title)?,
            before: optional_text(fields, &self.layout.before)?,
            text,
            after: optional_text(fields, &self.layout.after)?,
            gold,
            attributions: reported,
        }))
    }

    /// The indices of the labels in `field`, the best first. Empty if the value is null or stands for no label.
    fn labels_in_field(&self, fields: &Fields, field: &LabelField) -> Result<Vec<usize>, String> {
        let value = fields.get(&field.name).ok_or_else(|| format!("the field `{}` is missing", field.name))?;
        let mut labels = Vec::new();
        for item in self.split_values(value, &field.name)? {
            match field.meanings.get(&item) {
                Some(Meaning::One(name)) if name.is_empty() => {}
                Some(Meaning::One(name)) => labels.push(self.label_index(&field.name, name)?),
                Some(Meaning::OneOf(names)) => {
                    for name in names {
                        labels.push(self.label_index(&field.name, name)?);
                    }
                }
                None => labels.push(self.label_index(&field.name, &item)?),
            }
        }
        Ok(labels)
    }

    /// The values in a field: the items of a list, the parts between separators, or a single value. None in null.
    fn split_values(&self, value: &Value, field: &str) -> Result<Vec<String>, String> {
        if value.is_null() {
            return Ok(Vec::new());
        }
        if let Value::Array(items) = value {
            let values: Option<Vec<String>> = items.iter().map(layout::plain).collect();
            return values.ok_or_else(|| format!("`{field}` has an item that is neither a text nor a number"));
        }
        let single =
            layout::plain(value).ok_or_else(|| format!("`{field}` is neither a label nor a list of labels"))?;
        match &self.layout.separator {
            Some(separator) => Ok(single.split(separator.as_str()).map(str::to_owned).collect()),
            None => Ok(vec![single]),
        }
    }

    /// The gold of a text with a label field; `None` if its value stands for no label.
    fn gold_of_field(&self, fields: &Fields, field: &LabelField) -> Result<Option<Gold>, String> {
        if fields.get(&field.name).is_some_and(Value::is_null) {
            return Err(format!("`{}` is null, and not a label", field.name));
        }
        let labels = self.labels_in_field(fields, field)?;
        let &[label] = labels.as_slice() else {
            return Ok((!labels.is_empty()).then_some(Gold::OneOf(labels)));
        };
        let shares = match &self.layout.scale {
            Some(scale) => self.shares_of_rating(fields, scale)?,
            None => self.equal_shares(&[label]),
        };
        Ok(Some(Gold::Labelled { shares, label: Some(label) }))
    }

    fn shares_of_rating(&self, fields: &Fields, scale: &Scale) -> Result<Vec<f32>, String> {
        if scale.cuts.len() + 1 != self.labels.len() {
            return Err(format!("{} cuts cannot separate {} labels", scale.cuts.len(), self.labels.len()));
        }
        let rating = fields.get(&scale.field).and_then(Value::as_f64);
        rating.map(|rating| scale.shares(rating)).ok_or_else(|| format!("`{}` is not a number", scale.field))
    }

    fn gold_of_targets(&self, fields: &Fields) -> Result<Gold, String> {
        let targets = fields.get(TARGETS).and_then(Value::as_array).filter(|targets| !targets.is_empty());
        let targets = targets.ok_or_else(|| format!("`{TARGETS}` is not a list of targets"))?;
        let mut labels = Vec::new();
        for target in targets {
            let name = target.get("label").and_then(Value::as_str).ok_or("a target has no `label`")?;
            labels.push(self.label_index("label", name)?);
        }
        let label = labels.first().copied().filter(|first| labels.iter().all(|label| label == first));
        Ok(Gold::Labelled { shares: self.equal_shares(&labels), label })
    }

    /// The gold of a document whose statements have the last label if their flags have the letter `flag`, and the first if not.
    fn gold_of_flag(&self, fields: &Fields, text: &str, flag: char) -> Result<DocumentGold, String> {
        let last = self.labels.len() - 1;
        let mut gold = document_gold(fields, text, |_| Ok(Vec::new()))?;
        for (statement, fields) in gold.statements.iter_mut().zip(statements(fields)?) {
            statement.labels = vec![if flags(fields).contains(flag) { last } else { 0 }];
        }
        Ok(gold)
    }

    /// The index of the label with the code or the name `name`, which stands in `field`.
    fn label_index(&self, field: &str, name: &str) -> Result<usize, String> {
        layout::place(self.labels, name).ok_or_else(|| {
            let known = self.labels.iter().map(|label| label.code.as_ref().unwrap_or(&label.label));
            format!("`{field}` is `{name}`, which the head does not know; it knows {}", listed(known))
        })
    }

    /// Equal shares for the labels at `places`, and 0 for the others.
    fn equal_shares(&self, places: &[usize]) -> Vec<f32> {
        let mut shares = vec![0.0; self.labels.len()];
        #[expect(clippy::cast_precision_loss, reason = "a text has a few targets")]
        for &place in places {
            shares[place] += 1.0 / places.len() as f32;
        }
        shares
    }
}

/// The label field that `layout` names, or the first known one that the row has.
fn label_source_of_text(layout: &Layout, first: &Fields) -> Result<LabelSource, String> {
    let mut known = layout::known_fields();
    let name = match &layout.label {
        Some(name) if name == TARGETS => return Ok(LabelSource::Targets),
        Some(name) => name.clone(),
        None if first.contains_key(TARGETS) => return Ok(LabelSource::Targets),
        None => known.keys().find(|name| first.contains_key(*name)).cloned().ok_or_else(|| {
            let names = known.keys().map(String::as_str).chain([TARGETS]);
            format!("no label: expected one of the fields {}", listed(names))
        })?,
    };
    let meanings =
        if layout.labels.is_empty() { known.shift_remove(&name).unwrap_or_default() } else { layout.labels.clone() };
    Ok(LabelSource::Field(LabelField { name, meanings }))
}

/// The label field of a document's statements: that of `layout`, or `codes` for labels with codes, or `label`.
fn statement_field(layout: &Layout, labels: &[Label]) -> LabelField {
    let usual = if labels.iter().any(|label| label.code.is_some()) { "codes" } else { "label" };
    LabelField { name: layout.label.clone().unwrap_or_else(|| usual.to_owned()), meanings: layout.labels.clone() }
}

/// The statements of a document.
fn statements(fields: &Fields) -> Result<impl Iterator<Item = &Fields>, String> {
    let list = fields.get(STATEMENTS).and_then(Value::as_array).filter(|list| list.iter().all(Value::is_object));
    let list = list.ok_or_else(|| format!("`{STATEMENTS}` is not a list of objects"))?;
    Ok(list.iter().filter_map(Value::as_object))
}

fn flags(fields: &Fields) -> &str {
    fields.get(FLAGS).and_then(Value::as_str).unwrap_or_default()
}

/// The gold of a document. `labels` gives the labels of the document or of a statement with certain fields.
fn document_gold(
    fields: &Fields,
    text: &str,
    labels: impl Fn(&Fields) -> Result<Vec<usize>, String>,
) -> Result<DocumentGold, String> {
    let starts = byte_starts(text);
    let mut gold = DocumentGold { labels: labels(fields)?, statements: Vec::new() };
    for (number, statement) in (1..).zip(statements(fields)?) {
        let start = statement.get("start").unwrap_or(&Value::Null);
        let end = statement.get("end").unwrap_or(&Value::Null);
        let range = byte_range(start, end, &starts).ok_or_else(|| {
            let characters = starts.len() - 1;
            format!(
                "statement {number}: {start} to {end} is not a range inside the text, which has {characters} characters"
            )
        })?;
        if gold.statements.last().is_some_and(|last| range.start < last.range.end) {
            return Err(format!("statement {number} begins before the one before it ends"));
        }
        let flags = flags(statement);
        let is_statement = !flags.contains(NO_STATEMENT_FLAG);
        let labels = if is_statement { labels(statement) } else { Ok(Vec::new()) };
        gold.statements.push(StatementGold {
            range,
            labels: labels.map_err(|message| format!("statement {number}: {message}"))?,
            is_weak: flags.contains(WEAK_FLAG),
            is_statement,
        });
    }
    Ok(gold)
}

/// The byte at which each character of `text` begins, and its length in bytes.
fn byte_starts(text: &str) -> Vec<usize> {
    text.char_indices().map(|(byte, _)| byte).chain([text.len()]).collect()
}

fn required_text(fields: &Fields, field: &str) -> Result<String, String> {
    match fields.get(field) {
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(text.clone()),
        Some(Value::String(_)) => Err(format!("`{field}` is empty")),
        Some(_) => Err(format!("`{field}` is not a string")),
        None => Err(format!("the field `{field}` is missing")),
    }
}

fn optional_text(fields: &Fields, field: &str) -> Result<String, String> {
    match fields.get(field) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Null) | None => Ok(String::new()),
        Some(_) => Err(format!("`{field}` is not a string")),
    }
}

/// The attributions of `text` with their marked parts. The ranges of code points become bytes here.
fn attributions(fields: &Fields, parts: &[String], text: &str) -> Result<Vec<AttributionGold>, String> {
    let attributions = fields.get(ATTRIBUTIONS).and_then(Value::as_array);
    let attributions = attributions.ok_or_else(|| format!("`{ATTRIBUTIONS}` is not a list"))?;
    let starts = byte_starts(text);
    let mut all = Vec::new();
    for attribution in attributions {
        let mut marks = Vec::new();
        for (part, name) in parts.iter().enumerate() {
            for pair in attribution.get(name).and_then(Value::as_array).into_iter().flatten() {
                let range = match pair.as_array().map(Vec::as_slice) {
                    Some([start, end]) => byte_range(start, end, &starts),
                    _ => None,
                };
                let range = range.ok_or_else(|| {
                    format!(
                        "the {name} {pair} is not a range inside the text, which has {} characters",
                        starts.len() - 1
                    )
                })?;
                marks.push(Mark { part, range });
            }
        }
        all.push(AttributionGold {
            marks,
            act: act(attribution.get("act"))?,
            speaker: attribution
                .get("speaker")
                .and_then(Value::as_str)
                .filter(|name| !name.is_empty())
                .map(str::to_owned),
        });
    }
    Ok(all)
}

/// The act of an attribution; `None` if it is missing or null.
fn act(value: Option<&Value>) -> Result<Option<Act>, String> {
    let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(None) };
    let act = Act::ALL.into_iter().find(|act| value.as_str() == Some(act.as_str()));
    act.map(Some).ok_or_else(|| {
        let known = Act::ALL.map(|act| act.as_str().to_owned());
        format!("the act of an attribution is {value}, expected one of {}", listed(known.iter()))
    })
}

fn in_order(attributions: &[AttributionGold]) -> Vec<Mark> {
    let mut marks: Vec<Mark> = attributions.iter().flat_map(|attribution| attribution.marks.clone()).collect();
    marks.sort_by_key(|mark| (mark.range.start, mark.range.end));
    marks
}

/// The bytes of the code points from `start` to `end`; `None` if that is not a range inside the text.
fn byte_range(start: &Value, end: &Value, byte_starts: &[usize]) -> Option<Range<usize>> {
    let start = *byte_starts.get(usize::try_from(start.as_u64()?).ok()?)?;
    let end = *byte_starts.get(usize::try_from(end.as_u64()?).ok()?)?;
    (start < end).then_some(start..end)
}
