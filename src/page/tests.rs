//! The page of small folders. `UPDATE_CASES=1 cargo test page::` writes the golden files anew; the diff is the review.

use std::path::Path;

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{Page, Settings, collect, text};
use crate::config::DriftConfig;
use crate::drift::testing::{Delivery, night, usual, workdays};
use crate::drift::{Calendar, Holidays};
use crate::ledger::{Entry, Kept, Ledger, LedgerError, Night, ResultKey};

const SETTINGS: Settings = Settings { nights: 28, top: 20, quotes: 50, text: true };

fn statement(document: &str, index: usize, text: &str, speaker: Option<&str>) -> Value {
    let attributions: Vec<Value> = speaker
        .map(|name| {
            let content = [json!({"text": text, "start": 0, "end": text.chars().count()})];
            let speaker = json!({"name": name, "role": "mayor", "kind": "person", "evidence": "name"});
            json!({
                "attribution": index, "act": "say", "kind": "direct", "score": 0.9, "source": null, "speaker": speaker, "also": [],
                "cue": null, "content": content,
            })
        })
        .into_iter()
        .collect();
    json!({
        "schema": 1, "document": document, "statement": format!("{document}#{index}"), "index": index, "text": text,
        "topic": {"code": "29", "label": "Sports", "score": 0.9, "iptc": null, "runner_up": null},
        "attributions": attributions, "flags": [],
    })
}

/// A document with these statements, in the words of `metadata`.
fn add(ledger: &mut Ledger, folder: &Path, id: &str, metadata: &Value, statements: &[Value]) {
    let file = format!("statements/{id}.jsonl");
    let lines = statements.iter().map(Value::to_string).collect::<Vec<_>>().join("\n") + "\n";
    std::fs::create_dir_all(folder.join("statements")).unwrap();
    std::fs::write(folder.join(&file), &lines).unwrap();
    let mut line = json!({
        "schema": 1, "document": id, "place": {"source": "in.jsonl"}, "text_sha256": "", "characters": 1, "bytes": 1, "encoding": "UTF-8",
        "flags": [], "paragraphs": 1, "statements": statements.len(), "boilerplate": 0, "attributions": 1, "statements_file": file, "speakers": [],
        "topic": {"code": "29", "label": "Sports", "score": 0.9, "shares": {"29": 1.0}},
    });
    for (key, value) in metadata.as_object().unwrap() {
        line[key] = value.clone();
    }
    let kept = Kept { file, start: 0, length: lines.len() as u64, sha256: crate::digest::sha256(&lines) };
    let line = format!("{line}\n").into_bytes();
    let entry = Entry { document: id.into(), source: "in.jsonl".into(), record: 1, content: Some(vec![1]), kept, line };
    ledger.add(&entry).unwrap();
}

/// The night with labels of tone besides its topics.
fn with_tone(mut night: Night) -> Night {
    let tones = |statements: u64| {
        let counts = [("negative", statements / 2), ("neutral", statements / 4), ("positive", statements / 4)];
        counts.map(|(label, count)| (label.to_owned(), count)).into_iter().collect()
    };
    for source in night.sources.values_mut() {
        source.labels.insert("sentiment".to_owned(), tones(source.statements));
    }
    night.labels.insert("sentiment".to_owned(), tones(night.statements));
    night.tone_task = Some("sentiment".to_owned());
    night
}

/// So many nights of workdays, in the last of which `deliveries` came. The ledger is open in the last one.
fn ledger_with_nights(folder: &Path, deliveries: &[Delivery], count: u32) -> Ledger {
    let key = ResultKey {
        layout: "document".into(),
        part: None,
        fingerprint: "test".into(),
        parts: indexmap::IndexMap::new(),
    };
    let begin = || Ledger::begin(folder, &key, false, || Ok::<_, LedgerError>(())).unwrap();
    begin().set("run", &(count - 1).to_string()).unwrap();
    let mut ledger = begin();
    for usual in workdays(count) {
        let day = usual.started[..10].parse().unwrap();
        let mut night = with_tone(if usual.night == count { night(count, day, deliveries) } else { usual });
        night.label_names = [("topic".to_owned(), [("29".to_owned(), "Sports <live>".to_owned())].into())].into();
        ledger.add_night(&night).unwrap();
    }
    ledger
}

