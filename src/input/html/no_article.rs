//! Pages that are no article: error pages, pages that ask for consent, and checks for robots. A wrong rejection is worse than such a
//! page, so both the headline and the length, or several phrases that no article has, must give it away.

use super::metadata::PageMetadata;

/// The maximum number of bytes of text on an error page.
const MAX_ERROR_BYTES: usize = 800;

/// The maximum number of bytes of text on an error page that lists other stories.
const MAX_STORIES_BYTES: usize = 4000;

/// The minimum number of bytes of a headline that means an error by itself: "404" and "redirecting" may be news.
const MIN_HEADING_BYTES: usize = 13;

/// The maximum number of bytes of text on a page that asks for consent.
const MAX_CONSENT_BYTES: usize = 4000;

/// The minimum number of [`CONSENT_PHRASES`] on a page that asks for consent.
const MIN_PHRASES: usize = 2;

/// Headlines of error pages and of checks for robots, in lower case without marks: the whole headline, or its beginning.
const ERROR_TITLES: &[&str] = &[
    "page not found",
    "page cannot be found",
    "page can t be found",
    "file not found",
    "not found",
    "404",
    "error 404",
    "http 404",
    "410 gone",
    "403 forbidden",
    "500 internal server error",
    "502 bad gateway",
    "503 service",
    "504 gateway",
    "access denied",
    "oops",
    "we can t find that page",
    "we can t find the page",
    "we couldn t find that page",
    "we couldn t find the page",
    "sorry we can t find",
    "sorry we couldn t find",
    "this page doesn t exist",
    "this page isn t available",
    "this page is no longer available",
    "just a moment",
    "attention required",
    "are you a robot",
    "are you human",
    "checking your browser",
    "verify you are human",
    "pardon our interruption",
    "article not found",
    "story not found",
    "content not found",
    "this article is no longer available",
    "this story is no longer available",
    "this content is no longer available",
    "this article is not available",
    "this content is not available",
    "this video is no longer available",
    "this page has moved",
    "301 moved permanently",
    "302 found",
    "302 moved temporarily",
    "object moved",
    "redirecting",
    "451 unavailable",
    "unavailable due to legal reasons",
    "unavailable for legal reasons",
    "service unavailable",
    "temporarily unavailable",
    "website temporarily unavailable",
    "site maintenance",
    "under maintenance",
    "down for maintenance",
    "scheduled maintenance",
    "we ll be back soon",
    "we will be back soon",
    "security check",
    "human verification",
    "verifying you are human",
    "request blocked",
    "you have been blocked",
    "sorry you have been blocked",
    "seite nicht gefunden",
    "fehler 404",
    "page introuvable",
    "page non trouvée",
    "erreur 404",
    "página no encontrada",
    "error 404",
    "página não encontrada",
    "pagina non trovata",
    "pagina niet gevonden",
    "strona nie znaleziona",
    "stránka nenalezena",
    "sidan hittades inte",
];

/// Phrases of error pages, in lower case without marks: an error page has one of them, too, or hardly any text.
const ERROR_PHRASES: &[&str] = &[
    "not found",
    "be found",
    "t find",
    "not exist",
    "t exist",
    "no longer",
    "has moved",
    "been moved",
    "been removed",
    "been deleted",
    "not available",
    "t available",
    "permission",
    "denied",
    "try again",
    "robot",
    "human",
    "browser",
    "security",
    "404",
    "legal reasons",
    "be granted",
    "maintenance",
    "inconvenience",
    "redirecting",
    "has expired",
    "unavailable",
    "have been blocked",
    "nicht gefunden",
    "existiert nicht",
    "nicht mehr",
    "introuvable",
    "n existe",
    "no existe",
    "no encontr",
    "não exist",
    "não encontr",
    "non trovata",
    "non esiste",
    "niet gevonden",
    "bestaat niet",
];

/// An error page with so little text needs no phrase.
const MIN_PHRASED_BYTES: usize = 120;

/// Phrases of pages that ask for consent, in lower case without marks.
const CONSENT_PHRASES: &[&str] = &[
    "we use cookies",
    "uses cookies",
    "and our partners",
    "we and our",
    "our partners",
    "your consent",
    "click to consent",
    "your privacy",
    "your preferences",
    "your choices",
    "privacy choices",
    "privacy settings",
    "cookie settings",
    "cookie preferences",
    "cookie policy",
    "privacy policy",
    "accept all",
    "reject all",
    "manage options",
    "personalised ads",
    "personalized ads",
    "ad measurement",
    "audience insights",
    "device scanning",
    "access information on your device",
    "access information on a device",
    "legitimate interest",
    "verwenden cookies",
    "unsere partner",
    "ihre zustimmung",
    "ihre einwilligung",
    "datenschutzerklärung",
    "ihre personenbezogenen daten",
    "utilisons des cookies",
    "nos partenaires",
    "votre consentement",
    "vos données personnelles",
    "vos choix",
    "utilizamos cookies",
    "nuestros socios",
    "su consentimiento",
    "utilizziamo cookie",
    "nostri partner",
    "il tuo consenso",
    "gebruiken cookies",
    "onze partners",
];

/// Words of which paragraphs about consent have one, in lower case.
const CONSENT_WORDS: &[&str] = &[
    "cookie",
    "consent",
    "privacy",
    "partner",
    "tracking",
    "preferences",
    "personal data",
    "datenschutz",
    "einwillig",
    "zustimm",
    "données",
    "consentement",
    "datos",
    "dati personali",
    "toestemming",
    "advertising",
    "your choices",
    "personali",
];

