//! The page as one HTML file that needs nothing else: no script, no font, no picture from anywhere.

/// Pictures of numbers.
mod chart;
/// The top of the page.
mod front;
/// The work behind the page.
mod machine;
/// Sources, topics and tone.
mod news;
/// Parts of several sections.
mod parts;
/// Words from articles.
mod people;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::collect::Page;
use super::{verdict, words};

const STYLE: &str = include_str!("style.css");

/// The content security policy of pages: browsers load nothing and run nothing.
pub(crate) const CONTENT_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// A section of the page.
struct Section {
    id: String,
    title: String,
    content: Markup,
}

/// The page as HTML.
pub(super) fn render(page: &Page) -> String {
    let headline = page.headline();
    let day = page.history.days().last().and_then(|day| day.date);
    let sections = sections(page);
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(CONTENT_POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                meta name="robots" content="noindex";
                meta name="description" content=(headline);
                title { (words::short_day(day)) ": " (headline) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#content" { "To the content" }
                div.page {
                    header {
                        div.masthead {
                            p.brand { "The morning after" }
                            p.edition { "Night of " (words::long_day(day)) ", " (edition(page)) }
                        }
                        h1 { (headline) }
                        p.standfirst { (page.standfirst().join(" ")) }
                        nav aria-label="Sections" {
                            ul { @for section in &sections { li { a href=(format!("#{}", section.id)) { (section.title) } } } }
                        }
                    }
                    main id="content" {
                        (front::figures(page))
                        @for Section { id, title, content } in &sections {
                            section id=(id) aria-labelledby=(format!("{id}-title")) {
                                h2 id=(format!("{id}-title")) { (title) }
                                (content)
                            }
                        }
                    }
                    (colophon(page))
                }
            }
        }
    };
    markup.into_string() + "\n"
}

/// The runs of tonight: `run 28`, `runs 27 and 28`.
fn edition(page: &Page) -> String {
    let runs: Vec<String> = page.runs.iter().map(u32::to_string).collect();
    format!("{} {}", if runs.len() == 1 { "run" } else { "runs" }, words::list(&runs))
}

fn sections(page: &Page) -> Vec<Section> {
    let night = page.tonight();
    let mut sections = vec![section("changes", "What changed", front::changes(page))];
    sections.push(section("stories", "Stories", front::volume(page)));
    if verdict::has_sources(&page.history) {
        sections.push(section("sources", "Sources", news::sources(page)));
    }
    for task in night.labels.keys().filter(|task| Some(*task) != night.tone_task.as_ref()) {
        // A newsroom may give its tasks any names.
        let title = if task == "topic" { "Topics".to_owned() } else { words::capitalised(task) };
        sections.push(section(&format!("task-{task}"), &title, news::labels(page, task)));
    }
    if let Some(task) = night.tone_task.as_deref().filter(|task| night.labels.contains_key(*task)) {
        sections.push(section("tone-section", "Tone", news::tone(page, task)));
    }
    if night.attributions > 0 {
        sections.push(section("speakers", "Speakers", people::speakers(page)));
    }
    sections.push(section("carried", "Most carried", people::stories(page)));
    sections.push(section("rejections", "Rejections", machine::rejections(page)));
    sections.push(section("run", "The run", machine::run(page)));
    sections.push(section("setup", "Model and configuration", machine::setup(page)));
    sections.push(section("samples", "Statements to check", people::samples(page)));
    sections
}

fn section(id: &str, title: &str, content: Markup) -> Section {
    Section { id: id.to_owned(), title: title.to_owned(), content }
}

fn colophon(page: &Page) -> Markup {
    let night = page.tonight();
    html! {
        footer {
            p {
                "Made by " (night.program) " from the ledger and the statements of the output folder. It can be deleted: " code { "pressrun report" }
                " makes it again, byte for byte. The run ended at " (night.finished) "."
            }
            p {
                "A night is all runs of a day; a run that starts before noon belongs to the day before. Nights are compared with nights of the same kind,
                workdays or weekends, and tonight is never part of what is usual. “Usually” is the median of at least "
                (super::history::ENOUGH) " nights, and a usual range holds the middle four fifths of them. The ranges under “What changed” are wider: only what is
                outside them is unusual."
            }
            p {
                "Labels are those of a model, and some are wrong; statements that are bylines, captions or links have none. Shares are of statements, not of
                stories. Copies count as stories and statements, but nobody in them is quoted here."
            }
        }
    }
}
