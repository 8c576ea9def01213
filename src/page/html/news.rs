//! The news in numbers: sources, topics and tone.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::chart::{self, Caption, Series};
use super::parts::{axis, cells, describe, ends, highest, night_table, usual};
use crate::page::collect::Page;
use crate::page::history::{self, UNSURE, Usual};
use crate::page::{verdict, words};

/// The labels of tone, from the worst to the best, each with its colour.
const TONES: [(&str, &str); 3] = [("negative", "low"), ("neutral", "middle"), ("positive", "high")];

/// The largest number of labels in a table.
const MOST_LABELS: usize = 100;

/// A source of tonight or of earlier nights.
struct SourceRow {
    name: String,
    values: Vec<Option<f64>>,
    usual: Option<Usual>,
    is_moved: bool,
}

impl SourceRow {
    fn tonight(&self) -> f64 {
        self.values.last().copied().flatten().unwrap_or_default()
    }

    /// The number of stories that decides about the place in the list.
    fn size(&self) -> f64 {
        self.tonight().max(self.usual.map_or(0.0, |usual| usual.median))
    }
}

/// All sources, those that changed first, then the largest ones.
fn source_rows(page: &Page) -> Vec<SourceRow> {
    let names: BTreeSet<&String> = page.history.nights().iter().flat_map(|night| night.sources.keys()).collect();
    let mut rows: Vec<SourceRow> = names
        .into_iter()
        .map(|name| SourceRow {
            values: page.history.series(|night| history::of_source(night, name)),
            usual: page.history.usual(|night| history::of_source(night, name)),
            is_moved: page.changes.iter().any(|change| change.source.as_ref() == Some(name)),
            name: name.clone(),
        })
        .filter(|row| row.size() > 0.0)
        .collect();
    // Stable: of equals the first by name.
    rows.sort_by(|a, b| b.is_moved.cmp(&a.is_moved).then(b.size().total_cmp(&a.size())));
    rows
}

/// The sources of tonight against what is usual for them.
pub(super) fn sources(page: &Page) -> Markup {
    let mut rows = source_rows(page);
    let rest = rows.split_off(rows.len().min(page.settings.top));
    let has_usual = rows.iter().any(|row| row.usual.is_some());
    let table: Vec<(String, Vec<String>)> =
        rows.iter().map(|row| (words::excerpt(&row.name, 60), cells(&row.values, words::about))).collect();
    html! {
        p.note {
            "Stories of each source."
            @if has_usual {
                " The dot is tonight, the line the median, the grey band the usual range. Each picture goes from none to twice the median of the
                source, so that a dot in the middle is a usual night."
            }
        }
        table.sources {
            caption { "Sources: stories tonight and usually" }
            thead { tr {
                th scope="col" { "Source" } th scope="col" { "Tonight" } th scope="col" { "Usually" }
                th.text scope="col" { "None to twice" }
                th.wide.text scope="col" { "Night by night" }
                th.wide scope="col" { "Copies" } th scope="col" { "Tone" }
            } }
            tbody { @for (place, row) in rows.iter().enumerate() { (source_row(page, place, row)) } }
        }
        @if !rest.is_empty() { p.note { (rest_of_sources(&rest)) } }
        (night_table(page, "Table: stories by source and night", "Source", &table))
    }
}

fn source_row(page: &Page, place: usize, row: &SourceRow) -> Markup {
    let night = page.tonight();
    let source = night.sources.get(&row.name);
    let tone = source.and_then(|source| history::tone_of(night, source));
    let copies = source.filter(|source| source.documents > 0);
    let copies = copies.map(|source| words::percent(words::share(source.copies, source.documents)));
    let name = words::excerpt(&row.name, 60);
    let description = describe(&row.values, row.usual, words::about);
    let range = Caption {
        id: format!("source-{place}"),
        title: format!("{name}: stories tonight and usually"),
        description: description.clone(),
    };
    let line =
        Caption { id: format!("source-nights-{place}"), title: format!("{name}: stories night by night"), description };
    let ends = (0.0, highest(&row.values, row.usual).max(1.0));
    let series = Series { values: &row.values, usual: row.usual, ends, is_marked: row.is_moved };
    let twice = row.usual.map(|usual| 2.0 * usual.median).filter(|twice| *twice > 0.0);
    html! {
        tr.moved[row.is_moved] {
            th scope="row" { (name) }
            td.now { (words::about(row.tonight())) }
            td { (row.usual.map_or_else(|| "–".to_owned(), |usual| words::about(usual.median))) }
            td.pictured {
                @if let Some(twice) = twice { (chart::range(&range, Some(row.tonight()), row.usual, (0.0, twice), row.is_moved)) }
            }
            td.pictured.wide { (chart::line(&line, "", axis(page), series)) }
            td.wide { (copies.unwrap_or_else(|| "–".to_owned())) }
            td { (tone.map_or_else(|| "–".to_owned(), words::tone)) }
        }
    }
}

