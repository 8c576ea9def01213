//! Turns a text into sentences: paragraphs first, then the boundaries inside each.
//! The text stays as it is: a sentence is a range of it.

mod abbreviations;
/// Bylines, credits and links by their form.
mod boilerplate;
mod boundary;
mod candidates;
mod datelines;
mod enumeration;
mod footnotes;
mod paragraphs;
mod punctuation;
mod references;
/// Names under letters.
mod signatures;
mod spans;
mod words;

use crate::deadline;
pub use boilerplate::is_boilerplate;
use candidates::Scanner;
use paragraphs::Paragraph;
pub use spans::sentences;
use std::ops::Range;

/// Raise it by one where a text gives other sentences than before, or other sentences are boilerplate. See `src/revisions.rs`.
pub const REVISION: u32 = 3;

/// A sentence's place in a text: half-open byte range on character boundaries, without surrounding white space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Segment {
    /// First byte of the sentence.
    start: usize,
    /// First byte after the sentence.
    end: usize,
    /// The number of its paragraph in the text, from 0. A line of its own is a paragraph.
    paragraph: usize,
    /// It is a title, byline or caption-like line rather than running text.
    heading: bool,
}

/// Splits `text` into sentences, in order.
///
/// The segments do not overlap, and every alphanumeric character of the text is in one of them. Lines of decoration
/// (`* * *`) are in none.
fn segment(text: &str) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut count = 0;
    let paragraphs = paragraphs::paragraphs(text);
    for (at, paragraph) in paragraphs.iter().enumerate() {
        deadline::check();
        let sentences = sentences_of(text, paragraph);
        let heading = is_heading(text, &sentences) && !signatures::is_signature(text, &paragraphs, at);
        let number = count;
        count += usize::from(!sentences.is_empty());
        segments.extend(sentences.into_iter().map(|Range { start, end }| Segment {
            start,
            end,
            paragraph: number,
            heading,
        }));
    }
    segments
}

fn is_heading(text: &str, sentences: &[Range<usize>]) -> bool {
    sentences.iter().all(|sentence| paragraphs::is_heading(&text[sentence.clone()]))
}

/// The sentences of a paragraph. Without a word it has none.
fn sentences_of(text: &str, paragraph: &Paragraph) -> Vec<Range<usize>> {
    let offset = paragraph.range.start;
    let mut scanner = Scanner::new(&text[paragraph.range.clone()]);
    let mut found = Vec::new();
    let is_whole = paragraph.is_table_row || references::is_entry(&text[paragraph.range.clone()]);
    while !is_whole && let Some(candidate) = scanner.next_candidate() {
        deadline::check();
        if boundary::ends_sentence(&candidate) {
            found.push(scanner.cut(&candidate));
        }
    }
    finish(&mut found, &scanner);
    found.iter().map(|range| range.start + offset..range.end + offset).collect()
}

