//! XML dumps of MediaWiki, such as those of Wikinews: an article a `page`.

use super::elements::Dialect;
use super::tags;
use super::wikitext::{self, Namespaces};
use super::xml::Node;
use crate::input::raw_record::ParsedRecord;
use crate::input::refusal::Refusal;
use crate::record::{Metadata, Reason};

pub(super) static MEDIAWIKI: Dialect = Dialect { roots: &["mediawiki"], element: "page", parse };

/// The namespaces whose links are no text, by their numbers: media, files and categories.
const UNSEEN_NAMESPACES: [&str; 3] = ["-2", "6", "14"];

/// Parses a page. `site` is the dump before its first page.
fn parse(page: &str, site: &str, encoding: &'static str) -> Result<ParsedRecord, Refusal> {
    let page = Node::parse(page)?;
    // A dump of the whole history has the latest revision last.
    let revision = page.all("revision").last();
    let markup = revision.and_then(|revision| revision.at(&["text"])).map(Node::written_markup).unwrap_or_default();
    let article = wikitext::parse(&markup, &Namespaces { unseen: namespaces(site) });
    if article.text.trim().is_empty() {
        return Err(Refusal::new(Reason::Empty, "holds no text for readers in its last revision"));
    }
    let title = page.text_at(&["title"]);
    let metadata = Metadata {
        uri: title.as_ref().zip(tags::text(site, "base")).map(|(title, base)| address(&base, title)),
        published: article.date,
        modified: revision.and_then(|revision| revision.text_at(&["timestamp"])),
        language: tags::attribute(site, "mediawiki", "xml:lang"),
        source: tags::text(site, "sitename"),
        title,
        ..Metadata::default()
    };
    Ok(ParsedRecord { own_id: page.text_at(&["id"]), metadata, ..ParsedRecord::new(article.text, encoding) })
}

/// Tells whether a page is no article: a redirect, or a page of another namespace, such as a talk page or a template.
pub(super) fn is_left_out(page: &str) -> bool {
    let head = &page[..page.find("<revision").unwrap_or(page.len())];
    let is_other = tags::text(head, "ns").is_some_and(|namespace| namespace != "0");
    is_other || head.contains("<redirect")
}

/// The names of the namespaces whose links are no text, in small letters.
fn namespaces(site: &str) -> Vec<String> {
    let mut names = ["media", "file", "image", "category"].map(str::to_owned).to_vec();
    for number in UNSEEN_NAMESPACES {
        let name = site.split_once(&format!("key=\"{number}\"")).and_then(|(_, behind)| behind.split_once('>'));
        names.extend(name.and_then(|(_, behind)| behind.split('<').next()).map(str::to_lowercase));
    }
    names
}

/// The address of a page, by that of the main page.
fn address(base: &str, title: &str) -> String {
    let folder = base.rsplit_once('/').map_or(base, |(folder, _)| folder);
    format!("{folder}/{}", title.replace(' ', "_"))
}

#[cfg(test)]
mod tests {
    use crate::input::formats::testing::{read_article, read_every_cut, read_texts};
    use crate::record::Reason;

    fn page(namespace: u8, head: &str, text: &str) -> String {
        format!(
            "<page>\n<title>Storm hits coast</title>\n<ns>{namespace}</ns>\n<id>7</id>\n{head}<revision>\n<id>70</id>\n\
             <timestamp>2031-03-05T00:00:00Z</timestamp>\n<text bytes=\"1\" xml:space=\"preserve\">{text}</text>\n</revision>\n</page>\n"
        )
    }

    fn dump(pages: &[String]) -> String {
        let site = "<mediawiki xmlns=\"http://www.mediawiki.org/xml/export-0.11/\" version=\"0.11\" xml:lang=\"de\">\n<siteinfo>\n\
            <sitename>Wikinachrichten</sitename>\n<base>https://de.news.example/wiki/Hauptseite</base>\n<namespaces>\n\
            <namespace key=\"6\" case=\"first-letter\">Datei</namespace>\n</namespaces>\n</siteinfo>\n";
        format!("{site}{}</mediawiki>\n", pages.concat())
    }

    #[test]
    fn a_page_is_a_document_and_redirects_and_other_namespaces_are_left_out() {
        let text = "{{date|March 4, 2031}}\n[[Datei:a.jpg|thumb|A boat]]It '''rained''' &amp;amp; [[snow]]ed.&lt;ref&gt;A&lt;/ref&gt;";
        let pages = [
            page(0, "<redirect title=\"Storm\" />\n", "#REDIRECT [[Storm]]"),
            page(10, "", "A template."),
            page(0, "", text),
        ];
        let dump = dump(&pages);
        let article = read_article("a", dump.as_bytes());
        assert_eq!((article.text.as_str(), article.own_id.as_deref()), ("It rained & snowed.", Some("7")));
        let metadata = article.metadata;
        assert_eq!(
            (metadata.title.as_deref(), metadata.source.as_deref()),
            (Some("Storm hits coast"), Some("Wikinachrichten"))
        );
        assert_eq!(metadata.uri.as_deref(), Some("https://de.news.example/wiki/Storm_hits_coast"));
        assert_eq!((metadata.published.as_deref(), metadata.language.as_deref()), (Some("March 4, 2031"), Some("de")));
        assert_eq!(metadata.modified.as_deref(), Some("2031-03-05T00:00:00Z"));
    }

    #[test]
    fn a_dump_that_is_cut_gives_what_comes_before_the_cut() {
        let dump = dump(&[page(0, "", "It rained."), page(0, "", "")]);
        read_every_cut("a.xml", dump.as_bytes());
        assert_eq!(read_texts("a.xml", dump.as_bytes()), [Ok("It rained.".to_owned()), Err(Reason::Empty)]);
        let between = dump.find("</page>").unwrap() + "</page>\n".len();
        assert_eq!(
            read_texts("a.xml", &dump.as_bytes()[..between]),
            [Ok("It rained.".to_owned()), Err(Reason::Truncated)]
        );
    }
}
