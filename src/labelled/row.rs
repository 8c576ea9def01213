//! One line to one row.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::layout::{self, Layout, Meaning};
use super::marks::TagSet;
use super::{DocumentGold, Gold, LabelledRow, Mark, StatementGold};
use crate::config::listed;
use crate::model::{HeadKind, HeadManifest};
use crate::record::Label;

/// Labels of targets in a text, each with a `label`.
const TARGETS: &str = "targets";

/// Parts of a text, each with code point ranges.
const ATTRIBUTIONS: &str = "attributions";

/// Sentences of a document, each with labels.
const STATEMENTS: &str = "statements";

/// Letters, each of which says something of a sentence.
const FLAGS: &str = "flags";

/// The flag of a sentence whose label nobody could tell from the sentence alone.
const WEAK: char = 'w';

/// The flag of a sentence that says nothing: a byline, a caption, a link.
const NO_STATEMENT: char = 'j';

type Fields = Map<String, Value>;

/// Reads the rows of one file.
#[derive(Debug)]
pub(super) struct RowReader<'l> {
    layout: &'l Layout,
    labels: &'l [Label],
    find: Find,
}

/// Where what is known of a text stands.
#[derive(Debug)]
enum Find {
    /// In a field of one label or several, whose values stand for labels.
    Label(String, IndexMap<String, Meaning>),
    /// In that field of each statement, and of the document itself.
    Statements(String, IndexMap<String, Meaning>),
    /// In a letter of each statement's flags.
    Flag(char),
    /// In labels of targets.
    Targets,
    /// In parts of these names.
    Marks(Vec<String>),
}

/// The fields of a line.
pub(super) fn fields(line: &[u8]) -> Result<Fields, String> {
    match serde_json::from_slice(line) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err("not a JSON object".into()),
        Err(error) => Err(format!("not JSON: {error}")),
    }
}

impl<'l> RowReader<'l> {
    /// Decides by its first row how a file is read.
    pub(super) fn new(layout: &'l Layout, head: &'l HeadManifest, first: &Fields) -> Result<Self, String> {
        let find = match head.kind {
            HeadKind::Token if layout.lead_sentences.is_some() => {
                return Err("`lead_sentences` is for labels of whole texts, not for marked parts".into());
            }
            HeadKind::Token => Find::Marks(TagSet::new(&head.labels).parts),
            HeadKind::Sequence => match (layout.flag, first.contains_key(STATEMENTS)) {
                (Some(flag), true) => Find::Flag(flag),
                (Some(_), false) => return Err(format!("`flag` is for documents with `{STATEMENTS}`")),
                (None, true) => statement_field(layout, &head.labels),
                (None, false) => label_field(layout, first)?,
            },
        };
        Ok(Self { layout, labels: &head.labels, find })
    }

    /// The row of a line; none where no single label is right.
    pub(super) fn read(&self, line: u64, fields: &Fields) -> Result<Option<LabelledRow>, String> {
        let whole = required_text(fields, &self.layout.text)?;
        let is_document = matches!(self.find, Find::Statements(..) | Find::Flag(_));
        if is_document && self.layout.lead_sentences.is_some() {
            return Err(
                "`lead_sentences` is for labels of whole texts, not for documents with labelled statements".into()
            );
        }
        let text = self.layout.lead(&whole).to_owned();
        let mut attributions = Vec::new();
        let gold = match &self.find {
            Find::Marks(parts) => {
                attributions = marks(fields, parts, &text)?;
                Some(Gold::Marks(in_order(&attributions)))
            }
            Find::Targets => Some(self.of_targets(fields)?),
            Find::Label(field, values) => self.of_label(fields, field, values)?,
            Find::Statements(field, values) => {
                let labels = |fields: &Fields| self.labels_of(fields, field, values);
                Some(Gold::Document(document_gold(fields, &text, labels)?))
            }
            Find::Flag(flag) => {
                let last = self.labels.len() - 1;
                let mut gold = document_gold(fields, &text, |_| Ok(Vec::new()))?;
                for (statement, fields) in gold.statements.iter_mut().zip(statements(fields)?) {
                    statement.labels = vec![if flags(fields).contains(*flag) { last } else { 0 }];
                }
                Some(Gold::Document(gold))
            }
        };
        let surroundings = self.surroundings(fields)?;
        Ok(gold.map(|gold| LabelledRow { line, text, gold, attributions, ..surroundings }))
    }

    /// A row with what stands around the text, and nothing else.
    fn surroundings(&self, fields: &Fields) -> Result<LabelledRow, String> {
        Ok(LabelledRow {
            line: 0,
            id: fields.get("id").and_then(layout::plain),
            title: optional_text(fields, &self.layout.title)?,
            before: optional_text(fields, &self.layout.before)?,
            text: String::new(),
            after: optional_text(fields, &self.layout.after)?,
            gold: Gold::Marks(Vec::new()),
            attributions: Vec::new(),
        })
    }

