//! The speed of each stage on its own: split and group in bytes of text, encode in tokens.
#![allow(missing_docs, reason = "the macros of criterion make functions without")]

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pressrun::config::{Device, Precision};
use pressrun::model::{ModelFolder, Runtime, TokenBatch};
use pressrun::stages::split::sentences;

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
    let mut group = criterion.benchmark_group("group");
    group.throughput(Throughput::Bytes(some.iter().map(|sentence| sentence.len() as u64).sum()));
    group.bench_function("tokenize on one thread", |bencher| {
        bencher.iter(|| {
            some.iter().map(|sentence| tokenizer.tokenize(sentence).map_or(0, |found| found.ids.len())).sum::<usize>()
        });
    });
    group.finish();
}

fn encode(criterion: &mut Criterion) {
    let folder = newsroom();
    let mut group = criterion.benchmark_group("encode");
    group.sample_size(10);
    for (name, precision) in [("f32", Precision::F32), ("bf16", Precision::Bf16)] {
        let runtime = Runtime::resolve(precision, Device::Cpu, Some(1)).expect("a CPU is there");
        let mut model = folder.load(&runtime, 0, &["topic", "sentiment", "attribution"]).expect("the model loads");
        let row = vec![2003_u32; 30];
        for rows in [8, 32, 64] {
            let batch = TokenBatch::of_rows((0..rows).map(|_| row.as_slice()));
            group.throughput(Throughput::Elements(30 * rows));
            group.bench_function(format!("{name}, {rows} rows of 30 tokens, one thread"), |bencher| {
                bencher.iter(|| model.read(black_box(&batch)).map(|readings| readings.len()));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, split, tokenize, encode);
criterion_main!(benches);
