//! The data of a page about its article: in JSON-LD, in `<meta>`, in microdata, and in sight; the earlier is trusted more.

/// JSON-LD.
mod linked_data;
/// `itemprop`.
mod microdata;
/// The text that a reader sees.
mod page;
/// `<meta>` and `<link>`.
mod tags;
/// Values of sources, made comparable.
mod tidy;

use scraper::Html;

use self::tags::TagData;
pub(super) use self::tidy::plain;

use crate::input::text::dates::to_rfc3339;
use crate::record::Metadata;

/// A longer text is more than a date.
const MAX_DATE_BYTES: usize = 60;

/// The data of a page about its article.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PageMetadata {
    /// All sources together. Dates are RFC 3339 where they can be read, else as they came.
    pub(super) metadata: Metadata,
    /// The article's text, as JSON-LD has it at some sites.
    pub(super) body: Option<String>,
    /// The description of the page in its tags.
    pub(super) description: Option<String>,
    /// First-level headings of the page.
    pub(super) headings: Vec<String>,
}

impl PageMetadata {
    /// True if `text` is the title, with or without the name of the site, or a heading that stands for it, but for marks and case.
    pub(super) fn is_title(&self, text: &str) -> bool {
        let text = tidy::plain(text);
        let headings = self.headings.iter().map(String::as_str);
        let titles = self.metadata.title.iter().flat_map(|title| tidy::beginnings(title)).chain(headings);
        !text.is_empty() && titles.map(tidy::plain).any(|title| title == text)
    }
}

/// True for a text that is a date and nothing else.
pub(super) fn is_date(text: &str) -> bool {
    text.len() <= MAX_DATE_BYTES && to_rfc3339(text).is_some()
}

/// Collects what the page says of its article. `url` is where it was fetched.
pub(super) fn collect(tree: &Html, url: Option<&str>) -> PageMetadata {
    let TagData { metadata: tags, locale, description } = tags::tag_data(tree);
    let headings = page::headings(tree);
    // What a page says of its address, search engines read in its tags.
    let canonical = tags.uri.clone();
    let titles: Vec<&str> = headings.iter().chain(&tags.title).map(String::as_str).collect();
    let address = canonical.as_deref().or(url);
    let linked_data::LinkedData { metadata: linked, body } = linked_data::linked_data(tree, address, &titles);
    let mut sources = [linked, tags, microdata::microdata(tree), page::visible(tree, url)].map(tidied);
    let publisher = publisher_as_author(&mut sources);
    let mut all = sources.into_iter().fold(Metadata::default(), or);
    all.byline = all.byline.or(publisher);
    all.language = all.language.or_else(|| locale.and_then(|locale| tidy::language(&locale)));
    let description = description.and_then(|description| tidy::line(&description));
    all.title = all.title.map(|title| tidy::without_site(&title, all.source.as_deref(), &headings));
    let uris = [canonical, all.uri];
    all.uri =
        uris.into_iter().flatten().find_map(|uri| tidy::absolute(uri.trim(), url)).or_else(|| url.map(str::to_owned));
    PageMetadata { metadata: all, body, description, headings }
}

/// Takes out of `sources` the bylines that only name the publisher; the first of them.
fn publisher_as_author(sources: &mut [Metadata]) -> Option<String> {
    let site = sources.iter().find_map(|source| source.source.clone())?;
    let bylines = sources.iter_mut().map(|source| &mut source.byline);
    let mut names = bylines.filter_map(|byline| byline.take_if(|byline| tidy::is_same_name(byline, &site)));
    let first = names.next();
    names.for_each(drop);
    first
}

/// The values of `first`, and those of `second` that it lacks. A date that can be read goes before one that cannot.
fn or(first: Metadata, second: Metadata) -> Metadata {
    Metadata {
        title: first.title.or(second.title),
        byline: first.byline.or(second.byline),
        published: clearer(first.published, second.published),
        modified: clearer(first.modified, second.modified),
        section: first.section.or(second.section),
        language: first.language.or(second.language),
        uri: first.uri.or(second.uri),
        source: first.source.or(second.source),
    }
}

/// Values without entities, spare white space, and what is no value.
fn tidied(raw: Metadata) -> Metadata {
    Metadata {
        title: line(raw.title),
        byline: raw.byline.and_then(|byline| tidy::byline(&byline)),
        published: date(raw.published),
        modified: date(raw.modified),
        section: line(raw.section),
        language: line(raw.language).and_then(|language| tidy::language(&language)),
        uri: line(raw.uri),
        source: line(raw.source),
    }
}

fn line(value: Option<String>) -> Option<String> {
    value.and_then(|value| tidy::line(&value))
}

/// A date as RFC 3339 writes it; one that cannot be read stays as it is.
fn date(value: Option<String>) -> Option<String> {
    line(value).map(|raw| to_rfc3339(&raw).unwrap_or(raw))
}