/// The deliveries of a night in which the Herald fell silent and sports took over.
fn odd_deliveries() -> Vec<Delivery> {
    let topics = [10, 10, 15, 15, 40, 10];
    usual()
        .into_iter()
        .filter(|delivery| delivery.source != "Herald")
        .map(|delivery| Delivery { topics, ..delivery })
        .collect()
}

/// A folder with a night like that, and three documents of foreign words.
fn odd_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let mut ledger = ledger_with_nights(path, &odd_deliveries(), 9);
    let speaker = json!([{"name": "Ada <b>Vale</b>", "role": "mayor & \"chair\"", "kind": "person", "statements": 1, "mean": {}}]);
    let first = json!({
        "title": "Rovers <script>alert(1)</script> win", "source": "Courier & Sons", "uri": "https://example.org/rovers?a=1&b=\"2\"", "speakers": speaker,
    });
    let second = json!({"title": "A trap", "source": "Gazette", "uri": "javascript:alert(1)"});
    let copy = json!({"title": "Rovers win", "source": "Tribune", "duplicate_of": "a", "similarity": 1.0, "speakers": speaker});
    let words = "“It was the best minute of my life & of <i>yours</i>, I should think,” ";
    add(&mut ledger, path, "a", &first, &[statement("a", 0, words, Some("Ada <b>Vale</b>"))]);
    add(
        &mut ledger,
        path,
        "b",
        &second,
        &[statement("b", 0, "Rovers won </title><img src=x onerror=alert(1)>.", None)],
    );
    add(&mut ledger, path, "c", &copy, &[statement("c", 0, words, Some("Ada <b>Vale</b>"))]);
    ledger.commit(None).unwrap();
    folder
}

fn page(folder: &Path, settings: Settings) -> Page {
    let drift = DriftConfig::default();
    let calendar = Calendar::new(&drift, Holidays::default(), TimeZone::UTC);
    collect(folder, settings, &drift, &calendar).unwrap()
}

/// Checks the files that a page has, byte for byte.
fn check_golden(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/page/golden").join(name);
    if std::env::var_os("UPDATE_CASES").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    assert!(std::fs::read_to_string(&path).unwrap() == found, "{} differs: see the head of this file", path.display());
}

