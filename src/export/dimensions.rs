//! The small tables beside documents, statements and attributions: their columns, and their rows from nights and counts. Tables by day
//! hold sums and never means, so that days, sources and topics can be added up.

use super::table::{Cell, Column, Content, Kind, Table};
use crate::ledger::Night;

/// The names of the small tables, in the order of their files.
pub(super) const NAMES: [&str; 6] = ["daily_sources", "daily_topics", "labels", "sources", "speakers", "nights"];

/// The small table with this name.
pub(super) fn table(name: &str) -> Table {
    match name {
        "daily_sources" => daily_sources(),
        "daily_topics" => daily_topics(),
        "labels" => labels(),
        "sources" => sources(),
        "speakers" => speakers(),
        _ => nights(),
    }
}

fn integers<const N: usize>(columns: [(&'static str, &'static str); N]) -> impl Iterator<Item = Column> {
    columns.into_iter().map(|(name, meaning)| Column::fact(name, Kind::Integer, meaning))
}

fn daily_sources() -> Table {
    let mut columns = vec![
        Column::fact("day", Kind::Text, "The day, or `undated`"),
        Column::fact("source", Kind::Text, "The publisher, or `(none)`"),
    ];
    columns.extend(integers([
        ("documents", "Documents"),
        ("originals", "Documents that are no copies"),
        ("copies", "Documents that are copies of others"),
        ("characters", "Code points of text"),
        ("statements", "Statements, boilerplate included"),
        ("boilerplate", "Statements that are boilerplate"),
        ("attributions", "Attributions"),
        ("unattributed", "Attributions without a speaker"),
        ("rejected", "Inputs that were rejected; they have neither day nor source"),
    ]));
    Table { name: "daily_sources", meaning: "Documents by day and source. Sums: add them up as you like", columns }
}

fn daily_topics() -> Table {
    let mut columns = vec![
        Column::fact("day", Kind::Text, "The day, or `undated`"),
        Column::fact("source", Kind::Text, "The publisher, or `(none)`"),
        Column::fact(
            "topic",
            Kind::Text,
            "The topic; `unsure` below the task's threshold, `(none)` without such a task",
        ),
    ];
    columns.extend(integers([
        ("statements", "Statements with this topic, without boilerplate"),
        ("in_copies", "Of these, statements in copies of other documents"),
        ("negative", "Of these, statements with the label negative"),
        ("neutral", "Of these, statements with the label neutral"),
        ("positive", "Of these, statements with the label positive"),
    ]));
    columns.push(Column::fact("tone_sum", Kind::Real, "The sum of their tone; divide by `statements` for the mean"));
    Table {
        name: "daily_topics",
        meaning: "Statements by day, source and topic. Sums: add them up as you like",
        columns,
    }
}

fn labels() -> Table {
    let columns = vec![
        Column::fact("task", Kind::Text, "The task"),
        Column::fact("code", Kind::Text, "The code of the label, if the task has codes"),
        Column::fact("label", Kind::Text, "The label"),
        Column::fact("iptc", Kind::Text, "The IPTC Media Topic of the label"),
    ];
    Table { name: "labels", meaning: "The labels that were given", columns }
}

fn sources() -> Table {
    let mut columns = vec![Column::fact("source", Kind::Text, "The publisher, or `(none)`")];
    columns.extend(integers([
        ("documents", "Documents"),
        ("originals", "Documents that are no copies"),
        ("copies", "Documents that are copies of others"),
        ("statements", "Statements"),
        ("attributions", "Attributions"),
    ]));
    columns.push(Column::fact("first_day", Kind::Text, "The first day with a document"));
    columns.push(Column::fact("last_day", Kind::Text, "The last day with a document"));
    Table { name: "sources", meaning: "Publishers", columns }
}

fn speakers() -> Table {
    let words = |name, meaning| Column { content: Content::Words, ..Column::fact(name, Kind::Text, meaning) };
    let mut columns = vec![
        words("speaker", "The person or organisation, as documents name them. One name is one speaker"),
        words("role", "The role that is given most often"),
    ];
    columns.extend(integers([
        ("attributions", "Attributions"),
        ("in_copies", "Of these, attributions in copies of other documents"),
        ("said", "Attributions that report what the speaker said: those with the act say, ask or deny"),
        ("said_in_copies", "Of these, attributions in copies"),
        ("documents", "Documents with attributions of the speaker"),
    ]));
    columns.push(Column::fact("first_day", Kind::Text, "The first day with an attribution"));
    columns.push(Column::fact("last_day", Kind::Text, "The last day with an attribution"));
    Table { name: "speakers", meaning: "Who is quoted", columns }
}

