//! The speed of each stage on its own: read in bytes or pages, split and batch in bytes of text, encode in tokens; and of all but
//! the model.
#![allow(missing_docs, reason = "the macros of criterion make functions without")]

use std::hint::black_box;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flate2::write::GzEncoder;
use pressrun::cache::PassageCache;
use pressrun::config::{CacheConfig, Config, ConfigFile, Device, Precision};
use pressrun::model::passage::Segment;
use pressrun::model::{HeadOutputs, ModelFolder, Passage, TokenBatch};
use pressrun::pipeline::{self, Interrupt};
use pressrun::record::Sentence;
use pressrun::sentences::sentences;
use pressrun::stages::read::{Read, ReadSettings};
use pressrun::{Job, Request};

/// Articles of the examples, again and again: about 1 MB.
fn text() -> String {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let read = |name: &str| std::fs::read_to_string(examples.join(name)).expect("the examples are in the checkout");
    [read("harbor-budget.txt"), read("storm-aftermath.txt")].join("\n\n").repeat(300)
}

fn newsroom() -> ModelFolder {
    ModelFolder::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("models/newsroom"))
        .expect("the model is in the checkout")
}

/// Reads a file, and checks that so many documents are in it.
fn read_all(config: &Config, file: &Path, documents: usize) {
    let finder = pressrun::finder(config, vec![file.to_owned()], Vec::new()).expect("the file is there");
    let read = Read::new(&config.input, &config.run, ReadSettings::default());
    let mut found = 0;
    let (_, outcome) = pipeline::run(NonZeroUsize::MIN, |flow| {
        flow.source("find", finder.sources()).stage(read).for_each(|chunk| found += chunk.documents.len());
    });
    outcome.expect("it is read");
    assert_eq!(found, documents);
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}