#[test]
fn a_small_folder_has_its_golden_page() {
    let folder = odd_folder();
    let page = page(folder.path(), SETTINGS);
    // Elements on lines of their own, for a diff that can be read; without the styles, which have a file of their own.
    let html = page.to_html().replace("><", ">\n<");
    let (start, end) = (html.find("<style>").unwrap(), html.find("</style>").unwrap());
    let html = format!("{}{}", &html[..start], &html[end + "</style>".len()..]);
    check_golden("page.html", &html.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
    check_golden("page.txt", &page.to_text());
}

#[test]
fn the_same_folder_gives_the_same_bytes() {
    let folder = odd_folder();
    let first = page(folder.path(), SETTINGS);
    let second = page(folder.path(), SETTINGS);
    assert!(first.to_html() == second.to_html() && first.to_text() == second.to_text());
}

#[test]
fn foreign_words_are_text_and_never_markup() {
    let folder = odd_folder();
    let html = page(folder.path(), SETTINGS).to_html();
    for marks in ["<script", "<img", "<i>yours", "<b>Vale", "href=\"javascript", "<live>"] {
        assert!(!html.contains(marks), "{marks}");
    }
    assert!(html.contains("Rovers &lt;script&gt;alert(1)&lt;/script&gt; win"), "titles are there");
    assert!(html.contains("href=\"https://example.org/rovers?a=1&amp;b=%222%22\""), "links are there");
    assert!(html.contains("default-src 'none'"));
}

#[test]
fn a_page_begins_with_what_changed() {
    let folder = odd_folder();
    let page = page(folder.path(), SETTINGS);
    assert!(page.headline().starts_with("Herald fell silent"), "{}", page.headline());
    let sample = page.samples.iter().find(|sample| sample.label == "29").unwrap();
    assert_eq!(sample.statements.len(), 2, "one of each original");
    assert_eq!((page.speakers[0].documents, page.speakers[0].quotes.len()), (1, 1), "copies do not count");
    assert_eq!((page.stories[0].copies, page.stories[0].carriers.as_slice()), (1, ["Tribune".to_owned()].as_slice()));
}

#[test]
fn a_page_names_no_change_that_is_none() {
    for (count, headline) in [(9, "An ordinary night."), (1, "The first night: 470 stories.")] {
        let folder = tempfile::tempdir().unwrap();
        ledger_with_nights(folder.path(), &usual(), count).commit(None).unwrap();
        let html = page(folder.path(), SETTINGS).to_html();
        assert!(html.contains(&format!("<h1>{headline}</h1>")), "{html}");
        assert_eq!(html.contains("The same as last night."), count > 1);
        assert_eq!(html.contains("There is no earlier night to compare with."), count == 1);
    }
}

#[test]
fn text_can_be_left_out() {
    let folder = odd_folder();
    let page = page(folder.path(), Settings { text: false, ..SETTINGS });
    for output in [page.to_html(), page.to_text()] {
        for words in ["best minute", "Rovers", "example.org"] {
            assert!(!output.contains(words), "{words}");
        }
    }
}

#[test]
fn the_text_fits_a_mail() {
    let folder = odd_folder();
    let text = page(folder.path(), SETTINGS).to_text();
    assert!(text.lines().count() <= text::MAX_LINES, "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= text::WIDTH), "{text}");
}

#[test]
fn a_run_that_did_not_end_is_told_first_and_hatched() {
    let folder = odd_folder();
    let key = ResultKey {
        layout: "document".into(),
        part: None,
        fingerprint: "test".into(),
        parts: indexmap::IndexMap::new(),
    };
    let mut ledger = Ledger::begin(folder.path(), &key, false, || Ok::<_, LedgerError>(())).unwrap();
    let night = with_tone(night(10, "2031-03-14".parse().unwrap(), &odd_deliveries()));
    ledger.add_night(&Night { outcome: Some("deadline".to_owned()), ..night.clone() }).unwrap();
    ledger.commit(None).unwrap();
    let stopped = page(folder.path(), SETTINGS);
    assert!(stopped.headline().starts_with("The run stopped at its deadline after"), "{}", stopped.headline());
    assert!(stopped.to_html().contains("s-hatch"));
    ledger.add_night(&Night { outcome: Some("complete".to_owned()), ..night }).unwrap();
    ledger.commit(None).unwrap();
    assert!(!page(folder.path(), SETTINGS).to_html().contains("class=\"s-hatch\""));
}

#[test]
fn a_folder_without_nights_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let drift = DriftConfig::default();
    let calendar = Calendar::new(&drift, Holidays::default(), TimeZone::UTC);
    let key = ResultKey {
        layout: "document".into(),
        part: None,
        fingerprint: "test".into(),
        parts: indexmap::IndexMap::new(),
    };
    drop(Ledger::begin(folder.path(), &key, false, || Ok::<_, LedgerError>(())).unwrap());
    let error = collect(folder.path(), SETTINGS, &drift, &calendar).unwrap_err();
    assert!(error.to_string().starts_with("there is no night to report on"), "{error}");
}

#[test]
fn the_largest_page_has_a_bounded_size() {
    const MOST: Settings = Settings { nights: 92, top: 50, quotes: 200, text: true };
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = ledger_with_nights(folder.path(), &odd_deliveries(), 92);
    let long = "word ".repeat(100);
    let address = format!("https://example.org/{}", "x".repeat(300));
    let speakers: Vec<Value> = (0..60)
        .map(|number| json!({"name": format!("{number} {long}"), "role": long, "kind": "person", "statements": 1, "mean": {}}))
        .collect();
    for number in 0..20 {
        let id = format!("d{number}");
        let metadata = json!({"title": long, "source": long, "uri": address, "speakers": speakers});
        let statements: Vec<Value> =
            (0..60).map(|speaker| statement(&id, speaker, &long, speakers[speaker]["name"].as_str())).collect();
        add(&mut ledger, folder.path(), &id, &metadata, &statements);
        let copy = json!({"title": long, "source": long, "duplicate_of": id, "similarity": 1.0});
        add(&mut ledger, folder.path(), &format!("{id}-copy"), &copy, &[]);
    }
    let mut nights = ledger.nights().unwrap();
    let first = nights[0].clone();
    for night in &mut nights {
        for number in 0..80 {
            night.sources.insert(format!("{number} {long}"), first.sources["Courier"].clone());
        }
        for label in 0..100 {
            night.labels["topic"].insert(format!("{label} {long}"), 10);
        }
        ledger.add_night(night).unwrap();
    }
    ledger.commit(None).unwrap();
    let html = page(folder.path(), MOST).to_html();
    assert!(html.len() < 1_500_000, "{} bytes", html.len());
}
