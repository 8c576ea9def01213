//! Scores of attributions: whether they are there, with the right act, source and speaker.
//!
//! An attribution that was found is one of the gold if they share a word of the cue, or at least half of the shorter content.
//! Several may be found for one of the gold, as when a quotation was cut. For acts, sources and speakers each counts for at
//! most one of the gold, that with which it shares most.

use std::cmp::Reverse;
use std::collections::HashMap;

use indexmap::IndexMap;
use serde::Serialize;

use super::Marked;
use super::compare::{Interval, RESAMPLES, SEED, paired_interval, single_rows};
use super::relations::{FoundRelation, GoldRelation, RelationWords, count_shared, overlaps, words_in_ranges};
use super::score::share;
use crate::attribution::confidence::Features;
use crate::record::{Act, ConfidenceWeights};

/// The share of right ones among those that were found as said, for which a threshold is recommended.
pub const RECOMMENDED_PRECISION: f64 = 0.9;

/// The thresholds that are scored: this many steps from 0 to 1.
const THRESHOLD_STEPS: u8 = 20;

/// The scores of attributions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AttributionScores {
    /// The least score of the attributions that were counted.
    pub min_score: f64,
    /// Of what was found as said (say, ask, deny), the share that is in the gold with any act.
    pub said_precision: Estimate,
    /// Of what was said by the gold, the share that was found with any act.
    pub said_recall: Estimate,
    /// The same for each act.
    pub acts: Vec<ActScore>,
    /// Of the attributions that were found, the share that has the right act.
    pub act: Estimate,
    /// The share of them whose source shares a word with the right one, or is missing in both.
    pub source: Estimate,
    /// The speakers of those whose speaker the gold names.
    pub speaker: SpeakerScores,
    /// Quotations of three words or more.
    pub quotations: QuotationScores,
    /// Precision and recall of what was said, by the least score.
    pub thresholds: Vec<ThresholdScore>,
    /// The least threshold at which [`RECOMMENDED_PRECISION`] of what is found as said is in the gold; `None` if there is none.
    pub recommended: Option<ThresholdScore>,
}

/// The scores of one act.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ActScore {
    /// The act.
    pub act: Act,
    /// Of what was found with this act, the share that is in the gold with any act.
    pub precision: Estimate,
    /// Of what has this act in the gold, the share that was found with any act.
    pub recall: Estimate,
    /// Of what has this act in the gold and was found, the share that was found with this act.
    pub right: Estimate,
}

/// The shares of right, wrong and missing speakers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SpeakerScores {
    /// The right name.
    pub right: Estimate,
    /// Another name.
    pub wrong: Estimate,
    /// No name.
    pub null: Estimate,
}

/// The scores of contents between quotation marks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QuotationScores {
    /// The share of those in the gold of which at least half was found.
    pub found: Estimate,
    /// The share of those whose speaker the gold names that were found with this speaker.
    pub speaker: Estimate,
}

/// Precision and recall of what was said, from one score on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ThresholdScore {
    /// The least score.
    pub min_score: f64,
    /// Of what was found as said, the share that is in the gold.
    pub precision: Option<f64>,
    /// Of what was said by the gold, the share that was found.
    pub recall: Option<f64>,
}

/// A share with its 95 % interval, by bootstrap over texts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// The share; `None` if it is of nothing.
    pub share: Option<f64>,
    /// The lower bound.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
    /// The number that it is a share of.
    pub support: usize,
}

/// The numbers that a share is made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Ratio {
    part: usize,
    whole: usize,
}

/// The counts of one text.
#[derive(Debug, Clone, Default)]
struct Tally {
    said_precision: Ratio,
    said_recall: Ratio,
    precision: [Ratio; Act::ALL.len()],
    recall: [Ratio; Act::ALL.len()],
    right: [Ratio; Act::ALL.len()],
    act: Ratio,
    source: Ratio,
    speaker_right: Ratio,
    speaker_wrong: Ratio,
    speaker_null: Ratio,
    quotations: Ratio,
    quotation_speakers: Ratio,
}

