//! RSS and Atom with full content: an article an item.

use super::elements::Dialect;
use super::xml::Node;
use crate::input::raw_record::ParsedRecord;
use crate::input::refusal::Refusal;
use crate::input::text::markup;
use crate::input::text::record_markup::{html_text, plain_text};
use crate::input::text::squeezed;
use crate::record::{Metadata, Reason, TextFlag};

pub(super) static RSS: Dialect = Dialect { roots: &["rss", "RDF"], element: "item", parse: parse_item };

pub(super) static ATOM: Dialect = Dialect { roots: &["feed"], element: "entry", parse: parse_entry };

/// Parses an `item` of RSS, 0.9 to 2.0. `channel` is the feed before its first item.
fn parse_item(item: &str, channel: &str, encoding: &'static str) -> Result<ParsedRecord, Refusal> {
    let item = Node::parse(item)?;
    let metadata = Metadata {
        uri: item.own_text("link").or_else(|| item.attribute("rdf:about")).or_else(|| item.own_text("guid")),
        title: item.own("title").and_then(|title| line(&html_text(&title.written_markup()).0)),
        byline: creators(&item)
            .or_else(|| item.own_text("author").map(|author| name_of_address(&author)))
            .or_else(|| item.exactly("itunes:author").and_then(Node::text)),
        published: item.own_text("pubDate").or_else(|| item.own_text("dc:date")),
        modified: item.own_text("atom:updated").or_else(|| item.own_text("dcterms:modified")),
        section: item.own_text("category").or_else(|| item.own_text("dc:subject")),
        language: item
            .own_text("dc:language")
            .or_else(|| channel_text(channel, "language"))
            .or_else(|| channel_text(channel, "dc:language")),
        source: item.own_text("source").or_else(|| channel_text(channel, "title")),
    };
    // The full text is in one of several elements, which may be there and empty.
    let bodies = [
        item.exactly("content:encoded").map(written_text),
        item.at(&["body"]).map(|body| html_text(body.inner())),
        item.own("description").map(written_text),
        item.exactly("atom:content").map(written_text),
        item.exactly("itunes:summary").map(written_text),
        item.anywhere("media:description").map(written_text),
    ];
    let is_left_out = [("wp:post_type", &NO_ARTICLES[..]), ("wp:status", &["auto-draft", "trash"])]
        .iter()
        .any(|(name, words)| item.exactly(name).and_then(Node::text).is_some_and(|word| words.contains(&&*word)));
    if is_left_out {
        return Ok(ParsedRecord { own_id: item.own_text("guid"), metadata, ..ParsedRecord::left_out(encoding) });
    }
    document(bodies, item.own_text("guid"), metadata, encoding)
}