fn nights() -> Table {
    let text = |name, meaning| Column::fact(name, Kind::Text, meaning);
    let mut columns = vec![
        Column::fact("night", Kind::Integer, "The number of the run"),
        text("started", "The time at which it began"),
        text("finished", "The time at which it ended, or of its last commit"),
        text("outcome", "The way in which it ended; empty if it was killed"),
        text("kind", "`night`, or `backfill`: documents done once more"),
        text("program", "The version of the program"),
        text("configuration", "SHA-256 of the configuration"),
        text("fingerprint", "A hash of everything that results depend on"),
        text("models", "The revision of each model, as JSON"),
        text("processor", "The class of the processor"),
    ];
    columns.extend(integers([
        ("found", "Documents found"),
        ("written", "Documents written"),
        ("replaced", "Of these, documents that changed"),
        ("copies", "Of these, copies of others"),
        ("skipped", "Documents that an earlier run had done"),
        ("filtered", "Documents in languages that are not wanted"),
        ("rejected", "Documents rejected"),
        ("left_out", "Files whose kind is not read"),
        ("statements", "Statements written"),
        ("boilerplate", "Of these, boilerplate"),
        ("attributions", "Attributions"),
        ("unattributed", "Attributions without a speaker"),
        ("characters", "Code points"),
        ("words", "Words"),
    ]));
    columns.extend([
        Column::fact("tone_sum", Kind::Real, "The sum of the tone of statements"),
        Column::fact("seconds", Kind::Real, "Elapsed seconds"),
        Column::fact("statements_per_second", Kind::Real, "Statements a second"),
        text("labels", "Statements by task and label code, as JSON"),
        text("sources", "The numbers of each source, as JSON"),
        text("reasons", "Rejections by reason, as JSON"),
        text("languages", "Documents by language, as JSON"),
        text("sections", "Documents by section, as JSON"),
    ]);
    Table { name: "nights", meaning: "Runs, one row each", columns }
}

/// The row of a night.
pub(super) fn night_row(night: &Night) -> Vec<Cell<'static>> {
    let text = |value: &str| Cell::Text(value.to_owned().into());
    let count = |value: u64| Cell::Integer(i64::try_from(value).unwrap_or(i64::MAX));
    let documents = &night.documents;
    vec![
        Cell::Integer(night.night.into()),
        text(&night.started),
        text(&night.finished),
        night.outcome.as_deref().map_or(Cell::Null, text),
        text(night.kind.as_str()),
        text(&night.program),
        text(&night.configuration),
        text(&night.fingerprint),
        json(&night.models),
        text(&night.processor),
        count(documents.found),
        count(documents.written),
        count(documents.replaced),
        count(documents.copies),
        count(documents.skipped),
        count(documents.filtered),
        count(documents.rejected),
        count(documents.left_out),
        count(night.statements),
        count(night.boilerplate),
        count(night.attributions),
        count(night.unattributed),
        count(night.characters),
        count(night.words),
        Cell::Real(night.tone_sum),
        Cell::Real(night.speed.seconds),
        Cell::Real(night.speed.statements_per_second),
        json(&night.labels),
        json(&night.sources),
        json(&night.reasons),
        json(&night.languages),
        json(&night.sections),
    ]
}

fn json(value: &impl serde::Serialize) -> Cell<'static> {
    serde_json::to_string(value).map_or(Cell::Null, |json| Cell::Text(json.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_has_a_cell_for_each_column() {
        let cells = night_row(&Night { night: 3, outcome: Some("complete".to_owned()), ..Night::default() });
        assert_eq!(cells.len(), table("nights").columns.len());
        for (column, cell) in table("nights").columns.iter().zip(cells) {
            let fits = match column.kind {
                Kind::Integer => matches!(cell, Cell::Integer(_)),
                Kind::Real => matches!(cell, Cell::Real(_)),
                _ => matches!(cell, Cell::Text(_)),
            };
            assert!(fits, "{}: {cell:?}", column.name);
        }
    }

    #[test]
    fn tables_are_found_by_their_names() {
        assert_eq!(NAMES.map(|name| table(name).name), NAMES);
    }
}
