//! The work behind the page: rejections, the speed of the run, and changes of configuration and model.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::chart::{self, Caption};
use crate::ledger::Night;
use crate::page::collect::Page;
use crate::page::words;
use crate::page::{changes, history};

/// Rejections by reason.
pub(super) fn rejections(page: &Page) -> Markup {
    let night = page.tonight();
    let nights = page.history.nights().iter();
    let reasons: BTreeSet<&String> = nights.flat_map(|night| night.reasons.keys()).collect();
    let mut rows: Vec<_> = reasons
        .into_iter()
        .map(|reason| {
            let count = night.reasons.get(reason).copied().unwrap_or_default();
            (reason, count, page.history.usual(|night| Some(words::real(of_reason(night, reason)))))
        })
        .filter(|(_, count, usual)| *count > 0 || usual.is_some_and(|usual| usual.median > 0.0))
        .collect();
    rows.sort_by_key(|(_, count, _)| std::cmp::Reverse(*count));
    let top = rows.iter().map(|(_, count, usual)| words::real(*count).max(usual.map_or(0.0, |usual| usual.high)));
    let top = top.fold(1.0, f64::max);
    let rejected = history::rejected(night).unwrap_or_default();
    html! {
        p.note {
            (words::counted(night.documents.rejected, "input", "inputs")) " rejected, " (words::percent(rejected)) " of what was new; "
            (words::counted(night.documents.left_out, "file", "files")) " left out because pressrun does not read their kind. "
            code { "rejected.jsonl" } " has the place and the reason of each rejection."
        }
        @if rows.is_empty() {
            p { "Nothing was rejected" @if page.history.days().len() > 1 { ", and nothing usually is" } "." }
        }
        @else {
            table.narrow {
                caption { "Rejections by reason, tonight and usually" }
                thead { tr {
                    th scope="col" { "Reason" } th scope="col" { "Tonight" } th scope="col" { "Usually" }
                    th.text scope="col" { "0 to " (words::about(top)) }
                } }
                tbody { @for (place, (reason, count, usual)) in rows.iter().enumerate() {
                    @let caption = Caption {
                        id: format!("reason-{place}"),
                        title: format!("{reason}: tonight and usually"),
                        description: format!("{} tonight.", words::count(*count)),
                    };
                    tr {
                        th scope="row" { (reason.replace('_', " ")) }
                        td { (words::count(*count)) }
                        td { (usual.map_or_else(|| "–".to_owned(), |usual| words::about(usual.median))) }
                        td.pictured { (chart::range(&caption, Some(words::real(*count)), *usual, (0.0, top), false)) }
                    }
                } }
            }
        }
    }
}

fn of_reason(night: &Night, reason: &str) -> u64 {
    night.reasons.get(reason).copied().unwrap_or_default()
}

/// The time that the run took, by stage.
pub(super) fn run(page: &Page) -> Markup {
    let night = page.tonight();
    let speed = &night.speed;
    let slowest = history::slowest_stage(night);
    let usual = page.history.usual(|night| Some(night.speed.statements_per_second).filter(|speed| *speed > 0.0));
    let longest = slowest.map_or(1.0, |(_, busy)| busy);
    html! {
        p.note {
            "The run took " (words::duration(speed.seconds)) ": " (words::about(speed.statements_per_second)) " statements a second"
            @if let Some(usual) = usual { ", where " (words::about(usual.median)) " are usual" }
            "."
            @if let Some((stage, busy)) = slowest {
                " The slowest stage was " b { (stage) } ", at work for " (words::duration(busy)) " (summed over its threads)."
            }
        }
        @if !speed.stages.is_empty() {
            table.narrow {
                caption { "Time at work by stage" }
                thead { tr {
                    th scope="col" { "Stage" } th scope="col" { "Time" } th.text scope="col" { "0 to " (words::duration(longest)) }
                } }
                tbody { @for (stage, busy) in &speed.stages {
                    @let is_slowest = slowest.is_some_and(|(slowest, _)| slowest == stage);
                    @let caption = Caption {
                        id: format!("stage-{stage}"),
                        title: format!("{stage}: time at work"),
                        description: format!("{}.", words::duration(*busy)),
                    };
                    tr.moved[is_slowest] {
                        th scope="row" { (stage) }
                        td.now { (words::duration(*busy)) }
                        td.pictured { (chart::bar(&caption, busy / longest.max(1e-9), is_slowest)) }
                    }
                } }
            }
        }
    }
}

/// The program, its models and its configuration, and when they changed.
pub(super) fn setup(page: &Page) -> Markup {
    let night = page.tonight();
    let timeline = timeline(page);
    html! {
        @if page.history.days().len() < 2 { p { "There is no earlier night to compare with." } }
        @else if page.drift.changes.is_empty() { p { "The same as last night." } }
        @else { @for change in &page.drift.changes { p { (changes::sentence(change)) } } }
        @if let Some(restart) = &page.drift.restart {
            p.note {
                "Labels, tone and scores are compared from night " (restart.night) " on, because results are not those of the nights before it."
            }
        }
        dl.facts {
            dt { "Program" } dd { (night.program) }
            @for (name, revision) in &night.models { dt { "Model " (name) } dd { (words::excerpt(revision, 40)) } }
            @if !night.configuration.is_empty() { dt { "Configuration" } dd { "SHA-256 " code { (changes::short(&night.configuration)) } } }
            @if !night.processor.is_empty() { dt { "Processor class" } dd { (night.processor) } }
        }
        @if !timeline.is_empty() {
            h3 { "In these nights" }
            ul.timeline { @for (day, text) in &timeline { li { b { (day) } (text) } } }
        }
    }
}

/// The changes between each night and the one before, the latest one first.
fn timeline(page: &Page) -> Vec<(String, String)> {
    let nights = page.history.nights();
    let mut timeline = Vec::new();
    for (place, pair) in nights.windows(2).enumerate() {
        let [before, now] = pair else { continue };
        let mut changed: Vec<String> = Vec::new();
        for (name, revision) in &now.models {
            match before.models.get(name) {
                Some(old) if old != revision => {
                    changed.push(format!(
                        "model {name} from {} to {}",
                        words::excerpt(old, 40),
                        words::excerpt(revision, 40)
                    ));
                }
                Some(_) => {}
                None => changed.push(format!("new model {name}")),
            }
        }
        changed.extend(
            before
                .models
                .keys()
                .filter(|name| !now.models.contains_key(*name))
                .map(|name| format!("no more model {name}")),
        );
        for (part, old, new) in [
            ("program", &before.program, &now.program),
            ("processor class", &before.processor, &now.processor),
            ("configuration", &before.configuration, &now.configuration),
        ] {
            if old != new && !old.is_empty() && !new.is_empty() {
                changed.push(format!("{part} from {} to {}", changes::short(old), changes::short(new)));
            }
        }
        if !changed.is_empty() {
            let day = words::weekday(page.history.days()[place + 1].date);
            timeline.push((day, format!("{}.", words::capitalised(&words::list(&changed)))));
        }
    }
    timeline.reverse();
    timeline
}