fn rest_of_sources(rest: &[SourceRow]) -> String {
    let stories: f64 = rest.iter().map(SourceRow::tonight).sum();
    let sources = words::counted(rest.len() as u64, "more source", "more sources");
    format!("Not shown: {sources} with {} tonight.", words::counted(words::whole(stories), "story", "stories"))
}

/// The shares of the labels of a task, night by night.
pub(super) fn labels(page: &Page, task: &str) -> Markup {
    let rows = label_rows(page, task);
    let shown = &rows[..rows.len().min(page.settings.top)];
    let table: Vec<(String, Vec<String>)> =
        rows.iter().take(MOST_LABELS).map(|row| (row.name.clone(), cells(&row.values, words::percent))).collect();
    let unsure = history::label_share(page.tonight(), task, UNSURE).unwrap_or_default();
    html! {
        p.note {
            "Share of " (words::count(history::labelled(page.tonight(), task))) " statements, night by night. Each picture begins at zero and has
            a scale of its own; the grey band is the usual range."
            @if unsure > 0.0 { " The model was not sure of " (words::percent(unsure)) " of the statements." }
        }
        div.multiples { @for (place, row) in shown.iter().enumerate() { (label_picture(page, task, place, row)) } }
        @if rows.len() > shown.len() {
            p.note { "Not shown: " (words::counted((rows.len() - shown.len()) as u64, "smaller label", "smaller labels")) "; the table has more." }
        }
        (night_table(page, &format!("Table: share of each {task} by night"), "Label", &table))
    }
}

struct LabelRow {
    name: String,
    values: Vec<Option<f64>>,
    usual: Option<Usual>,
    is_moved: bool,
}

/// The labels of a task with their shares, those that moved first, then by share; "unsure" is the last.
fn label_rows(page: &Page, task: &str) -> Vec<LabelRow> {
    let nights = page.history.nights().iter();
    let labels: BTreeSet<&String> =
        nights.filter_map(|night| night.labels.get(task)).flat_map(indexmap::IndexMap::keys).collect();
    let mut rows: Vec<(bool, LabelRow)> = labels
        .into_iter()
        .map(|label| {
            let row = LabelRow {
                name: words::excerpt(page.label_name(task, label), 60),
                values: page.history.series(|night| history::label_share(night, task, label)),
                usual: page.history.usual(|night| history::label_share(night, task, label)),
                is_moved: verdict::change_of_label(&page.changes, task, label).is_some(),
            };
            (label == UNSURE, row)
        })
        .collect();
    rows.sort_by(|(a_unsure, a), (b_unsure, b)| {
        let by_share = last(&b.values).total_cmp(&last(&a.values));
        b.is_moved.cmp(&a.is_moved).then(a_unsure.cmp(b_unsure)).then(by_share)
    });
    rows.into_iter().map(|(_, row)| row).collect()
}

fn last(values: &[Option<f64>]) -> f64 {
    values.last().copied().flatten().unwrap_or_default()
}

fn label_picture(page: &Page, task: &str, place: usize, row: &LabelRow) -> Markup {
    let caption = Caption {
        id: format!("label-{task}-{place}"),
        title: format!("{}: share of statements night by night", row.name),
        description: describe(&row.values, row.usual, words::percent),
    };
    let ends = (0.0, highest(&row.values, row.usual).max(1e-9));
    let series = Series { values: &row.values, usual: row.usual, ends, is_marked: row.is_moved };
    html! {
        figure.moved[row.is_moved] {
            figcaption {
                span.name { (row.name) }
                span.value { b { (words::percent(last(&row.values))) } " " span.usual { (usual(row.usual, words::percent)) } }
            }
            (chart::line(&caption, "middling", axis(page), series))
        }
    }
}

