//! An explanation for a terminal: what matters at a glance.

use std::fmt::{self, Display, Formatter};

use super::{AttributionExplanation, Explanation, OwnLabelExplanation, TaskExplanation, WordWeight};
use crate::fitting::NearestExample;
use crate::record::Evidence;

/// The number of labels that are shown.
const LABELS: usize = 4;
/// The number of refused candidates that are shown.
const REFUSED: usize = 5;
/// The number of words that are shown for a label and against it.
const WORDS: usize = 5;
/// Weights nearer to 0 than this are not shown.
const LEAST_WEIGHT: f64 = 0.05;
/// The number of characters that are shown of the passage on each side of the sentence.
const CONTEXT: usize = 160;

impl Display for Explanation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}  {}", self.statement, self.title.as_deref().unwrap_or("(no title)"))?;
        writeln!(f, "{}", self.place)?;
        let made_by = &self.made_by;
        let models = made_by.models.join("; ");
        writeln!(
            f,
            "pressrun {}, {models}, processor class {}, {}",
            made_by.version, made_by.processor, made_by.config
        )?;
        for difference in &self.differences {
            writeln!(f, "differs from the output folder: {difference}")?;
        }
        writeln!(f)?;
        let passage = &self.passage;
        let before = shortened_start(&words_of(&passage.before));
        let after = shortened_end(&words_of(&passage.after));
        let parts = [before, format!("[{}]", words_of(&self.text)), after];
        writeln!(f, "{}", parts.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(" "))?;
        let title = if passage.has_title { " and the title" } else { "" };
        writeln!(f, "read in one piece: {} sentences{title}", passage.sentences)?;
        for flag in &self.flags {
            writeln!(
                f,
                "flag: {}",
                serde_json::to_value(flag).ok().as_ref().and_then(|flag| flag.as_str()).unwrap_or("?")
            )?;
        }
        for task in &self.tasks {
            write!(f, "\n{task}")?;
        }
        for attribution in &self.attributions {
            writeln!(f)?;
            write_attribution(f, attribution, self.attribution_min_score.unwrap_or_default())?;
        }
        Ok(())
    }
}

impl Display for TaskExplanation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some(best) = self.scores.first() else { return Ok(()) };
        let (task, min_score) = (&self.task, self.min_score);
        if self.label == best.label {
            writeln!(f, "{task}: {} {:.2}, the threshold is {min_score:.2}", best.label, best.score)?;
        } else {
            writeln!(
                f,
                "{task}: {}, as {} has {:.2} and the threshold is {min_score:.2}",
                self.label, best.label, best.score
            )?;
        }
        let scores: Vec<String> =
            self.scores.iter().take(LABELS).map(|score| format!("{} {:.2}", score.label, score.score)).collect();
        writeln!(f, "  scores    {}", scores.join(", "))?;
        write!(f, "  article   {} has {:.2} in its passage alone", best.label, best.alone)?;
        if let Some((label, score)) = &self.document {
            write!(f, "; the article is {label} {score:.2}")?;
        }
        if let Some((label, score)) = &self.title {
            write!(f, "; its title {label} {score:.2}")?;
        }
        writeln!(f)?;
        write_words(f, "for it", &self.words, 1.0)?;
        write_words(f, "against", &self.words, -1.0)?;
        self.own_label.as_ref().map_or(Ok(()), |own_label| write_own_label(f, own_label))
    }
}

/// Writes the fit of an own label and the examples that are nearest to the sentence.
fn write_own_label(f: &mut Formatter<'_>, OwnLabelExplanation { fit, nearest }: &OwnLabelExplanation) -> fmt::Result {
    let remark = if fit.is_calibrated() { "" } else { ": the score is no probability" };
    writeln!(f, "  fitted to {}{remark}", fit.as_str())?;
    for NearestExample { similarity, text, has_label, origin } in nearest {
        let answer = if *has_label { "has it" } else { "does not have it" };
        writeln!(f, "  near      {similarity:.2}  {text} ({answer}, {origin})")?;
    }
    Ok(())
}

