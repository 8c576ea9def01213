//! Entries of a bibliography, where full stops separate an author from a title and not one sentence from the next.

use super::{punctuation, words};

/// Returns true if `paragraph` is an entry: `Lee, Ann. "Harbours of Peru." Boats, 3 (2). http://example.com/boats`.
pub(super) fn is_entry(paragraph: &str) -> bool {
    const LONGEST: usize = 400;
    paragraph.len() <= LONGEST && ends_in_identifier(paragraph) && starts_with_author(paragraph)
}

/// Returns true if the address or number of a work comes last.
fn ends_in_identifier(paragraph: &str) -> bool {
    const NUMBERS: [&str; 4] = ["DOI:", "ISBN", "PMC", "PMID"];
    let paragraph = paragraph.trim_end_matches('.');
    let last = words::last_token(paragraph);
    let name = words::last_token(paragraph[..paragraph.len() - last.len()].trim_end());
    words::is_address(last) || last.starts_with("doi:") || NUMBERS.contains(&name)
}

/// Returns true if only names are before the first quotation, which is a title then.
fn starts_with_author(paragraph: &str) -> bool {
    let author = paragraph.find(['"', '“']).map_or("", |title| paragraph[..title].trim_end());
    author.ends_with(['.', ',']) && author.split_whitespace().all(is_name_part)
}

fn is_name_part(word: &str) -> bool {
    !word.trim_start_matches(punctuation::is_opener).starts_with(char::is_lowercase)
        || matches!(word, "al." | "and" | "de" | "et" | "van" | "von")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_an_author_a_title_and_an_identifier() {
        assert!(is_entry("Lee, Ann and Paul Orr. \"Harbours of Peru.\" Boats, 3 (2). http://example.com/boats"));
        assert!(is_entry("Lee, A.; Orr, P. (May 2004). “Harbours”. Boats. 3: 5–9. doi:10.1/b.5. PMID 123."));
    }

    #[test]
    fn sentences_with_quotations_or_addresses_are_no_entries() {
        assert!(!is_entry("Lee left. \"We must go,\" she said."));
        assert!(!is_entry("The captain left. \"We must go,\" she wrote on http://example.com/boats"));
        assert!(!is_entry("Ann Lee. See http://example.com/boats"));
    }
}