/// The people in the elements of Dublin Core, all of them.
fn creators(item: &Node<'_>) -> Option<String> {
    let names: Vec<String> = item.all("dc:creator").filter_map(Node::text).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// Entries of an export of `WordPress` that are no articles: pictures and parts of the site.
const NO_ARTICLES: [&str; 7] =
    ["attachment", "custom_css", "nav_menu_item", "oembed_cache", "revision", "wp_global_styles", "wp_navigation"];

/// Parses an `entry` of Atom. `feed` is the feed before its first entry.
fn parse_entry(entry: &str, feed: &str, encoding: &'static str) -> Result<ParsedRecord, Refusal> {
    let entry = Node::parse(entry)?;
    let main_link = entry.all("link").find(|link| link.attribute("rel").is_none_or(|rel| rel == "alternate"));
    let authors: Vec<String> =
        entry.all("author").filter_map(|author| author.at(&["name"]).and_then(Node::text)).collect();
    let published = entry.text_at(&["published"]).or_else(|| entry.text_at(&["issued"]));
    let updated = entry.text_at(&["updated"]).or_else(|| entry.text_at(&["modified"]));
    let metadata = Metadata {
        uri: main_link.and_then(|link| link.attribute("href")).or_else(|| entry.text_at(&["id"])),
        title: entry.own("title").and_then(|title| line(&content(title).0)),
        byline: Some(authors.join(", ")).filter(|names| !names.is_empty()),
        // Atom demands `updated` alone, which is the date of an entry that has never changed.
        modified: published.as_ref().and(updated.clone()),
        published: published.or(updated),
        section: entry
            .at(&["category"])
            .and_then(|category| category.attribute("label").or_else(|| category.attribute("term"))),
        language: entry.attribute("xml:lang").or_else(|| lang_of(feed)),
        source: entry.text_at(&["source", "title"]).or_else(|| channel_text(feed, "title")),
    };
    if is_of_blog_alone(&entry) {
        return Ok(ParsedRecord { own_id: entry.text_at(&["id"]), metadata, ..ParsedRecord::left_out(encoding) });
    }
    let bodies = [
        entry.own("content").map(content),
        entry.own("summary").map(content),
        entry.anywhere("media:description").map(written_text),
    ];
    document(bodies, entry.text_at(&["id"]), metadata, encoding)
}

/// Tells whether an entry of an export of Blogger is no article: a comment, a setting or the template.
fn is_of_blog_alone(entry: &Node<'_>) -> bool {
    let is_kind =
        |category: &&Node<'_>| category.attribute("scheme").is_some_and(|scheme| scheme.ends_with("g/2005#kind"));
    let kind = entry.all("category").find(is_kind).and_then(|category| category.attribute("term"));
    let kind = kind.or_else(|| entry.exactly("blogger:type").and_then(Node::text));
    kind.is_some_and(|kind| !["post", "page"].iter().any(|article| kind.to_ascii_lowercase().ends_with(article)))
}

/// The text of an element of Atom by its type, and whether it had markup that it should not have.
fn content(node: &Node<'_>) -> (String, bool) {
    match node.attribute("type").as_deref() {
        Some("xhtml" | "application/xhtml+xml") => html_text(node.inner()),
        Some("html" | "text/html") => written_text(node),
        _ => {
            let text = node.written_markup().trim().to_owned();
            plain_text(&text).map_or((text, false), |plain| (plain, true))
        }
    }
}

/// The text of HTML that was written down as text, the way of feeds.
fn written_text(node: &Node<'_>) -> (String, bool) {
    html_text(&node.written_markup())
}

/// A text on one line, where it is not blank.
fn line(text: &str) -> Option<String> {
    Some(squeezed(text)).filter(|line| !line.is_empty())
}

/// `Ida Brenn` of `ida@b.example (Ida Brenn)` or `Ida Brenn <ida@b.example>`; all of it where there is no name.
fn name_of_address(author: &str) -> String {
    let in_brackets = author.split_once('(').and_then(|(address, name)| Some((address, name.strip_suffix(')')?)));
    let before_address = author.split_once('<').map(|(name, address)| (address, name));
    let named =
        in_brackets.or(before_address).filter(|(address, name)| address.contains('@') && !name.trim().is_empty());
    named.map_or_else(|| author.to_owned(), |(_, name)| name.trim().to_owned())
}

/// A document with the first of the `bodies` that has a text.
fn document(
    bodies: impl IntoIterator<Item = Option<(String, bool)>>,
    own_id: Option<String>,
    metadata: Metadata,
    encoding: &'static str,
) -> Result<ParsedRecord, Refusal> {
    let Some((text, has_markup)) = bodies.into_iter().flatten().find(|(text, _)| !text.trim().is_empty()) else {
        return Err(Refusal::new(Reason::Empty, "holds no text in its content or its description"));
    };
    let mut parsed = ParsedRecord { own_id, metadata, ..ParsedRecord::new(text, encoding) };
    if has_markup {
        parsed.flag(TextFlag::Markup);
    }
    Ok(parsed)
}

/// The content of the first element of that name, with any prefix or none, of those before the first article. A picture and a search
/// field have titles of their own.
fn channel_text(channel: &str, name: &str) -> Option<String> {
    let mut rest = channel;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let end = rest.find(['>', '/', ' ', '\t', '\r', '\n']).unwrap_or(rest.len());
        let tag = &rest[..end];
        let local = tag.rsplit(':').next().unwrap_or(tag);
        if matches!(local, "image" | "textInput" | "textinput") {
            rest = rest.split_once(&format!("</{tag}>")).map_or(rest, |(_, behind)| behind);
        } else if tag == name || !name.contains(':') && local == name && !is_of_extension(tag) {
            let (_, content) = rest.split_once('>')?;
            let (content, _) = content.split_once(&format!("</{tag}>"))?;
            return line(&markup::text(content));
        }
    }
    None
}

/// Tells whether a prefix says that an element belongs to an extension of RSS, which may have a title of its own.
fn is_of_extension(tag: &str) -> bool {
    tag.split_once(':').is_some_and(|(prefix, _)| !matches!(prefix, "rss" | "atom" | "a"))
}

