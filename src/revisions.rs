//! The revisions of the parts of the program that shape results. They are in the fingerprint of results, so that a run with another
//! splitter does not continue a folder of the old one in silence.
//!
//! Each part has a `REVISION` in its own module. Raise it by one in the commit that changes what the part gives for the same input;
//! leave it where only speed or structure changes. The test below keeps hashes of the outputs of each part in `tests/revisions.toml`, and
//! fails where they change and the revision does not. It covers the tokens and passages of the part `model`, but not its scores:
//! their last digits differ between processors.

use crate::{attribution, input, model, sentences, speakers};

/// Each part with its revision.
pub(crate) const REVISIONS: [(&str, u32); 5] = [
    ("reader", input::REVISION),
    ("splitter", sentences::REVISION),
    ("attribution", attribution::REVISION),
    ("speakers", speakers::REVISION),
    ("model", model::REVISION),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt::Write;
    use std::ops::Range;
    use std::path::{Path, PathBuf};

    use serde::{Deserialize, Serialize};
    use serde_json::{Value, json};

    use super::REVISIONS;
    use crate::attribution::confidence::DEFAULT_WEIGHTS;
    use crate::attribution::{self, Settings, TaggedSentence};
    use crate::config::{Config, ConfigFile};
    use crate::digest::sha256;
    use crate::input::find::Finder;
    use crate::model::{TokenLimits, Tokenizer};
    use crate::pipeline::run_inline;
    use crate::record::{Attribution, Document, Sentence, Span, Statement};
    use crate::sentences::{is_boilerplate, sentences};
    use crate::speakers;
    use crate::stages::read::{Read, ReadSettings};
    use crate::task::{Part, Tag};

    const FILE: &str = "tests/revisions.toml";

    const COMMAND: &str = "UPDATE_REVISIONS=1 cargo test --release --lib revisions";

    /// The beginning of the file.
    const HEADER: &str = "\
# SHA-256 of what each part of the program gives for each of its test inputs, and the revision of the part. Written by
# `UPDATE_REVISIONS=1 cargo test --release --lib revisions`; src/revisions.rs explains it. Where a test input was edited, and not the
# part, remove the line of the input before that.

";

    /// A part in the file.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Golden {
        revision: u32,
        /// SHA-256 of the output, by input.
        outputs: BTreeMap<String, String>,
    }

    #[test]
    fn outputs_of_a_part_change_only_with_its_revision() {
        let path = root().join(FILE);
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let kept: BTreeMap<String, Golden> = toml::from_str(&text).unwrap();
        let mut found = BTreeMap::new();
        for (part, revision) in REVISIONS {
            let golden = Golden { revision, outputs: outputs(part) };
            if let Some(kept) = kept.get(part) {
                compare(part, kept, &golden);
            }
            found.insert(part.to_owned(), golden);
        }
        if std::env::var_os("UPDATE_REVISIONS").is_some() {
            std::fs::write(&path, HEADER.to_owned() + &toml::to_string(&found).unwrap()).unwrap();
            return;
        }
        for (part, golden) in &found {
            assert!(
                kept.get(part) == Some(golden),
                "`{part}` in {FILE} is out of date: run {COMMAND} and commit the file"
            );
        }
    }

    fn compare(part: &str, kept: &Golden, found: &Golden) {
        let source = match part {
            "reader" => "src/input/mod.rs".to_owned(),
            "splitter" => "src/sentences/mod.rs".to_owned(),
            _ => format!("src/{part}/mod.rs"),
        };
        assert!(
            found.revision >= kept.revision,
            "the revision of `{part}` goes down: {source} has to say {}",
            kept.revision
        );
        let is_changed =
            |(input, output): &(&String, &String)| kept.outputs.get(*input).is_some_and(|kept| kept != *output);
        let changed: Vec<&String> = found.outputs.iter().filter(is_changed).map(|(input, _)| input).collect();
        assert!(
            changed.is_empty() || found.revision > kept.revision,
            "`{part}` gives other results than before for {changed:?}: bump REVISION in {source} to {} and run {COMMAND}",
            kept.revision + 1
        );
    }

    /// The hash of what a part gives for each of its inputs.
    fn outputs(part: &str) -> BTreeMap<String, String> {
        match part {
            "reader" => files(&["examples", "tests/cases", "fuzz/corpus/formats", "fuzz/corpus/plain_text"])
                .into_iter()
                .map(|name| (name.clone(), sha256(read(&root().join(name)))))
                .collect(),
            "splitter" => outputs_of_texts(split),
            "attribution" => outputs_of_texts(attribute),
            "speakers" => outputs_of_texts(resolve),
            "model" => {
                let limits = TokenLimits { text_tokens: 48, passage_tokens: Some(64), title_tokens: Some(12) };
                let tokenizer = Tokenizer::load(&root().join("models/newsroom/tokenizer.json"), limits).unwrap();
                outputs_of_texts(|text| tokenize(&tokenizer, text))
            }
            _ => panic!("no test knows the part `{part}`"),
        }
    }

    fn outputs_of_texts(output: impl Fn(&str) -> String) -> BTreeMap<String, String> {
        let hash = |texts: Vec<String>| sha256(texts.iter().map(|text| output(text) + "\n").collect::<String>());
        texts().into_iter().map(|(name, texts)| (name, hash(texts))).collect()
    }

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR"))
    }

    /// The test inputs in these folders, by their names in the repository.
    fn files(folders: &[&str]) -> Vec<String> {
        let mut names = Vec::new();
        for folder in folders {
            for entry in walkdir::WalkDir::new(root().join(folder)) {
                let entry = entry.unwrap();
                let name = entry.path().strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
                let is_hidden = entry.file_name().to_str().unwrap().starts_with('.');
                let is_expectation = name.starts_with("tests/cases/") && !name.contains("/input/");
                // Programs of the recipes are no articles.
                let is_program = name.starts_with("examples/scale/");
                let is_document = entry.path().extension().is_some_and(|extension| extension == "md");
                if entry.file_type().is_file() && !is_hidden && !is_expectation && !is_document && !is_program {
                    names.push(name);
                }
            }
        }
        names
    }

    /// Texts for the parts behind the reader, by the files that hold them. They do not depend on the reader.
    fn texts() -> Vec<(String, Vec<String>)> {
        let mut texts = Vec::new();
        for name in files(&["examples", "tests/cases", "fuzz/corpus/splitter"]) {
            let path = PathBuf::from(&name);
            let content = String::from_utf8_lossy(&std::fs::read(root().join(&path)).unwrap()).into_owned();
            match path.extension().and_then(|extension| extension.to_str()) {
                None | Some("txt") => texts.push((name, vec![content])),
                Some("jsonl") => texts.push((name, content.lines().filter_map(text_of_line).collect())),
                Some(_) => {}
            }
        }
        texts
    }

    fn text_of_line(line: &str) -> Option<String> {
        let line: Value = serde_json::from_str(line).ok()?;
        line["text"].as_str().map(str::to_owned)
    }

    /// The documents and rejections of a file, one line each. Messages are for people and may change.
    fn read(path: &Path) -> String {
        let text = "[run]\nmax_rejected = 1\n".to_owned();
        let config = Config::parse(ConfigFile { path: "pipeline.toml".into(), text }).unwrap();
        let finder = Finder::new(&[path.to_owned()], Vec::new(), Path::new("output")).unwrap();
        let stage = Read::new(&config.input, &config.run, ReadSettings::default());
        let (chunks, rejections) = run_inline(stage, finder.sources()).unwrap();
        let mut lines = String::new();
        for document in chunks.iter().flat_map(|chunk| &chunk.documents) {
            let Document { id, place, metadata, text, encoding, flags, duplicate_of, content: _ } = document;
            let document = json!({
                "id": id, "number": place.number(), "metadata": metadata, "encoding": encoding, "flags": flags,
                "duplicate_of": duplicate_of, "text": text
            });
            writeln!(lines, "{document}").unwrap();
        }
        for rejection in rejections {
            writeln!(lines, "{} {}", rejection.place.number(), rejection.reason.as_str()).unwrap();
        }
        lines
    }

    fn split(text: &str) -> String {
        let mut lines = String::new();
        for Sentence { span, paragraph, is_heading } in sentences(text) {
            let Span { start, end, byte_start, byte_end } = span;
            let is_boilerplate = is_boilerplate(span.slice(text));
            writeln!(lines, "{start} {end} {byte_start} {byte_end} {paragraph} {is_heading} {is_boilerplate}").unwrap();
        }
        lines
    }

    /// Who said what, where words have the labels of a simple rule instead of a model's. Speakers are a part of their own.
    fn attribute(text: &str) -> String {
        let labelled = labelled_sentences(text);
        let tagged: Vec<TaggedSentence<'_>> = labelled
            .iter()
            .map(|LabelledSentence { range, paragraph, tags, words }| TaggedSentence {
                range: range.clone(),
                paragraph: *paragraph,
                tags: tags.clone(),
                confidences: &[],
                offsets: words,
            })
            .collect();
        let mut statements: Vec<Statement> = labelled.iter().map(|sentence| blank_statement(sentence, text)).collect();
        let settings = Settings { weights: DEFAULT_WEIGHTS, min_score: 0.0 };
        attribution::attribute(text, None, &tagged, &settings, &mut statements);
        let mut lines = String::new();
        for (number, statement) in statements.iter().enumerate() {
            for Attribution { number: attribution, act, kind, source, cue, content, .. } in &statement.attributions {
                let parts = [source.as_slice(), cue.as_slice(), content.as_slice()].map(byte_ranges);
                writeln!(lines, "{number} {attribution} {} {} {parts:?}", act.as_str(), json!(kind)).unwrap();
            }
        }
        lines
    }

    fn byte_ranges(spans: &[Span]) -> Vec<Range<usize>> {
        spans.iter().map(|span| span.byte_start..span.byte_end).collect()
    }

    fn blank_statement(LabelledSentence { range, paragraph, .. }: &LabelledSentence, text: &str) -> Statement {
        let span = Span {
            start: text[..range.start].chars().count(),
            end: text[..range.end].chars().count(),
            byte_start: range.start,
            byte_end: range.end,
        };
        let sentence = Sentence { span, paragraph: *paragraph, is_heading: false };
        Statement { sentence, verdicts: Vec::new(), attributions: Vec::new(), flags: Vec::new() }
    }

    /// The speakers of the sources that the simple rule finds.
    fn resolve(text: &str) -> String {
        let labelled = labelled_sentences(text);
        let ranges: Vec<Range<usize>> = labelled.iter().map(|sentence| sentence.range.clone()).collect();
        let sources: Vec<Range<usize>> = labelled.iter().flat_map(sources_of).collect();
        json!(speakers::resolve(text, None, &ranges, &sources)).to_string()
    }

    fn sources_of(sentence: &LabelledSentence) -> Vec<Range<usize>> {
        let mut sources: Vec<Range<usize>> = Vec::new();
        for (tag, (start, end)) in sentence.tags.iter().zip(&sentence.words) {
            let word = sentence.range.start + start..sentence.range.start + end;
            match (tag, sources.last_mut()) {
                (Tag::Begin(Part::Source), _) => sources.push(word),
                (Tag::Inside(Part::Source), Some(source)) => source.end = word.end,
                _ => {}
            }
        }
        sources
    }

    fn tokenize(tokenizer: &Tokenizer, text: &str) -> String {
        let sentences = plain_sentences(text);
        let tokens = sentences.iter().map(|(_, range)| tokenizer.tokenize(&text[range.clone()]).unwrap()).collect();
        let title = tokenizer.tokenize_title(text.lines().next()).unwrap();
        let mut lines = String::new();
        for passage in tokenizer.passages(tokens, title.as_ref()) {
            writeln!(lines, "{:?} {}", passage.ids, passage.has_document).unwrap();
            for segment in &passage.segments {
                writeln!(lines, "{:?} {:?} {}", segment.tokens, segment.offsets, segment.is_truncated).unwrap();
            }
        }
        lines
    }

    /// A sentence whose words have labels.
    struct LabelledSentence {
        /// Its bytes in the text.
        range: Range<usize>,
        paragraph: usize,
        /// The bytes of its words in the sentence.
        words: Vec<(usize, usize)>,
        tags: Vec<Tag>,
    }

    /// Labels words by a simple rule: words in quotation marks are contents, some verbs are cues, and what is before them is a source.
    fn labelled_sentences(text: &str) -> Vec<LabelledSentence> {
        let mut is_quoted = false;
        let mut labelled = Vec::new();
        for (paragraph, range) in plain_sentences(text) {
            let sentence = &text[range.clone()];
            let places = words(sentence);
            let words: Vec<&str> = places.iter().map(|&(start, end)| &sentence[start..end]).collect();
            let mut tags = vec![Tag::Outside; words.len()];
            for (tag, word) in tags.iter_mut().zip(&words) {
                let begins = !is_quoted && word.contains(['“', '"']);
                if begins || is_quoted {
                    *tag = if begins { Tag::Begin(Part::Content) } else { Tag::Inside(Part::Content) };
                }
                let ends = word.contains('”') || word.matches('"').count() > usize::from(begins);
                is_quoted = (begins || is_quoted) && !ends;
            }
            label_cues(&words, &mut tags);
            labelled.push(LabelledSentence { range, paragraph, words: places, tags });
        }
        labelled
    }

    /// Labels cues, and the word before a cue, or the two words before it, as its source.
    fn label_cues(words: &[&str], tags: &mut [Tag]) {
        const CUES: [&str; 8] = ["said", "says", "told", "added", "wrote", "announced", "asked", "warned"];
        for place in 0..words.len() {
            let word = words[place].trim_matches(|character: char| !character.is_alphabetic());
            if !CUES.contains(&word) || tags[place] != Tag::Outside {
                continue;
            }
            tags[place] = Tag::Begin(Part::Cue);
            if place == 0 || tags[place - 1] != Tag::Outside {
                continue;
            }
            tags[place - 1] = Tag::Begin(Part::Source);
            let is_name = words[place - 1].starts_with(char::is_uppercase);
            if place > 1 && is_name && tags[place - 2] == Tag::Outside {
                tags[place - 2] = Tag::Begin(Part::Source);
                tags[place - 1] = Tag::Inside(Part::Source);
            }
        }
    }

    /// Sentences with the numbers of their paragraphs, cut by a rule that stays the same whatever the splitter does.
    fn plain_sentences(text: &str) -> Vec<(usize, Range<usize>)> {
        const PARAGRAPH_END: &str = "\n\n";
        let mut sentences = Vec::new();
        let mut start = 0;
        for (number, paragraph) in text.split(PARAGRAPH_END).enumerate() {
            for sentence in paragraph.split_inclusive(". ") {
                let words = sentence.trim();
                if !words.is_empty() {
                    let first = start + sentence.len() - sentence.trim_start().len();
                    sentences.push((number, first..first + words.len()));
                }
                start += sentence.len();
            }
            start += PARAGRAPH_END.len();
        }
        sentences
    }

    /// The bytes of the words of a sentence, as white space separates them.
    fn words(sentence: &str) -> Vec<(usize, usize)> {
        let mut words: Vec<(usize, usize)> = Vec::new();
        for (start, character) in sentence.char_indices() {
            let end = start + character.len_utf8();
            match words.last_mut() {
                _ if character.is_whitespace() => {}
                Some(word) if word.1 == start => word.1 = end,
                _ => words.push((start, end)),
            }
        }
        words
    }
}