/// Writes the words whose weights have this sign, the heaviest first.
fn write_words(f: &mut Formatter<'_>, name: &str, words: &[WordWeight], sign: f64) -> fmt::Result {
    let mut heavy: Vec<&WordWeight> = words.iter().filter(|word| word.weight * sign >= LEAST_WEIGHT).collect();
    heavy.sort_by(|one, other| (other.weight * sign).total_cmp(&(one.weight * sign)));
    if heavy.is_empty() {
        return Ok(());
    }
    let shown: Vec<String> =
        heavy.iter().take(WORDS).map(|word| format!("{} {:+.1}", word.word, word.weight)).collect();
    writeln!(f, "  {name:<9} {}", shown.join(", "))
}

fn write_attribution(f: &mut Formatter<'_>, attribution: &AttributionExplanation, min_score: f32) -> fmt::Result {
    let record = &attribution.record;
    let kind = serde_json::to_value(record.kind).ok();
    let kind = kind.as_ref().and_then(|kind| kind.as_str()).unwrap_or_default();
    let (act, score) = (record.act.as_str(), record.score);
    if attribution.is_left_out {
        writeln!(f, "attribution that is left out: its score {score:.2} is below {min_score:.2}")?;
    } else {
        writeln!(
            f,
            "attribution {}: {act}, {kind}, score {score:.2}, the threshold is {min_score:.2}",
            record.attribution
        )?;
    }
    let content: Vec<String> = record.content.iter().map(|span| words_of(&span.text)).collect();
    writeln!(f, "  content   {}", content.join(" … "))?;
    for (name, span) in [("cue", &record.cue), ("source", &record.source)] {
        let text = span.as_ref().map_or("none found".to_owned(), |span| words_of(&span.text));
        writeln!(f, "  {name:<9} {text}")?;
    }
    let Some(speaker) = &record.speaker else {
        writeln!(f, "  speaker   the article does not make it clear")?;
        return write_refused(f, attribution);
    };
    let name = speaker.name.as_deref().unwrap_or("somebody without a name");
    let role = speaker.role.as_ref().map(|role| format!(" ({role})")).unwrap_or_default();
    writeln!(f, "  speaker   {name}{role}: {}", reason(speaker.evidence))?;
    for also in &record.also {
        writeln!(
            f,
            "  also      {}: {}",
            also.name.as_deref().unwrap_or("somebody without a name"),
            reason(also.evidence)
        )?;
    }
    write_refused(f, attribution)
}

/// Writes those whom the source could have meant and does not.
fn write_refused(f: &mut Formatter<'_>, attribution: &AttributionExplanation) -> fmt::Result {
    let refused: Vec<String> = attribution
        .refused
        .iter()
        .take(REFUSED)
        .map(|candidate| format!("{} ({})", candidate.name, candidate.reason.describe()))
        .collect();
    if refused.is_empty() { Ok(()) } else { writeln!(f, "  not meant {}", refused.join(", ")) }
}

/// The rule by which a speaker was found, for people.
fn reason(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Name => "the source has the name as fully as the article gives it",
        Evidence::PartOfName => "the source has a part of a name that the article gives more fully",
        Evidence::Pronoun => "the source is a pronoun, and this is whom it can mean",
        Evidence::Relative => "the source is \"who\", right behind the name",
        Evidence::Role => "the source is a role that the article gives to one person",
        Evidence::Noun => "the source is a noun for an organisation that the article names",
        Evidence::Author => "the source is \"I\": the author of the article, or who signed the letter",
        Evidence::Document => "the source is what the speaker has published",
        Evidence::Description => "the source describes somebody without a name",
    }
}

/// The words of a text with single spaces.
fn words_of(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The last characters of a text, from a word on.
fn shortened_start(text: &str) -> String {
    let Some((cut, _)) = text.char_indices().rev().nth(CONTEXT) else { return text.to_owned() };
    let kept = &text[cut..];
    format!("…{}", kept.find(' ').map_or(kept, |space| &kept[space..]))
}

/// The first characters of a text, up to a word's end.
fn shortened_end(text: &str) -> String {
    let Some((cut, _)) = text.char_indices().nth(CONTEXT) else { return text.to_owned() };
    let kept = &text[..cut];
    format!("{} …", kept.rfind(' ').map_or(kept, |space| &kept[..space]))
}