impl AttributionScores {
    /// The scores over all rows, of attributions with a score of at least `min_score`; `None` if the gold names no acts.
    #[must_use]
    pub fn from_rows(rows: &[Marked], min_score: f64) -> Option<Self> {
        let rows: Vec<&Marked> = rows.iter().filter(|row| has_acts(row)).collect();
        if rows.is_empty() {
            return None;
        }
        let tallies: Vec<Tally> = rows.iter().filter_map(|row| Tally::from_row(row, min_score)).collect();
        let estimate = |ratio: fn(&Tally) -> Ratio| Estimate::new(&tallies, ratio);
        let thresholds: Vec<ThresholdScore> = (0..=THRESHOLD_STEPS)
            .map(|step| ThresholdScore::new(&rows, f64::from(step) / f64::from(THRESHOLD_STEPS)))
            .collect();
        Some(Self {
            min_score,
            said_precision: estimate(|tally| tally.said_precision),
            said_recall: estimate(|tally| tally.said_recall),
            acts: Act::ALL.into_iter().map(|act| ActScore::new(&tallies, act)).collect(),
            act: estimate(|tally| tally.act),
            source: estimate(|tally| tally.source),
            speaker: SpeakerScores {
                right: estimate(|tally| tally.speaker_right),
                wrong: estimate(|tally| tally.speaker_wrong),
                null: estimate(|tally| tally.speaker_null),
            },
            quotations: QuotationScores {
                found: estimate(|tally| tally.quotations),
                speaker: estimate(|tally| tally.quotation_speakers),
            },
            recommended: thresholds
                .iter()
                .copied()
                .find(|score| score.precision.is_some_and(|precision| precision >= RECOMMENDED_PRECISION)),
            thresholds,
        })
    }
}

/// The features of each attribution found in `rows`, and true for those of the gold. Texts whose gold names no acts are left out:
/// what they call an attribution can be something else.
#[must_use]
pub fn examples(rows: &[Marked]) -> Vec<(Features, bool)> {
    let mut examples = Vec::new();
    for row in rows.iter().filter(|row| has_acts(row)) {
        let Some(text) = TextWords::new(row, 0.0) else { continue };
        for (place, found) in text.found.iter().enumerate() {
            examples.push((found.features, text.is_in_gold(place)));
        }
    }
    examples
}

/// An attribution that was found, as a line of `--predictions`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AttributionPrediction<'m> {
    /// The number of the text in the file, from 1, without texts that were left out.
    pub text: usize,
    /// The pieces of the content, in bytes of the text.
    pub content: Vec<[usize; 2]>,
    /// What the source does with the content.
    pub act: Act,
    /// The probability that it is an attribution.
    pub score: f32,
    /// The names of the speakers.
    pub speakers: &'m [String],
    /// True if it is one of the gold.
    pub is_in_gold: bool,
    /// The act of the one of the gold with which it is paired.
    pub gold_act: Option<Act>,
    /// The speaker of that one.
    pub gold_speaker: Option<&'m str>,
    /// The features that the score comes from, by their names.
    pub features: IndexMap<&'static str, f64>,
}

/// All attributions that were found in `rows`, whatever their score, in the order of the texts.
#[must_use]
pub fn predictions(rows: &[Marked]) -> Vec<AttributionPrediction<'_>> {
    let mut predictions = Vec::new();
    for (number, row) in (1..).zip(rows) {
        let Some(text) = TextWords::new(row, 0.0) else { continue };
        let pairs: HashMap<usize, usize> = text.pairs().into_iter().collect();
        for (place, &found) in text.found.iter().enumerate() {
            let gold = pairs.get(&place).map(|&gold| text.gold[gold]);
            predictions.push(AttributionPrediction {
                text: number,
                content: found.spans.content.iter().map(|piece| [piece.start, piece.end]).collect(),
                act: found.act,
                score: found.score,
                speakers: &found.speakers,
                is_in_gold: text.is_in_gold(place),
                gold_act: gold.and_then(|gold| gold.act),
                gold_speaker: gold.and_then(|gold| gold.speaker.as_deref()),
                features: ConfidenceWeights::NAMES.into_iter().zip(found.features).collect(),
            });
        }
    }
    predictions
}

fn has_acts(row: &Marked) -> bool {
    let gold = row.relations.iter().flat_map(|relations| &relations.gold);
    row.relations.as_ref().is_some_and(|relations| relations.gold.is_empty())
        || gold.into_iter().any(|relation| relation.act.is_some())
}

impl ActScore {
    fn new(tallies: &[Tally], act: Act) -> Self {
        let place = act as usize;
        Self {
            act,
            precision: Estimate::new(tallies, |tally| tally.precision[place]),
            recall: Estimate::new(tallies, |tally| tally.recall[place]),
            right: Estimate::new(tallies, |tally| tally.right[place]),
        }
    }
}

impl ThresholdScore {
    fn new(rows: &[&Marked], min_score: f64) -> Self {
        let mut precision = Ratio::default();
        let mut recall = Ratio::default();
        for tally in rows.iter().filter_map(|row| Tally::from_row(row, min_score)) {
            precision.add(tally.said_precision);
            recall.add(tally.said_recall);
        }
        Self { min_score, precision: precision.share(), recall: recall.share() }
    }
}

