//! Turns the relations of a document into attributions of its statements.

use std::ops::Range;

use super::{Attributed, Page, shared};
use crate::deadline;
use crate::record::{Attribution, Span, Statement};

/// Gives each statement the attributions that have content in it, with that part of the content.
pub(super) fn place(page: &Page<'_, '_>, found: &[Attributed], statements: &mut [Statement]) {
    for (number, attributed) in found.iter().enumerate() {
        deadline::check();
        let relation = &attributed.relation;
        let ruler = Ruler { page, statements };
        let attribution = Attribution {
            number,
            act: attributed.act,
            kind: attributed.kind,
            score: attributed.score,
            source: relation.source.as_ref().map(|range| ruler.span(range)),
            speaker: attributed.speakers.first().cloned(),
            also: attributed.speakers.iter().skip(1).cloned().collect(),
            cue: relation.cue.as_ref().map(|range| ruler.span(range)),
            content: Vec::new(),
        };
        let pieces: Vec<(usize, Span)> = relation.content.iter().flat_map(|range| ruler.pieces(range)).collect();
        for of_sentence in pieces.chunk_by(|one, other| one.0 == other.0) {
            let content = of_sentence.iter().map(|(_, span)| *span).collect();
            statements[of_sentence[0].0].attributions.push(Attribution { content, ..attribution.clone() });
        }
    }
}

/// Converts byte offsets to code points, from the beginning of a sentence nearby.
struct Ruler<'p, 's> {
    page: &'p Page<'p, 'p>,
    statements: &'s [Statement],
}

impl Ruler<'_, '_> {
    fn span(&self, range: &Range<usize>) -> Span {
        let (first, last) = self.page.sentences_of(range);
        Span {
            start: self.character(first, range.start),
            end: self.character(last, range.end),
            byte_start: range.start,
            byte_end: range.end,
        }
    }

    fn character(&self, sentence: usize, byte: usize) -> usize {
        let text = self.page.text;
        let span = self.statements[sentence].sentence.span;
        // A dash on a line of its own is in no sentence. It is measured from the next one.
        match text.get(span.byte_start..byte) {
            Some(before) => span.start + before.chars().count(),
            None => span.start - text[byte..span.byte_start].chars().count(),
        }
    }