/// The kind of page, if it is no article; `text` would be its article.
pub(super) fn kind_of_page(page_metadata: &PageMetadata, text: &str) -> Option<&'static str> {
    if is_error(page_metadata, text) {
        return Some("is an error page");
    }
    is_consent(page_metadata, text).then_some("only asks for consent")
}

fn is_error(page_metadata: &PageMetadata, text: &str) -> bool {
    if page_metadata.metadata.byline.is_some() || holds_quotation(text) {
        return false;
    }
    if text.len() > MAX_ERROR_BYTES {
        return text.len() <= MAX_STORIES_BYTES
            && page_metadata.headings.iter().any(|heading| is_only_error(&words_of(heading)));
    }
    let titles = page_metadata.metadata.title.iter().chain(&page_metadata.headings).map(|title| words_of(title));
    let is_titled = titles.into_iter().any(|title| ERROR_TITLES.iter().any(|error| begins_with(&title, error)));
    let text = words_of(text);
    is_titled && (text.len() < MIN_PHRASED_BYTES || ERROR_PHRASES.iter().any(|phrase| text.contains(phrase)))
}

/// True if a headline says that there is no page, and nothing else. Lists of other stories may follow it.
fn is_only_error(heading: &str) -> bool {
    let heading = ["sorry ", "oops "].iter().find_map(|regret| heading.strip_prefix(regret)).unwrap_or(heading);
    heading.len() > MIN_HEADING_BYTES && ERROR_TITLES.contains(&heading)
}

/// True if most of `text` is about consent, and speaks as only the site does.
fn is_consent(page_metadata: &PageMetadata, text: &str) -> bool {
    if text.len() > MAX_CONSENT_BYTES || page_metadata.metadata.byline.is_some() || holds_quotation(text) {
        return false;
    }
    let plain = words_of(text);
    let phrases = CONSENT_PHRASES.iter().filter(|phrase| plain.contains(**phrase)).count();
    let about = text.split("\n\n").filter(|paragraph| is_about_consent(paragraph)).map(str::len).sum::<usize>();
    phrases >= MIN_PHRASES && about * 2 > text.len()
}

fn is_about_consent(paragraph: &str) -> bool {
    let paragraph = paragraph.to_lowercase();
    CONSENT_WORDS.iter().any(|word| paragraph.contains(word))
}

/// True if somebody is quoted: then the text reports.
fn holds_quotation(text: &str) -> bool {
    text.contains(['“', '„', '«', '"'])
        && [" said", " says", " told ", " sagte", " a dit", " dijo", " ha detto"].iter().any(|verb| text.contains(verb))
}

/// True if `title` is `beginning`, or goes on behind it with another word.
fn begins_with(title: &str, beginning: &str) -> bool {
    title.strip_prefix(beginning).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// The words of `text` in lower case, with single spaces.
fn words_of(text: &str) -> String {
    let text = text.to_lowercase();
    let words = text.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::{article_on, paragraphs_on};
    use crate::record::Reason;

    #[test]
    fn error_pages_and_consent_walls_are_refused() {
        for html in [
            "<title>Page not found - Quay Courier</title><h1>404</h1><p>Sorry, the page you are looking for does not exist.</p>",
            "<title>404 | Quay Courier</title><h1>We can’t find that page</h1><p>The page you requested could not be found.</p>",
            "<title>451</title><h1>Unavailable for legal reasons</h1><p>Access cannot be granted from where you are.</p>",
            "<title>Quay Courier</title><h1>We’ll be back soon</h1><p>The site is down for maintenance. Sorry for the inconvenience.</p>",
            "<title>Redirecting</title><p>Redirecting to <a href=/x>/x</a>.</p>",
            "<title>Seite nicht gefunden</title><p>Die gewünschte Seite wurde leider nicht gefunden.</p>",
            "<title>Just a moment...</title><p>Checking your browser before you go on. This takes a few seconds.</p>",
            "<title>Quay Courier</title><h1>We value your privacy</h1><p>We and our 842 partners store and access information on your device, \
             such as cookies, and process personal data for personalised ads and ad measurement.</p><p>You may click to consent to our \
             processing, or change your preferences before you go on.</p>",
            "<title>Kurier</title><p>Wir und unsere Partner verwenden Cookies. Details finden Sie in der Datenschutzerklärung.</p>",
        ] {
            assert_eq!(article_on(html).unwrap_err(), Reason::NoArticle, "{html}");
        }
    }

    #[test]
    fn news_of_errors_and_of_consent_is_read() {
        for html in [
            "<title>Not found: the quay’s lost ferry</title><p>“The wreck was not found,” said Mayor Ida Thorne on Monday.</p>",
            "<title>404 boats in the harbor</title><p>The harbor had 404 boats on Monday, more than ever before.</p>"
                .replace("404 boats in", "The 404 boats of")
                .as_str(),
            "<title>Firm fined over cookies</title><p>The regulator fined Northwind over cookies that it set without consent.</p>\
             <p>The firm says that it respects the privacy of users.</p>",
            "<title>Privacy</title><p>“We use cookies and ask for your consent,” said the firm’s lawyer. “It is your privacy.”</p>",
        ] {
            assert!(!paragraphs_on(html).is_empty(), "{html}");
        }
    }
}