impl Estimate {
    fn new(tallies: &[Tally], ratio: impl Fn(&Tally) -> Ratio) -> Self {
        let ratios: Vec<Ratio> = tallies.iter().map(ratio).collect();
        let sum = |rows: &[usize]| {
            let mut sum = Ratio::default();
            for &row in rows {
                sum.add(ratios[row]);
            }
            sum
        };
        let texts = single_rows(ratios.len());
        let all: Vec<usize> = (0..ratios.len()).collect();
        let Interval { low, high, .. } =
            paired_interval(&texts, RESAMPLES, SEED, |rows| sum(rows).share().unwrap_or_default());
        let whole = sum(&all);
        Self { share: whole.share(), low, high, support: whole.whole }
    }
}

impl Ratio {
    fn count(&mut self, is_part: bool) {
        self.part += usize::from(is_part);
        self.whole += 1;
    }

    fn add(&mut self, other: Self) {
        self.part += other.part;
        self.whole += other.whole;
    }

    fn share(self) -> Option<f64> {
        share(self.part, self.whole)
    }
}

/// The attributions of a text with the words of their parts.
struct TextWords<'r> {
    found: Vec<&'r FoundRelation>,
    found_words: Vec<RelationWords>,
    gold: Vec<&'r GoldRelation>,
    gold_words: Vec<RelationWords>,
    /// The places in `found` and in `gold` of those that are the same, with what they share: the best first.
    candidates: Vec<(Reverse<usize>, usize, usize)>,
}

impl<'r> TextWords<'r> {
    fn new(row: &'r Marked, min_score: f64) -> Option<Self> {
        let relations = row.relations.as_ref()?;
        let found: Vec<&FoundRelation> =
            relations.found.iter().filter(|found| f64::from(found.score) >= min_score).collect();
        let gold: Vec<&GoldRelation> = relations.gold.iter().collect();
        let found_words: Vec<RelationWords> = found.iter().map(|one| RelationWords::new(row, &one.spans)).collect();
        let gold_words: Vec<RelationWords> = gold.iter().map(|one| RelationWords::new(row, &one.spans)).collect();
        let mut candidates = Vec::new();
        for (found_place, one) in found_words.iter().enumerate() {
            for (gold_place, other) in gold_words.iter().enumerate() {
                if let Some(common) = common_words(one, other) {
                    candidates.push((Reverse(common), found_place, gold_place));
                }
            }
        }
        candidates.sort_unstable();
        Some(Self { found, found_words, gold, gold_words, candidates })
    }

    fn is_in_gold(&self, found: usize) -> bool {
        self.candidates.iter().any(|&(_, place, _)| place == found)
    }

    fn is_found(&self, gold: usize) -> bool {
        self.candidates.iter().any(|&(_, _, place)| place == gold)
    }

    /// Pairs of which none has a place twice.
    fn pairs(&self) -> Vec<(usize, usize)> {
        let mut is_found_paired = vec![false; self.found.len()];
        let mut is_gold_paired = vec![false; self.gold.len()];
        let mut pairs = Vec::new();
        for &(_, found, gold) in &self.candidates {
            if !is_found_paired[found] && !is_gold_paired[gold] {
                is_found_paired[found] = true;
                is_gold_paired[gold] = true;
                pairs.push((found, gold));
            }
        }
        pairs
    }
}

/// What two attributions share if they are the same: a word of the cue counts as three of the content.
fn common_words(one: &RelationWords, other: &RelationWords) -> Option<usize> {
    let content = count_shared(&one.content, &other.content);
    let cue = count_shared(&one.cue, &other.cue);
    let is_half = content > 0 && content * 2 >= one.content.len().min(other.content.len());
    (is_half || cue > 0).then_some(3 * cue + content)
}

impl Tally {
    /// `None` if the row has no relations.
    fn from_row(row: &Marked, min_score: f64) -> Option<Self> {
        let text = TextWords::new(row, min_score)?;
        let mut tally = Self::default();
        for (place, found) in text.found.iter().enumerate() {
            let is_in_gold = text.is_in_gold(place);
            tally.precision[found.act as usize].count(is_in_gold);
            if found.act.is_said() {
                tally.said_precision.count(is_in_gold);
            }
        }
        for (place, gold) in text.gold.iter().enumerate() {
            let Some(act) = gold.act else { continue };
            let is_found = text.is_found(place);
            tally.recall[act as usize].count(is_found);
            if act.is_said() {
                tally.said_recall.count(is_found);
            }
        }
        for (found, gold) in text.pairs() {
            tally.add_pair(&text, found, gold);
        }
        for quotation in row.relations.iter().flat_map(|relations| &relations.quotations) {
            tally.add_quotation(&text, &words_in_ranges(row, std::slice::from_ref(quotation)));
        }
        Some(tally)
    }

