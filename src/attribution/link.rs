//! Links parts into relations: each cue gets the nearest source of its sentence, each content the cue that reports it.

use std::ops::Range;

use super::parts::{Parts, Place};
use super::{Page, Relation, gap, meet, words};
use crate::deadline;

/// The relations that `parts` make, in the order of their contents.
pub(super) fn relations(page: &Page<'_, '_>, parts: &Parts) -> Vec<Relation> {
    let linker =
        Linker { page, sources: parts.sources.places(), cues: parts.cues.places(), contents: parts.contents.places() };
    let mut relations: Vec<Relation> = Vec::new();
    let mut of_cue = vec![None; linker.cues.len()];
    for (content, owner) in linker.contents.iter().zip(linker.owners()) {
        deadline::check();
        let place = owner.and_then(|cue| of_cue[cue]).unwrap_or_else(|| {
            relations.push(owner.map_or_else(|| linker.without_cue(content), |cue| linker.of_cue(cue)));
            relations.len() - 1
        });
        if let Some(cue) = owner {
            of_cue[cue] = Some(place);
        }
        relations[place].content.push(content.range.clone());
    }
    relations
}

struct Linker<'p> {
    page: &'p Page<'p, 'p>,
    sources: &'p [Place],
    cues: &'p [Place],
    contents: &'p [Place],
}

