//! Turns token labels into attributions, over a whole document.
//!
//! The labels of each sentence become parts (source, cue, content). The layout of the text adds its own (transcripts, signed
//! quotations), contents grow to the quotations around them, and each cue gets its source and its contents, also across
//! sentences: a quotation of three sentences has one speaker.

/// Cues to acts.
mod act;
/// Relations that report nothing.
mod checks;
/// The probability that a relation is an attribution.
pub mod confidence;
/// Attributions that the layout shows.
mod layout;
/// Parts to relations.
mod link;
/// Token labels to parts.
mod parts;
/// Relations to statements.
mod place;
/// Quotation marks to quotations.
mod quotations;

use std::ops::Range;

use super::speakers;
use crate::deadline;
use crate::record::{Act, AttributionKind, ConfidenceWeights, Evidence, Speaker, Statement};
use crate::task::Tag;
use confidence::Features;
use parts::Parts;
pub(crate) use parts::is_inside_word;
use quotations::quotations;

/// Raise it by one where the same labels of tokens give other attributions than before. See `src/revisions.rs`.
pub const REVISION: u32 = 3;

/// A sentence with the labels that a model gives its tokens.
#[derive(Debug, Clone)]
pub struct TaggedSentence<'t> {
    /// Its bytes in the document.
    pub range: Range<usize>,
    /// The number of its paragraph.
    pub paragraph: usize,
    /// The label of each token.
    pub tags: Vec<Tag>,
    /// The probability of each token's label, in 255ths; empty if it is not known.
    pub confidences: &'t [u8],
    /// The bytes of each token in the sentence.
    pub offsets: &'t [(usize, usize)],
}

/// A source, a cue and the content that belong together. All ranges are bytes of the document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Relation {
    /// The speaker.
    pub source: Option<Range<usize>>,
    /// The words that report it.
    pub cue: Option<Range<usize>>,
    /// The words that were said: one or more pieces, in order.
    pub content: Vec<Range<usize>>,
}

/// A document in which relations are looked for.
struct Page<'s, 't> {
    text: &'t str,
    byline: Option<&'t str>,
    sentences: &'s [TaggedSentence<'t>],
    /// The text between quotation marks.
    quotations: Vec<Range<usize>>,
}

/// A relation with everything that is found out about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Attributed {
    /// The source, the cue and the content.
    pub relation: Relation,
    /// What the source does with the content.
    pub act: Act,
    /// The form in which the content is reported.
    pub kind: AttributionKind,
    /// The features that its score comes from.
    pub features: Features,
    /// The probability that it is an attribution.
    pub score: f32,
    /// Those whom the source means: several if they speak together, none if the document leaves doubt.
    pub speakers: Vec<Speaker>,
}

/// The attributions of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Attributions {
    /// In the order of their contents. Each has a content; one without a speaker in the text has neither cue nor source.
    pub found: Vec<Attributed>,
    /// The text between quotation marks, whether it is speech or not.
    pub quotations: Vec<Range<usize>>,
}