    fn add_pair(&mut self, text: &TextWords<'_>, found_place: usize, gold_place: usize) {
        let found = text.found[found_place];
        let gold = text.gold[gold_place];
        if let Some(act) = gold.act {
            self.act.count(found.act == act);
            self.right[act as usize].count(found.act == act);
        }
        self.source.count(overlaps(&text.found_words[found_place].source, &text.gold_words[gold_place].source));
        if let Some(speaker) = &gold.speaker {
            let is_right = is_named(&found.speakers, speaker);
            self.speaker_right.count(is_right);
            self.speaker_null.count(found.speakers.is_empty());
            self.speaker_wrong.count(!is_right && !found.speakers.is_empty());
        }
    }

    /// Counts a quotation if at least 80 % of it is content of an attribution of the gold.
    fn add_quotation(&mut self, text: &TextWords<'_>, quotation: &[usize]) {
        let Some(right) = text.gold_words.iter().position(|words| words.has_quoted(quotation, 8)) else { return };
        let found = (0..text.found.len()).filter(|&place| text.found_words[place].has_quoted(quotation, 5));
        let best = found.max_by_key(|&place| count_shared(&text.found_words[place].content, quotation));
        self.quotations.count(best.is_some());
        if let Some(speaker) = &text.gold[right].speaker {
            self.quotation_speakers.count(best.is_some_and(|best| is_named(&text.found[best].speakers, speaker)));
        }
    }
}

/// Returns true if the names found are those of the right speaker: all of them together, or one alone.
pub(super) fn is_named(found: &[String], speaker: &str) -> bool {
    !found.is_empty()
        && (is_same_name(&found.join(" and "), speaker) || found.iter().any(|name| is_same_name(name, speaker)))
}

/// Returns true if two names have the same words, if one of them has all words of the other and ends in the same one, or if one is the
/// other's acronym. Titles, articles, case, what is in brackets and the ending of a possessive do not count.
fn is_same_name(one: &str, other: &str) -> bool {
    let one = name_words(one);
    let other = name_words(other);
    let (shorter, longer) = if one.len() <= other.len() { (&one, &other) } else { (&other, &one) };
    let is_part = shorter.last() == longer.last() && shorter.iter().all(|word| longer.contains(word));
    !shorter.is_empty() && (is_part || is_acronym(shorter, longer))
}

/// Returns true for one word of the first letters of a name, with or without its small words, and without its country: "ftc" and "us
/// federal trade commission".
fn is_acronym(short: &[String], name: &[String]) -> bool {
    const FEWEST_LETTERS: usize = 2;
    const SMALL: [&str; 4] = ["and", "for", "in", "of"];
    const COUNTRIES: [&str; 3] = ["uk", "un", "us"];
    let [short] = short else { return false };
    let own = if COUNTRIES.contains(&name[0].as_str()) { &name[1..] } else { name };
    let letters = |has_small: bool| -> String {
        let words = own.iter().filter(|word| has_small || !SMALL.contains(&word.as_str()));
        words.filter_map(|word| word.chars().next()).collect()
    };
    short.len() >= FEWEST_LETTERS && own.len() > 1 && (*short == letters(false) || *short == letters(true))
}

