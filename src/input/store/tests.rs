//! Tests of stores over one in memory. `tests/stores.rs` has those over a network.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use object_store::memory::InMemory;
use object_store::path::Path as Key;
use object_store::{ObjectStoreExt, PutPayload};

use super::client::wait;
use super::{Address, Object, Stores};
use crate::input::find::{Finder, IGNORE_FILE, OpenError, Source};
use crate::input::part::Part;
use crate::pipeline::Interrupt;

/// Some more than two blocks.
const LARGE_BYTES: usize = (9 << 20) + 123;

struct Bucket {
    store: Arc<InMemory>,
    stores: Stores,
}

impl Bucket {
    fn new(objects: &[(&str, &[u8])]) -> Self {
        let store = Arc::new(InMemory::new());
        let bucket = Self { stores: Stores::with_bucket("news", store.clone()), store };
        for (key, bytes) in objects {
            bucket.put(key, bytes);
        }
        bucket
    }

    fn put(&self, key: &str, bytes: &[u8]) {
        let store = Arc::clone(&self.store);
        let key = Key::parse(key).unwrap();
        let payload = PutPayload::from(bytes.to_vec());
        let put = async move {
            store.put(&key, payload).await.unwrap();
            Ok(())
        };
        wait(put, &Interrupt::default()).unwrap();
    }

    fn finder(&self, path: &str) -> Finder {
        Finder::with_stores(&[path.into()], Vec::new(), Path::new("output"), self.stores.clone()).unwrap()
    }

    fn paths(&self, path: &str) -> Vec<String> {
        paths(&self.finder(path))
    }

    fn open(&self, key: &str) -> Object {
        let source = self.finder(&format!("s3://news/{key}")).sources().next().unwrap();
        source.open(&Interrupt::default()).unwrap().object().unwrap().clone()
    }
}

fn paths(finder: &Finder) -> Vec<String> {
    finder.sources().map(|source| source.place().source).collect()
}

/// Bytes that tell their place.
fn large() -> Vec<u8> {
    (0..LARGE_BYTES).map(|place| u8::try_from((place / 7 + place / 4093) % 251).unwrap()).collect()
}

#[test]
fn a_folder_of_a_store_is_walked_like_one_of_a_disk() {
    let objects = ["b.txt", "a/x.jsonl", "a-b/y.txt", "a/.hidden/z.txt", "a/y/z.txt", ".p.txt", "a.txt", "other/é.txt"];
    let bucket = Bucket::new(&objects.map(|key| (key, b"text".as_slice())));
    let folder = tempfile::tempdir().unwrap();
    for key in objects {
        let path = folder.path().join(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "text").unwrap();
    }
    let local = Finder::new(&[folder.path().to_owned()], Vec::new(), Path::new("output")).unwrap();
    let below = |path: String| path.strip_prefix(&format!("{}/", folder.path().display())).unwrap().to_owned();
    let expected: Vec<String> = paths(&local).into_iter().map(below).collect();
    assert_eq!(expected.len(), 6);
    let found: Vec<String> =
        bucket.paths("s3://news").into_iter().map(|path| path.strip_prefix("s3://news/").unwrap().to_owned()).collect();
    assert_eq!(found, expected);
    let names = |finder: Finder| finder.sources().map(|source| (source.name, source.bytes)).collect::<Vec<_>>();
    assert_eq!(names(bucket.finder("s3://news/")), names(local));
}

#[test]
fn a_name_is_an_object_or_else_a_folder() {
    let bucket = Bucket::new(&[("a/b/c.txt", b"x"), ("a/b/d.txt", b"y"), ("a/bc.txt", b"z"), ("a/b", b"")]);
    assert_eq!(bucket.paths("s3://news/a/b/c.txt"), ["s3://news/a/b/c.txt"]);
    assert_eq!(bucket.paths("s3://news/a/b/"), ["s3://news/a/b/c.txt", "s3://news/a/b/d.txt"]);
    assert_eq!(bucket.paths("s3://news/a/b"), ["s3://news/a/b"]);
    // An empty object with the name of a folder is a mark of it.
    let all = ["s3://news/a/b/c.txt", "s3://news/a/b/d.txt", "s3://news/a/bc.txt"];
    for folder in ["s3://news/a", "s3://news/a/", "s3://news"] {
        assert_eq!(bucket.paths(folder), all, "{folder}");
    }
    let none = Finder::with_stores(&["s3://news/x".into()], Vec::new(), Path::new("output"), bucket.stores.clone());
    let error = none.unwrap_err();
    assert!(error.to_string().contains("`s3://news/x` does not exist"), "{error}");
    assert!(!error.is_of_configuration());
}