/// A page as a record of a web archive.
fn response(page: &[u8]) -> Vec<u8> {
    let http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n";
    let length = http.len() + page.len();
    let head = format!(
        "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: https://example.org/page\r\nContent-Type: application/http; \
         msgtype=response\r\nContent-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), http, page, b"\r\n\r\n"].concat()
}

fn read(criterion: &mut Criterion) {
    const DOCUMENTS: usize = 1000;
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let text = text();
    let sentences: Vec<_> = sentences(&text).iter().map(|sentence| sentence.span.slice(&text)).collect();
    // Articles that differ, so that none is a copy of another.
    let article = |place: usize| {
        let of = |number: usize| format!("{number} {}", sentences[number % sentences.len()]);
        (0..30).map(|number| of(place * 31 + number)).collect::<Vec<_>>().join(" ")
    };
    let line = |place| format!("{{\"id\":\"{place}\",\"text\":{}}}\n", serde_json::json!(article(place)));
    let lines: String = (0..DOCUMENTS).map(line).collect();
    let page = |place| {
        let body = article(place).replace(". ", ".</p><p>");
        format!("<html><title>News</title><nav><a href=/>Home</a></nav><article><p>{body}</p></article></html>")
    };
    let records = |place| gzipped(&response(page(place).as_bytes()));
    let archive: Vec<u8> = (0..DOCUMENTS).flat_map(records).collect();
    let config = Config::parse(ConfigFile { path: folder.path().join("pipeline.toml"), text: String::new() })
        .expect("the configuration is valid");
    let mut group = criterion.benchmark_group("read");
    group.sample_size(10);
    for (name, bytes, throughput) in [
        ("JSON Lines", lines.clone().into_bytes(), Throughput::Bytes(lines.len() as u64)),
        ("JSON Lines, gzip'd", gzipped(lines.as_bytes()), Throughput::Bytes(lines.len() as u64)),
        ("pages in a WARC.gz", archive, Throughput::Elements(DOCUMENTS as u64)),
    ] {
        let file = folder.path().join("input");
        std::fs::write(&file, bytes).expect("the input can be written");
        group.throughput(throughput);
        group.bench_function(name, |bencher| bencher.iter(|| read_all(&config, &file, DOCUMENTS)));
    }
    group.finish();
}

fn split(criterion: &mut Criterion) {
    let text = text();
    let mut group = criterion.benchmark_group("split");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("sentences", |bencher| bencher.iter(|| sentences(black_box(&text))));
    group.finish();
}

fn tokenize(criterion: &mut Criterion) {
    let (text, tokenizer) = (text(), newsroom().tokenizer().expect("the tokenizer loads"));
    let found = sentences(&text);
    let some: Vec<&str> = found.iter().take(500).map(|sentence| sentence.span.slice(&text)).collect();
    let mut group = criterion.benchmark_group("batch");
    group.throughput(Throughput::Bytes(some.iter().map(|sentence| sentence.len() as u64).sum()));
    group.bench_function("tokenize on one thread", |bencher| {
        bencher.iter(|| {
            some.iter().map(|sentence| tokenizer.tokenize(sentence).map_or(0, |found| found.ids.len())).sum::<usize>()
        });
    });
    group.finish();
}

/// Passages of the examples, as many as `tokens` allow.
fn passages(folder: &ModelFolder, tokens: usize) -> TokenBatch {
    let (text, tokenizer) = (text(), folder.tokenizer().expect("the tokenizer loads"));
    let tokenize = |sentence: &Sentence| tokenizer.tokenize(sentence.span.slice(&text)).expect("any text has tokens");
    let passages = tokenizer.passages(sentences(&text).iter().take(200).map(tokenize).collect(), None);
    let mut room = tokens;
    let fits = |passage: &&Passage| {
        room = room.saturating_sub(passage.ids.len());
        room > 0
    };
    TokenBatch::from_passages(passages.iter().take_while(fits))
}

fn encode(criterion: &mut Criterion) {
    let folder = newsroom();
    let mut group = criterion.benchmark_group("encode");
    group.sample_size(10);
    for (name, precision) in [("f32", Precision::F32), ("bf16", Precision::Bf16)] {
        let runtime = folder.runtime(precision, Device::Cpu, Some(1)).expect("a CPU is there");
        let mut model = folder.load(&runtime, 0, &["topic", "sentiment", "attribution"]).expect("the model loads");
        for tokens in [128, 512, 2048] {
            let batch = passages(&folder, tokens);
            group.throughput(Throughput::Elements(batch.ids().len() as u64));
            group.bench_function(format!("{name}, passages of {tokens} tokens, one thread"), |bencher| {
                bencher.iter(|| model.infer(black_box(&batch)).map(|outputs| outputs.len()));
            });
            group.bench_function(format!("{name}, the matrix products of {tokens} tokens alone"), |bencher| {
                bencher.iter(|| model.products(model.computed_tokens(&batch)).map(|done| done.is_ok()));
            });
        }
    }
    group.finish();
}

fn recall(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let recall = PassageCache::open(&CacheConfig { directory: folder.path().to_owned(), ..CacheConfig::default() });
    let output = HeadOutputs {
        sequences: vec![vec![0.1; 29], vec![0.3; 3]],
        tokens: vec![vec![1; 30]],
        confidences: vec![vec![200; 30]],
        vector: None,
    };
    let segment = Segment { tokens: 0..30, offsets: Vec::new(), is_truncated: false };
    let passage = Passage { ids: vec![7; 120], segments: vec![segment; 4], has_document: false };
    let (outputs, keys) = (vec![output; 4], (0..256_u128).map(u128::to_le_bytes).collect::<Vec<_>>());
    let mut group = criterion.benchmark_group("recall");
    group.throughput(Throughput::Elements(keys.len() as u64));
    group.bench_function("keep 256 passages", |bencher| {
        bencher.iter(|| recall.keep(keys.iter().map(|&key| (key, outputs.as_slice()))));
    });
    let wanted: Vec<_> = keys.iter().map(|&key| (key, &passage)).collect();
    group.bench_function("find them", |bencher| bencher.iter(|| recall.find(black_box(&wanted)).len()));
    group.finish();
}

/// Everything but the model: find, read, split, write.
fn without_a_model(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let (input, text) = (folder.path().join("articles.jsonl"), text());
    let article: String = text.chars().take(3000).collect();
    let line = |place: usize| format!("{{\"id\":\"{place}\",\"text\":{}}}\n", serde_json::json!(article));
    let lines: String = (0..1000).map(line).collect();
    std::fs::write(&input, &lines).expect("the input can be written");
    let (path, text) = (folder.path().join("pipeline.toml"), "[output]\nlayout = \"sharded\"\n".to_owned());
    let config = Config::parse(ConfigFile { path, text }).expect("the configuration is valid");
    let mut group = criterion.benchmark_group("without a model");
    group.sample_size(10).throughput(Throughput::Bytes(lines.len() as u64));
    group.bench_function("1,000 articles of 3,000 characters", |bencher| {
        bencher.iter(|| {
            let job = {
                // Otherwise all would be done already.
                let _ = std::fs::remove_dir_all(&config.output.directory);
                let request = Request { paths: vec![input.clone()], ..Request::default() };
                Job::prepare(config.clone(), request).expect("the run is ready")
            };
            job.run(&Interrupt::default(), |_| ()).1.expect("the run succeeds");
        });
    });
    group.finish();
}

criterion_group!(benches, read, split, tokenize, encode, recall, without_a_model);
criterion_main!(benches);
