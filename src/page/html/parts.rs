//! Parts that several sections use: links, articles, quotations and tables.

use std::fmt::Write;

use maud::{Markup, html};
use url::Url;

use super::chart::{self, Nights};
use crate::page::collect::{Article, Page, Quoted};
use crate::page::history::Usual;
use crate::page::words;

/// Text that leads to `uri` if that is a web address; otherwise the text alone.
pub(super) fn link(uri: Option<&str>, text: &str) -> Markup {
    /// A longer address is left out.
    const MAX_BYTES: usize = 2000;
    let address = uri.filter(|uri| uri.len() <= MAX_BYTES).and_then(|uri| Url::parse(uri.trim()).ok());
    let address = address.filter(|address| matches!(address.scheme(), "http" | "https") && address.has_host());
    html! {
        @match address {
            Some(address) => a href=(address.as_str()) rel="noopener noreferrer" { (text) },
            None => (text),
        }
    }
}

/// The article that a text is from.
pub(super) fn cite(article: &Article) -> Markup {
    html! {
        cite dir="auto" {
            (link(article.uri.as_deref(), &article.title))
            @if let Some(source) = &article.source { ", " (source) }
        }
    }
}

/// A statement with its article.
pub(super) fn statement(quoted: &Quoted) -> Markup {
    html! {
        blockquote dir="auto" { (quoted.text) }
        (cite(&quoted.article))
    }
}

/// The nights of a page, as an axis.
pub(super) fn axis(page: &Page) -> Nights<'_> {
    Nights { days: page.history.days(), is_complete: page.is_complete() }
}

/// The first and the last day, below a picture of nights. If there are few, the first is not at its left end.
pub(super) fn ends(page: &Page) -> Markup {
    let days = page.history.days();
    let last = days.last().and_then(|day| day.date);
    let part = if page.is_complete() { "" } else { ", not complete" };
    html! {
        div.axis aria-hidden="true" {
            @if days.len() >= chart::LEAST_NIGHTS { span { (words::short_day(days[0].date)) } } @else { span {} }
            span { (words::short_day(last)) (part) }
        }
    }
}

/// What is usual, in a few words.
pub(super) fn usual(usual: Option<Usual>, show: impl Fn(f64) -> String) -> String {
    usual.map_or_else(|| "too few nights".to_owned(), |usual| format!("usually {}", show(usual.median)))
}

/// A table behind a line that opens it: a row a thing, a column a night.
pub(super) fn night_table(page: &Page, summary: &str, corner: &str, rows: &[(String, Vec<String>)]) -> Markup {
    let days = page.history.days();
    html! {
        details {
            summary { (summary) }
            div.scroll tabindex="0" role="region" aria-label=(summary) {
                table {
                    caption { (summary) }
                    thead { tr {
                        th scope="col" { (corner) }
                        @for day in days { th scope="col" { (words::weekday(day.date)) } }
                    } }
                    tbody { @for (name, cells) in rows { tr {
                        th scope="row" { (name) }
                        @for cell in cells { td { (cell) } }
                    } } }
                }
            }
        }
    }
}

/// The values of a night table, `–` where there is none.
pub(super) fn cells(values: &[Option<f64>], show: impl Fn(f64) -> String) -> Vec<String> {
    values.iter().map(|value| value.map_or_else(|| "–".to_owned(), &show)).collect()
}

/// The highest of these values and of the usual ones.
pub(super) fn highest(values: &[Option<f64>], usual: Option<Usual>) -> f64 {
    let values = values.iter().flatten().copied().chain(usual.map(|usual| usual.high));
    values.fold(0.0, f64::max)
}

/// The description of a series, for those who cannot see its picture.
pub(super) fn describe(values: &[Option<f64>], usual: Option<Usual>, show: impl Fn(f64) -> String) -> String {
    let known: Vec<f64> = values.iter().flatten().copied().collect();
    let Some(last) = values.last().copied().flatten() else { return "No value tonight.".to_owned() };
    let lowest = known.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = known.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut text =
        format!("{} tonight; between {} and {} in {} nights", show(last), show(lowest), show(highest), known.len());
    if let Some(usual) = usual {
        // Writing to a string cannot fail.
        let _ = write!(text, ". Usually {}, from {} to {}", show(usual.median), show(usual.low), show(usual.high));
    }
    text + "."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_become_links() {
        let good = link(Some("https://example.org/a?b=1&c=\"2\""), "A & B").into_string();
        assert_eq!(
            good,
            "<a href=\"https://example.org/a?b=1&amp;c=%222%22\" rel=\"noopener noreferrer\">A &amp; B</a>"
        );
        for uri in [
            "javascript:alert(1)",
            " JavaScript:alert(1)",
            "java\nscript:alert(1)",
            "data:text/html,<script>alert(1)</script>",
            "file:///etc/passwd",
            "/relative",
            "http://",
            "ftp://example.org/",
            "",
        ] {
            assert_eq!(link(Some(uri), "<b>").into_string(), "&lt;b&gt;", "{uri}");
        }
        assert_eq!(link(None, "x").into_string(), "x");
    }

    #[test]
    fn a_series_is_described_in_words() {
        let usual = Some(Usual { median: 2.0, low: 1.0, high: 3.0 });
        let text = describe(&[Some(1.0), None, Some(4.0)], usual, words::about);
        assert_eq!(text, "4 tonight; between 1 and 4 in 2 nights. Usually 2, from 1 to 3.");
        assert_eq!(describe(&[Some(1.0), None], None, words::about), "No value tonight.");
    }
}