impl Linker<'_> {
    fn of_cue(&self, cue: usize) -> Relation {
        let cue = &self.cues[cue];
        let source = nearest(self.sources, cue, |_| true);
        Relation { source: self.source(source), cue: Some(cue.range.clone()), content: Vec::new() }
    }

    /// A relation without a cue ("Smith: taxes must fall"). A source in the same sentence may be the speaker.
    fn without_cue(&self, content: &Place) -> Relation {
        let source = nearest(self.sources, content, |_| true);
        Relation { source: self.source(source), ..Relation::default() }
    }

    fn source(&self, place: Option<usize>) -> Option<Range<usize>> {
        place.map(|place| self.sources[place].range.clone())
    }

    /// The cue of each content.
    fn owners(&self) -> Vec<Option<usize>> {
        let mut owners: Vec<Option<usize>> = self.contents.iter().map(|content| self.near(content)).collect();
        for place in 0..owners.len() {
            deadline::check();
            owners[place] = owners[place].or_else(|| self.far(place, &owners));
        }
        owners
    }

    /// The nearest cue in the sentences of a content. Cues inside the content come last: they belong to a speech within it.
    fn near(&self, content: &Place) -> Option<usize> {
        let outside = nearest(self.cues, content, |cue| !meet(&cue.range, &content.range));
        outside.or_else(|| nearest(self.cues, content, |_| true))
    }

    /// The cue of a content without one in its own sentences.
    fn far(&self, place: usize, owners: &[Option<usize>]) -> Option<usize> {
        let content = &self.contents[place];
        self.signed(content)
            .or_else(|| self.beside(place, owners).filter(|_| self.page.is_quoted(&content.range)))
            .or_else(|| self.announced(content))
    }

    /// The cue right after a content: a dash before a name.
    fn signed(&self, content: &Place) -> Option<usize> {
        const WIDEST_GAP: usize = 3;
        let next = self.cues.partition_point(|cue| cue.range.start < content.range.end);
        let cue = self.cues.get(next).filter(|cue| gap(&cue.range, &content.range) <= WIDEST_GAP)?;
        // A verb in the next paragraph does not report a heading, a dash on the next line does.
        let is_dash = !self.page.text[cue.range.clone()].contains(char::is_alphanumeric);
        (is_dash || self.page.paragraph(cue.first) == self.page.paragraph(content.last)).then_some(next)
    }

    /// The cue of the previous content in the same paragraph, or of the next, or of the last in the previous paragraph:
    /// a speaker goes on until somebody else begins.
    fn beside(&self, place: usize, owners: &[Option<usize>]) -> Option<usize> {
        let content = &self.contents[place];
        if !self.stands_alone(content) || self.has_new_subject(place) {
            return None;
        }
        let paragraph = self.page.paragraph(content.first);
        if let Some(cue) = self.previous_in(paragraph, place, owners) {
            return Some(cue);
        }
        if let Some(cue) = self.next_in(self.page.paragraph(content.last), place, owners) {
            return Some(cue);
        }
        let previous = place.checked_sub(1)?;
        let is_quoted = self.page.is_quoted(&self.contents[previous].range);
        self.previous_in(paragraph.checked_sub(1)?, place, owners)
            .filter(|_| is_quoted && !self.is_dialogue(previous, owners))
    }

    /// Returns true if hardly a word of the content's sentences is outside of it.
    fn stands_alone(&self, content: &Place) -> bool {
        const MOST_WORDS: usize = 2;
        let sentences = &self.page.sentences;
        let start = sentences[content.first].range.start.min(content.range.start);
        let end = sentences[content.last].range.end.max(content.range.end);
        let text = self.page.text;
        if text[start..content.range.start].trim_end().ends_with(':') {
            return false;
        }
        words(&text[start..content.range.start]) <= MOST_WORDS && words(&text[content.range.end..end]) <= MOST_WORDS
    }

    /// Returns true if a sentence between a content and the one before it, in the same paragraph, has a name in it: somebody
    /// else may speak now.
    fn has_new_subject(&self, place: usize) -> bool {
        let Some(previous) = place.checked_sub(1).map(|previous| &self.contents[previous]) else { return false };
        let content = &self.contents[place];
        let is_same_paragraph = self.page.paragraph(previous.last) == self.page.paragraph(content.first);
        (previous.last + 1..content.first)
            .filter(|_| is_same_paragraph)
            .any(|sentence| has_name(&self.page.text[self.page.sentences[sentence].range.clone()]))
    }

    /// Returns true if the quotations in the last two paragraphs have different speakers. Who speaks next is open then.
    fn is_dialogue(&self, previous: usize, owners: &[Option<usize>]) -> bool {
        let Some(before) = previous.checked_sub(1) else { return false };
        let earlier = &self.contents[before];
        let is_next = self.page.paragraph(earlier.last) + 1 == self.page.paragraph(self.contents[previous].first);
        is_next && self.page.is_quoted(&earlier.range) && owners[before] != owners[previous]
    }

    /// The cue of the content before `place`, if that ends in a paragraph.
    fn previous_in(&self, paragraph: usize, place: usize, owners: &[Option<usize>]) -> Option<usize> {
        let previous = place.checked_sub(1)?;
        if self.page.paragraph(self.contents[previous].last) == paragraph { owners[previous] } else { None }
    }

    /// The cue of the content after `place`, if that begins in a paragraph.
    fn next_in(&self, paragraph: usize, place: usize, owners: &[Option<usize>]) -> Option<usize> {
        let next = self.contents.get(place + 1)?;
        if self.page.paragraph(next.first) == paragraph { owners[place + 1] } else { None }
    }

    /// The cue before a colon that announces the content of the next sentence.
    fn announced(&self, content: &Place) -> Option<usize> {
        let cue = self.cues.partition_point(|cue| cue.range.start < content.range.start).checked_sub(1)?;
        let from_cue = self.page.text[self.cues[cue].range.start..content.range.start].trim_end();
        let colon = self.cues[cue].range.start + from_cue.len().saturating_sub(1);
        let (sentence, _) = self.page.sentences_of(&(colon..colon + 1));
        (from_cue.ends_with(':') && self.cues[cue].last == sentence && sentence + 1 >= content.first).then_some(cue)
    }
}

/// Returns true if a word with a capital is in a sentence, its first word and "I" apart.
fn has_name(sentence: &str) -> bool {
    let mut others = sentence.split_whitespace().skip(1);
    others.any(|word| word.starts_with(char::is_uppercase) && !matches!(word, "I" | "I'm" | "I’m"))
}

/// The nearest of the parts that begin in the sentences of `of` and are suitable; the first of equals.
fn nearest(parts: &[Place], of: &Place, is_suitable: impl Fn(&Place) -> bool) -> Option<usize> {
    let first = parts.partition_point(|part| part.first < of.first);
    let end = parts.partition_point(|part| part.first <= of.last);
    (first..end).filter(|&part| is_suitable(&parts[part])).min_by_key(|&part| gap(&parts[part].range, &of.range))
}
