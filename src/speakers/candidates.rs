//! Those whom a source could have meant and does not, with the reason, for explanations.

use std::collections::HashSet;
use std::ops::Range;

use serde::Serialize;

use super::pronouns::Referent;
use super::sources::{self, SourceKind};
use super::{Resolver, each_source, words};

/// Somebody who is named near a source, and whom the source does not mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedCandidate {
    /// The name.
    pub name: String,
    /// The number of sentences between the name and the source.
    pub sentences_before: usize,
    /// The reason.
    pub reason: Refusal,
}

/// The reasons why a source does not mean somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// "He" or "she" does not fit the person's gender.
    OtherGender,
    /// "He" and "she" mean persons only.
    NoPerson,
    /// "It" means no person.
    Person,
    /// The text does not give the person the role that the source names.
    OtherRole,
    /// Somebody else is nearer or more prominent.
    LessProminent,
    /// Others are as likely, so that the source means nobody.
    InDoubt,
}

impl Refusal {
    /// The reason for people, behind a name.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::OtherGender => "of the other gender",
            Self::NoPerson => "no person",
            Self::Person => "a person, whom \"it\" does not mean",
            Self::OtherRole => "the article does not give them this role",
            Self::LessProminent => "less near or less prominent",
            Self::InDoubt => "possible, but not certain enough",
        }
    }
}

/// Those whom the source number `wanted` could have meant and does not, the nearest first. The other arguments are those of
/// [`super::resolve`]. Sources that are names refuse nobody.
pub(crate) fn refused(
    text: &str,
    byline: Option<&str>,
    sentences: &[Range<usize>],
    sources: &[Range<usize>],
    wanted: usize,
) -> Vec<RefusedCandidate> {
    let mut refused = Vec::new();
    let words = words::find(text, sentences);
    each_source(text, byline, &words, sources, |resolver, at, range, found| {
        if at == wanted {
            let meant: Vec<String> = found.into_iter().filter_map(|one| resolver.introduce(one).name).collect();
            refused = resolver.refused(range, &meant);
        }
    });
    refused
}

impl Resolver<'_> {
    /// Those near the source in a range of words who are not among `meant`.
    fn refused(&self, range: Range<usize>, meant: &[String]) -> Vec<RefusedCandidate> {
        let kind = sources::source_kind(self.words, &self.mentions, range.clone());
        let mut names = HashSet::new();
        let mut refused = Vec::new();
        for (word, referent) in self.discourse.before(self.words, range.start) {
            let Some(name) = self.name_of(referent).filter(|name| !meant.contains(name)) else { continue };
            let Some(reason) = self.refusal(&kind, referent, meant.is_empty()) else { continue };
            if names.insert(name.clone()) {
                let sentences_before = self.words[range.start].sentence - self.words[word].sentence;
                refused.push(RefusedCandidate { name, sentences_before, reason });
            }
        }
        refused
    }

    /// The reason why a source of this kind does not mean somebody; `None` for sources that look for nobody in the text before.
    fn refusal(&self, kind: &SourceKind, referent: &Referent, means_nobody: bool) -> Option<Refusal> {
        let rest = if means_nobody { Refusal::InDoubt } else { Refusal::LessProminent };
        let person = match referent {
            Referent::Person(person) => Some(&self.entities.persons[*person]),
            _ => None,
        };
        let is_person = person.is_some_and(|person| person.is_somebody) || matches!(referent, Referent::Named(_));
        match kind {
            SourceKind::Pronoun(_) if !is_person => Some(Refusal::NoPerson),
            SourceKind::Pronoun(gender) => {
                let is_other = person.and_then(|person| person.gender).is_some_and(|own| own != *gender);
                Some(if is_other { Refusal::OtherGender } else { rest })
            }
            SourceKind::Neuter if is_person => Some(Refusal::Person),
            SourceKind::Neuter => Some(rest),
            SourceKind::Described(_) if is_person => Some(Refusal::OtherRole),
            _ => None,
        }
    }

    fn name_of(&self, referent: &Referent) -> Option<String> {
        match referent {
            Referent::Person(person) => Some(self.entities.persons[*person].name.clone()),
            Referent::Body(name) => Some(name.clone()),
            Referent::Named(_) | Referent::Stranger(_) | Referent::UnnamedBody => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The refused candidates of the source in brackets.
    fn refused_in(marked: &str) -> Vec<(String, Refusal)> {
        let start = marked.find('[').unwrap();
        let text = marked.replace(['[', ']'], "");
        let end = marked.find(']').unwrap() - 1;
        let sentences: Vec<Range<usize>> = crate::sentences::sentences(&text)
            .iter()
            .map(|sentence| sentence.span.byte_start..sentence.span.byte_end)
            .collect();
        let refused = refused(&text, None, &sentences, std::slice::from_ref(&(start..end)), 0);
        refused.into_iter().map(|candidate| (candidate.name, candidate.reason)).collect()
    }

    #[test]
    fn a_pronoun_refuses_the_other_gender() {
        let refused = refused_in("Ms Ann Lee spoke on Monday. Mr Ivo Roe met her. [She] said the talks went well.");
        assert_eq!(refused, [("Ivo Roe".to_owned(), Refusal::OtherGender)], "Ann Lee is the one who is meant");
    }

    #[test]
    fn in_doubt_everybody_is_refused() {
        let refused = refused_in("Ms Ann Lee and Ms Eva Roe met. [She] said the talks went well.");
        assert_eq!(refused.len(), 2, "{refused:?}");
        assert!(refused.iter().all(|(_, reason)| *reason == Refusal::InDoubt), "{refused:?}");
    }

    #[test]
    fn a_name_refuses_nobody() {
        assert!(refused_in("Ms Ann Lee met Ms Eva Roe. [Lee] said the talks went well.").is_empty());
    }
}