    /// The labels that `field` gives a document or one of its statements, the best first; none where it is null.
    fn labels_of(
        &self,
        fields: &Fields,
        field: &str,
        values: &IndexMap<String, Meaning>,
    ) -> Result<Vec<usize>, String> {
        let value = fields.get(field).ok_or_else(|| format!("the field `{field}` is missing"))?;
        match self.several(field, value, values)? {
            Some(places) => Ok(places),
            None if value.is_null() => Ok(Vec::new()),
            None => match layout::plain(value) {
                Some(value) if matches!(values.get(&value), Some(Meaning::One(name)) if name.is_empty()) => {
                    Ok(Vec::new())
                }
                Some(value) => Ok(vec![self.place(field, &value)?]),
                None => Err(format!("`{field}` is not a list of labels")),
            },
        }
    }

    /// The labels of a field with a list of values, or with values between separators; none of a field with one value.
    fn several(
        &self,
        field: &str,
        value: &Value,
        values: &IndexMap<String, Meaning>,
    ) -> Result<Option<Vec<usize>>, String> {
        let names: Vec<String> = match (value, &self.layout.separator) {
            (Value::Array(list), _) => {
                let names = list.iter().map(layout::plain).collect::<Option<_>>();
                names.ok_or_else(|| format!("`{field}` has an item that is neither a text nor a number"))?
            }
            (Value::String(text), Some(separator)) if text.contains(separator.as_str()) => {
                text.split(separator.as_str()).map(str::to_owned).collect()
            }
            _ => return Ok(None),
        };
        let mut places = Vec::new();
        for name in &names {
            let meant = match values.get(name) {
                Some(Meaning::One(name)) if name.is_empty() => continue,
                Some(Meaning::One(name)) => vec![self.place(field, name)?],
                Some(Meaning::OneOf(names)) => {
                    names.iter().map(|name| self.place(field, name)).collect::<Result<_, _>>()?
                }
                None => vec![self.place(field, name)?],
            };
            places.extend(meant);
        }
        Ok(Some(places))
    }

    fn of_label(
        &self,
        fields: &Fields,
        field: &str,
        values: &IndexMap<String, Meaning>,
    ) -> Result<Option<Gold>, String> {
        let value = fields.get(field).ok_or_else(|| format!("the field `{field}` is missing"))?;
        match self.several(field, value, values)?.as_deref() {
            Some([]) => return Ok(None),
            Some(&[place]) => return Ok(Some(Gold::Labelled { shares: self.shares(&[place]), label: Some(place) })),
            Some(places) => return Ok(Some(Gold::OneOf(places.to_vec()))),
            None => {}
        }
        let value = layout::plain(value).ok_or_else(|| format!("`{field}` is neither a text nor a number"))?;
        let name = match values.get(&value) {
            Some(Meaning::OneOf(names)) => {
                let places = names.iter().map(|name| self.place(field, name)).collect::<Result<_, _>>()?;
                return Ok(Some(Gold::OneOf(places)));
            }
            Some(Meaning::One(name)) if name.is_empty() => return Ok(None),
            Some(Meaning::One(name)) => name,
            None => &value,
        };
        let place = self.place(field, name)?;
        let shares = match &self.layout.scale {
            Some(scale) => self.shares_of_number(fields, scale)?,
            None => self.shares(&[place]),
        };
        Ok(Some(Gold::Labelled { shares, label: Some(place) }))
    }

    fn shares_of_number(&self, fields: &Fields, scale: &layout::Scale) -> Result<Vec<f32>, String> {
        if scale.cuts.len() + 1 != self.labels.len() {
            return Err(format!("{} cuts cannot tell {} labels apart", scale.cuts.len(), self.labels.len()));
        }
        let number = fields.get(&scale.field).and_then(Value::as_f64);
        number.map(|number| scale.shares(number)).ok_or_else(|| format!("`{}` is no number", scale.field))
    }

    fn of_targets(&self, fields: &Fields) -> Result<Gold, String> {
        let targets = fields.get(TARGETS).and_then(Value::as_array).filter(|targets| !targets.is_empty());
        let targets = targets.ok_or_else(|| format!("`{TARGETS}` is no list with targets"))?;
        let place = |target: &Value| {
            let label = target.get("label").and_then(Value::as_str);
            self.place("label", label.ok_or_else(|| "a target has no `label`".to_owned())?)
        };
        let places = targets.iter().map(place).collect::<Result<Vec<_>, _>>()?;
        let label = places.first().copied().filter(|first| places.iter().all(|place| place == first));
        Ok(Gold::Labelled { shares: self.shares(&places), label })
    }

    fn place(&self, field: &str, name: &str) -> Result<usize, String> {
        layout::place(self.labels, name).ok_or_else(|| {
            let known = self.labels.iter().map(|label| label.code.as_ref().unwrap_or(&label.label));
            format!("`{field}` is `{name}`, which the head does not know; it knows {}", listed(known))
        })
    }

    /// Equal shares of the labels at `places`.
    fn shares(&self, places: &[usize]) -> Vec<f32> {
        let mut shares = vec![0.0; self.labels.len()];
        #[expect(clippy::cast_precision_loss, reason = "a text has a few targets")]
        for &place in places {
            shares[place] += 1.0 / places.len() as f32;
        }
        shares
    }
}