/// The tone of statements: its labels night by night, and its mean by source.
pub(super) fn tone(page: &Page, task: &str) -> Markup {
    let layers: Vec<(String, Vec<Option<f64>>)> = TONES
        .iter()
        .map(|(label, _)| ((*label).to_owned(), page.history.series(|night| history::label_share(night, task, label))))
        .collect();
    let unsure = page.history.series(|night| history::label_share(night, task, UNSURE));
    let tooltips: Vec<String> = (0..page.history.len())
        .map(|place| {
            let parts = layers.iter().map(|(label, values)| format!("{label} {}", words::percent(at(values, place))));
            format!("{}: {}", words::weekday(page.history.days()[place].date), parts.collect::<Vec<_>>().join(", "))
        })
        .collect();
    let stacked: Vec<(&str, Vec<f64>)> = layers
        .iter()
        .zip(["f-low", "f-middle", "f-high"])
        .map(|((_, values), class)| (class, (0..values.len()).map(|place| at(values, place)).collect()))
        .collect();
    let mean = page.history.usual(history::tone);
    let tonight = history::tone(page.tonight()).unwrap_or_default();
    let caption = Caption {
        id: "tone".to_owned(),
        title: "Negative, neutral and positive statements night by night".to_owned(),
        description: tooltips.last().cloned().unwrap_or_default(),
    };
    let mut rows: Vec<(String, Vec<String>)> =
        layers.iter().map(|(label, values)| (label.clone(), cells(values, words::percent))).collect();
    if unsure.iter().flatten().any(|share| *share > 0.0) {
        rows.push((UNSURE.to_owned(), cells(&unsure, words::percent)));
    }
    rows.push(("mean tone".to_owned(), cells(&page.history.series(history::tone), words::tone)));
    html! {
        p.note {
            "Tone is the probability that a statement is positive minus that of negative, from −1 to +1. The mean is "
            (words::tone(tonight)) ", " (usual(mean, words::tone)) "."
        }
        div.pair {
            div {
                ul.legend { @for (label, colour) in TONES { li { i class=(colour) {} (words::capitalised(label)) } } }
                div.plot.scaled {
                    (chart::bars(&caption, axis(page), &stacked, 1.0, &tooltips))
                    @for part in [0.5, 1.0] {
                        span.tick aria-hidden="true" style=(format!("top:{}%", 100.0 * (1.0 - part))) { (words::percent(part)) }
                    }
                }
                (ends(page))
                (mean_tone(page))
                (night_table(page, "Table: tone by night", "Statements", &rows))
            }
            (tone_of_sources(page))
        }
    }
}

/// The mean tone, night by night.
fn mean_tone(page: &Page) -> Markup {
    let values = page.history.series(history::tone);
    let usual = page.history.usual(history::tone);
    let end = chart::round_up(values.iter().flatten().map(|tone| tone.abs()).fold(0.05, f64::max));
    let caption = Caption {
        id: "tone-nights".to_owned(),
        title: "Mean tone night by night".to_owned(),
        description: describe(&values, usual, words::tone),
    };
    let series = Series { values: &values, usual, ends: (-end, end), is_marked: false };
    html! {
        p.legend.spaced { "Mean tone" }
        div.plot.scaled {
            (chart::line(&caption, "middling", axis(page), series))
            @for (value, place) in [(end, 0), (0.0, 50), (-end, 100)] {
                span.tick aria-hidden="true" style=(format!("top:{place}%")) { (words::tone(value)) }
            }
        }
        (ends(page))
    }
}

fn at(values: &[Option<f64>], place: usize) -> f64 {
    values.get(place).copied().flatten().unwrap_or_default()
}

/// The mean tone of the largest sources.
fn tone_of_sources(page: &Page) -> Markup {
    /// The largest number of sources.
    const MOST: usize = 12;
    let night = page.tonight();
    let mut sources: Vec<_> = night
        .sources
        .iter()
        .filter_map(|(name, source)| Some((name, source.documents, history::tone_of(night, source)?)))
        .collect();
    sources.sort_by_key(|(_, documents, _)| std::cmp::Reverse(*documents));
    sources.truncate(MOST.min(page.settings.top));
    sources.sort_by(|a, b| a.2.total_cmp(&b.2));
    let end = chart::round_up(sources.iter().map(|(_, _, tone)| tone.abs()).fold(0.1, f64::max));
    html! {
        div {
            table {
                caption { "Mean tone of the largest sources, from the darkest to the brightest" }
                thead { tr {
                    th scope="col" { "Source" } th scope="col" { "Tone" } th scope="col" { "Usually" }
                    th.text scope="col" { (words::tone(-end)) " to " (words::tone(end)) }
                } }
                tbody { @for (place, (name, _, tone)) in sources.iter().enumerate() {
                    @let usual = page.history.usual(|night| history::tone_of(night, night.sources.get(*name)?));
                    @let shown = words::excerpt(name, 60);
                    @let caption = Caption {
                        id: format!("tone-{place}"),
                        title: format!("{shown}: tone tonight and usually"),
                        description: describe(&[Some(*tone)], usual, words::tone),
                    };
                    tr {
                        th scope="row" { (shown) }
                        td { (words::tone(*tone)) }
                        td { (usual.map_or_else(|| "–".to_owned(), |usual| words::tone(usual.median))) }
                        td.pictured { (chart::range(&caption, Some(*tone), usual, (-end, end), false)) }
                    }
                } }
            }
        }
    }
}
