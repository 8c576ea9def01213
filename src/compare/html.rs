//! A comparison as one HTML file that needs nothing else: no script, no font, no picture from anywhere.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::text::percent;
use super::{Comparison, Example, ShareChange, SpeakerChange, TaskComparison};
use crate::page::CONTENT_POLICY;

const STYLE: &str = include_str!("style.css");

impl Comparison {
    /// The comparison as a page of HTML.
    #[must_use]
    pub fn to_html(&self) -> String {
        let title = format!("{} and {}", self.old, self.new);
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(CONTENT_POLICY);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="robots" content="noindex";
                    title { "pressrun compare: " (title) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    header {
                        h1 { "What changes" }
                        dl {
                            dt { "old" } dd { (self.old) }
                            dt { "new" } dd { (self.new) }
                            dt { "documents" } dd { (self.documents) " on both sides, " (self.only_old) " only old, " (self.only_new) " only new" }
                            dt { "statements" } dd {
                                (self.statements) " on both sides, " (self.statements_only_old) " only old, " (self.statements_only_new) " only new"
                            }
                            @if let Some([old, new]) = self.seconds {
                                dt { "seconds" } dd { (format!("{old:.1} old, {new:.1} new")) }
                            }
                        }
                    }
                    main {
                        @for task in &self.other_tasks { p { "Task " (task) " is on one side only." } }
                        @for (name, task) in &self.tasks { (section_of_task(name, task, self.statements)) }
                        section {
                            h2 { "Speakers" }
                            p { (self.speakers.old) " old, " (self.speakers.new) " new" }
                            (speakers("Gained", &self.speakers.gained))
                            (speakers("Lost", &self.speakers.lost))
                        }
                    }
                }
            }
        };
        page.into_string() + "\n"
    }
}

fn section_of_task(name: &str, task: &TaskComparison, statements: u64) -> Markup {
    html! {
        section {
            h2 { (name) }
            p { (format!("{} of {statements} statements flipped: {:.2} %.", task.flips, percent(task.flips, statements))) }
            @if !task.by_labels.is_empty() {
                h3 { "Flips" }
                @for flip in &task.by_labels {
                    details {
                        summary { span.count { (flip.count) } " " (flip.from) " → " (flip.to) }
                        ul { @for example in &flip.examples { (item(example)) } }
                    }
                }
            }
            h3 { "Shares" }
            div.wide { table {
                thead { tr { th scope="col" { "label" } th.number scope="col" { "old" } th.number scope="col" { "new" }
                    th.number scope="col" { "change in points" } th.number scope="col" { "95 % interval" } } }
                tbody { @for share in &task.shares { (row(share)) } }
            } }
        }
    }
}

fn row(share: &ShareChange) -> Markup {
    let interval =
        share.interval.map_or("–".to_owned(), |[low, high]| format!("{:+.2} to {:+.2}", 100.0 * low, 100.0 * high));
    html! {
        tr {
            th scope="row" { (share.label) }
            td.number { (format!("{:.2} %", 100.0 * share.old)) }
            td.number { (format!("{:.2} %", 100.0 * share.new)) }
            td.number { (format!("{:+.2}", 100.0 * (share.new - share.old))) }
            td.number { (interval) }
        }
    }
}

fn speakers(name: &str, change: &SpeakerChange) -> Markup {
    html! {
        h3 { (name) ": " (change.count) }
        ul { @for speaker in &change.examples {
            li { strong { (speaker.name) } " " code { (speaker.example.statement) } " " (speaker.example.text.as_deref().unwrap_or_default()) }
        } }
    }
}

fn item(example: &Example) -> Markup {
    html! { li { code { (example.statement) } " " (example.text.as_deref().unwrap_or_default()) } }
}
