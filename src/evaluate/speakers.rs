//! The speakers of annotated attributions, given the annotated sources:
//!
//! ```text
//! PRESSRUN_ATTRIBUTIONS=attributions.jsonl cargo test --release --lib evaluate::speakers -- --ignored --nocapture
//! ```
//!
//! Each line is an article: `text`, and `attributions` with `source` (ranges of characters) and `speaker` (who it is, if the article tells).
//! Each speaker that is missing or another one is printed with its source and its sentence.

#![allow(clippy::cast_precision_loss, reason = "counts of speakers")]

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;

use super::attributions::is_named;
use crate::sentences::sentences;
use crate::speakers;

#[derive(Default)]
struct Tally {
    right: usize,
    wrong: usize,
    null: usize,
    /// The right and the wrong ones of each rule.
    by_rule: BTreeMap<String, [usize; 2]>,
}

/// A source of an article, with the speaker whom the annotation names.
struct Annotated {
    source: Range<usize>,
    speaker: String,
}

#[test]
#[ignore = "needs annotated articles"]
fn speakers_of_annotated_sources() {
    let path = std::env::var("PRESSRUN_ATTRIBUTIONS").expect("PRESSRUN_ATTRIBUTIONS names a file");
    let lines = std::fs::read_to_string(path).expect("the file can be read");
    let mut tally = Tally::default();
    for (number, line) in lines.lines().enumerate() {
        tally.add(number + 1, &serde_json::from_str(line).expect("a line is a JSON object"));
    }
    let Tally { right, wrong, null, by_rule } = tally;
    for (rule, [right, wrong]) in by_rule {
        println!("{rule}: {right} right, {wrong} wrong");
    }
    let all = (right + wrong + null) as f64;
    let share = |count: usize| count as f64 / all;
    println!("{all} speakers: {:.3} right, {:.3} wrong, {:.3} null", share(right), share(wrong), share(null));
    assert!(share(wrong) < 0.06, "{wrong} of {all} speakers are wrong");
}

impl Tally {
    fn add(&mut self, line: usize, article: &Value) {
        let text = article["text"].as_str().expect("an article has a text");
        let annotated = annotated(text, article);
        let sentences: Vec<Range<usize>> =
            sentences(text).into_iter().map(|sentence| sentence.span.byte_start..sentence.span.byte_end).collect();
        let sources: Vec<Range<usize>> = annotated.iter().map(|one| one.source.clone()).collect();
        let found = speakers::resolve(text, article["byline"].as_str(), &sentences, &sources);
        for (Annotated { source, speaker }, found) in annotated.iter().zip(found) {
            if speaker.is_empty() {
                continue;
            }
            let names: Vec<String> = found.iter().filter_map(|one| one.name.clone()).collect();
            let rule = found.first().map(|one| one.evidence);
            let of_rule = self.by_rule.entry(rule.map_or_else(String::new, |rule| format!("{rule:?}"))).or_default();
            let verdict = if is_named(&names, speaker) {
                self.right += 1;
                of_rule[0] += 1;
                continue;
            } else if names.is_empty() {
                self.null += 1;
                "null"
            } else {
                self.wrong += 1;
                of_rule[1] += 1;
                "wrong"
            };
            let sentence =
                sentences.iter().find(|range| range.end > source.start).map_or("", |range| &text[range.clone()]);
            println!(
                "{verdict:5} {line}:{} [{}] {speaker:?} not {names:?} ({rule:?}): {sentence}",
                source.start,
                &text[source.clone()]
            );
        }
    }
}

/// The sources in the order of the annotation, each once. Those without a speaker have an empty one.
fn annotated(text: &str, article: &Value) -> Vec<Annotated> {
    let offsets: Vec<usize> = text.char_indices().map(|(byte, _)| byte).chain([text.len()]).collect();
    let mut all: Vec<Annotated> = Vec::new();
    for attribution in article["attributions"].as_array().expect("an article has attributions") {
        let ranges = attribution["source"].as_array().expect("an attribution has a list of sources");
        let Some(range) = ranges.first() else { continue };
        let place = |end: usize| {
            offsets[usize::try_from(range[end].as_u64().expect("an offset")).expect("a text is in memory")]
        };
        let source = place(0)..place(1);
        if all.iter().all(|one| one.source != source) {
            all.push(Annotated { source, speaker: attribution["speaker"].as_str().unwrap_or_default().to_owned() });
        }
    }
    all
}