#[test]
fn patterns_match_as_on_a_disk() {
    let bucket = Bucket::new(&[
        ("2031/03/a.jsonl", b"x"),
        ("2031/04/b.jsonl", b"x"),
        ("2031/04/.c.jsonl", b"x"),
        ("2032/04/d.csv", b"x"),
        ("e.jsonl", b"x"),
    ]);
    assert_eq!(bucket.paths("s3://news/2031/*/*.jsonl"), ["s3://news/2031/03/a.jsonl", "s3://news/2031/04/b.jsonl"]);
    assert_eq!(bucket.paths("s3://news/203?/04"), ["s3://news/2031/04/b.jsonl", "s3://news/2032/04/d.csv"]);
    let any_depth = bucket.paths("s3://news/**/*.jsonl");
    assert_eq!(any_depth, ["s3://news/e.jsonl", "s3://news/2031/03/a.jsonl", "s3://news/2031/04/b.jsonl"]);
    let pattern = PathBuf::from("s3://news/*.txt");
    let none = Finder::with_stores(&[pattern], Vec::new(), Path::new("output"), bucket.stores.clone());
    assert_eq!(none.unwrap_err().to_string(), "`s3://news/*.txt` matches no file");
}

#[test]
fn what_is_ignored_is_not_found_in_a_store_either() {
    let bucket =
        Bucket::new(&[("in/a/x.txt", b"x"), ("in/a/y.jsonl", b"x"), ("in/output/z.txt", b"x"), ("in/b.txt", b"x")]);
    let ignoring = bucket.finder("s3://news/in").ignoring(vec!["*.jsonl".into(), "/output/".into()]);
    assert_eq!(paths(&ignoring), ["s3://news/in/a/x.txt", "s3://news/in/b.txt"]);
    bucket.put(&format!("in/{IGNORE_FILE}"), b"x.txt\n/b.txt\n");
    bucket.put(&format!("in/a/{IGNORE_FILE}"), b"!x.txt\n");
    assert_eq!(
        bucket.paths("s3://news/in/"),
        ["s3://news/in/a/x.txt", "s3://news/in/a/y.jsonl", "s3://news/in/output/z.txt"]
    );
}

#[test]
fn parts_share_the_objects_of_a_store_by_their_addresses() {
    let keys: Vec<String> = (0..40).map(|number| format!("{number:02}.txt")).collect();
    let objects: Vec<(&str, &[u8])> = keys.iter().map(|key| (key.as_str(), b"x".as_slice())).collect();
    let finder = Bucket::new(&objects).finder("s3://news");
    let mut found = Vec::new();
    for number in 0..3 {
        let part = Part::new(number, 3).unwrap();
        let own = paths(&finder.clone().of_part(Some(part), u64::MAX).unwrap());
        assert!(own.iter().all(|path| part.has(path)) && own.len() > 5);
        found.extend(own);
    }
    found.sort();
    assert_eq!(found, paths(&finder));
}

#[test]
fn an_object_is_the_same_in_order_and_at_any_place() {
    let bytes = large();
    let bucket = Bucket::new(&[("large.bin", &bytes), ("empty.txt", b"")]);
    let object = bucket.open("large.bin");
    let mut read = Vec::new();
    object.reader().read_to_end(&mut read).unwrap();
    assert!(read == bytes && object.length() == LARGE_BYTES as u64);
    let block = 4 << 20;
    for (at, length) in
        [(LARGE_BYTES - 5, 10), (0, 10), (block - 3, 10), (2 * block, 1), (block, 2 * block), (LARGE_BYTES, 1)]
    {
        let expected = &bytes[at..LARGE_BYTES.min(at + length)];
        let mut found = Vec::new();
        while found.len() < length {
            let mut buffer = vec![0; length - found.len()];
            match object.read_at(&mut buffer, (at + found.len()) as u64).unwrap() {
                0 => break,
                read => found.extend_from_slice(&buffer[..read]),
            }
        }
        assert!(found == expected, "{length} bytes from {at} on");
    }
    let mut read = Vec::new();
    bucket.open("empty.txt").reader().read_to_end(&mut read).unwrap();
    assert_eq!(read, b"");
}

