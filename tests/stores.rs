//! Runs over object stores and web servers, on the loopback interface: the results of local files, whatever the server does.
#![cfg(feature = "object-store")]

#[path = "support/moto.rs"]
mod moto;
#[path = "support/server.rs"]
mod server;
mod support;

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use moto::{Moto, Relayed, relay};
use pressrun_testing::{Need, found_or_skip};
use serde_json::{Value, json};
use server::{Fault, Request, Server};
use support::{Workspace, said};

const SECRET: &str = "aVerySecretKeyOfATest";

/// Records that are much alike would be compared with each other.
const WITHOUT_COPIES: &str = "[input.copies]\nremember = 0";

fn configuration(path: &str, more: &str) -> String {
    format!(
        "[input]\npaths = [\"{path}\"]\npiece_bytes = 3000\n{more}\n[run]\nmax_rejected = 1\nchunk_documents = 3\n\
         commit_milliseconds = 0\n[output]\nlayout = \"sharded\"\n[log]\nfile = \"pressrun.log\"\n[cache]\nmax_bytes = 0\n"
    )
}

fn pressrun(workspace: &Workspace, server: &Server, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pressrun"));
    command.current_dir(workspace.folder.path()).args(arguments);
    for (name, _) in std::env::vars() {
        if name.starts_with("AWS_") || name.to_ascii_lowercase().ends_with("_proxy") {
            command.env_remove(name);
        }
    }
    command.env("AWS_ENDPOINT_URL", server.endpoint()).env("AWS_ALLOW_HTTP", "true").env("AWS_REGION", "us-east-1");
    command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", SECRET);
    command
}

fn output(workspace: &Workspace, server: &Server, arguments: &[&str]) -> Output {
    pressrun(workspace, server, arguments).output().unwrap()
}