    /// The part of `range` in each of its sentences, without the white space between them.
    fn pieces(&self, range: &Range<usize>) -> Vec<(usize, Span)> {
        let (first, last) = self.page.sentences_of(range);
        (first..=last)
            .map(|sentence| (sentence, shared(range, &self.page.sentences[sentence].range)))
            .filter(|(_, piece)| !piece.is_empty())
            .map(|(sentence, piece)| (sentence, self.span(&piece)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Settings, TaggedSentence, attribute, confidence};
    use super::*;
    use crate::record::Sentence;
    use crate::sentences::sentences;
    use crate::task::{Part, Tag};

    /// The statements of a text of which a model says nothing.
    fn statements(text: &str) -> Vec<Statement> {
        labelled_statements(text, &mut std::iter::empty())
    }

    /// The labels and the places of a sentence's words.
    type Labelled = (Vec<Tag>, Vec<(usize, usize)>);

    fn tagged<'l>((statement, (tags, offsets)): (&Statement, &'l Labelled)) -> TaggedSentence<'l> {
        let Sentence { span, paragraph, .. } = statement.sentence;
        TaggedSentence {
            range: span.byte_start..span.byte_end,
            paragraph,
            tags: tags.clone(),
            confidences: &[],
            offsets,
        }
    }

    /// The statements of a text whose words a model gives these labels, as long as there are some.
    fn labelled_statements(text: &str, labels: &mut impl Iterator<Item = Tag>) -> Vec<Statement> {
        let statement = |sentence| Statement { sentence, verdicts: vec![], attributions: vec![], flags: vec![] };
        let mut statements: Vec<Statement> = sentences(text).into_iter().map(statement).collect();
        let mut label = |statement: &Statement| -> Labelled {
            let sentence = statement.sentence.span.slice(text);
            let words = sentence.split_whitespace().map(|word| {
                let start = word.as_ptr() as usize - sentence.as_ptr() as usize;
                (start, start + word.len())
            });
            labels.by_ref().zip(words).unzip()
        };
        let labelled: Vec<_> = statements.iter().map(&mut label).collect();
        let tagged: Vec<TaggedSentence<'_>> = statements.iter().zip(&labelled).map(tagged).collect();
        let settings = Settings { weights: confidence::DEFAULT_WEIGHTS, min_score: 0.0 };
        attribute(text, None, &tagged, &settings, &mut statements);
        statements
    }

    /// The rounds of loops and the processor time that the statements of a text take.
    fn work(text: &str) -> (u32, f64) {
        let (checks, time) = deadline::work_of_thread();
        statements(text);
        let (all_checks, all_time) = deadline::work_of_thread();
        (all_checks - checks, all_time.saturating_sub(time).as_secs_f64())
    }

    #[test]
    fn work_grows_with_the_length_of_the_text_and_no_faster() {
        const BYTES: usize = 10_000;
        const LONGER: usize = 8;
        for unit in [
            "“Aa bb” — Bob\n",
            "“Aa bb” — Bob\n\n",
            "“Aa bb” — Ann Lee said no. ",
            "\"a\" ",
            "“a ” ",
            "„",
            "'",
            "MR. LEE: a\n",
            "MR. LEE: a\n\n",
            "“a\r-\rBob",
            "Ann Lee ",
            "the senator, he said, ",
            "The report said so. ",
        ] {
            let short = unit.repeat(BYTES / unit.len());
            let (checks, time) = work(&short);
            let (more_checks, more_time) = work(&short.repeat(LONGER));
            let most = u32::try_from(LONGER).unwrap() * checks;
            assert!(more_checks <= most + most / 8, "{unit:?} {checks} {more_checks}");
            // Loops that do not check take time. Quadratic time is 64 times as long; the shorter text may be over in no time.
            assert!(more_time < 24.0 * time.max(0.01), "{unit:?} {time} {more_time}");
        }
    }

    proptest! {
        #[test]
        fn every_span_gives_its_text_and_contents_stand_in_their_sentences(
            pieces in prop::collection::vec(
                prop::sample::select(&[
                    "Ann Lee", "é", "said", "“", "”", "\"", "— ", "-", ". ", "! ", "\n\n", "\n", " ", "He ", "字。", "MR. LEE: ",
                ][..]),
                0..60,
            ),
            labels in prop::collection::vec((0..3, 0..3), 0..60),
        ) {
            let tag = |&(kind, part): &(i32, i32)| {
                let part = [Part::Source, Part::Cue, Part::Content][usize::try_from(part).unwrap()];
                [Tag::Outside, Tag::Begin(part), Tag::Inside(part)][usize::try_from(kind).unwrap()]
            };
            let text = pieces.concat();
            for Statement { sentence, attributions, .. } in labelled_statements(&text, &mut labels.iter().map(tag)) {
                for attribution in attributions {
                    for span in attribution.source.iter().chain(&attribution.cue).chain(&attribution.content) {
                        let start = text[..span.byte_start].chars().count();
                        let expected = (start, start + span.slice(&text).chars().count());
                        prop_assert_eq!((span.start, span.end), expected);
                    }
                    let (start, end) = (sentence.span.byte_start, sentence.span.byte_end);
                    let stands_in = |span: &Span| span.byte_start >= start && span.byte_end <= end;
                    prop_assert!(attribution.content.iter().all(stands_in));
                }
            }
        }
    }

    #[test]
    fn a_dash_between_two_sentences_is_measured_too() {
        let text = "“Ça va très bien.”\r–\rAnn Lee";
        let cue = statements(text)[0].attributions[0].cue.unwrap();
        assert_eq!(cue, Span { start: 19, end: 20, byte_start: 25, byte_end: 28 });
        assert_eq!(cue.slice(text), "–");
    }
}
