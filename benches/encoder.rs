//! The bare encoder on sentences of a file, a line each, and the matrix products that it cannot be faster than: medians, as
//! JSON on one line. `bench/peers.py` runs it beside other programs.
//!
//!     cargo bench --bench encoder -- SENTENCES [auto|bf16|f32] [SECONDS] [alone|passages]

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use pressrun::config::{Device, Precision};
use pressrun::model::{Model, ModelFolder, Passage, TokenBatch};

/// As `pipeline.toml` has it.
const BATCH_TOKENS: usize = 1024;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let Some(path) = arguments.next() else {
        println!("encoder: no file of sentences named, nothing measured");
        return;
    };
    let precision = match arguments.next().as_deref() {
        Some("f32") => Precision::F32,
        Some("bf16") => Precision::Bf16,
        _ => Precision::Auto,
    };
    let seconds = arguments.next().and_then(|seconds| seconds.parse().ok()).unwrap_or(10.0);
    let in_passages = arguments.next().as_deref() == Some("passages");
    let text = std::fs::read_to_string(&path).expect("the file of sentences can be read");

    let folder = ModelFolder::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("models/newsroom")).expect("a model");
    let runtime = folder.runtime(precision, Device::Cpu, Some(1)).expect("a CPU");
    let mut model = folder.load(&runtime, 0, &["topic", "sentiment", "attribution"]).expect("the model loads");
    let tokenizer = folder.tokenizer().expect("the tokenizer loads");
    let sentences = text.lines().map(|line| tokenizer.tokenize(line).expect("the tokenizer takes any text"));
    let mut passages: Vec<Passage> = if in_passages {
        tokenizer.passages(sentences.collect(), None)
    } else {
        sentences.map(Passage::alone).collect()
    };
    passages.sort_by_key(|passage| passage.ids.len());
    let batches = batches(&passages);
    let tokens: usize = batches.iter().map(|batch| batch.ids().len()).sum();

    let (mut passes, mut products) = (Vec::new(), Vec::new());
    read(&mut model, &batches);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs_f64(seconds) || passes.len() < 3 {
        passes.push(time(|| read(&mut model, &batches)));
        products.push(time(|| multiply(&model, &batches)));
    }
    let (pass, product) = (median(passes), median(products));
    #[expect(clippy::cast_precision_loss, reason = "a file has fewer than 2^52 tokens")]
    let tokens_per_second = |seconds: f64| tokens as f64 / seconds;
    println!(
        "{{\"precision\": \"{}\", \"tokens\": {tokens}, \"tokens_per_second\": {:.0}, \"products_per_second\": {:.0}, \
         \"of_products\": {:.3}}}",
        runtime.precision,
        tokens_per_second(pass),
        tokens_per_second(product),
        product / pass
    );
}

fn batches(passages: &[Passage]) -> Vec<TokenBatch> {
    let (mut batches, mut rest) = (Vec::new(), passages);
    while !rest.is_empty() {
        let mut tokens = 0;
        let fits = |passage: &&Passage| {
            tokens += passage.ids.len();
            tokens <= BATCH_TOKENS
        };
        let count = rest.iter().take_while(fits).count().max(1);
        batches.push(TokenBatch::from_passages(rest[..count].iter()));
        rest = &rest[count..];
    }
    batches
}

fn read(model: &mut Model, batches: &[TokenBatch]) {
    for batch in batches {
        black_box(model.infer(batch).expect("the model reads"));
    }
}

fn multiply(model: &Model, batches: &[TokenBatch]) {
    for batch in batches {
        model.products(model.computed_tokens(batch)).expect("a packed encoder").expect("the kernels multiply");
    }
}

fn time(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
