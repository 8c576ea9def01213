//! The article in the data of a page that scripts would build: some sites send no text but JSON in a `<script>`.

use scraper::Html;
use serde_json::Value;

use super::tree::elements;

/// The minimum length of an article's text.
const MIN_BYTES: usize = 250;

/// More values are not looked at.
const MAX_VALUES: usize = 200_000;

/// The longest piece of HTML with paragraphs in the page's JSON.
pub(super) fn article(tree: &Html) -> Option<String> {
    let scripts = elements(tree).filter(|element| {
        element.value().name() == "script"
            && element.value().attr("type").is_some_and(|kind| kind.trim() == "application/json")
    });
    let texts = scripts.map(|script| script.text().collect::<String>());
    let values = texts.filter_map(|text| serde_json::from_str::<Value>(&text).ok());
    values.filter_map(|value| longest_article(&value)).max_by_key(String::len)
}

fn longest_article(value: &Value) -> Option<String> {
    let mut longest: Option<&str> = None;
    let mut open = vec![value];
    for _ in 0..MAX_VALUES {
        match open.pop() {
            Some(Value::Array(values)) => open.extend(values),
            Some(Value::Object(object)) => open.extend(object.values()),
            Some(Value::String(text)) if is_article(text) && longest.is_none_or(|found| found.len() < text.len()) => {
                longest = Some(text);
            }
            Some(_) => {}
            None => break,
        }
    }
    longest.map(str::to_owned)
}

fn is_article(text: &str) -> bool {
    text.len() >= MIN_BYTES && text.matches("<p").nth(1).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_html_is_the_article() {
        let body = "<p>It rained on the quay all day.</p>".repeat(10);
        let data =
            serde_json::json!({"teasers": ["<p>x</p><p>y</p>", 1], "story": [{"html": body}], "css": "p ".repeat(900)});
        let tree = Html::parse_document(&format!("<script type='application/json'>{data}</script>"));
        assert_eq!(article(&tree), Some(body));
        assert_eq!(article(&Html::parse_document("<script type='application/json'>{broken</script>")), None);
    }

    #[test]
    fn a_page_without_text_has_the_article_of_its_data() {
        use super::super::{SENTENCES, paragraphs_on};
        let body = SENTENCES.map(|sentence| format!("<p>{sentence}</p>")).concat();
        let data = serde_json::json!({"props": {"article": {"title": "Harbor", "body": body}}});
        let menu = "<ul><li><a href=/>Home</a></li><li><a href=/local>Local</a></li></ul>";
        let page = format!("{menu}<div id=__next></div><script type='application/json'>{data}</script>");
        assert_eq!(paragraphs_on(&page), SENTENCES);
    }
}