/// The first of the dates that can be read; else the first.
fn clearer(first: Option<String>, second: Option<String>) -> Option<String> {
    match (first, second) {
        (Some(first), Some(second)) if to_rfc3339(&first).is_none() && to_rfc3339(&second).is_some() => Some(second),
        (first, second) => first.or(second),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(html: &str) -> Metadata {
        collect(&Html::parse_document(html), Some("https://quay.example/2031/03/01/rain")).metadata
    }

    #[test]
    fn the_more_trusted_source_goes_first() {
        let sight = "<title>Rain in sight</title><time datetime='2031-03-05'></time><a rel=author>Ida Moss</a>";
        let microdata =
            "<h2 itemprop=headline>Rain in microdata</h2><i itemprop=datePublished content='2031-03-04'></i>";
        let tags = "<meta property=og:title content='Rain in tags'><meta property=article:published_time content='2031-03-03'>";
        let linked = r#"<script type="application/ld+json">{"@type":"Article","headline":"Rain in data","datePublished":"2031-03-02"}</script>"#;
        let all = [linked, tags, microdata, sight];
        for (start, (title, date)) in
            [("data", "2"), ("tags", "3"), ("microdata", "4"), ("sight", "5")].into_iter().enumerate()
        {
            let found = of(&all[start..].concat());
            assert_eq!(found.title, Some(format!("Rain in {title}")));
            assert_eq!(found.published, Some(format!("2031-03-0{date}")));
            assert_eq!(found.byline.as_deref(), Some("Ida Moss"));
        }
    }

    #[test]
    fn a_date_that_can_be_read_goes_before_one_that_cannot_which_stays_raw() {
        let unclear = "<meta property=article:published_time content='03/04/2031'><meta property=article:modified_time content='soon'>";
        let found = of(&format!("{unclear}<p class=pub-date>March 4, 2031</p>"));
        assert_eq!((found.published.as_deref(), found.modified.as_deref()), (Some("2031-03-04"), Some("soon")));
        assert_eq!(of("<i>Published on March 5,\n2031 01:52 PM</i>").published.as_deref(), Some("2031-03-05"));
    }

    #[test]
    fn the_canonical_address_goes_before_that_of_json_ld() {
        let linked =
            r#"<script type="application/ld+json">{"@type":"Article","url":"https://quay.example/amp/rain"}</script>"#;
        assert_eq!(of(linked).uri.as_deref(), Some("https://quay.example/amp/rain"));
        assert_eq!(
            of(&format!("<link rel=canonical href=/rain>{linked}")).uri.as_deref(),
            Some("https://quay.example/rain")
        );
    }

    #[test]
    fn the_page_knows_its_language_better_than_open_graph() {
        let locale = "<meta property=og:locale content=en_US>";
        assert_eq!(of(&format!("<html lang=de>{locale}")).language.as_deref(), Some("de"));
        assert_eq!(of(locale).language.as_deref(), Some("en-US"));
    }

    #[test]
    fn the_address_dates_what_nothing_else_does() {
        assert_eq!(of("<p>Rain</p>").published.as_deref(), Some("2031-03-01"));
        assert_eq!(of("<p>Rain</p>").uri.as_deref(), Some("https://quay.example/2031/03/01/rain"));
    }

    #[test]
    fn names_of_those_who_comment_are_no_bylines() {
        let comment = "<div id=comments><p><span class=author>Ned Loud</span> says</p></div>";
        assert_eq!(of(comment).byline, None);
        assert_eq!(of(&format!("{comment}<p class=byline>By Ada Vale</p>")).byline.as_deref(), Some("Ada Vale"));
    }

    #[test]
    fn a_publisher_as_author_does_not_hide_the_byline() {
        let linked = r#"<script type="application/ld+json">{"@type":"Article","author":{"name":"Quay Courier"},"publisher":{"name":"The Quay Courier"}}</script>"#;
        assert_eq!(
            of(&format!("{linked}<p class=author>By <a rel=author>Ida Brenn</a></p>")).byline.as_deref(),
            Some("Ida Brenn")
        );
        assert_eq!(of(linked).byline.as_deref(), Some("Quay Courier"));
    }

    #[test]
    fn a_byline_ends_with_its_line() {
        let byline = "<div class=byline>By IDA BRENN and PER O'HOLM<br>Quay Courier Staff<br>Published March 4, 2031 | 7:15 a.m.</div>";
        assert_eq!(of(byline).byline.as_deref(), Some("Ida Brenn and Per O'Holm"));
        assert_eq!(
            of("<i>By IDA BRENN<br>Courier Staff Writer</i><p>By the quay they met.</p>").byline.as_deref(),
            Some("Ida Brenn")
        );
        assert_eq!(of("<p>By Monday the ferry ran again.</p>").byline, None);
    }

    #[test]
    fn dates_beside_the_article_do_not_count() {
        let date = "<time datetime=2029-01-01></time><i itemprop=datePublished content=2029-01-02></i><i class=date>2029-01-03</i>";
        for beside in [
            format!("<aside>{date}</aside>"),
            format!("<div class=sidebar>{date}</div>"),
            format!("<ul class=related-stories>{date}</ul>"),
        ] {
            assert_eq!(
                of(&format!("{beside}<article><i class=date>March 4, 2031</i></article>")).published.as_deref(),
                Some("2031-03-04")
            );
            assert_eq!(of(&beside).published.as_deref(), Some("2031-03-01"));
        }
    }
}