fn name_words(name: &str) -> Vec<String> {
    const TITLES: [&str; 12] = ["a", "an", "dame", "dr", "lady", "lord", "miss", "mr", "mrs", "ms", "sir", "the"];
    let mut lowered = name.to_lowercase().replace('’', "'").replace("'s", "").replace('.', "");
    while let Some((before, after)) =
        lowered.split_once('(').and_then(|(before, rest)| Some((before, rest.split_once(')')?.1)))
    {
        lowered = [before, " ", after].concat();
    }
    let words = lowered.split(|sign: char| !sign.is_alphanumeric());
    words.filter(|word| !word.is_empty() && !TITLES.contains(word)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;
    use crate::evaluate::relations::{RelationSpans, TextRelations};
    use crate::evaluate::words;

    const TEXT: &str = "\"It is late now,\" Ann Lee said. Bob thinks so. Rain fell on him.";

    fn spans(source: Range<usize>, cue: Range<usize>, content: Range<usize>) -> RelationSpans {
        let [source, cue, content] =
            [source, cue, content].map(|range| if range.is_empty() { Vec::new() } else { vec![range] });
        RelationSpans { source, cue, content }
    }

    fn found(act: Act, score: f32, speaker: &str, spans: RelationSpans) -> FoundRelation {
        let speakers = if speaker.is_empty() { Vec::new() } else { vec![speaker.to_owned()] };
        FoundRelation { spans, act, score, features: [0.0; 18], speakers }
    }

    fn row(found: Vec<FoundRelation>) -> Marked {
        let gold = [
            (Act::Say, Some("Ann Lee"), spans(18..25, 26..30, 0..17)),
            (Act::Think, Some("Bob Roe"), spans(32..35, 36..42, 43..45)),
        ];
        let gold = gold
            .into_iter()
            .map(|(act, speaker, spans)| GoldRelation { spans, act: Some(act), speaker: speaker.map(str::to_owned) })
            .collect();
        let relations = TextRelations { gold, found, quotations: std::iter::once(0..17).collect() };
        Marked { words: words(TEXT), gold: vec![], found: vec![], relations: Some(relations) }
    }

    fn scores(found: Vec<FoundRelation>, min_score: f64) -> AttributionScores {
        AttributionScores::from_rows(&[row(found)], min_score).unwrap()
    }

    #[test]
    fn what_is_right_is_right_in_all() {
        let all = vec![
            found(Act::Say, 0.9, "Lee", spans(18..25, 26..30, 0..17)),
            found(Act::Think, 0.9, "Bob Roe", spans(32..35, 36..42, 43..45)),
        ];
        let scores = scores(all, 0.0);
        for estimate in [scores.said_precision, scores.said_recall, scores.act, scores.source, scores.speaker.right] {
            assert_eq!((estimate.share, estimate.low, estimate.high), (Some(1.0), 1.0, 1.0));
        }
        assert_eq!((scores.quotations.found.share, scores.quotations.speaker.share), (Some(1.0), Some(1.0)));
        assert_eq!(scores.acts[3].precision.share, None, "nothing was denied");
    }

    #[test]
    fn what_the_gold_does_not_have_costs_precision_and_a_threshold_wins_it_back() {
        let all = vec![
            found(Act::Say, 0.9, "", spans(18..25, 26..30, 0..17)),
            found(Act::Say, 0.2, "Bob Roe", spans(0..0, 0..0, 47..64)),
        ];
        let all_scores = scores(all.clone(), 0.0);
        assert_eq!((all_scores.said_precision.share, all_scores.said_recall.share), (Some(0.5), Some(1.0)));
        assert_eq!(all_scores.speaker.null.share, Some(1.0));
        assert_eq!(all_scores.recommended.map(|score| score.min_score), Some(0.25));
        assert_eq!(scores(all, 0.5).said_precision.share, Some(1.0));
    }

    #[test]
    fn a_wrong_act_and_a_wrong_name_are_counted() {
        let scores = scores(vec![found(Act::Say, 0.9, "Eva Roe", spans(32..35, 36..42, 43..45))], 0.0);
        assert_eq!((scores.act.share, scores.speaker.wrong.share), (Some(0.0), Some(1.0)));
        assert_eq!((scores.said_precision.share, scores.said_recall.share), (Some(1.0), Some(0.0)));
    }

    #[test]
    fn names_are_the_same_with_or_without_titles_and_first_names() {
        assert!(is_same_name("Mr. Lee", "Ann Lee") && is_same_name("ANN B. LEE", "Ann Lee"));
        assert!(!is_same_name("Ann Lee", "Ann Roe") && !is_same_name("", "Ann Lee"));
        assert!(is_same_name("FTC", "U.S. Federal Trade Commission") && is_same_name("DOE", "Department of Energy"));
        assert!(is_same_name("Oslo Council (OC)", "the Oslo Council") && is_same_name("U.S.", "US"));
        assert!(!is_same_name("AL", "Ann Roe") && !is_same_name("Lee campaign", "Ann Lee"));
        let both = ["Ann Lee".to_owned(), "Bob Roe".to_owned()];
        assert!(is_named(&both, "Ann Lee and Bob Roe") && is_named(&both, "Bob Roe"));
    }

    #[test]
    fn gold_without_acts_has_no_such_scores_and_no_examples() {
        let mut row = row(vec![found(Act::Say, 0.9, "", spans(18..25, 26..30, 0..17))]);
        assert_eq!(examples(std::slice::from_ref(&row)).len(), 1);
        row.relations.as_mut().unwrap().gold.iter_mut().for_each(|gold| gold.act = None);
        assert_eq!(AttributionScores::from_rows(std::slice::from_ref(&row), 0.0), None);
        assert!(examples(&[row]).is_empty());
    }
}