fn lang_of(feed: &str) -> Option<String> {
    let value = feed.split_once("xml:lang=")?.1;
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let value = value[1..].split(quote).next()?;
    Some(value.to_owned()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use crate::input::formats::testing::{read_article, read_articles};
    use crate::record::TextFlag;

    /// A feed of one item.
    fn rss(item: &str) -> Vec<u8> {
        format!("<rss version=\"2.0\"><channel><image><title>Logo</title></image><title>Courier</title>{item}</channel></rss>").into()
    }

    #[test]
    fn an_empty_content_does_not_hide_the_description() {
        let item = "<item><description><![CDATA[<p>One.</p><p>Two.</p>]]></description><content:encoded><![CDATA[ ]]></content:encoded></item>";
        let article = read_article("a.xml", &rss(item));
        assert_eq!(article.text, "One.\n\nTwo.");
        assert_eq!(article.metadata.source.as_deref(), Some("Courier"), "the title of the picture is another");
        let feed = "<feed><entry><content type=\"html\"></content><summary type=\"html\">&lt;p>One.&lt;/p></summary></entry>\
            <entry><content src=\"x\"/><summary>Two.</summary></entry></feed>";
        let texts: Vec<String> =
            read_articles("a.xml", feed.as_bytes()).into_iter().map(|article| article.text).collect();
        assert_eq!(texts, ["One.", "Two."]);
    }

    #[test]
    fn all_creators_are_named_and_the_text_of_a_medium_is_the_last_resort() {
        let item = "<item><dc:creator>Ida Brenn</dc:creator><dc:creator>Per Holm</dc:creator>\
            <media:group><media:description>One.</media:description></media:group></item>";
        let article = read_article("a.xml", &rss(item));
        assert_eq!((article.metadata.byline.as_deref(), article.text.as_str()), (Some("Ida Brenn, Per Holm"), "One."));
        let utf_16: Vec<u8> =
            format!("<?xml version=\"1.0\" encoding=\"UTF-16\"?>{}", String::from_utf8_lossy(&rss(item)))
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect();
        assert_eq!(read_article("a.xml", &utf_16).text, "One.", "the encoding that the file names was true before");
    }

    #[test]
    fn the_full_text_may_be_xhtml_or_have_blank_lines_alone() {
        let xhtml = "<item><description>Short.</description><body xmlns=\"http://www.w3.org/1999/xhtml\"><p>One.</p><p>Two.</p></body></item>";
        assert_eq!(read_article("a.xml", &rss(xhtml)).text, "One.\n\nTwo.");
        let plain = "<item><content:encoded><![CDATA[One\nline.\n\n[dropcap]T[/dropcap]wo.]]></content:encoded></item>";
        assert_eq!(read_article("a.xml", &rss(plain)).text, "One line.\n\nTwo.");
    }

    #[test]
    fn what_was_escaped_twice_is_read_and_flagged() {
        let item = "<item><title>A &amp;amp; b</title><description>&amp;lt;p&amp;gt;One.&amp;lt;/p&amp;gt;&amp;lt;p&amp;gt;Two.&amp;lt;/p&amp;gt;</description></item>";
        let article = read_article("a.xml", &rss(item));
        assert_eq!((article.text.as_str(), &article.flags[..]), ("One.\n\nTwo.", &[TextFlag::Markup][..]));
        assert_eq!(article.metadata.title.as_deref(), Some("A & b"));
    }

    #[test]
    fn loose_ampersands_and_names_of_html_do_no_harm() {
        let item = "<item><title>A & b&nbsp;c</title><link>https://a.example/?x=1&y=2</link><description>One & two&nbsp;three.</description></item>";
        let article = read_article("a.xml", &rss(item));
        assert_eq!((article.metadata.title.as_deref(), article.text.as_str()), (Some("A & b c"), "One & two three."));
    }

    #[test]
    fn an_author_is_a_name() {
        let byline = |author: &str| {
            let item = format!("<item><description>One.</description><author>{author}</author></item>");
            read_article("a.xml", &rss(&item)).metadata.byline
        };
        assert_eq!(byline("ida@b.example (Ida Brenn)").as_deref(), Some("Ida Brenn"));
        assert_eq!(byline("Ida Brenn &lt;ida@b.example&gt;").as_deref(), Some("Ida Brenn"));
        assert_eq!(byline("ida@b.example").as_deref(), Some("ida@b.example"));
        assert_eq!(byline("Ida Brenn (Bergen)").as_deref(), Some("Ida Brenn (Bergen)"));
    }

    #[test]
    fn rss_may_have_a_prefix() {
        let feed = "<rdf:RDF xmlns:rdf=\"r\" xmlns:rss=\"s\"><rss:channel><rss:title>Courier</rss:title></rss:channel>\
            <rss:item rdf:about=\"u\"><rss:title>Quay</rss:title><rss:description>One.</rss:description></rss:item></rdf:RDF>";
        let article = read_article("a.xml", feed.as_bytes());
        assert_eq!((article.metadata.title.as_deref(), article.text.as_str()), (Some("Quay"), "One."));
        assert_eq!(article.metadata.source.as_deref(), Some("Courier"));
    }

    #[test]
    fn an_entry_that_was_only_updated_was_published_then() {
        let feed = "<feed><entry><updated>2031-03-04T07:15:00Z</updated><content>One.</content></entry><entry>\
            <published>2031-03-01</published><updated>2031-03-04</updated><author><name>Tom Reed</name></author><author><name>Ann Lee</name></author>\
            <title type=\"xhtml\"><div>Schools <em>reopen</em></div></title><content>Two.</content></entry></feed>";
        let articles = read_articles("a.xml", feed.as_bytes());
        let dates: Vec<_> = articles
            .iter()
            .map(|article| (article.metadata.published.as_deref(), article.metadata.modified.as_deref()))
            .collect();
        assert_eq!(dates, [(Some("2031-03-04T07:15:00Z"), None), (Some("2031-03-01"), Some("2031-03-04"))]);
        assert_eq!(articles[1].metadata.byline.as_deref(), Some("Tom Reed, Ann Lee"));
        assert_eq!(articles[1].metadata.title.as_deref(), Some("Schools reopen"));
    }

    #[test]
    fn an_entry_may_be_a_file_of_its_own() {
        let entry = "<?xml version=\"1.0\"?><entry xmlns=\"http://www.w3.org/2005/Atom\"><title>Quay</title><content>One.</content></entry>";
        for name in ["a.xml", "a.atom", "a"] {
            let article = read_article(name, entry.as_bytes());
            assert_eq!((article.metadata.title.as_deref(), article.text.as_str()), (Some("Quay"), "One."), "{name}");
        }
    }

    #[test]
    fn of_an_export_of_blogger_the_posts_are_read() {
        let entry = |kind: &str| {
            format!(
                "<entry><category scheme=\"http://schemas.google.com/g/2005#kind\" term=\"http://schemas.google.com/blogger/2008/kind#{kind}\"/><content>x</content></entry>"
            )
        };
        let newer = "<entry><blogger:type>COMMENT</blogger:type><content>x</content></entry><entry><blogger:type>POST</blogger:type><content>x</content></entry>";
        let kinds = ["template", "settings", "comment", "post", "page"].map(entry).concat();
        let feed = format!("<feed xmlns:blogger=\"b\">{kinds}{newer}</feed>");
        let left_out: Vec<bool> =
            read_articles("a.xml", feed.as_bytes()).iter().map(|article| article.is_left_out).collect();
        assert_eq!(left_out, [true, true, true, false, false, true, false]);
    }

    #[test]
    fn attachments_of_an_export_are_left_out() {
        let item = "<item><title>quay.jpg</title><description></description><wp:post_type>attachment</wp:post_type></item>\
            <item><content:encoded>One.</content:encoded><wp:post_type>post</wp:post_type></item>\
            <item><content:encoded>Two.</content:encoded><wp:post_type>post</wp:post_type><wp:status>trash</wp:status></item>";
        let left_out: Vec<bool> =
            read_articles("a.xml", &rss(item)).iter().map(|article| article.is_left_out).collect();
        assert_eq!(left_out, [true, false, true]);
    }

    #[test]
    fn an_item_of_rss_is_a_document() {
        let feed = b"<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>The Example</title>\
            <language>en-gb</language><item><title>Storm &amp; rain</title><guid>g1</guid><category>Local</category>\
            <link>https://a.example/1</link><description>Short.</description>\
            <content:encoded><![CDATA[<p>One.</p><p>Two.</p>]]></content:encoded></item>\
            <item><title>Two</title><description>&lt;b&gt;Three.&lt;/b&gt;</description></item></channel></rss>";
        let articles = read_articles("a", feed);
        assert_eq!(
            articles.iter().map(|article| article.text.as_str()).collect::<Vec<_>>(),
            ["One.\n\nTwo.", "Three."]
        );
        assert_eq!(articles[0].own_id.as_deref(), Some("g1"));
        let metadata = &articles[0].metadata;
        assert_eq!(
            (metadata.title.as_deref(), metadata.source.as_deref()),
            (Some("Storm & rain"), Some("The Example"))
        );
        assert_eq!((metadata.language.as_deref(), metadata.section.as_deref()), (Some("en-gb"), Some("Local")));
    }

    #[test]
    fn an_entry_of_atom_is_a_document() {
        let feed = b"<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"en\"><title>The Example</title>\
            <entry><id>urn:1</id><title>Storm</title><link rel=\"self\" href=\"x\"/>\
            <link href=\"https://a.example/1\"/><author><name>Ann</name></author><content type=\"html\">&lt;p&gt;One.&lt;/p&gt;</content></entry></feed>";
        let article = read_article("a", feed);
        assert_eq!((article.own_id.as_deref(), article.text.as_str()), (Some("urn:1"), "One."));
        let metadata = article.metadata;
        assert_eq!((metadata.uri.as_deref(), metadata.byline.as_deref()), (Some("https://a.example/1"), Some("Ann")));
        assert_eq!((metadata.language.as_deref(), metadata.source.as_deref()), (Some("en"), Some("The Example")));
    }
}