#[test]
fn an_object_that_changes_while_it_is_read_is_an_error_and_no_mixture() {
    let bytes = large();
    let bucket = Bucket::new(&[("large.bin", &bytes)]);
    let object = bucket.open("large.bin");
    let mut reader = object.reader();
    let mut first = vec![0; 1000];
    reader.read_exact(&mut first).unwrap();
    bucket.put("large.bin", &vec![b'x'; LARGE_BYTES]);
    let mut read = Vec::new();
    let error = reader.read_to_end(&mut read).unwrap_err();
    assert!(error.to_string().contains("changed while it was read"), "{error}");
    assert!(bytes[1000..].starts_with(&read), "what was read is of the first version");
    assert!(object.failure().is_none(), "the run goes on");
    let mut buffer = [0; 10];
    assert!(object.read_at(&mut buffer, 8 << 20).is_err(), "nor at any place");
}

#[test]
fn what_changes_between_the_list_and_its_turn_is_read_as_it_is_then() {
    let bucket = Bucket::new(&[("a.txt", b"before"), ("b.txt", b"x")]);
    let sources: Vec<Source> = bucket.finder("s3://news").sources().collect();
    bucket.put("a.txt", b"and after");
    let opened = sources[0].open(&Interrupt::default()).unwrap();
    let mut text = String::new();
    opened.bytes().read_to_string(&mut text).unwrap();
    assert_eq!((text.as_str(), opened.length()), ("and after", 9));
}

#[test]
fn what_was_asked_for_before_is_what_is_opened() {
    let bytes = large();
    let bucket = Bucket::new(&[("a.txt", b"before"), ("large.txt", &bytes)]);
    let sources: Vec<Source> = bucket.finder("s3://news").sources().map(Source::begin).collect();
    let read = |source: &Source| {
        let mut read = Vec::new();
        source.open(&Interrupt::default()).unwrap().bytes().read_to_end(&mut read).unwrap();
        read
    };
    assert!(read(&sources[0]) == b"before" && read(&sources[1]) == bytes);
    assert!(read(&sources[1]) == bytes, "also a second time");
}

#[test]
fn an_object_that_went_away_is_refused_alone() {
    let bucket = Bucket::new(&[("a.txt", b"x")]);
    let source = bucket.finder("s3://news").sources().next().unwrap();
    let store = Arc::clone(&bucket.store);
    let delete = async move {
        store.delete(&Key::parse("a.txt").unwrap()).await.unwrap();
        Ok(())
    };
    wait(delete, &Interrupt::default()).unwrap();
    match source.open(&Interrupt::default()) {
        Err(OpenError::Refused(refusal)) => assert!(refusal.to_string().contains("does not exist"), "{refusal}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_stop_ends_a_walk_and_a_wait() {
    let bucket = Bucket::new(&[("a/b.txt", b"x"), ("c.txt", b"x")]);
    let interrupt = Interrupt::default();
    let mut sources = bucket.finder("s3://news").until(interrupt.clone()).sources();
    assert!(sources.next().is_some());
    interrupt.request();
    assert!(sources.next().is_none());
    let never = std::future::pending::<Result<(), super::StoreError>>();
    assert!(wait(never, &interrupt).unwrap_err().is_stop());
}

#[test]
fn addresses_that_differ_in_their_queries_alone_are_refused_and_equal_ones_are_one() {
    let listed = |paths: &[&str]| Finder::new(&[], paths.iter().map(PathBuf::from).collect(), Path::new("output"));
    let error = listed(&["https://a.example/x?id=1", "https://a.example/x?id=2"]).unwrap_err();
    assert!(
        error.is_of_configuration() && error.to_string().starts_with("`https://a.example/x` is named twice"),
        "{error}"
    );
    let bucket = Bucket::new(&[("a/x.txt", b"x")]);
    let twice = vec!["s3://news/a/x.txt".into(), "s3://news/a".into(), "s3://news/a/".into()];
    let finder = Finder::with_stores(&[], twice, Path::new("output"), bucket.stores.clone()).unwrap();
    assert_eq!(paths(&finder), ["s3://news/a/x.txt"]);
    assert!(Address::parse("s3://news/a").unwrap().as_folder().is_folder());
}