/// The label field that `layout` names, or the first known one that the row has.
fn label_field(layout: &Layout, first: &Fields) -> Result<Find, String> {
    let mut known = layout::known_fields();
    let field = match &layout.label {
        Some(field) if field == TARGETS => return Ok(Find::Targets),
        Some(field) => field.clone(),
        None if first.contains_key(TARGETS) => return Ok(Find::Targets),
        None => known.keys().find(|field| first.contains_key(*field)).cloned().ok_or_else(|| {
            let names = known.keys().map(String::as_str).chain([TARGETS]);
            format!("no label: expected one of the fields {}", listed(names))
        })?,
    };
    let values =
        if layout.labels.is_empty() { known.shift_remove(&field).unwrap_or_default() } else { layout.labels.clone() };
    Ok(Find::Label(field, values))
}

/// The field that gives each statement of a document its labels: that of `layout`, or by what the head's labels are.
fn statement_field(layout: &Layout, labels: &[Label]) -> Find {
    let usual = if labels.iter().any(|label| label.code.is_some()) { "codes" } else { "label" };
    Find::Statements(layout.label.clone().unwrap_or_else(|| usual.to_owned()), layout.labels.clone())
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

/// What is known of a document, where `labels` gives what is known of it or of a statement by its fields.
fn document_gold(
    fields: &Fields,
    text: &str,
    labels: impl Fn(&Fields) -> Result<Vec<usize>, String>,
) -> Result<DocumentGold, String> {
    let bytes = byte_places(text);
    let mut gold = DocumentGold { labels: labels(fields)?, statements: Vec::new() };
    for (number, statement) in (1..).zip(statements(fields)?) {
        let place = |name: &str| statement.get(name).cloned().unwrap_or_default();
        let (start, end) = (place("start"), place("end"));
        let range = byte_range(&Value::Array(vec![start.clone(), end.clone()]), &bytes).ok_or_else(|| {
            let characters = bytes.len() - 1;
            format!(
                "statement {number}: {start} to {end} is not a range inside the text, which has {characters} characters"
            )
        })?;
        if gold.statements.last().is_some_and(|last| range.start < last.range.end) {
            return Err(format!("statement {number} begins before the one before it ends"));
        }
        let flags = flags(statement);
        let is_statement = !flags.contains(NO_STATEMENT);
        let labels = if is_statement { labels(statement) } else { Ok(Vec::new()) };
        gold.statements.push(StatementGold {
            range,
            labels: labels.map_err(|message| format!("statement {number}: {message}"))?,
            is_weak: flags.contains(WEAK),
            is_statement,
        });
    }
    Ok(gold)
}

/// The byte at which each character of `text` begins, and that at which it ends.
fn byte_places(text: &str) -> Vec<usize> {
    text.char_indices().map(|(byte, _)| byte).chain([text.len()]).collect()
}

fn required_text(fields: &Fields, field: &str) -> Result<String, String> {
    match fields.get(field) {
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(text.clone()),
        Some(Value::String(_)) => Err(format!("`{field}` is empty")),
        Some(_) => Err(format!("`{field}` is no text")),
        None => Err(format!("the field `{field}` is missing")),
    }
}

fn optional_text(fields: &Fields, field: &str) -> Result<String, String> {
    match fields.get(field) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Null) | None => Ok(String::new()),
        Some(_) => Err(format!("`{field}` is no text")),
    }
}

/// The marked parts of `text`, attribution by attribution. A part has ranges of code points, which become bytes here.
fn marks(fields: &Fields, parts: &[String], text: &str) -> Result<Vec<Vec<Mark>>, String> {
    let attributions = fields.get(ATTRIBUTIONS).and_then(Value::as_array);
    let attributions = attributions.ok_or_else(|| format!("`{ATTRIBUTIONS}` is no list"))?;
    let bytes = byte_places(text);
    let mut of_attributions = Vec::new();
    for attribution in attributions {
        let mut marks = Vec::new();
        for (part, name) in parts.iter().enumerate() {
            for range in attribution.get(name).and_then(Value::as_array).into_iter().flatten() {
                let range = byte_range(range, &bytes).ok_or_else(|| {
                    format!("the {name} {range} is no range inside the text, which has {} characters", bytes.len() - 1)
                })?;
                marks.push(Mark { part, range });
            }
        }
        of_attributions.push(marks);
    }
    Ok(of_attributions)
}

fn in_order(attributions: &[Vec<Mark>]) -> Vec<Mark> {
    let mut marks = attributions.concat();
    marks.sort_by_key(|mark| (mark.range.start, mark.range.end));
    marks
}

fn byte_range(range: &Value, bytes: &[usize]) -> Option<std::ops::Range<usize>> {
    let [start, end] = range.as_array()?.as_slice() else { return None };
    let byte = |value: &Value| bytes.get(usize::try_from(value.as_u64()?).ok()?).copied();
    let (start, end) = (byte(start)?, byte(end)?);
    (start < end).then_some(start..end)
}
