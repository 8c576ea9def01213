//! Any text with any token labels to attributions, whose spans lie where they say. The input is the text, a zero byte, and
//! a byte a token: which label it has, and how many characters it skips and takes.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use pressrun::model::passage::Segment;
use pressrun::model::{HeadOutputs, Passage};
use pressrun::pipeline::run_inline;
use pressrun::record::{Attribution, Chunk, Document, Metadata, Place, Sentence, SplitDocument, Statement, TokenCount};
use pressrun::stages::assemble::Assemble;
use pressrun::stages::batch::{Batch, Inference, Row};
use pressrun::sentences::sentences;
use pressrun::task::{AttributionTask, Tag, Tasks};
use pressrun_fuzz::{slice, text_and_rest, work_on_one_thread};

/// The last stands for a special token, which has no place in the text.
const LABELS: [&str; 8] = ["O", "B-source", "I-source", "B-cue", "I-cue", "B-content", "I-content", "O"];

fuzz_target!(init: work_on_one_thread(), |input: &[u8]| {
    let (text, mut tokens) = text_and_rest(input);
    let split = SplitDocument { sentences: sentences(&text), document: document(text) };
    let inference = Inference::default();
    let (mut segments, mut outputs) = (Vec::new(), Vec::new());
    for sentence in &split.sentences {
        let (offsets, labels) = label(sentence.span.slice(&split.document.text), &mut tokens);
        segments.push(Segment { tokens: 0..labels.len(), offsets, is_truncated: false });
        // The labels make the probabilities, so that both vary.
        let confidences = labels.iter().map(|label| 255 - u8::try_from(label * 20).unwrap_or_default()).collect();
        outputs.push(HeadOutputs { sequences: Vec::new(), tokens: vec![labels], confidences: vec![confidences], vector: None });
    }
    inference.set(Ok(outputs));
    let row = Row { document: 0, first_sentence: 0, passage: Passage { ids: Vec::new(), segments, has_document: false }, key: [0; 16], inference };
    let chunk = Arc::new(Chunk { documents: vec![split], input_bytes: 0 });
    let tokens = TokenCount::default();
    let batch =
        Batch { chunk, model: 0, rows: vec![row], needs_inference: true, rejected: Vec::new(), tokens, is_last: true };
    let (chunks, _) = run_inline(Assemble::new(Arc::new(tasks())), [batch]).expect("no text stops a run");
    let analysed = &chunks[0].documents[0];
    analysed.statements.iter().for_each(|statement| assert_holds(statement, &analysed.document.text));
});

fn document(text: String) -> Document {
    Document {
        id: "x".into(),
        place: Place::file("x"),
        metadata: Metadata::default(),
        text,
        encoding: "UTF-8",
        flags: Vec::new(),
        duplicate_of: None,
        content: [0; 32],
    }
}

fn tasks() -> Tasks {
    let tags = LABELS.map(|label| Tag::parse(label).expect("it is a label")).to_vec();
    let attribution = AttributionTask {
        name: "attributions".into(),
        model: 0,
        slot: 0,
        tags,
        confidence: None,
        min_score: 0.0,
    };
    Tasks { attribution: Some(attribution), ..Tasks::default() }
}

/// Takes tokens for one sentence, as long as there are some.
fn label(sentence: &str, tokens: &mut &[u8]) -> (Vec<(usize, usize)>, Vec<usize>) {
    let (mut offsets, mut labels) = (Vec::new(), Vec::new());
    let mut rest = sentence;
    while !rest.is_empty()
        && let Some(byte) = tokens.split_off_first().copied()
    {
        let (label, skipped, taken) = (byte & 7, byte >> 3 & 3, 1 + (byte >> 5));
        rest = after(rest, usize::from(skipped));
        let start = sentence.len() - rest.len();
        if label != 7 {
            rest = after(rest, usize::from(taken));
        }
        offsets.push((start, sentence.len() - rest.len()));
        labels.push(usize::from(label));
    }
    (offsets, labels)
}

fn after(text: &str, characters: usize) -> &str {
    text.char_indices().nth(characters).map_or("", |(byte, _)| &text[byte..])
}

fn assert_holds(statement: &Statement, text: &str) {
    let mut number = None;
    for attribution in &statement.attributions {
        assert!(number < Some(attribution.number), "a statement has an attribution once");
        number = Some(attribution.number);
        for span in attribution.source.iter().chain(&attribution.cue) {
            assert!(!slice(span, text).is_empty());
        }
        assert!(attribution.speaker.is_none() || attribution.source.is_some(), "a speaker has a source");
        let names = attribution.speaker.iter().chain(&attribution.also).filter_map(|speaker| speaker.name.as_ref());
        names.for_each(|name| assert!(!name.trim().is_empty()));
        assert_stands_in(&statement.sentence, attribution, text);
    }
}

/// A content has pieces, in order, all of them in its sentence.
fn assert_stands_in(sentence: &Sentence, attribution: &Attribution, text: &str) {
    assert!(!attribution.content.is_empty());
    let mut end = sentence.span.byte_start;
    for span in &attribution.content {
        assert!(!slice(span, text).is_empty() && span.byte_start >= end && span.byte_end <= sentence.span.byte_end);
        end = span.byte_end;
    }
}
