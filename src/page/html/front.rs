//! The top of the page: the headline, the numbers of the night, and what changed.

use maud::{Markup, html};

use super::chart::{self, Caption, Series};
use super::parts::{axis, cells, describe, ends, highest, night_table, statement, usual};
use crate::ledger::Night;
use crate::output::schema::{AlarmCause, DriftVerdict};
use crate::page::changes::{Change, Range, Unit};
use crate::page::collect::Page;
use crate::page::history::{self, Usual};
use crate::page::words;

/// A number at the top of the page.
struct Figure {
    id: &'static str,
    name: &'static str,
    unit: Unit,
    number: fn(&Night) -> Option<f64>,
}

const FIGURES: [Figure; 6] = [
    Figure { id: "stories", name: "Stories", unit: Unit::Count, number: history::documents },
    Figure { id: "statements", name: "Statements", unit: Unit::Count, number: history::statements },
    Figure { id: "copies", name: "Copies among stories", unit: Unit::Share, number: history::copies },
    Figure { id: "mean-tone", name: "Mean tone, −1 to +1", unit: Unit::Tone, number: history::tone },
    Figure { id: "nameless", name: "Nameless quotations", unit: Unit::Share, number: history::unattributed },
    Figure { id: "rejected-share", name: "Rejected input", unit: Unit::Share, number: history::rejected },
];

/// The numbers of the night, each with its nights before.
pub(super) fn figures(page: &Page) -> Markup {
    let shown: Vec<&Figure> = FIGURES.iter().filter(|figure| (figure.number)(page.tonight()).is_some()).collect();
    let rows: Vec<(String, Vec<String>)> = shown
        .iter()
        .map(|figure| {
            let values = page.history.series(figure.number);
            (figure.name.to_owned(), cells(&values, |value| figure.unit.show(value)))
        })
        .collect();
    html! {
        div.figures { @for figure in &shown { (one_figure(page, figure)) } }
        (night_table(page, "Table: these numbers by night", "Number", &rows))
    }
}

fn one_figure(page: &Page, figure: &Figure) -> Markup {
    let Figure { id, name, unit, number } = figure;
    let values = page.history.series(number);
    let range = page.history.usual(number);
    let tonight = values.last().copied().flatten().unwrap_or_default();
    let caption = Caption {
        id: format!("figure-{id}"),
        title: format!("{name}, night by night"),
        description: describe(&values, range, |value| unit.show(value)),
    };
    let lowest = values.iter().flatten().copied().chain(range.map(|range| range.low)).fold(0.0, f64::min);
    let ends = (lowest, highest(&values, range).max(1e-9));
    let series = Series { values: &values, usual: range, ends, is_marked: false };
    html! {
        figure {
            figcaption {
                span.name { (name) }
                span.value { (unit.show(tonight)) }
                span.usual { (usual(range, |value| unit.show(value))) }
            }
            (chart::line(&caption, "short", axis(page), series))
        }
    }
}

/// The stories of each night, originals and copies.
pub(super) fn volume(page: &Page) -> Markup {
    let nights = page.history.nights();
    let copies: Vec<u64> = nights.iter().map(|night| night.documents.copies).collect();
    let originals: Vec<u64> =
        nights.iter().map(|night| night.documents.written.saturating_sub(night.documents.copies)).collect();
    let highest = nights.iter().map(|night| night.documents.written).max().unwrap_or_default();
    let top = chart::round_up(words::real(highest));
    let values = page.history.series(history::documents);
    let caption = Caption {
        id: "volume".to_owned(),
        title: "Stories night by night".to_owned(),
        description: describe(&values, page.history.usual(history::documents), words::about),
    };
    let tooltips: Vec<String> = nights
        .iter()
        .zip(page.history.days())
        .map(|(night, day)| {
            let stories = words::counted(night.documents.written, "story", "stories");
            format!("{}: {stories}, {} copies", words::weekday(day.date), words::count(night.documents.copies))
        })
        .collect();
    let layers = [("f-series", reals(&originals)), ("f-second", reals(&copies))];
    let rows = [
        ("Originals".to_owned(), originals.iter().map(|&count| words::count(count)).collect()),
        ("Copies".to_owned(), copies.iter().map(|&count| words::count(count)).collect()),
    ];
    html! {
        ul.legend {
            li { i.series {} "Originals" }
            li { i.second {} "Copies of other stories" }
            @if !page.is_complete() { li { i.hatch {} "Not a whole night" } }
        }
        div.plot.scaled {
            (chart::bars(&caption, axis(page), &layers, top, &tooltips))
            @for part in [0.5, 1.0] {
                span.tick aria-hidden="true" style=(format!("top:{}%", 100.0 * (1.0 - part))) { (words::about(top * part)) }
            }
        }
        (ends(page))
        (night_table(page, "Table: stories by night", "Stories", &rows))
    }
}

