//! The quality and the cost of extraction on labelled pages:
//!
//! ```text
//! PRESSRUN_PAGES=folder cargo test --release --lib html::measure -- --ignored --nocapture
//! ```
//!
//! The folder has pages as `.html` or `.html.gz`, and `pages.jsonl` with a line for each: `file`, `url`, `with` (texts of the article),
//! `without` (texts of the page that are none of it), and where known `title`, `author` and `date` (the day). A text of `with` that is
//! found is a true positive, one that is not a false negative, one of `without` that is found a false positive.

#![allow(clippy::cast_precision_loss, reason = "counts of labels and pages")]

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Page, PageLimits, extract};
use crate::input::text::squeezed;
use crate::record::Metadata;

/// A page takes the median of so many tries.
const TRIES: usize = 5;

#[derive(Default)]
struct Tally {
    found: usize,
    missing: usize,
    extra: usize,
    refused: usize,
    title: Hits,
    byline: Hits,
    date: Hits,
    times: Vec<Duration>,
    /// Of the processor, in extraction alone.
    seconds: f64,
    /// Memory in use before the first page.
    kilobytes_before: u64,
}

/// The number of times a field was right, of all.
#[derive(Default)]
struct Hits {
    right: usize,
    all: usize,
}

#[test]
#[ignore = "needs labelled pages"]
fn articles_of_labelled_pages() {
    let folder = std::env::var("PRESSRUN_PAGES").expect("PRESSRUN_PAGES names a folder with pages.jsonl");
    let lines = std::fs::read_to_string(Path::new(&folder).join("pages.jsonl")).expect("pages.jsonl is in the folder");
    let mut tally = Tally { kilobytes_before: kilobytes("VmRSS:"), ..Tally::default() };
    for line in lines.lines() {
        tally.add(&serde_json::from_str(line).expect("a line is a JSON object"), Path::new(&folder));
    }
    tally.show();
    assert!(tally.f1() >= 0.972, "F1 is {:.4}", tally.f1());
}

impl Tally {
    fn add(&mut self, label: &Value, folder: &Path) {
        let name = label["file"].as_str().expect("a label names its file");
        let bytes = read_page(folder, label);
        let page = Page { bytes: &bytes, charset: None, url: label["url"].as_str() };
        let before = processor_seconds();
        self.times.push(median_time(&page));
        self.seconds += (processor_seconds() - before) / TRIES as f64;
        let (text, metadata) = match extract(&page, &PageLimits::default()) {
            Ok(article) => (article.text, article.metadata),
            Err(refusal) => {
                println!("refused  {name}: {}", refusal.message);
                self.refused += 1;
                Default::default()
            }
        };
        self.count_texts(label, name, &squeezed(&text));
        let Metadata { title, byline, published, .. } = metadata;
        self.title.count("title", name, labelled(label, "title"), title, str::eq_ignore_ascii_case);
        self.byline
            .count("byline", name, labelled(label, "author"), byline, |label, found| names(label) == names(found));
        self.date.count("date", name, labelled(label, "date"), published, |label, found| found.starts_with(label));
    }

    fn count_texts(&mut self, label: &Value, name: &str, text: &str) {
        for wanted in texts(label, "with") {
            if text.contains(&wanted) {
                self.found += 1;
            } else {
                self.missing += 1;
                println!("missing  {name}: {wanted}");
            }
        }
        for unwanted in texts(label, "without") {
            if text.contains(&unwanted) {
                self.extra += 1;
                println!("extra    {name}: {unwanted}");
            }
        }
    }

    fn f1(&self) -> f64 {
        2.0 * share(self.found, self.found + self.missing) * share(self.found, self.found + self.extra)
            / (share(self.found, self.found + self.missing) + share(self.found, self.found + self.extra))
    }

    fn show(&self) {
        let (precision, recall) =
            (share(self.found, self.found + self.extra), share(self.found, self.found + self.missing));
        println!("precision {precision:.4}  recall {recall:.4}  F1 {:.4}  refused {}", self.f1(), self.refused);
        for (field, Hits { right, all }) in [("title", &self.title), ("byline", &self.byline), ("date", &self.date)] {
            println!("{field} right on {right} of {all}");
        }
        let slowest = self.times.iter().max().copied().unwrap_or_default();
        let pages = self.times.len() as f64;
        println!("{:.0} pages/s a core, slowest {slowest:.1?}", pages / self.seconds);
        println!("{} kB of memory at the peak", kilobytes("VmHWM:").saturating_sub(self.kilobytes_before));
    }
}

impl Hits {
    fn count(
        &mut self,
        field: &str,
        name: &str,
        label: Option<String>,
        found: Option<String>,
        is_same: impl Fn(&str, &str) -> bool,
    ) {
        let Some(label) = label else { return };
        self.all += 1;
        let found = found.unwrap_or_default();
        if is_same(&label, &found) {
            self.right += 1;
        } else {
            println!("{field:<8} {name}: `{found}`, not `{label}`");
        }
    }
}

/// A value of a label, with single spaces; `None` if it is blank.
fn labelled(label: &Value, key: &str) -> Option<String> {
    label[key].as_str().map(squeezed).filter(|value| !value.is_empty())
}

/// The texts of a label, with single spaces.
fn texts(label: &Value, key: &str) -> Vec<String> {
    label[key].as_array().into_iter().flatten().filter_map(Value::as_str).map(squeezed).collect()
}

fn read_page(folder: &Path, label: &Value) -> Vec<u8> {
    let path = folder.join(label["file"].as_str().expect("a label names its file"));
    let file = std::fs::File::open(&path).expect("the page is in the folder");
    let mut bytes = Vec::new();
    let is_packed = path.extension().is_some_and(|extension| extension == "gz");
    let mut reader: Box<dyn std::io::Read> =
        if is_packed { Box::new(flate2::read::GzDecoder::new(file)) } else { Box::new(file) };
    reader.read_to_end(&mut bytes).expect("the page can be read");
    bytes
}

/// Processor time of this process in seconds, as Linux counts it: in hundredths.
fn processor_seconds() -> f64 {
    let status = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = status.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn median_time(page: &Page<'_>) -> Duration {
    let mut times: Vec<Duration> = (0..TRIES)
        .map(|_| {
            let start = Instant::now();
            let _ = extract(page, &PageLimits::default());
            start.elapsed()
        })
        .collect();
    times.sort();
    times[TRIES / 2]
}

/// Names whatever their order, case and what is between them.
fn names(byline: &str) -> BTreeSet<String> {
    byline.to_lowercase().split([',', ';']).map(|name| name.trim().to_owned()).collect()
}

fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

/// A figure of this process's memory, by Linux.
fn kilobytes(key: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let value = status.lines().find_map(|line| line.strip_prefix(key)?.trim().strip_suffix(" kB"));
    value.and_then(|value| value.parse().ok()).unwrap_or_default()
}
