//! Guesses the name that a misspelt one was meant to be.

/// The least Jaro-Winkler similarity of a name that is suggested.
const LEAST_SIMILARITY: f64 = 0.8;

/// The name to suggest for an error of the form ``unknown … `name`, expected … `known`, `known` …``; `None` if the error has another
/// form, or if no known name is similar.
pub(super) fn for_message(message: &str) -> Option<&str> {
    let names = message.strip_prefix("unknown ")?;
    // The names are what is between backticks: every second piece.
    let mut names = names.split('`').skip(1).step_by(2);
    let unknown = names.next()?;
    most_similar(unknown, names)
}

/// The name of `known` that is most similar to `name`, the first of equals; `None` if none is similar.
pub(crate) fn most_similar<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let name = name.to_lowercase();
    let mut best = None;
    let mut highest = LEAST_SIMILARITY;
    for candidate in known {
        let similarity = strsim::jaro_winkler(&name, &candidate.to_lowercase());
        if similarity > highest {
            best = Some(candidate);
            highest = similarity;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_gets_the_name_that_was_meant() {
        let message = "unknown field `min_scor`, expected one of `model`, `head`, `min_score`";
        assert_eq!(for_message(message), Some("min_score"));
        assert_eq!(for_message("unknown variant `sharde`, expected `document` or `sharded`"), Some("sharded"));
        assert_eq!(most_similar("Layout", ["directory", "layout"].into_iter()), Some("layout"));
    }

    #[test]
    fn a_name_that_is_like_no_other_gets_none() {
        assert_eq!(for_message("unknown field `chunks`, expected one of `max_rejected`, `memory`"), None);
        assert_eq!(for_message("unknown field `x`, there are no fields"), None);
        assert_eq!(for_message("invalid type: integer `3`, expected a string"), None);
    }
}