impl Attributions {
    /// The attributions of the document `text` by the author in `byline`. `sentences` are all of its sentences.
    #[must_use]
    pub fn new(
        text: &str,
        byline: Option<&str>,
        sentences: &[TaggedSentence<'_>],
        weights: &ConfidenceWeights,
    ) -> Self {
        let page = Page::new(text, byline, sentences);
        Self { found: page.attributed(weights), quotations: page.quotations }
    }
}

/// Finds the attributions in the document `text` by the author in `byline`, and adds those with a score of at least
/// `min_score` to its statements. Returns the number of the others. `sentences` has an entry for each statement.
pub(crate) fn attribute(
    text: &str,
    byline: Option<&str>,
    sentences: &[TaggedSentence<'_>],
    settings: &Settings,
    statements: &mut [Statement],
) -> usize {
    let page = Page::new(text, byline, sentences);
    let mut found = page.attributed(&settings.weights);
    let all = found.len();
    found.retain(|attributed| attributed.score >= settings.min_score);
    place::place(&page, &found, statements);
    all - found.len()
}

/// The settings by which attributions are scored and left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Settings {
    pub(crate) weights: ConfidenceWeights,
    /// The least score of an attribution that is kept.
    pub(crate) min_score: f32,
}

/// The beginning of each piece of content, in order, and the furthest end of those that begin at or before it.
fn furthest_ends(relations: &[Relation]) -> Vec<(usize, usize)> {
    let pieces = relations.iter().flat_map(|relation| &relation.content);
    let mut ends: Vec<(usize, usize)> = pieces.map(|piece| (piece.start, piece.end)).collect();
    ends.sort_unstable();
    let mut furthest = 0;
    for (_, end) in &mut ends {
        furthest = furthest.max(*end);
        *end = furthest;
    }
    ends
}

/// The bytes of each paragraph, from its first sentence to its last.
fn paragraphs(sentences: &[TaggedSentence<'_>]) -> Vec<Range<usize>> {
    sentences
        .chunk_by(|one, next| one.paragraph == next.paragraph)
        .map(|paragraph| match paragraph {
            [first, .., last] | [first @ last] => first.range.start..last.range.end,
            [] => 0..0,
        })
        .collect()
}

impl<'s, 't> Page<'s, 't> {
    fn new(text: &'t str, byline: Option<&'t str>, sentences: &'s [TaggedSentence<'t>]) -> Self {
        Self { text, byline, sentences, quotations: quotations(text, &paragraphs(sentences)) }
    }

    fn relations(&self) -> Vec<Relation> {
        let mut parts = Parts::from_labels(self);
        layout::add_parts(self, &mut parts);
        parts.complete_quotations(self);
        parts.complete_sources(self);
        parts.drop_hearers(self);
        parts.split_nested_reports(self);
        checks::reported(self, link::relations(self, &parts))
    }

    /// The relations with their acts, scores and speakers.
    fn attributed(&self, weights: &ConfidenceWeights) -> Vec<Attributed> {
        let relations = self.relations();
        let mut speakers = self.speakers(&relations).into_iter();
        let mut all = Vec::with_capacity(relations.len());
        for relation in relations {
            deadline::check();
            let act = act::act(relation.cue.as_ref().map(|cue| &self.text[cue.clone()]));
            let features = confidence::features(self, &relation, act);
            all.push(Attributed {
                act,
                kind: self.kind(&relation.content),
                score: confidence::score(weights, &features),
                features,
                speakers: speakers.next().unwrap_or_default(),
                relation,
            });
        }
        all
    }

    /// The speakers of each relation.
    fn speakers(&self, relations: &[Relation]) -> Vec<Vec<Speaker>> {
        let ranges: Vec<Range<usize>> = self.sentences.iter().map(|sentence| sentence.range.clone()).collect();
        let sources: Vec<Range<usize>> = relations.iter().filter_map(|relation| relation.source.clone()).collect();
        let mut found = speakers::resolve(self.text, self.byline, &ranges, &sources).into_iter();
        // "I" in what somebody else says is not the author. Few texts have an "I" to ask for.
        let mut contents = None;
        let mut speakers = Vec::with_capacity(relations.len());
        for relation in relations {
            let Some(source) = &relation.source else {
                speakers.push(Vec::new());
                continue;
            };
            let mut meant = found.next().unwrap_or_default();
            if meant.iter().any(|speaker| speaker.evidence == Evidence::Author) {
                let contents = contents.get_or_insert_with(|| furthest_ends(relations));
                let before = contents.partition_point(|(start, _)| *start <= source.start);
                if before > 0 && source.end <= contents[before - 1].1 {
                    meant.retain(|speaker| speaker.evidence != Evidence::Author);
                }
            }
            speakers.push(meant);
        }
        speakers
    }

    /// The kind of an attribution: all words of its content are between quotation marks, or some, or none.
    fn kind(&self, content: &[Range<usize>]) -> AttributionKind {
        let words = content.iter().flat_map(|range| {
            let letters = self.text[range.clone()].char_indices().filter(|(_, character)| character.is_alphanumeric());
            letters.map(|(byte, _)| range.start + byte)
        });
        let mut inside = 0_usize;
        let mut all = 0_usize;
        for byte in words {
            inside += usize::from(self.is_quoted(&(byte..byte + 1)));
            all += 1;
        }
        match inside {
            0 => AttributionKind::Indirect,
            _ if inside == all => AttributionKind::Direct,
            _ => AttributionKind::Mixed,
        }
    }

    /// The paragraph of a sentence, by its number.
    fn paragraph(&self, sentence: usize) -> usize {
        self.sentences[sentence].paragraph
    }

    /// The first and the last sentence that `range` touches.
    fn sentences_of(&self, range: &Range<usize>) -> (usize, usize) {
        let first = self.sentences.partition_point(|sentence| sentence.range.end <= range.start);
        let end = self.sentences.partition_point(|sentence| sentence.range.start < range.end);
        (first.min(self.sentences.len().saturating_sub(1)), end.saturating_sub(1).max(first))
    }

    /// Returns true if any of `range` is between quotation marks.
    fn is_quoted(&self, range: &Range<usize>) -> bool {
        let first = self.quotations.partition_point(|quotation| quotation.end <= range.start);
        self.quotations.get(first).is_some_and(|quotation| meet(quotation, range))
    }
}

/// The bytes that two ranges share: an empty range if there are none.
fn shared(one: &Range<usize>, other: &Range<usize>) -> Range<usize> {
    let start = one.start.max(other.start);
    start..one.end.min(other.end).max(start)
}

fn meet(one: &Range<usize>, other: &Range<usize>) -> bool {
    !shared(one, other).is_empty()
}

/// The bytes between two ranges.
fn gap(one: &Range<usize>, other: &Range<usize>) -> usize {
    other.start.saturating_sub(one.end) + one.start.saturating_sub(other.end)
}

/// The number of words in `text`.
fn words(text: &str) -> usize {
    text.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty()).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::Part;

