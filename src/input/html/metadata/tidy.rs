//! Values of sources, made comparable: no entities, no spare white space, a name without "By", a title without its site.

use scraper::Html;

use crate::english::BYLINE_WORDS;
use crate::input::text::squeezed;

/// A longer value is no name.
const MAX_NAME_BYTES: usize = 200;

/// A longer value is no title, no date, no address.
const MAX_VALUE_BYTES: usize = 2000;

/// Between a title and the name of its site.
const SEPARATORS: [&str; 9] = [" | ", " - ", " – ", " — ", " :: ", " · ", " • ", " « ", " » "];

/// A value on one line, without entities and tags that were escaped twice; none where it is blank or too long.
pub(super) fn line(value: &str) -> Option<String> {
    if value.len() > MAX_VALUE_BYTES {
        return None;
    }
    let is_marked = value.contains(['&', '<']);
    let plain = is_marked.then(|| Html::parse_fragment(value).root_element().text().collect::<String>());
    let value = squeezed(plain.as_deref().unwrap_or(value));
    (!value.is_empty() && value != "null" && value != "undefined").then_some(value)
}

/// Authors' names without "By" before them, and without what follows a bar or an account's name; none where it is an address, or
/// too long for names.
pub(super) fn byline(value: &str) -> Option<String> {
    let value = line(value)?;
    let names = value.split(['|', '•', '·']).map(without_by).find(|names| !names.is_empty())?;
    let names = names.split(" @").next()?.trim_matches([',', ' ', ';', ':', '-', '–', '—', '@']);
    let is_address = names.contains("://") || names.starts_with("www.");
    (!is_address && !names.is_empty() && names.len() <= MAX_NAME_BYTES).then(|| names.to_owned())
}

/// `By Ada Vale`, `ByAda Vale`, `Written by Ada Vale` and `View all posts by Ada Vale` to the name.
fn without_by(names: &str) -> &str {
    let mut rest = names.trim();
    if let Some(after) = rest.strip_prefix("By").filter(|after| after.starts_with(char::is_uppercase)) {
        return after;
    }
    while let Some((word, after)) = rest.split_once([' ', ':']) {
        let word = word.to_ascii_lowercase();
        if word == "by" {
            return after.trim_start();
        }
        if !BYLINE_WORDS.contains(word.as_str()) {
            return names.trim();
        }
        rest = after;
    }
    if rest.eq_ignore_ascii_case("by") { "" } else { names.trim() }
}

/// A language tag as BCP 47 writes it: `en-US` for `en_us`. None where it is no tag.
pub(super) fn language(value: &str) -> Option<String> {
    let mut parts = value.split(['-', '_', ',', ';', '.']).map(str::trim);
    let primary = parts.next()?.to_ascii_lowercase();
    if !(2..=3).contains(&primary.len()) || !primary.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    let region = if value.contains(',') { None } else { parts.next().filter(|part| is_region(part)) };
    Some(region.map_or(primary.clone(), |region| format!("{primary}-{}", region.to_ascii_uppercase())))
}

fn is_region(part: &str) -> bool {
    part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// The title without the name of its site: the heading that it begins or ends with; else what stands before the site's name.
pub(super) fn without_site(title: &str, site: Option<&str>, headings: &[String]) -> String {
    if let Some(heading) = headings.iter().find(|heading| {
        heading.split_whitespace().count() > 1 && heading.len() < title.len() && title.contains(heading.as_str())
    }) {
        return heading.clone();
    }
    let cut = SEPARATORS.iter().filter_map(|separator| title.rsplit_once(separator)).min_by_key(|(_, last)| last.len());
    match cut {
        Some((before, last)) if is_site(last, site) => before.trim().to_owned(),
        _ => title.to_owned(),
    }
}

/// The title, and what stands in it before each separator.
pub(super) fn beginnings(title: &str) -> impl Iterator<Item = &str> {
    let cuts = SEPARATORS.iter().filter_map(|separator| title.split_once(separator));
    std::iter::once(title).chain(cuts.map(|(before, _)| before))
}

/// True if both are the same name, with or without an article before it.
pub(super) fn is_same_name(one: &str, other: &str) -> bool {
    let one = plain(one);
    let other = plain(other);
    !one.is_empty() && one.strip_prefix("the").unwrap_or(&one) == other.strip_prefix("the").unwrap_or(&other)
}

/// True if `name` is that of the site, or part of it.
fn is_site(name: &str, site: Option<&str>) -> bool {
    let name = plain(name);
    let site = plain(site.unwrap_or_default());
    !site.is_empty() && !name.is_empty() && (site.contains(&name) || name.contains(&site))
}

/// Letters and digits alone, in lower case.
pub(in super::super) fn plain(text: &str) -> String {
    text.to_lowercase().chars().filter(|character| character.is_alphanumeric()).collect()
}

/// `uri` as seen from `url`; none where it is no address on the web.
pub(super) fn absolute(uri: &str, url: Option<&str>) -> Option<String> {
    let base = url.and_then(|url| url::Url::parse(url).ok());
    let found = url::Url::options().base_url(base.as_ref()).parse(uri).ok()?;
    matches!(found.scheme(), "http" | "https").then(|| found.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byline_is_names_alone() {
        for (raw, names) in [
            ("By Ada Vale", Some("Ada Vale")),
            ("Written by: Ada Vale and Tom Wren | Staff", Some("Ada Vale and Tom Wren")),
            ("ByAda Vale", Some("Ada Vale")),
            ("View all posts by Ada Vale", Some("Ada Vale")),
            ("Ada Vale @adavale", Some("Ada Vale")),
            ("Byron Moss", Some("Byron Moss")),
            ("by", None),
            ("https://social.example/vale", None),
            (" ", None),
        ] {
            assert_eq!(byline(raw).as_deref(), names, "{raw}");
        }
    }

    #[test]
    fn a_title_loses_its_site_and_nothing_else() {
        let site = Some("The Quay Courier");
        assert_eq!(without_site("Rain - again | Quay Courier", site, &[]), "Rain - again");
        assert_eq!(without_site("Rain - again", site, &[]), "Rain - again");
        assert_eq!(without_site("Courier: Rain again, more | x", site, &["Rain again".to_owned()]), "Rain again");
        assert_eq!(without_site("Rain | The Quay Courier", None, &[]), "Rain | The Quay Courier");
    }

    #[test]
    fn languages_and_addresses_are_written_one_way_or_not_at_all() {
        for (raw, tag) in [
            ("en_us", Some("en-US")),
            ("DE", Some("de")),
            ("pt-BR", Some("pt-BR")),
            ("en, fr", Some("en")),
            ("english", None),
        ] {
            assert_eq!(language(raw).as_deref(), tag, "{raw}");
        }
        let url = Some("https://quay.example/a/b?c");
        assert_eq!(absolute("/x", url).as_deref(), Some("https://quay.example/x"));
        assert_eq!(absolute("javascript:void(0)", url), None);
        assert_eq!(absolute("/x", None), None);
    }
}