fn finish(found: &mut Vec<Range<usize>>, scanner: &Scanner) {
    let rest = scanner.rest();
    if scanner.has_word() {
        found.push(rest);
    } else if let Some(last) = found.last_mut() {
        // The rest has no word, only marks such as a stray quotation mark, and belongs to the last sentence.
        last.end = rest.end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(text: &str) -> Vec<&str> {
        segment(text).iter().map(|segment| &text[segment.start..segment.end]).collect()
    }

    /// Sentences joined by single spaces must come apart where they were joined.
    #[track_caller]
    fn assert_splits(sentences: &[&str]) {
        assert_eq!(split(&sentences.join(" ")), sentences);
    }

    #[test]
    fn plain_sentences_come_apart() {
        assert_splits(&["The ferry sailed.", "Was it late?", "Not at all!", "It was early?!", "Good."]);
    }

    #[test]
    fn abbreviations_before_names_and_numbers_do_not_end_sentences() {
        assert_splits(&[
            "Gen. Ruth Hale met Sen. Paul Orr, Mrs. Orr and Prof. J. R. R. Finch at St. Anne's on Jan. 5, see No. 7.",
            "They left.",
        ]);
        assert_splits(&[
            "Lt. Col. A. B. Marsh (b. 1950), of Hill & Sons Inc. Chicago, sued Acme Corp. v. Smith et al. in p. 5.",
        ]);
    }

    #[test]
    fn abbreviations_may_end_sentences_before_words_that_start_them() {
        assert_splits(&[
            "She moved to the U.S. in May.",
            "He stayed in the U.K.",
            "The U.S. Senate sat until 5 p.m.",
            "Nobody spoke.",
        ]);
        assert_splits(&[
            "It was sold to Acme Inc.",
            "However, Acme Inc. Chairman Lee resigned in Dec.",
            "They agreed.",
        ]);
        assert_splits(&["You and I.", "Who else?"]);
        assert_splits(&["At 6 a.m. Mrs. Lee woke up.", "She slept at 9 p.m.", "Mr. Lee did not."]);
    }

    #[test]
    fn words_that_look_like_abbreviations_end_sentences() {
        assert_splits(&[
            "He said no.",
            "Smith was ill.",
            "Jones prayed at mass.",
            "Orr liked the sun.",
            "Mhm.",
            "Yes.",
        ]);
    }

    #[test]
    fn numbers_addresses_and_file_names_are_not_cut() {
        assert_splits(&["It cost $3.50 or .75 of 1,000.25 pounds.", "In 1990.", "5 people paid."]);
        assert_splits(&[
            "Write to ann.lee@mail.example.com.",
            "See https://www.example.com/a.b?c=d!e and main.rs.",
            "Thanks.",
        ]);
    }

    #[test]
    fn an_ellipsis_ends_a_sentence_only_before_a_capital() {
        assert_splits(&[
            "He waited... and waited … in vain.",
            "Nobody came...",
            "She left.",
            "Then…",
            "Nothing . . . at all.",
        ]);
        assert_splits(&["The rest is lost.", ". . . The end is not."]);
        assert_splits(&["“The rest is lost. . . .", "The end is not,” she said."]);
        assert_splits(&["The rest is lost.", "... The end is not.", "… and nobody knows."]);
        assert_splits(&["The rest is lost . . . .", "The end is not . . ."]);
    }

    #[test]
    fn what_closes_a_quotation_belongs_to_its_sentence() {
        assert_splits(&[
            "\"It is late.",
            "We must go.\"",
            "She rose.",
            "(They had waited.)",
            "‘Now.’",
            "“Yes!”",
            "All left.",
        ]);
        assert_splits(&[
            "\"Are we late?\" he asked.",
            "“Never!” Captain Lee said.",
            "\"Why?\" I asked.",
            "\"Go!\"",
            "He went.",
        ]);
    }

    #[test]
    fn a_sentence_goes_on_after_a_remark_in_brackets() {
        assert_splits(&["The mayor (she was late again!) spoke first.", "All listened."]);
    }

    #[test]
    fn notes_belong_to_the_sentence_before() {
        assert_splits(&["The bridge fell.[3]", "It was rebuilt. [4] [5]", "It stands.6", "Nobody knows why."]);
    }

    #[test]
    fn a_dateline_is_a_sentence_of_its_own() {
        assert_splits(&["TOKYO, Jan. 13 (Reuters) —", "The yen fell on Friday.", "Shares rose."]);
        assert_splits(&["WASHINGTON, D.C. (AP) --", "The vote is on Monday.", "It is close."]);
        assert_splits(&["PARIS, France –", "The talks failed.", "They will resume."]);
        assert_splits(&["ST. LOUIS, Mo., Sept. 3, 2004 -", "Mr. Lee won."]);
        assert_splits(&["More from the coast.", "LIMA (AFP) -", "It rained.", "Lee left."]);
    }

    #[test]
    fn a_dateline_without_a_dash_of_its_own_is_left_alone() {
        assert_splits(&["SALEM, Ore. (AP)—The vote is on Monday.", "It is close."]);
        assert_splits(&["ANN LEE - a captain - spoke first.", "All listened."]);
    }

    #[test]
    fn captions_come_apart_from_labels_and_credits() {
        assert_splits(&["Figure 1.3", "The harbour in 1900, seen from the sea.", "Boats lie at anchor."]);
        assert_splits(&["Captain Lee on her way home", "Image: Harbour Museum."]);
        assert_splits(&["Figure 3 shows the harbour."]);
    }

    #[test]
    fn the_date_behind_a_headline_stands_alone() {
        assert_splits(&["Storm Closes Harbour for Third Day", "Sunday, May 28, 2006"]);
        assert_splits(&["The harbour will open again on Sunday, May 28, 2006"]);
    }

    #[test]
    fn an_entry_of_a_bibliography_is_one_sentence() {
        assert_splits(&["Lee, Ann. “Harbours of Peru.” Boats and Seas. May 2004. http://example.com/boats"]);
    }

    #[test]
    fn a_quotation_over_several_paragraphs_is_cut_like_other_text() {
        let text =
            "“It is late. We must go.\n\n“The storm will come. Nobody can sail then.\n\n“So let us go.” She rose.";
        let sentences = [
            "“It is late.",
            "We must go.",
            "“The storm will come.",
            "Nobody can sail then.",
            "“So let us go.”",
            "She rose.",
        ];
        assert_eq!(split(text), sentences);
    }

    #[test]
    fn the_author_of_a_pull_quote_stays_with_its_last_sentence() {
        assert_splits(&["\"It is late.", "We must go.\" - Ann Lee"]);
    }

    #[test]
    fn addresses_in_a_row_come_apart() {
        assert_splits(&["http://example.com/a.b?c", "https://example.org/", "www.example.net"]);
        assert_splits(&["See http://example.com and www.example.net for more.", "Thanks."]);
    }

    #[test]
    fn lists_tables_and_bylines_stay_line_by_line() {
        let text = "Storm Closes Harbour\nBy Ann Lee\n\nWe need:\n- Rope. And sails.\n- Bread\n\n\
                    Ship\tPort\tNo.\nAnn\tLima\t5";
        let lines = [
            "Storm Closes Harbour",
            "By Ann Lee",
            "We need:",
            "- Rope.",
            "And sails.",
            "- Bread",
            "Ship\tPort\tNo.",
            "Ann\tLima\t5",
        ];
        assert_eq!(split(text), lines);
    }

    #[test]
    fn a_list_may_count_with_letters_after_a_sentence() {
        assert_splits(&["We met J. E. Lee.", "a. Lee has rope", "b. Orr has sails"]);
    }

    #[test]
    fn a_speaker_may_break_off_with_a_dash() {
        assert_splits(&["Well, if we could —", "She just woke up."]);
        assert_splits(&["The mayor — and he alone — said that I — I know this — was late."]);
    }

    #[test]
    fn lists_that_run_on_in_a_line_come_apart() {
        assert_splits(&["1) Rope for the mast", "2) Sails for the boat", "3) Bread"]);
        assert_splits(&["• Rope", "• Sails", "• Bread"]);
        assert_splits(&["In version 2. above and in 3. below, rope is free."]);
    }

    #[test]
    fn a_missing_space_does_not_hide_a_boundary() {
        assert_eq!(split("It was over.Nobody spoke.The end"), ["It was over.", "Nobody spoke.", "The end"]);
        assert_eq!(split("See example.Com/Index or a.B."), ["See example.Com/Index or a.B."]);
    }

    #[test]
    fn chinese_and_japanese_marks_need_no_space() {
        assert_eq!(split("今日は雨です。「行こう！」彼は言った。"), ["今日は雨です。", "「行こう！」", "彼は言った。"]);
    }

    #[test]
    fn a_line_break_inside_a_sentence_does_not_end_it() {
        let text = "The harbour was closed for the third day in a row because of the\r\n\
                    storm. Nobody would sail before Sunday, said Captain Ruth Lee of the\r\n\
                    larger ferry. All of them waited.";
        assert_eq!(split(text).len(), 3);
    }

    #[test]
    fn a_heading_is_never_glued_to_the_sentence_after_it() {
        let text = "Storm Closes Harbour\nBy Ann Lee\n\nThe harbour was closed. It rained.\n\n* * *\n\nMore tomorrow";
        let found = segment(text);
        let places: Vec<_> = found.iter().map(|segment| (segment.paragraph, segment.heading)).collect();
        assert_eq!(places, [(0, true), (1, true), (2, false), (2, false), (3, true)]);
    }

    #[test]
    fn a_headline_with_a_date_behind_it_is_a_heading_and_a_dateline_is_none() {
        let text = "Storm Closes Harbour Sunday, May 28, 2006\n\nLIMA (AP) - It rained.";
        let headings: Vec<_> = segment(text).iter().map(|segment| segment.heading).collect();
        assert_eq!(headings, [true, true, false, false]);
    }

    #[test]
    fn a_name_and_a_place_under_a_letter_are_no_headings() {
        let text =
            "The bus map is wrong. Nobody asked me.\n\nArthur Quux\nPort Ellen\n\nIt is right.\n\nSita Foo\nAlton";
        let headings: Vec<_> = segment(text).iter().map(|segment| segment.heading).collect();
        assert_eq!(headings, [false; 7]);
    }

    #[test]
    fn a_headline_over_an_indented_paragraph_stands_alone() {
        let text = "Harbour plan wins council's vote\n   The council has approved a plan to\nrebuild the harbour wall after \
                    last win-\nter's storms, despite objections from\nboat owners.\n   Work will start in June.\n\
                    Talks aim to avert a strike\n   Talks aimed at averting a strike will\ntake place this weekend.";
        let found = segment(text);
        let headings: Vec<_> = found.iter().map(|segment| segment.heading).collect();
        assert_eq!(headings, [true, false, false, true, false]);
    }

    #[test]
    fn questions_and_answers_on_lines_of_their_own_come_apart() {
        let text = "Q: When did you first see the report?\nA: In March. My deputy, Col. Iris Dane, showed it to me.\n\
                    Q: And you did nothing?\nA: No.";
        assert_eq!(split(text).len(), 5);
    }

    #[test]
    fn decoration_is_no_sentence() {
        assert!(segment("").is_empty());
        assert!(segment(" \n* * *\n\n-----\n… ?!").is_empty());
        assert_eq!(split("It rained. \" —"), ["It rained. \" —"]);
    }

    #[test]
    fn time_grows_with_the_length_of_the_text_and_no_faster() {
        const BYTES: usize = 400_000;
        for unit in [
            ".",
            ". ",
            "\n",
            "\"",
            "7",
            "A.",
            "a.B",
            "1. a ",
            "? \"",
            "([.",
            "--",
            "7777 x. ",
            "a\n",
            ".\u{a0}",
            ".[1] ",
            ": ",
            "Image: ",
            "http://",
            "A, ",
            "LIMA - ",
            "LIMA (AP) - It. ",
            "a this b c: ",
            "www.",
            "(",
        ] {
            let text = ["At ", unit.repeat(BYTES / unit.len()).as_str()].concat();
            let started = std::time::Instant::now();
            check(&text);
            // Quadratic time would be minutes.
            assert!(started.elapsed().as_secs() < 10, "{unit:?}");
        }
    }

    fn check(text: &str) {
        let mut end = 0;
        let mut paragraph = 0;
        for segment in segment(text) {
            assert!(segment.start >= end && segment.end > segment.start);
            assert!(segment.paragraph == paragraph || segment.paragraph == paragraph + 1);
            let sentence = &text[segment.start..segment.end];
            assert_eq!(sentence, sentence.trim());
            assert!(!text[end..segment.start].contains(char::is_alphanumeric));
            (end, paragraph) = (segment.end, segment.paragraph);
        }
        assert!(!text[end..].contains(char::is_alphanumeric));
    }

    proptest! {
        #[test]
        fn segments_are_in_order_trimmed_and_cover_every_word(text in any::<String>()) {
            check(&text);
        }

        #[test]
        fn text_full_of_marks_is_covered_too(
            pieces in prop::collection::vec(prop::sample::select(&[
                ".", "!", "?", "…", "。", "—", "--", " ", "  ", "   ", "\n", "\r\n", "\t", "\u{a0}", "\u{2028}", "\"",
                "'", "”", "“", "(", ")", "[", "]", "[3]", "•", "- ", "1.", "2)", "b.", "U.S.", "Mr.", "I", "The", "a",
                "é", "İ", "字", "p.m.", "No", "http://", "5", "12", ":)", ",", ":", "LIMA", "(AP)", "Image", "Figure",
                "1.3", "following", "Sunday, May 5, 2006",
            ][..]), 0..60)
        ) {
            check(&pieces.concat());
        }
    }
}