    /// The relations of paragraphs of sentences, marked with `[s source]`, `[c cue]` and `[x content]`; sentences end with
    /// `|`, paragraphs with `||`. Each relation as `source / cue / content + content`.
    fn found(marked: &str) -> Vec<String> {
        let mut text = String::new();
        let mut sentences = Vec::new();
        for (number, paragraph) in marked.split("||").enumerate() {
            for sentence in paragraph.split('|').map(str::trim).filter(|sentence| !sentence.is_empty()) {
                sentences.push((number, tagged(sentence, &mut text)));
                text.push(' ');
            }
            text.push_str("\n\n");
        }
        let sentences: Vec<TaggedSentence<'_>> =
            sentences.iter().map(|(paragraph, sentence)| of(*paragraph, sentence)).collect();
        let shown = |range: &Option<Range<usize>>| range.clone().map_or("-", |range| &text[range]).to_owned();
        let show = |relation: Relation| {
            let content: Vec<&str> = relation.content.iter().map(|range| &text[range.clone()]).collect();
            format!("{} / {} / {}", shown(&relation.source), shown(&relation.cue), content.join(" + "))
        };
        let found = Attributions::new(&text, None, &sentences, &confidence::DEFAULT_WEIGHTS).found;
        found.into_iter().map(|attributed| show(attributed.relation)).collect()
    }

