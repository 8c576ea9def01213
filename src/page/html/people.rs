//! Words from the articles: speakers, the most carried stories, and statements of labels that moved.

use maud::{Markup, html};

use super::parts::{cite, link, statement};
use crate::page::collect::{LabelSample, Page, SpeakerWords, Story};
use crate::page::{history, words};
use crate::record::AttributionKind;

/// The speakers with the most stories, and their words.
pub(super) fn speakers(page: &Page) -> Markup {
    let night = page.tonight();
    let nameless = history::unattributed(night);
    html! {
        p.note {
            "Who is reported in the most stories, copies left out, with words chosen at random. Names are as the articles have them: nobody joins the
            names of one person across articles."
            @if let Some(nameless) = nameless {
                " Of " (words::counted(night.attributions, "quotation", "quotations")) ", " (words::percent(nameless)) " have no name."
            }
        }
        @if page.speakers.is_empty() { p { "Nobody is quoted tonight." } }
        div.speakers { @for speaker in &page.speakers { (one_speaker(speaker)) } }
        @if !page.speakers.is_empty() { (speaker_table(page)) }
    }
}

fn one_speaker(speaker: &SpeakerWords) -> Markup {
    html! {
        div.speaker {
            h3 dir="auto" { (speaker.name) }
            p.meta {
                @if let Some(role) = &speaker.role { span dir="auto" { (role) } ", " }
                (words::counted(speaker.documents, "story", "stories")) ", "
                (words::counted(speaker.statements, "statement", "statements"))
                @if let Some(tone) = speaker.tone { ", tone " (words::tone(tone)) }
            }
            @for quote in &speaker.quotes {
                figure {
                    blockquote dir="auto" { (quote.words.text) }
                    figcaption {
                        @match quote.kind {
                            AttributionKind::Direct => {},
                            AttributionKind::Mixed => span.usual { "Quoted in part" },
                            AttributionKind::Indirect => span.usual { "Reported" },
                        }
                        (cite(&quote.words.article))
                    }
                }
            }
        }
    }
}

fn speaker_table(page: &Page) -> Markup {
    html! {
        details {
            summary { "Table: speakers" }
            div.scroll tabindex="0" role="region" aria-label="Table: speakers" {
                table {
                    caption { "Speakers with the most stories" }
                    thead { tr {
                        th scope="col" { "Speaker" } th.text scope="col" { "Role" } th scope="col" { "Stories" } th scope="col" { "Statements" }
                        th scope="col" { "Tone" }
                    } }
                    tbody { @for speaker in &page.speakers { tr {
                        th scope="row" { (speaker.name) }
                        td.text { (speaker.role.as_deref().unwrap_or("–")) }
                        td { (words::count(speaker.documents)) }
                        td { (words::count(speaker.statements)) }
                        td { (speaker.tone.map_or_else(|| "–".to_owned(), words::tone)) }
                    } } }
                }
            }
        }
    }
}

/// The originals with the most copies.
pub(super) fn stories(page: &Page) -> Markup {
    let night = page.tonight();
    html! {
        p.note {
            (words::counted(night.documents.copies, "story is a copy", "stories are copies")) " of another one: wire reports, and stories printed again.
            The number is that of tonight’s copies."
        }
        @if page.stories.is_empty() { p { "No story was carried twice." } }
        ol.carried { @for story in &page.stories { (one_story(story)) } }
    }
}

fn one_story(story: &Story) -> Markup {
    let Story { article, copies, carriers } = story;
    html! {
        li {
            span.many { (words::count(*copies)) }
            div {
                span.title dir="auto" { (link(article.uri.as_deref(), &article.title)) }
                cite {
                    @if let Some(source) = &article.source { (source) }
                    @if !carriers.is_empty() {
                        @if article.source.is_some() { "; carried by " } @else { "Carried by " }
                        (words::list(carriers))
                    }
                }
            }
        }
    }
}

/// Statements of the labels that moved.
pub(super) fn samples(page: &Page) -> Markup {
    html! {
        @if page.samples.is_empty() { p { "No label moved out of its usual range." } }
        @else if !page.settings.text { p { "Texts are left out (" code { "[report] text = false" } ")." } }
        @else {
            p.note { "Chosen at random from tonight’s statements with the label, copies left out: see for yourself what moved it." }
            @for sample in &page.samples { (one_sample(page, sample)) }
        }
    }
}

fn one_sample(page: &Page, sample: &LabelSample) -> Markup {
    let counts = page.tonight().labels.get(&sample.task);
    let all = counts.and_then(|counts| counts.get(&sample.label)).copied().unwrap_or_default();
    html! {
        h3 { (words::excerpt(page.label_name(&sample.task, &sample.label), 60)) }
        p.note { (sample.statements.len()) " of " (words::counted(all, "statement", "statements")) }
        ol.sampled { @for quoted in &sample.statements { li { (statement(quoted)) } } }
    }
}