fn reals(counts: &[u64]) -> Vec<f64> {
    counts.iter().map(|&count| words::real(count)).collect()
}

/// What is unusual.
pub(super) fn changes(page: &Page) -> Markup {
    let drift = &page.drift;
    html! {
        @match drift.verdict {
            _ if !page.changes.is_empty() => p.note {
                "Compared with " (words::counted(drift.nights_used.into(), "earlier night", "earlier nights"))
                " of the same kind. The grey band is the usual range, the line in it the median."
            },
            DriftVerdict::TooFewNights => p.note {
                "Too few nights to say what is usual: " (drift.nights_used) " of " (drift.minimum) "."
            },
            DriftVerdict::Backfill => p.note { "Documents were done once more. Such a run is not compared with nights." },
            _ => p.note {
                "Nothing: every number is within its usual range of "
                (words::counted(drift.nights_used.into(), "night", "nights")) "."
            },
        }
        @if !page.changes.is_empty() {
            ol.changes { @for (place, change) in page.changes.iter().enumerate() { (one_change(page, place, change)) } }
            @if drift.alarms_left_out > 0 {
                p.note { "Left out: " (words::counted(drift.alarms_left_out.into(), "weaker change", "weaker changes")) "." }
            }
            (change_table(page))
        }
    }
}

fn one_change(page: &Page, place: usize, change: &Change) -> Markup {
    let examples = change.examples.iter().filter_map(|id| page.examples.get(id));
    let cause = match change.cause {
        AlarmCause::World => "the news",
        AlarmCause::Input => "the input",
        AlarmCause::Us => "pressrun",
    };
    html! {
        li {
            div {
                h3 { (words::capitalised(&change.clause)) }
                @if !change.numbers.is_empty() { p { (words::capitalised(&change.numbers)) "." } }
                @if !change.moved.is_empty() { p.cause { "With it: " (moved(&change.moved)) } }
                p.cause {
                    "Likely cause: " b { (cause) }
                    @if let Some(because) = &change.because { " (" (because) ")" }
                }
            }
            @if let Some(range) = change.range { (range_picture(place, change, range)) }
            @if change.examples.iter().any(|id| page.examples.contains_key(id)) {
                ul.words { @for quoted in examples { li { (statement(quoted)) } } }
            }
        }
    }
}

/// What moved along, the first few by name.
fn moved(names: &[String]) -> String {
    const SHOWN: usize = 6;
    let mut shown: Vec<String> = names.iter().take(SHOWN).map(|name| words::excerpt(name, 60)).collect();
    if names.len() > SHOWN {
        shown.push(format!("{} more", names.len() - SHOWN));
    }
    words::list(&shown)
}

fn range_picture(place: usize, change: &Change, range: Range) -> Markup {
    let Range { value, usual, low, high, unit } = range;
    let bottom = if unit == Unit::Tone { value.min(low) } else { 0.0 };
    let top = value.max(high) * if value.max(high) > 0.0 { 1.04 } else { 1.0 };
    let caption = Caption {
        id: format!("change-{place}"),
        title: format!("{}: tonight and usually", words::capitalised(&change.clause)),
        description: format!(
            "{} tonight. Usually {}, from {} to {}.",
            unit.show(value),
            unit.show(usual),
            unit.show(low),
            unit.show(high)
        ),
    };
    html! {
        div.plot {
            (chart::range(&caption, Some(value), Some(Usual { median: usual, low, high }), (bottom, top), true))
            div.ends aria-hidden="true" { span { (unit.show(bottom)) } span { (unit.show(top)) } }
        }
    }
}

fn change_table(page: &Page) -> Markup {
    let rows = page.changes.iter().filter_map(|change| Some((change, change.range?)));
    html! {
        details {
            summary { "Table: the numbers of these changes" }
            div.scroll tabindex="0" role="region" aria-label="Table: the numbers of these changes" {
                table {
                    caption { "The numbers of these changes" }
                    thead { tr {
                        th scope="col" { "Change" } th scope="col" { "Tonight" } th scope="col" { "Usually" }
                        th scope="col" { "From" } th scope="col" { "To" }
                    } }
                    tbody { @for (change, range) in rows { tr {
                        th scope="row" { (words::capitalised(&change.clause)) }
                        @for number in [range.value, range.usual, range.low, range.high] { td { (range.unit.show(number)) } }
                    } } }
                }
            }
        }
    }
}