    fn of(paragraph: usize, (range, tags, offsets): &Tagged) -> TaggedSentence<'_> {
        TaggedSentence { range: range.clone(), paragraph, tags: tags.clone(), confidences: &[], offsets }
    }

    type Tagged = (Range<usize>, Vec<Tag>, Vec<(usize, usize)>);

    /// Appends a marked sentence to `text`, with a token a word.
    fn tagged(marked: &str, text: &mut String) -> Tagged {
        let (start, mut tags, mut offsets) = (text.len(), Vec::new(), Vec::new());
        let (mut part, mut is_first) = (None, false);
        for word in marked.split(' ') {
            match word {
                "[s" => (part, is_first) = (Some(Part::Source), true),
                "[c" => (part, is_first) = (Some(Part::Cue), true),
                "[x" => (part, is_first) = (Some(Part::Content), true),
                "]" => part = None,
                _ => {
                    if text.len() > start {
                        text.push(' ');
                    }
                    offsets.push((text.len() - start, text.len() - start + word.len()));
                    text.push_str(word);
                    tags.push(
                        part.map_or(Tag::Outside, |part| if is_first { Tag::Begin(part) } else { Tag::Inside(part) }),
                    );
                    is_first = false;
                }
            }
        }
        (start..text.len(), tags, offsets)
    }

    #[test]
    fn source_cue_and_content_are_joined() {
        let kishida = "[s Prime Minister Kishida ] [c stated ] [x that Japan would arm. ]";
        assert_eq!(found(kishida), ["Prime Minister Kishida / stated / that Japan would arm."]);
    }

    #[test]
    fn a_content_around_its_cue_is_one_relation() {
        let taxes = "[x “Taxes fall,” ] [s she ] [c said, ] [x “and soon.” ]";
        assert_eq!(found(taxes), ["she / said, / “Taxes fall,” + “and soon.”"]);
    }

    #[test]
    fn two_cues_make_two_relations_and_may_share_a_source() {
        let both = "[s Ann ] [c says ] [x it rains ] but [s Bob ] [c says ] [x it snows. ]";
        assert_eq!(found(both), ["Ann / says / it rains", "Bob / says / it snows."]);
        let shared = "[s Ann ] [c says ] [x it rains ] and [c hopes ] [x it stops. ]";
        assert_eq!(found(shared), ["Ann / says / it rains", "Ann / hopes / it stops."]);
    }

    #[test]
    fn a_cue_without_content_says_nothing() {
        assert!(found("[s Ann ] [c spoke ] at length.").is_empty());
    }

    #[test]
    fn a_content_whose_speaker_is_not_named_has_none() {
        assert_eq!(found("It was [x “a great day for us all” ] in Rome."), ["- / - / “a great day for us all”"]);
    }

    #[test]
    fn a_quotation_of_several_sentences_has_one_speaker() {
        let after = "[x “We tried. ] | [x We failed. ] | [x We go on,” ] [s she ] [c said. ]";
        assert_eq!(found(after), ["she / said. / “We tried. We failed. We go on,”"]);
        let before = "[x “We tried,” ] [s she ] [c said. ] | [x “We failed. ] | [x We go on.” ]";
        assert_eq!(found(before), ["she / said. / “We tried,” + “We failed. We go on.”"]);
    }

    #[test]
    fn a_quotation_goes_on_over_paragraphs() {
        let open = "[x “We tried,” ] [s she ] [c said. ] | [x “We failed. ] || [x “We go on.” ]";
        assert_eq!(found(open), ["she / said. / “We tried,” + “We failed. + “We go on.”"]);
        let closed = "[x “We tried,” ] [s she ] [c said. ] || [x “We go on.” ]";
        assert_eq!(found(closed), ["she / said. / “We tried,” + “We go on.”"], "nobody else has begun to speak");
    }

    #[test]
    fn what_a_colon_announces_may_be_a_paragraph_of_its_own() {
        assert_eq!(
            found("[s The mayor ] [c wrote: ] || [x We shall build it. ]"),
            ["The mayor / wrote: / We shall build it."]
        );
    }

    #[test]
    fn a_content_reaches_to_the_marks_that_it_stands_between() {
        let cut = "[s He ] [c said ] “we [x must build and keep the bridge” ] now.";
        assert_eq!(found(cut), ["He / said / “we must build and keep the bridge”"]);
    }

    #[test]
    fn a_quoted_speaker_s_own_cues_do_not_take_the_quotation_away() {
        let nested = "[x “They ] [c want ] [x a photo and nothing else,” ] [s she ] [c said. ]";
        assert_eq!(found(nested), ["she / said. / “They want a photo and nothing else,”"]);
    }

    #[test]
    fn a_dash_and_a_name_sign_a_quotation() {
        assert_eq!(
            found("[x “It was over before it began.” ] ― Ann Lee"),
            ["Ann Lee / ― / “It was over before it began.”"]
        );
        assert_eq!(
            found("“It was over before it began.” | — Ann Lee"),
            ["Ann Lee / — / “It was over before it began.”"]
        );
    }

    #[test]
    fn what_nobody_said_is_left_out() {
        for text in [
            "[s He ] [c was nicknamed ] [x “the Fox.” ]",
            "The firm makes [x “smart” ] meters.",
            "[s He ] [c said ] [x The ] end.",
            "It rained [x in Rome ] again.",
            "[x READ MORE: Parents fear for pupils ] || It rained.",
        ] {
            assert!(found(text).is_empty(), "{text}");
        }
        assert_eq!(found("[s He ] [c said ] [x no. ]"), ["He / said / no."]);
        assert_eq!(found("[s He ] [c claims ] [x a seat ] and [x to ] more."), ["He / claims / a seat"]);
    }

    #[test]
    fn titles_mottoes_and_pleas_are_nobody_s_statements() {
        for text in [
            "They sang [x “The Long Way Home” ] at noon.",
            "It has the slogan [x “now or never again.” ]",
            "[s Bob Lee ] [c has pleaded ] [x not guilty to theft. ]",
            "[s Bob Lee ] [c pleaded not guilty to ] [x two charges. ]",
        ] {
            assert!(found(text).is_empty(), "{text}");
        }
        assert_eq!(found("It was [x “a long way home” ] for them."), ["- / - / “a long way home”"]);
    }

    #[test]
    fn a_question_before_its_answer_is_no_statement() {
        let asked = "[c Asked ] [x whether he would go, ] [s Bob Lee ] [c said ] [x that he would. ]";
        assert_eq!(found(asked), ["Bob Lee / said / that he would."]);
    }

    #[test]
    fn hearers_are_no_sources() {
        let told = "[s The jury ] [c was told ] [x Bob Lee, ] [c had admitted ] [x that he left. ]";
        assert_eq!(found(told), ["Bob Lee, / had admitted / that he left."]);
        assert_eq!(found("[s They ] [c were told ] [x that it was late. ]"), ["- / were told / that it was late."]);
        let whole = "[s The jury ] [c was told ] [x Ann Quux Lee, 36, had admitted to police that she left. ]";
        assert_eq!(found(whole), ["Ann Quux Lee / had admitted / that she left."]);
        let plain = "[s The court ] [c was told ] [x Ann Lee denied theft and fraud. ]";
        assert_eq!(found(plain), ["Ann Lee / denied / theft and fraud."]);
    }

    #[test]
    fn a_source_that_was_cut_reaches_to_its_name() {
        let cut = "[s Ann Lee, who lost it on the night of ] March 3, [c said ] [x that it was late. ]";
        assert_eq!(found(cut), ["Ann Lee, who lost it on the night of March 3 / said / that it was late."]);
    }

    #[test]
    fn a_source_that_was_cut_in_its_clause_reaches_to_the_comma() {
        let cut =
            "[s Ann Lee, who lost it when the river ] burst on the night of March 3, [c said ] [x that it was late. ]";
        let source = "Ann Lee, who lost it when the river burst on the night of March 3";
        assert_eq!(found(cut), [format!("{source} / said / that it was late.")]);
    }

    #[test]
    fn a_clause_before_a_colon_has_the_speaker_of_the_quotation() {
        let fans = "[s One fan ] [c wrote: ] [x “so proud” ] | Another posted: [x “no words at all” ]";
        assert_eq!(found(fans), ["One fan / wrote: / “so proud”", "Another / posted / “no words at all”"]);
        let own = "Lee himself was at a loss: [x “So be it then, all of you.” ]";
        assert_eq!(found(own), ["Lee himself / - / “So be it then, all of you.”"]);
    }

    #[test]
    fn a_quotation_with_a_subject_of_its_own_is_not_a_neighbour_s() {
        let own = "[x “We go,” ] [s she ] [c said. ] | Bob Lee was at a loss: [x “So be it then, all of you.” ]";
        assert_eq!(found(own)[1], "- / - / “So be it then, all of you.”");
        let since = "[x “We go,” ] [s she ] [c said. ] | Then Bob Lee rose. | [x “So be it then.” ]";
        assert_eq!(found(since)[1], "- / - / “So be it then.”");
        let pause = "[x “We go,” ] [s she ] [c said. ] | She rose. | [x “So be it then.” ]";
        assert_eq!(found(pause), ["she / said. / “We go,” + “So be it then.”"]);
    }

    #[test]
    fn turns_of_a_dialogue_are_not_the_last_speaker_s() {
        let talk = "[x “Do you know him?” ] [s she ] [c asked. ] || [x “No,” ] [c said ] [s Bob Lee. ] || [x “Look again.” ] || [x “I said no.” ]";
        let speakers: Vec<bool> = found(talk).iter().map(|relation| relation.starts_with('-')).collect();
        assert_eq!(speakers, [false, false, true, true]);
    }

    #[test]
    fn a_heading_is_not_said_by_the_paragraph_after_it() {
        let text = "[x Port Workers Walk Out ] || [c According to ] [s the ministry, ] [x two ports were shut. ]";
        assert_eq!(found(text), ["the ministry, / According to / two ports were shut."]);
    }

    #[test]
    fn a_headline_names_its_speaker_before_a_colon() {
        assert_eq!(found("Minister: [x strike will cost more ]"), ["Minister / : / strike will cost more"]);
        assert_eq!(found("Minister: strike will cost £400m"), ["Minister / : / strike will cost £400m"]);
        assert_eq!(found("Ann Lee: we must not go"), ["Ann Lee / : / we must not go"]);
        let among = "[x “We go,” ] [s she ] [c said. ] || Doctors: 'hospital is full' || It rained.";
        assert_eq!(found(among)[1], "Doctors / : / 'hospital is full'");
        for line in [
            "Minister: why strikes will cost more",
            "Weather: it will rain",
            "WINNER: Ann Lee is here",
            "Report: Page 2",
        ] {
            assert!(found(line).is_empty(), "{line}");
        }
    }

    #[test]
    fn interviews_name_their_speakers() {
        let talk =
            "The Courier: Where was it? || Amara Quux: At home. || The Courier: Was it hard? || Amara Quux: Very.";
        assert_eq!(found(talk).len(), 4);
        assert_eq!(found(talk)[1], "Amara Quux / : / At home.");
        let voice = "PELLAN (voice-over): The ice is going. || LOUISE HART, ANCHOR: Is it? || PELLAN: It is.";
        assert_eq!(found(voice)[0], "PELLAN / : / The ice is going.");
        assert_eq!(found("Q. Is it late? || A. It is."), ["Q / . / Is it late?", "A / . / It is."]);
        assert!(found("BEST FILM: The Long Night || WINNER: Ann Lee || BEST SONG: Harbour Lights").is_empty());
    }

    #[test]
    fn transcripts_name_their_speakers() {
        let talk = "MR. SMITH: We [s I ] [c think ] [x so. ] | It is late. || JONES: Is it?";
        assert_eq!(found(talk), ["MR. SMITH / : / We I think so. It is late.", "JONES / : / Is it?"]);
        assert_eq!(found("Q: Is it late? || A: It is."), ["Q / : / Is it late?", "A / : / It is."]);
        assert!(found("WARNING: It is late.").is_empty(), "one line makes no transcript");
        assert!(found("GOLD: Up two percent on the day. || SILVER: Down by three.").is_empty(), "labels of a market");
        assert!(found("MONDAY: Amara Diallo. || TUESDAY: The Harbour Lights.").is_empty(), "names are no speeches");
    }
}