fn succeed(workspace: &Workspace, server: &Server, arguments: &[&str]) -> Output {
    let output = output(workspace, server, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    output
}

fn refused(workspace: &Workspace, server: &Server, arguments: &[&str], code: i32, reason: &str) -> String {
    let output = output(workspace, server, arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", said(&output));
    assert!(said(&output).contains(reason), "{arguments:?}: {}", said(&output));
    said(&output)
}

fn lines(records: impl Iterator<Item = Value>) -> Vec<u8> {
    records.flat_map(|record| format!("{record}\n").into_bytes()).collect()
}

fn story(number: usize) -> String {
    let sentence =
        |line| format!("The bridge number {number} of line {line} was open, said Ann Lee{number}, the mayor. ");
    (0..6).map(sentence).collect()
}

/// A record of some 3 KB.
fn long_record(word: &str, number: usize) -> Value {
    json!({"id": number.to_string(), "text": format!("{word} {number} was here. {}", "And the rest. ".repeat(220))})
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn archive(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap().into_inner()
}

fn parquet(texts: &[String]) -> Vec<u8> {
    use parquet::data_type::{ByteArray, ByteArrayType};
    use parquet::file::properties::WriterProperties;
    use parquet::file::writer::SerializedFileWriter;
    let schema = parquet::schema::parser::parse_message_type("message rows { required binary text (UTF8); }").unwrap();
    let properties = std::sync::Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(Vec::new(), std::sync::Arc::new(schema), properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let values: Vec<ByteArray> = texts.iter().map(|text| text.as_str().into()).collect();
    column.typed::<ByteArrayType>().write_batch(&values, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.into_inner().unwrap()
}

/// An archive in many formats, with copies, equal ids, errors and files that are left out.
fn input() -> Vec<(&'static str, Vec<u8>)> {
    let articles = |from: usize, to: usize| {
        lines((from..to).map(|number| json!({"id": format!("n{}", number % 40), "text": story(number % 45)})))
    };
    vec![
        ("a-b/first.jsonl", articles(0, 9)),
        ("a/large.jsonl", articles(5, 60)),
        ("a/table.csv", b"id,text\nx,One here.\ny,Two here.\n".to_vec()),
        ("a/b/packed.jsonl.gz", gzip(&articles(50, 70))),
        ("a/b/rows.parquet", parquet(&[story(71), story(3), story(72)])),
        ("a/c.zip", archive("inside/story.txt", story(80).as_bytes())),
        ("e m p t y.txt", Vec::new()),
        ("notes.xyz", b"left out".to_vec()),
        ("page", b"<!doctype html><html><body><article><p>Rents rose again in the city, said Ann Lee, the mayor of it.</p></article></body></html>".to_vec()),
        ("wrong.jsonl", b"no JSON\n{\"text\": 7}\n".to_vec()),
        ("z/.hidden.txt", b"hidden".to_vec()),
        ("z/été.txt", story(90).into_bytes()),
    ]
}

/// A run over local files, to compare with.
fn local(server: &Server) -> Workspace {
    let workspace = Workspace::new(&configuration("in", ""));
    for (name, content) in input() {
        workspace.put(&format!("in/{name}"), content);
    }
    succeed(&workspace, server, &["run"]);
    workspace
}

fn started() -> Server {
    let server = Server::start();
    for (name, content) in input() {
        server.put(&format!("in/{name}"), content);
    }
    server
}

/// The files of an output folder, with the addresses of a store as local paths.
fn results(folder: &Path) -> Vec<(String, String)> {
    const ITS_OWN: [&str; 4] = ["run.json", ".lock", "ledger.sqlite", "ledger.sha256"];
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(folder).into_iter().filter_map(Result::ok) {
        let name = entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
        if entry.file_type().is_file() && !ITS_OWN.contains(&name.as_str()) && !name.starts_with("parts/") {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            files.push((name, text.replace("s3://news/in/", "in/")));
        }
    }
    files.sort();
    files
}

fn assert_same(folder: &Path, expected: &Workspace) {
    let (found, expected) = (results(folder), results(&expected.output()));
    let names = |files: &[(String, String)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&found), names(&expected));
    assert!(expected.iter().any(|(name, text)| name.starts_with("statements") && text.len() > 10_000));
    for ((name, text), (_, expected)) in found.iter().zip(&expected) {
        assert!(text == expected, "{name} differs:\n{text}\n\n{expected}");
    }
}

#[test]
fn a_store_gives_the_results_of_local_files() {
    let server = started();
    let expected = local(&server);
    let workspace = Workspace::new(&configuration("s3://news/in/", ""));
    succeed(&workspace, &server, &["run"]);
    assert_same(&workspace.output(), &expected);
    for part in ["0/3", "1/3", "2/3"] {
        succeed(&workspace, &server, &["run", "--part", part]);
    }
    let [first, second, third] = [0, 1, 2].map(|number| format!("output/parts/{number:05}-of-00003"));
    succeed(&workspace, &server, &["merge", "-o", "merged", &first, &second, &third]);
    assert_same(&workspace.folder.path().join("merged"), &expected);
    // A second run has nothing to do, and finds what it has.
    succeed(&workspace, &server, &["run"]);
    assert_eq!(workspace.report()["accounting"]["written"], 0);
    succeed(&workspace, &server, &["verify", "--sample", "20"]);
    let validated = succeed(&workspace, &server, &["validate"]);
    let count = input().len() - 1;
    assert!(String::from_utf8_lossy(&validated.stdout).contains(&format!("{count} files")), "{validated:?}");
    let planned = succeed(&workspace, &server, &["plan"]);
    assert!(String::from_utf8_lossy(&planned.stdout).contains("to analyse  0 documents"), "{planned:?}");
}

#[test]
fn a_slow_server_and_one_that_fails_now_and_then_give_the_same() {
    let server = started();
    let expected = local(&server);
    let faults: [fn(&Request) -> Fault; 3] = [
        |_| Fault::Slow(700, Duration::from_millis(20)),
        |request| match request.number % 3 {
            0 => Fault::Status(503, "SlowDown"),
            1 => Fault::Status(500, "InternalError"),
            _ => Fault::None,
        },
        |request| match request.number % 4 {
            0 => Fault::BreaksAfter(300),
            1 => Fault::BreaksAfter(0),
            2 => Fault::Status(429, "TooMany"),
            _ => Fault::BreaksAfter(2500),
        },
    ];
    for faults in faults {
        server.fail(faults);
        let workspace = Workspace::new(&configuration("s3://news/in", ""));
        succeed(&workspace, &server, &["run"]);
        assert_same(&workspace.output(), &expected);
    }
}

#[test]
fn a_server_that_fails_for_good_ends_the_run_and_the_next_one_goes_on() {
    let server = started();
    let expected = local(&server);
    let workspace = Workspace::new(&configuration("s3://news/in/", "retry_seconds = 1"));
    server.fail(|request| if request.key.contains("packed") { Fault::Status(503, "SlowDown") } else { Fault::None });
    let message =
        "`s3://news/in/a/b/packed.jsonl.gz` cannot be read: the server answers 503 (SlowDown: It is SlowDown.)";
    refused(&workspace, &server, &["run"], 2, message);
    assert_eq!(workspace.report()["outcome"], "failed");
    // The connection ends in every answer.
    server.fail(|request| if request.key.contains("packed") { Fault::BreaksAfter(0) } else { Fault::None });
    refused(&workspace, &server, &["run"], 2, "`s3://news/in/a/b/packed.jsonl.gz` cannot be read: ");
    // A list fails in the middle of a walk.
    server.fail(|request| match request.query.get("prefix").map(String::as_str) {
        Some("in/z/") => Fault::Status(500, "InternalError"),
        _ => Fault::None,
    });
    refused(&workspace, &server, &["run"], 2, "`s3://news/in/z/` cannot be read: the server answers 500");
    server.fail(|_| Fault::None);
    succeed(&workspace, &server, &["run"]);
    assert_same(&workspace.output(), &expected);
}

#[test]
fn one_object_that_may_not_be_read_is_rejected_and_read_by_the_next_run() {
    let server = started();
    let expected = local(&server);
    let workspace = Workspace::new(&configuration("s3://news/in/", ""));
    server.fail(|request| match request.key.as_str() {
        "in/a/table.csv" => Fault::Status(403, "AccessDenied"),
        "in/page" => Fault::Status(404, "NoSuchKey"),
        _ => Fault::None,
    });
    succeed(&workspace, &server, &["run"]);
    let rejected = workspace.lines("rejected.jsonl");
    let of =
        |name: &str| rejected.iter().find(|line| line["place"]["source"] == format!("s3://news/in/{name}")).cloned();
    let denied = of("a/table.csv").unwrap();
    assert_eq!(denied["reason"], "unreadable");
    assert!(
        denied["message"].as_str().unwrap().starts_with("cannot be read: the server answers 403 (AccessDenied"),
        "{denied}"
    );
    server.fail(|_| Fault::None);
    succeed(&workspace, &server, &["run"]);
    assert_eq!(results(&workspace.output()).len(), results(&expected.output()).len());
    assert_eq!(workspace.lines("documents.jsonl").len(), expected.lines("documents.jsonl").len());
}

#[test]
fn an_object_that_changes_is_rejected_and_no_mixture() {
    let server = Server::start();
    let article = |word: &str| lines((0..3000).map(|number| long_record(word, number)));
    server.put("in/a.jsonl", article("First"));
    let changing = server.clone();
    let later = article("Second");
    server.fail(move |request| {
        // The first range is that from 0 on; the second comes while documents are read.
        if request.range.is_some_and(|(begin, _)| begin > 0) {
            changing.put("in/a.jsonl", later.clone());
        }
        Fault::None
    });
    let workspace =
        Workspace::new(&configuration("s3://news/in/a.jsonl", WITHOUT_COPIES).replace("piece_bytes = 3000", ""));
    let read = succeed(&workspace, &server, &["read"]);
    let text = String::from_utf8(read.stdout).unwrap();
    assert!(text.contains("First 5 was here") && !text.contains("Second"));
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(last["rejected"], "changed", "{last}");
}

#[test]
fn wrong_credentials_are_a_fault_of_the_configuration_and_no_secret_is_told() {
    let server = started();
    server.fail(|_| Fault::Status(403, "InvalidAccessKeyId"));
    let workspace = Workspace::new(&configuration("s3://news/in/", ""));
    let message = refused(&workspace, &server, &["run"], 78, "the server answers 403 (InvalidAccessKeyId");
    assert!(message.contains("AWS_ACCESS_KEY_ID") && message.contains("`s3://news/in/`"), "{message}");
    assert!(!message.contains(SECRET), "{message}");
    // In the middle of a run, nothing else in the store can be read either.
    server
        .fail(|request| if request.key.contains("packed") { Fault::Status(400, "ExpiredToken") } else { Fault::None });
    let message = refused(&workspace, &server, &["run", "-vv"], 2, "(ExpiredToken: It is ExpiredToken.)");
    let log = std::fs::read_to_string(workspace.folder.path().join("pressrun.log")).unwrap();
    let report = workspace.report().to_string();
    for text in [message, log, report] {
        assert!(!text.contains(SECRET), "{text}");
    }
    let mut without = pressrun(&workspace, &server, &["run"]);
    without.env_remove("AWS_SECRET_ACCESS_KEY");
    let output = without.output().unwrap();
    assert_eq!(output.status.code(), Some(78), "{}", said(&output));
}

#[test]
fn what_is_not_there_or_no_address_is_told_before_the_run() {
    let server = started();
    let workspace = Workspace::new(&configuration("s3://news/in/", ""));
    let cases = [
        ("s3://news/absent", 2, "`s3://news/absent` does not exist"),
        ("s3://news/absent/*.jsonl", 2, "matches no file"),
        ("s4://news/in", 78, "unknown scheme: s3, gs, az, https and http are known"),
        ("https://u:p@a.example/x", 78, "not supported"),
    ];
    for (path, code, reason) in cases {
        refused(&workspace, &server, &["run", path], code, reason);
    }
    refused(&workspace, &server, &["run", &server.url("in/absent.txt?sig=abc")], 2, "in/absent.txt` does not exist");
    let list = workspace.put("list", "s3://news/absent\ns3://news/in/a/table.csv\n");
    succeed(&workspace, &server, &["run", "--files-from", list.to_str().unwrap()]);
    assert_eq!(workspace.lines("documents.jsonl").len(), 2);
    assert_eq!(workspace.lines("rejected.jsonl")[0]["place"]["source"], "s3://news/absent");
}

#[test]
fn a_file_of_a_web_server_is_read_with_and_without_ranges_and_its_query_is_not_kept() {
    let server = Server::start();
    let articles = lines((0..300).map(|number| json!({"text": format!("{number}: {}", story(number))})));
    server.put("a.jsonl.gz", gzip(&articles));
    server.put("b.parquet", parquet(&[story(1), story(2)]));
    for faults in [Fault::None, Fault::NoRanges] {
        server.fail(move |request| {
            let is_signed = request.query.get("sig").is_some_and(|sig| sig == SECRET);
            if is_signed { faults.clone() } else { Fault::Status(403, "AccessDenied") }
        });
        let workspace = Workspace::new(&configuration("in", ""));
        let paths = [server.url(&format!("a.jsonl.gz?sig={SECRET}")), server.url(&format!("b.parquet?sig={SECRET}"))];
        let output = succeed(&workspace, &server, &["run", "-vv", &paths[0], &paths[1]]);
        let documents = workspace.lines("documents.jsonl");
        assert_eq!(documents.len(), 302);
        assert_eq!(documents[0]["place"]["source"], server.url("a.jsonl.gz"));
        assert!(!said(&output).contains(SECRET));
        for entry in walkdir::WalkDir::new(workspace.folder.path()).into_iter().filter_map(Result::ok) {
            if entry.file_type().is_file() {
                let bytes = std::fs::read(entry.path()).unwrap();
                let is_told = memchr::memmem::find(&bytes, SECRET.as_bytes()).is_some();
                assert!(!is_told, "{}", entry.path().display());
            }
        }
    }
    server.fail(|_| Fault::Status(403, "AccessDenied"));
    let workspace = Workspace::new(&configuration("in", ""));
    let message = refused(&workspace, &server, &["run", &server.url(&format!("a.jsonl.gz?sig={SECRET}"))], 78, "403");
    assert!(!message.contains(SECRET), "{message}");
}

#[test]
fn a_part_of_a_large_file_is_asked_for_in_ranges() {
    let server = Server::start();
    let bytes: Vec<u8> = lines((0..3000).map(|number| long_record("Number", number)));
    assert!(bytes.len() > 8 << 20);
    server.put("large.jsonl", bytes);
    server.fail(|_| Fault::None);
    let workspace = Workspace::new(&configuration("in", WITHOUT_COPIES).replace("piece_bytes = 3000", ""));
    let output = succeed(&workspace, &server, &["read", "s3://news/large.jsonl"]);
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 3000);
    let ranges: Vec<(usize, usize)> = server.requests().iter().filter_map(|request| request.range).collect();
    assert!(ranges.len() >= 3 && ranges.iter().all(|(begin, end)| end - begin < 4 << 20), "{ranges:?}");
}

fn signal(child: &Child) {
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

#[test]
fn a_signal_ends_a_run_that_waits_for_a_server() {
    let server = started();
    let workspace = Workspace::new(&configuration("s3://news/in/", ""));
    server.fail(|request| if request.key.contains("packed") { Fault::Silent } else { Fault::None });
    let mut command = pressrun(&workspace, &server, &["run"]);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let begin = Instant::now();
    while !server.requests().iter().any(|request| request.key.contains("packed")) {
        assert!(begin.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(20));
    }
    let begin = Instant::now();
    signal(&child);
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    assert_eq!(workspace.report()["outcome"], "interrupted");
    assert!(workspace.report()["input_bytes_left"].as_u64().unwrap() > 0);
    // What was waited for is not rejected.
    assert_eq!(workspace.lines("rejected.jsonl").len(), 0);
    server.fail(|_| Fault::None);
    succeed(&workspace, &server, &["run"]);
    assert_same(&workspace.output(), &local(&server));
}

#[test]
fn moto_gives_the_results_of_local_files_also_when_it_is_slow_and_fails() {
    let Some(moto) = found_or_skip(Need::Moto, Moto::start(server::BUCKET)) else { return };
    for (name, content) in input() {
        moto.put(&format!("{}/in/{name}", server::BUCKET), &content);
    }
    let unused = Server::start();
    let expected = local(&unused);
    let run = |port: u16, workspace: &Workspace, arguments: &[&str]| {
        let mut command = pressrun(workspace, &unused, arguments);
        let output = command.env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}")).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    };
    let slow = relay(moto.port, |_| Relayed::Slow(500, Duration::from_millis(10)));
    let failing = relay(moto.port, |number| match number % 4 {
        0 => Relayed::Status(503),
        1 => Relayed::BreaksAfter(100),
        2 => Relayed::BreaksAfter(1500),
        _ => Relayed::BreaksAfter(6000),
    });
    for port in [moto.port, slow, failing] {
        let workspace = Workspace::new(&configuration("s3://news/in/", ""));
        run(port, &workspace, &["run"]);
        assert_same(&workspace.output(), &expected);
    }
    let workspace = Workspace::new(&configuration("s3://news/in/", ""));
    for part in ["0/2", "1/2"] {
        run(failing, &workspace, &["run", "--part", part]);
    }
    let parts = ["output/parts/00000-of-00002", "output/parts/00001-of-00002"];
    run(moto.port, &workspace, &["merge", parts[0], parts[1], "-o", "merged"]);
    assert_same(&workspace.folder.path().join("merged"), &expected);
}
