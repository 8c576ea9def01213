//! What newsrooms have, in every format: whole, compressed, in archives, cut short, and broken.

mod support;

use std::collections::BTreeMap;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use pressrun::config::{Config, ConfigFile};
use pressrun::input::find::Finder;
use pressrun::input::left_out::LeftOut;
use pressrun::pipeline::{self, Counter, Halt, Outlet, Stage, run_inline};
use pressrun::record::{Chunk, Document, Reason, Rejection};
use pressrun::stages::read::{Read, ReadSettings};
use serde_json::Value;
use support::{Workspace, said};

/// Reads one file of that name.
fn read(name: &str, bytes: &[u8]) -> (Vec<Document>, Vec<Rejection>) {
    read_with(name, bytes, "")
}

/// As [`read`], with a configuration.
fn read_with(name: &str, bytes: &[u8], pipeline: &str) -> (Vec<Document>, Vec<Rejection>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let config = Config::parse(ConfigFile { path: "pipeline.toml".into(), text: pipeline.to_owned() }).unwrap();
    let found = Counter::default();
    let filtered = Counter::default();
    let settings = ReadSettings { found: found.clone(), filtered: filtered.clone(), ..ReadSettings::default() };
    let stage = Read::new(&config.input, &config.run, settings);
    let finder = Finder::new(&[path], Vec::new(), Path::new("output")).unwrap();
    let (chunks, rejections) = run_inline(stage, finder.sources()).unwrap();
    let documents: Vec<Document> = chunks.into_iter().flat_map(|chunk| chunk.documents).collect();
    let read = (documents.len() + rejections.len()) as u64 + filtered.get();
    assert_eq!(found.get(), read, "{name}: found = read + rejected + filtered");
    (documents, rejections)
}

/// Reads a file that has nothing wrong.
fn read_well(name: &str, bytes: &[u8]) -> Vec<Document> {
    let (documents, rejections) = read(name, bytes);
    assert!(rejections.is_empty(), "{name}: {rejections:?}");
    documents
}

fn texts(documents: &[Document]) -> Vec<&str> {
    documents.iter().map(|document| document.text.as_str()).collect()
}

fn reasons(rejections: &[Rejection]) -> Vec<Reason> {
    rejections.iter().map(|rejection| rejection.reason).collect()
}

/// The text of the article with a number: two paragraphs, some of it beyond ASCII.
fn text(number: usize) -> String {
    format!(
        "The council of Norrköping voted on plan {number} on Tuesday evening after a long debate.\n\n\
         “We have waited {number} years,” the mayor said, and the hall applauded for a while.\n\n\
         Work on the new bridge is to begin in spring, the council's office said in a statement."
    )
}

fn paragraphs(number: usize) -> String {
    format!("<p>{}</p>", text(number).replace("\n\n", "</p><p>"))
}

fn page(number: usize) -> String {
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Plan {number}</title></head>\
         <body><article><h1>Plan {number}</h1>{}</article></body></html>",
        paragraphs(number)
    )
}

const ARTICLES: usize = 6;

fn joined(article: impl Fn(usize) -> String) -> String {
    (0..ARTICLES).map(article).collect()
}

fn json_lines() -> String {
    joined(|number| {
        format!("{}\n", serde_json::json!({"id": format!("a{number}"), "text": text(number), "title": "Plan"}))
    })
}

fn json_array() -> String {
    let articles: Vec<_> =
        (0..ARTICLES).map(|number| serde_json::json!({"text": text(number), "more": [{"x": "}"}]})).collect();
    serde_json::to_string_pretty(&articles).unwrap()
}

fn csv() -> String {
    let row =
        |number: usize| format!("{number},\"Plan \"\"{number}\"\"\",\"{}\"\r\n", text(number).replace('"', "\"\""));
    format!("id,title,text\r\n{}", joined(row))
}

fn tsv() -> String {
    format!("id\ttext\n{}", joined(|number| format!("{number}\t{}\n", text(number).replace('\n', " "))))
}

fn warc_record(kind: &str, uri: &str, mime: &str, body: &[u8]) -> Vec<u8> {
    let mut record = format!(
        "WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {uri}\r\nWARC-Date: 2031-03-04T05:06:07Z\r\n\
         Content-Type: {mime}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    record.extend_from_slice(body);
    record.extend_from_slice(b"\r\n\r\n");
    record
}

fn response(number: usize) -> Vec<u8> {
    let page = page(number);
    let message = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\r\n{page}",
        page.len()
    );
    let uri = format!("https://news.example/{number}");
    warc_record("response", &uri, "application/http; msgtype=response", message.as_bytes())
}

/// The records of a web archive: one that describes it, and a request and a response for each article.
fn warc_records() -> Vec<Vec<u8>> {
    let mut records = vec![warc_record("warcinfo", "<x>", "application/warc-fields", b"software: a test\r\n")];
    for number in 0..ARTICLES {
        records.push(warc_record(
            "request",
            "https://news.example/",
            "application/http; msgtype=request",
            b"GET / HTTP/1.1\r\n\r\n",
        ));
        records.push(response(number));
    }
    records
}

fn arc() -> Vec<u8> {
    let version = "1 0 Somebody\nURL IP-address Archive-date Content-type Archive-length\n\n";
    let mut arc =
        format!("filedesc://a.arc 0.0.0.0 20310304050607 text/plain {}\n{version}\n", version.len()).into_bytes();
    for number in 0..ARTICLES {
        let page = page(number);
        let message = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{page}");
        let line = format!("http://news.example/a {number} 192.0.2.1 20310304050607 text/html {}\n", message.len());
        arc.extend_from_slice(line.as_bytes());
        arc.extend_from_slice(message.as_bytes());
        arc.push(b'\n');
    }
    arc
}

fn rss() -> String {
    let item = |number: usize| {
        format!(
            "<item><title>Plan &amp; {number}</title><link>https://news.example/{number}</link><guid>g{number}</guid>\
             <dc:creator>Ann Reporter</dc:creator><pubDate>Tue, 04 Mar 2031 05:06:07 +0100</pubDate><category>Local</category>\
             <description>Short.</description><content:encoded><![CDATA[{}]]></content:encoded></item>\n",
            paragraphs(number)
        )
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\" xmlns:content=\"c\" xmlns:dc=\"d\"><channel>\
         <title>The Example</title><language>en-gb</language>\n{}</channel></rss>",
        joined(item)
    )
}

fn atom() -> String {
    let entry = |number: usize| {
        format!(
            "<entry><title>Plan {number}</title><id>urn:{number}</id><link href=\"https://news.example/{number}\"/>\
             <published>2031-03-04T05:06:07+01:00</published><updated>2031-03-05T05:06:07+01:00</updated>\
             <author><name>Ann Reporter</name></author><content type=\"html\">{}</content></entry>\n",
            paragraphs(number).replace('<', "&lt;").replace('>', "&gt;")
        )
    };
    format!(
        "<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"en\"><title>The Example</title>\n{}</feed>",
        joined(entry)
    )
}

fn nitf(number: usize) -> String {
    format!(
        "<nitf><head><docdata><doc-id id-string=\"n{number}\" regsrc=\"EX\"/><date.release norm=\"20310304T050607Z\"/></docdata>\
         <pubdata name=\"The Example\" position.section=\"Local\"/></head><body><body.head><hedline><hl1>Plan {number}</hl1></hedline>\
         <byline>By Ann Reporter</byline></body.head><body.content>{}</body.content></body></nitf>\n",
        paragraphs(number)
    )
}

fn newsml() -> String {
    let item = |number: usize| {
        format!(
            "<newsItem guid=\"urn:newsml:example:{number}\" xml:lang=\"en\"><itemMeta><provider literal=\"EX\"/>\
             <versionCreated>2031-03-05T05:06:07Z</versionCreated><firstCreated>2031-03-04T05:06:07Z</firstCreated></itemMeta>\
             <contentMeta><by>Ann Reporter</by><headline>Plan {number}</headline></contentMeta>\
             <contentSet><inlineXML contenttype=\"application/nitf+xml\">{}</inlineXML></contentSet></newsItem>\n",
            nitf(number)
        )
    };
    format!(
        "<?xml version=\"1.0\"?><newsMessage xmlns=\"http://iptc.org/std/nar/2006-10-01/\"><itemSet>\n{}</itemSet></newsMessage>",
        joined(item)
    )
}

fn reuters() -> String {
    let article = |number: usize| {
        format!(
            "<REUTERS TOPICS=\"YES\" NEWID=\"{number}\">\n<DATE>26-FEB-1987 15:01:01.79</DATE>\n<TEXT>&#2;\n<TITLE>PLAN {number}</TITLE>\n\
             <DATELINE>    NORRKOPING, Feb 26 - </DATELINE><BODY>{}\n&#3;</BODY></TEXT>\n</REUTERS>\n",
            text(number).replace("council's", "council &amp; mayor's")
        )
    };
    format!("<!DOCTYPE lewis SYSTEM \"lewis.dtd\">\n{}", joined(article))
}

fn ninjs(number: usize) -> serde_json::Value {
    serde_json::json!({
        "uri": format!("urn:example:{number}"), "type": "text", "versioncreated": "2031-03-04T05:06:07Z", "language": "en",
        "headline": "Plan", "byline": "Ann Reporter", "body_xhtml": paragraphs(number)
    })
}

fn parquet() -> Vec<u8> {
    use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
    use parquet::file::properties::WriterProperties;
    use parquet::file::writer::SerializedFileWriter;
    let schema = "message m { required binary id (STRING); optional binary text (STRING);
        optional int64 published (TIMESTAMP(MILLIS,true)); optional group names (LIST) { repeated group list { optional binary element (STRING); } } }";
    let schema = std::sync::Arc::new(parquet::schema::parser::parse_message_type(schema).unwrap());
    let properties = WriterProperties::builder().set_compression(parquet::basic::Compression::SNAPPY).build();
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, std::sync::Arc::new(properties)).unwrap();
    for begin in [0, ARTICLES / 2] {
        let numbers: Vec<usize> = (begin..begin + ARTICLES / 2).collect();
        let values = |value: &dyn Fn(usize) -> String| {
            numbers.iter().map(|&number| ByteArray::from(value(number).as_str())).collect::<Vec<_>>()
        };
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&values(&|number| format!("p{number}")), None, None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&values(&text), Some(&vec![1; numbers.len()]), None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let moments: Vec<i64> = numbers.iter().skip(1).map(|_| 1_930_000_000_000).collect();
        let levels: Vec<i16> = numbers.iter().enumerate().map(|(at, _)| i16::from(at > 0)).collect();
        column.typed::<Int64Type>().write_batch(&moments, Some(&levels), None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let names = vec![ByteArray::from("Ann"), ByteArray::from("Bob")];
        // One list of two, then empty ones.
        let mut definitions = vec![3, 3];
        definitions.resize(numbers.len() + 1, 1);
        let mut repetitions = vec![0, 1];
        repetitions.resize(numbers.len() + 1, 0);
        column.typed::<ByteArrayType>().write_batch(&names, Some(&definitions), Some(&repetitions)).unwrap();
        column.close().unwrap();
        group.close().unwrap();
    }
    writer.close().unwrap();
    bytes
}

fn tar(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, content.as_slice()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn zip(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in members {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// As a program writes it that cannot go back: sizes stand behind the files.
fn streamed_zip(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new_stream(Vec::new());
    for (name, content) in members {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 6);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn members() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("./2031/03/a.txt", text(0).into_bytes()),
        ("2031/picture.png", b"\x89PNG".to_vec()),
        ("2031/wire.jsonl", json_lines().into_bytes()),
        ("2031/wire.jsonl.gz", gzip(json_lines().as_bytes())),
        ("__MACOSX/2031/._a.txt", b"\0\x05\x16\x07".to_vec()),
        ("2031/b.txt", text(1).into_bytes()),
    ]
}

/// One file a format, with how many articles it has.
fn fixtures() -> Vec<(&'static str, Vec<u8>, usize)> {
    let array = serde_json::to_vec(&(0..ARTICLES).map(ninjs).collect::<Vec<_>>()).unwrap();
    vec![
        ("a.txt", text(0).into_bytes(), 1),
        ("a.html", page(0).into_bytes(), 1),
        ("a.jsonl", json_lines().into_bytes(), ARTICLES),
        ("a.json", json_array().into_bytes(), ARTICLES),
        ("ninjs.json", array, ARTICLES),
        ("a.csv", csv().into_bytes(), ARTICLES),
        ("a.tsv", tsv().into_bytes(), ARTICLES),
        ("a.warc", warc_records().concat(), ARTICLES),
        ("a.arc", arc(), ARTICLES),
        ("rss.xml", rss().into_bytes(), ARTICLES),
        ("atom.xml", atom().into_bytes(), ARTICLES),
        ("nitf.xml", nitf(0).into_bytes(), 1),
        ("newsml.xml", newsml().into_bytes(), ARTICLES),
        ("reut2-000.sgm", reuters().into_bytes(), ARTICLES),
        ("a.parquet", parquet(), ARTICLES),
        ("a.tar", tar(&members()), 2 + 2 * ARTICLES),
        ("a.zip", zip(&members()), 2 + 2 * ARTICLES),
        ("streamed.zip", streamed_zip(&members()), 2 + 2 * ARTICLES),
    ]
}

/// A format, compressed.
fn packed(bytes: &[u8]) -> [(&'static str, Vec<u8>); 4] {
    [("gz", gzip(bytes)), ("zst", zstd::encode_all(bytes, 3).unwrap()), ("bz2", bzip2(bytes)), ("xz", xz(bytes))]
}

#[test]
fn every_format_gives_its_articles_in_every_compression_and_by_any_name() {
    for (name, bytes, articles) in fixtures() {
        let plain = read_well(name, &bytes);
        assert_eq!(plain.len(), articles, "{name}");
        assert!(plain.iter().all(|document| document.text.contains("Norrköping voted on plan")), "{name}: {plain:?}");
        assert!(
            plain.iter().all(|document| document.text.contains("\n\n“We have") || name == "a.tsv"),
            "{name}: {plain:?}"
        );
        for (ending, packed) in packed(&bytes) {
            let unpacked = read_well(&format!("{name}.{ending}"), &packed);
            assert_eq!(texts(&unpacked), texts(&plain), "{name}.{ending}");
            assert_eq!(unpacked[0].id, plain[0].id, "{name}.{ending}");
        }
        if !matches!(name, "a.txt" | "a.tsv") {
            let nameless = read_well("nameless", &gzip(&bytes));
            assert_eq!(texts(&nameless), texts(&plain), "{name} without a name");
        }
    }
}

#[test]
fn what_is_cut_short_is_read_up_to_the_cut() {
    for (name, bytes, _) in fixtures() {
        let whole = read_well(name, &bytes);
        let starts: Vec<u64> = whole
            .iter()
            .filter(|document| document.place.member.is_none())
            .filter_map(|document| document.place.byte)
            .collect();
        for cut in (0..bytes.len()).step_by(97) {
            let (documents, rejections) = read(name, &bytes[..cut]);
            // Where nothing says that it ends too early, the last one may be shorter than it was.
            let is_silent = matches!(name, "a.txt" | "a.html" | "a.tsv");
            let sure = documents.len().saturating_sub(usize::from(is_silent));
            assert!(texts(&whole).starts_with(&texts(&documents[..sure])), "{name} cut at {cut}");
            let whole_before = starts.iter().skip(1).filter(|&&start| start <= cut as u64).count();
            assert!(documents.len() >= whole_before, "{name} cut at {cut}: {} of {whole_before}", documents.len());
            // Where a file can end behind any record, nobody can tell whether there were more.
            let may_be_silent = matches!(
                name,
                "a.txt" | "a.html" | "a.jsonl" | "a.csv" | "a.tsv" | "a.warc" | "a.arc" | "nitf.xml" | "reut2-000.sgm"
            );
            // Archives end with blocks of zeros, or a list of what has been read.
            let may_be_silent = may_be_silent || cut == 0 || documents.len() == whole.len();
            assert!(may_be_silent || !rejections.is_empty(), "{name} cut at {cut}: nothing is said");
        }
    }
}

#[test]
fn what_is_cut_short_inside_a_compression_says_so() {
    for (name, bytes, _) in fixtures() {
        let whole = read_well(name, &bytes);
        for (ending, packed) in packed(&bytes) {
            for cut in (20..packed.len()).step_by(97) {
                let (documents, rejections) = read(&format!("{name}.{ending}"), &packed[..cut]);
                assert!(texts(&whole).starts_with(&texts(&documents)), "{name}.{ending} cut at {cut}");
                let is_said =
                    rejections.iter().any(|rejection| matches!(rejection.reason, Reason::Truncated | Reason::Damaged));
                assert!(is_said, "{name}.{ending} cut at {cut}: {rejections:?}");
            }
        }
    }
}

#[test]
fn a_web_archive_compressed_record_by_record_loses_only_the_record_that_is_damaged() {
    let members: Vec<Vec<u8>> = warc_records().iter().map(|record| gzip(record)).collect();
    let begins = |number: usize| members[..number].iter().map(Vec::len).sum::<usize>();
    let bytes = members.concat();
    assert_eq!(read_well("a.warc.gz", &bytes).len(), ARTICLES);
    // The response of the second article.
    for at in (begins(4) + 12..begins(5) - 8).step_by(13) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x55;
        let (documents, rejections) = read("a.warc.gz", &damaged);
        let left: Vec<_> = documents.iter().filter(|document| !document.text.contains("plan 1 ")).collect();
        assert_eq!(left.len(), ARTICLES - 1, "byte {at}: {rejections:?}");
        assert!(!rejections.is_empty(), "byte {at}");
    }
}

#[test]
fn wrong_lengths_in_a_web_archive_cost_no_neighbours() {
    let mut records = warc_records();
    for (wrong, kept) in [("9", ARTICLES - 1), ("99999", ARTICLES), ("x", ARTICLES - 1)] {
        let text = String::from_utf8(response(2)).unwrap();
        let (before, behind) = text.split_once("\r\nContent-Length: ").unwrap();
        let behind = behind.split_once("\r\n").unwrap().1;
        records[6] = format!("{before}\r\nContent-Length: {wrong}\r\n{behind}").into_bytes();
        let (documents, rejections) = read("a.warc", &records.concat());
        assert_eq!(documents.len(), kept, "{wrong}: {rejections:?}");
        assert_eq!(rejections.len(), ARTICLES - kept, "{wrong}: {rejections:?}");
    }
}

#[test]
fn bodies_in_chunks_and_compressed_are_pages() {
    let page = page(7);
    let chunked = |bytes: &[u8]| [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n0\r\n\r\n"].concat();
    let deflated = {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(page.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let bodies: [(&str, Vec<u8>); 6] = [
        ("Transfer-Encoding: chunked\r\n", chunked(page.as_bytes())),
        ("Transfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n", chunked(&gzip(page.as_bytes()))),
        ("Content-Encoding: gzip\r\n", gzip(page.as_bytes())),
        ("Content-Encoding: deflate\r\n", deflated),
        ("Content-Encoding: gzip\r\n", page.clone().into_bytes()),
        ("Transfer-Encoding: chunked\r\n", page.clone().into_bytes()),
    ];
    for (header, body) in bodies {
        let message =
            [format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{header}\r\n").as_bytes(), &body].concat();
        let documents =
            read_well("a.warc", &warc_record("response", "http://x.example/", "application/http", &message));
        assert!(documents[0].text.contains("plan 7 "), "{header}");
        assert_eq!(documents[0].metadata.uri.as_deref(), Some("http://x.example/"));
    }
    for (status, mime) in [("404 Not Found", "text/html"), ("200 OK", "image/png"), ("301 Moved", "text/html")] {
        let message = format!("HTTP/1.1 {status}\r\nContent-Type: {mime}\r\n\r\n{page}");
        let record = warc_record("response", "http://x.example/", "application/http", message.as_bytes());
        assert!(read_well("a.warc", &record).is_empty(), "{status} {mime}");
    }
}

#[test]
fn metadata_comes_through_from_every_format() {
    let first = |name: &str, bytes: &[u8]| read_well(name, bytes)[0].clone();
    let rss = first("rss.xml", rss().as_bytes());
    assert_eq!(rss.metadata.title.as_deref(), Some("Plan & 0"));
    assert_eq!(rss.metadata.byline.as_deref(), Some("Ann Reporter"));
    assert_eq!(rss.metadata.published.as_deref(), Some("2031-03-04T05:06:07+01:00"));
    assert_eq!((rss.metadata.section.as_deref(), rss.metadata.language.as_deref()), (Some("Local"), Some("en-gb")));
    assert_eq!((rss.metadata.source.as_deref(), rss.id.as_str()), (Some("The Example"), "g0"));
    let atom = first("atom.xml", atom().as_bytes());
    assert_eq!(atom.metadata.uri.as_deref(), Some("https://news.example/0"));
    assert_eq!(atom.metadata.modified.as_deref(), Some("2031-03-05T05:06:07+01:00"));
    assert_eq!(atom.metadata.language.as_deref(), Some("en"));
    let nitf = first("nitf.xml", nitf(0).as_bytes());
    assert_eq!((nitf.id.as_str(), nitf.metadata.title.as_deref()), ("n0", Some("Plan 0")));
    assert_eq!(nitf.metadata.published.as_deref(), Some("2031-03-04T05:06:07Z"));
    assert_eq!(
        (nitf.metadata.section.as_deref(), nitf.metadata.source.as_deref()),
        (Some("Local"), Some("The Example"))
    );
    let newsml = first("newsml.xml", newsml().as_bytes());
    assert_eq!(newsml.metadata.uri.as_deref(), Some("urn:newsml:example:0"));
    assert_eq!(newsml.metadata.published.as_deref(), Some("2031-03-04T05:06:07Z"));
    assert_eq!(newsml.metadata.modified.as_deref(), Some("2031-03-05T05:06:07Z"));
    assert_eq!(newsml.metadata.source.as_deref(), Some("EX"));
    let reuters = first("reut2-000.sgm", reuters().as_bytes());
    assert_eq!((reuters.id.as_str(), reuters.metadata.title.as_deref()), ("0", Some("PLAN 0")));
    assert!(reuters.text.contains("council & mayor's") && reuters.text.ends_with("statement."), "{:?}", reuters.text);
    let parquet = read_with("a.parquet", &parquet(), "[input.fields]\nbyline = \"names.1\"").0;
    assert_eq!((parquet[0].id.as_str(), parquet[0].metadata.byline.as_deref()), ("p0", Some("Bob")));
    assert_eq!((parquet[0].metadata.published.as_deref(), parquet[1].metadata.byline.as_deref()), (None, None));
    assert_eq!(parquet[1].metadata.published.as_deref(), Some("2031-02-27T23:06:40Z"));
}

#[test]
fn every_version_of_ninjs_is_read() {
    let old = serde_json::json!({"uri": "u", "versioncreated": "2031-03-04T05:06:07Z", "headline": "H", "byline": "B", "body_text": "Text."});
    let new = serde_json::json!({"uri": "u", "versioncreated": "2031-03-04T05:06:07Z", "by": "B", "headlines": [{"role": "main", "value": "H"}],
        "bodies": [{"contenttype": "text/html", "value": "<p>Text.</p>"}]});
    let newest = serde_json::json!({"uri": "u", "versionCreated": "2031-03-04T05:06:07Z", "by": "B", "headlines": [{"value": "H"}],
        "bodies": [{"contentType": "text/plain", "value": "Text."}, {"contentType": "application/xhtml+xml", "value": "<p>Text.</p>"}]});
    for article in [old, new, newest] {
        let found = read_well("a.json", article.to_string().as_bytes());
        let metadata = &found[0].metadata;
        assert_eq!(found[0].text, "Text.");
        assert_eq!(
            [&metadata.uri, &metadata.title, &metadata.byline, &metadata.published].map(|field| field.as_deref()),
            [Some("u"), Some("H"), Some("B"), Some("2031-03-04T05:06:07Z")]
        );
    }
}

#[test]
fn fields_may_lie_inside_others() {
    let pipeline = "[input.fields]\ntext = \"body.parts.1.text\"\ntitle = \"head\"\nuri = \"a.b\"\n";
    let line = "{\"head\":\"H\",\"a.b\":\"dotted\",\"body\":{\"parts\":[{},{\"text\":\"Inside.\"}]}}\n{\"body\":{\"parts\":[]}}\n";
    let (documents, rejections) = read_with("a.jsonl", line.as_bytes(), pipeline);
    assert_eq!(texts(&documents), ["Inside."]);
    assert_eq!(documents[0].metadata.uri.as_deref(), Some("dotted"));
    assert_eq!(reasons(&rejections), [Reason::MissingText]);
}

#[test]
fn a_broken_row_costs_only_itself() {
    let csv = "id,text\na,\"An open quotation mark\nb,Whole.\nc,\"Also whole, with a comma\nand two lines.\"\nd,x,y,z\ne,Last.\n";
    let (documents, rejections) = read("a.csv", csv.as_bytes());
    assert_eq!(texts(&documents), ["Whole.", "Also whole, with a comma\nand two lines.", "Last."]);
    assert_eq!(reasons(&rejections), [Reason::Damaged, Reason::Damaged]);
    assert_eq!(rejections[0].place.line, Some(2));
    assert_eq!(rejections[1].place.line, Some(6));
}

#[test]
fn a_broken_object_in_an_array_costs_only_itself() {
    let json = "[\n  {\"text\": \"One.\"},\n  {\"text\": \"Not closed},\n  {\"text\": \"Two.\"},\n  {\"text\": 7},\n {\"text\": \"Three.\"}\n]\n";
    let (documents, rejections) = read("a.json", json.as_bytes());
    assert_eq!(texts(&documents), ["One.", "Two.", "Three."]);
    assert_eq!(reasons(&rejections), [Reason::InvalidJson, Reason::WrongType]);
}

#[test]
fn a_broken_item_of_a_feed_costs_only_itself() {
    let broken = rss().replacen("<guid>g1</guid>", "<guid>g1", 1).replacen(
        "</item>\n<item><title>Plan &amp; 4",
        "<item><title>Plan &amp; 4",
        1,
    );
    let (documents, rejections) = read("rss.xml", broken.as_bytes());
    let ids: Vec<&str> = documents.iter().map(|document| document.id.as_str()).collect();
    assert_eq!(ids, ["g0", "g2", "g4", "g5"]);
    assert_eq!(reasons(&rejections), [Reason::Damaged, Reason::Damaged]);
}

#[test]
fn names_in_archives_stay_names() {
    let evil = [("../../etc/cron.txt", b"Evil text.".to_vec()), ("/absolute.txt", b"More evil.".to_vec())];
    let documents = read_well("a.zip", &zip(&evil));
    assert_eq!(texts(&documents), ["Evil text.", "More evil."]);
    assert!(documents.iter().all(|document| !document.id.contains('/') && !document.id.starts_with('.')));
    assert_eq!(documents[0].place.member.as_deref(), Some("../../etc/cron.txt"));
    assert!(!Path::new("/absolute.txt").exists());
}

#[test]
fn places_tell_file_member_record_line_and_byte() {
    let documents = read_well("a.tar", &tar(&members()));
    let place = &documents[2].place;
    assert_eq!((place.member.as_deref(), place.record, place.line), (Some("2031/wire.jsonl"), Some(3), Some(2)));
    assert!(place.byte.unwrap() > 0);
    let numbers: Vec<u64> = documents.iter().map(|document| document.place.number()).collect();
    assert_eq!(numbers, (1..=documents.len() as u64).collect::<Vec<_>>(), "each has a number of its own");
    let nested = read_well("b.zip", &zip(&[("in.tar", tar(&members()))]));
    assert_eq!(nested[0].place.member.as_deref(), Some("in.tar!2031/03/a.txt"));
}

#[test]
fn a_text_may_have_any_byte_where_an_archive_has_a_checksum() {
    for letter in ["é", "“", "字"] {
        for place in 140..157 {
            let text = format!("{}{letter}{}", "a ".repeat(place)[..place].to_owned(), " of a word".repeat(60));
            assert_eq!(texts(&read_well("a.txt", text.as_bytes())), [text.trim_end()], "{letter} at {place}");
        }
    }
}

#[test]
fn what_unpacks_to_too_much_is_read_no_further() {
    let line = format!("{{\"text\":\"{}\"}}\n", "a".repeat(1 << 20));
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    for _ in 0..200 {
        encoder.write_all(line.as_bytes()).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    let (documents, rejections) = read("a.jsonl.zst", &bomb);
    assert!((60..90).contains(&documents.len()), "{}", documents.len());
    assert_eq!(reasons(&rejections), [Reason::TooLarge]);
    assert!(rejections[0].message.contains("max_expansion"), "{rejections:?}");
    let (documents, rejections) = read_with("a.jsonl.zst", &bomb, "[input]\nmax_unpacked_bytes = 5000000");
    assert_eq!((documents.len(), reasons(&rejections)), (4, vec![Reason::TooLarge]));
}

#[test]
fn what_lies_too_deep_is_refused() {
    let mut bytes = b"Text.".to_vec();
    for _ in 0..6 {
        bytes = gzip(&bytes);
    }
    assert_eq!(reasons(&read("a.txt.gz", &bytes).1), [Reason::TooDeep]);
    let json = format!("{{\"text\":\"x\",\"deep\":{}{}}}\n", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(reasons(&read("a.jsonl", json.as_bytes()).1), [Reason::TooDeep]);
    assert_eq!(reasons(&read("a.json", json.as_bytes()).1), [Reason::TooDeep]);
    let item = format!("<item>{}{}</item>", "<a>".repeat(100_000), "</a>".repeat(100_000));
    assert_eq!(
        reasons(&read("rss.xml", format!("<rss><channel>{item}</channel></rss>").as_bytes()).1),
        [Reason::TooDeep]
    );
}

#[test]
fn entities_are_never_looked_up() {
    let xml = "<?xml version=\"1.0\"?><!DOCTYPE rss [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;\"><!ENTITY c SYSTEM \"file:///etc/passwd\">]>\
        <rss><channel><item><title>T</title><description>x &b; &c; y&nbsp;z</description></item></channel></rss>";
    assert_eq!(read_well("rss.xml", xml.as_bytes())[0].text, "x &b; &c; y z");
}

#[test]
fn lines_and_attributes_without_end_cost_no_memory_and_no_neighbours() {
    let pipeline = "[input]\nmax_document_bytes = 2000\n";
    let long = "a".repeat(3_000_000);
    let xml = format!(
        "<rss><channel><item x=\"{long}\"><description>b</description></item><item><description>Whole.</description></item></channel></rss>"
    );
    let (documents, rejections) = read_with("rss.xml", xml.as_bytes(), pipeline);
    assert_eq!((texts(&documents), reasons(&rejections)), (vec!["Whole."], vec![Reason::TooLarge]));
    let json = format!("[{{\"text\":\"{long}\"}},{{\"text\":\"Whole.\"}}]");
    let (documents, rejections) = read_with("a.json", json.as_bytes(), pipeline);
    assert_eq!((texts(&documents), reasons(&rejections)), (vec!["Whole."], vec![Reason::TooLarge]));
    let csv = format!("id,text\n1,{long}\n2,Whole.\n3,\"{long}\n4,Whole.\n");
    let (documents, rejections) = read_with("a.csv", csv.as_bytes(), pipeline);
    assert_eq!((texts(&documents), reasons(&rejections)), (vec!["Whole.", "Whole."], vec![Reason::TooLarge; 2]));
    let warc =
        [warc_record("response", "http://x.example/", "application/http", long.as_bytes()), response(0)].concat();
    let (documents, rejections) = read_with("a.warc", &warc, pipeline);
    assert_eq!((documents.len(), reasons(&rejections)), (1, vec![Reason::TooLarge]));
}

#[test]
fn utf_16_is_read_in_every_text_format() {
    let utf16 = |text: &str| -> Vec<u8> {
        [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    };
    for (name, bytes) in
        [("a.jsonl", json_lines()), ("a.json", json_array()), ("a.csv", csv()), ("a.tsv", tsv()), ("rss.xml", rss())]
    {
        assert_eq!(texts(&read_well(name, &utf16(&bytes))), texts(&read_well(name, bytes.as_bytes())), "{name}");
    }
}

/// Takes what comes, and interferes when the first of it is there.
struct Interfering<'f> {
    interfere: Option<Box<dyn FnOnce() + Send>>,
    found: &'f Mutex<(usize, Vec<Rejection>)>,
}

impl Stage for Interfering<'_> {
    const NAME: &'static str = "interfere";
    type In = Chunk<Document>;
    type Out = ();

    fn process(&mut self, chunk: Self::In, _: &mut Outlet<'_, ()>) -> Result<(), Halt> {
        if let Some(interfere) = self.interfere.take() {
            interfere();
        }
        self.found.lock().unwrap().0 += chunk.documents.len();
        Ok(())
    }

    fn rejected(&mut self, rejection: Rejection, _: &mut Outlet<'_, ()>) -> Result<(), Halt> {
        self.found.lock().unwrap().1.push(rejection);
        Ok(())
    }
}

#[test]
fn a_file_that_changes_or_goes_away_while_it_is_read_is_named() {
    const LINES: usize = 2000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    let text = "[run]\nchunk_documents = 1\n".to_owned();
    let config = Config::parse(ConfigFile { path: "pipeline.toml".into(), text }).unwrap();
    let (changed, gone) = (path.clone(), path.clone());
    let change = move || {
        let mut file = std::fs::File::options().append(true).open(&changed).unwrap();
        file.write_all(b"\n").unwrap();
    };
    let interferences: [Box<dyn FnOnce() + Send>; 2] =
        [Box::new(change), Box::new(move || std::fs::remove_file(&gone).unwrap())];
    for interfere in interferences {
        std::fs::write(&path, "{\"text\":\"One of many.\"}\n".repeat(LINES)).unwrap();
        let finder = Finder::new(std::slice::from_ref(&path), Vec::new(), Path::new("output")).unwrap();
        let read = Read::new(&config.input, &config.run, ReadSettings::default());
        let found = Mutex::new((0, Vec::new()));
        // The reader waits for its neighbour long before it has read all.
        let (_, outcome) = pipeline::run(NonZeroUsize::MIN, |flow| {
            let last = Interfering { interfere: Some(interfere), found: &found };
            flow.source("find", finder.sources()).stage(read).stage(last).for_each(|()| ());
        });
        outcome.unwrap();
        let (documents, rejections) = found.into_inner().unwrap();
        assert_eq!((documents, reasons(&rejections)), (LINES, vec![Reason::Changed]));
        assert_eq!(rejections[0].place.number(), 0);
    }
}

/// `examples/formats` has one small file a format.
#[test]
fn every_example_is_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/formats");
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let documents = read_well(name, &std::fs::read(&path).unwrap());
        assert!((1..=2).contains(&documents.len()), "{name}: {}", documents.len());
        for document in &documents {
            let is_known = document.text.contains("Hollow Island") || document.text.contains("Anselm town library");
            assert!(is_known && document.metadata.title.is_some(), "{name}: {document:?}");
        }
        files += 1;
    }
    assert!(files >= 41, "{files}");
}

#[test]
fn a_retry_finds_a_record_in_an_archive_again() {
    let workspace = Workspace::new("[run]\nmax_rejected = 1\n");
    let archive = |line: &str| {
        let wire = format!("{{\"id\":\"a\",\"text\":\"One.\"}}\n{line}\n{{\"id\":\"c\",\"text\":\"Three.\"}}\n");
        tar(&[("first.txt", b"First.".to_vec()), ("wire.jsonl", wire.into_bytes())])
    };
    let input = workspace.put("in/a.tar", archive("{\"text\": 7}"));
    assert!(workspace.run(&[&input]).status.success());
    let rejected = workspace.lines("rejected.jsonl");
    let place = &rejected[0]["place"];
    assert_eq!((&place["member"], &place["record"], &place["line"]), (&"wire.jsonl".into(), &3.into(), &2.into()));
    workspace.put("in/a.tar", archive("{\"id\":\"b\",\"text\":\"Two.\"}"));
    let mut retry = Command::new(env!("CARGO_BIN_EXE_pressrun"));
    retry.arg("retry").arg("-c").arg(workspace.folder.path().join("pipeline.toml")).arg(&input);
    let output = retry.output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let accounting = |name: &str| workspace.report()["accounting"][name].as_u64().unwrap();
    assert_eq!((accounting("found"), accounting("written")), (1, 1));
    assert_eq!((workspace.lines("documents.jsonl").len(), workspace.lines("rejected.jsonl").len()), (4, 0));
    assert!(workspace.run(&[&input]).status.success());
    assert_eq!((accounting("found"), accounting("skipped")), (4, 4), "a whole run agrees");
}

/// Reads a folder of files: the texts in order, and the counts of what was left out.
fn read_folder(files: &[(&str, Vec<u8>)]) -> (Vec<String>, BTreeMap<String, u64>) {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    let config = Config::parse(ConfigFile { path: "pipeline.toml".into(), text: String::new() }).unwrap();
    let left_out = LeftOut::default();
    let settings = ReadSettings { left_out: left_out.clone(), ..ReadSettings::default() };
    let finder = Finder::new(&[folder.path().to_owned()], Vec::new(), Path::new("output")).unwrap();
    let (chunks, rejections) = run_inline(Read::new(&config.input, &config.run, settings), finder.sources()).unwrap();
    assert!(rejections.is_empty(), "{rejections:?}");
    let documents = chunks.into_iter().flat_map(|chunk| chunk.documents);
    (documents.map(|document| document.text).collect(), left_out.counts())
}

fn counts(kinds: &[(&str, u64)]) -> BTreeMap<String, u64> {
    kinds.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect()
}

/// Files of a mirror and what lies among them. The first seven are pages or articles.
fn mirror() -> Vec<(&'static str, Vec<u8>)> {
    let article = format!("{}\n", serde_json::json!({"text": text(5)}));
    vec![
        ("news/story", page(0).into_bytes()),
        ("news/story.asp", page(1).into_bytes()),
        ("news/story.gz", gzip(page(2).as_bytes())),
        ("news/story.html", page(3).into_bytes()),
        ("news/story.php?id=12", page(4).into_bytes()),
        ("news/wire.dump", article.into_bytes()),
        ("news/wire.dump.bz2", bzip2(&warc_records().concat())),
        ("README", b"How to read the news.".to_vec()),
        ("paper.xlsx", zip(&[("word/story.html", page(6).into_bytes())])),
        ("photo.JPG", b"\xff\xd8\xff\xe0\0\x10JFIF".to_vec()),
        ("photo2.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF".to_vec()),
        ("story.php", b"<?php include 'story.html'; ?>".to_vec()),
        (".hidden.php", page(7).into_bytes()),
    ]
}

#[test]
fn a_file_of_unknown_name_is_read_if_its_content_is_certain_and_counted_otherwise() {
    let (texts, left_out) = read_folder(&mirror());
    assert_eq!(texts.len(), 6 + ARTICLES);
    assert!((0..6).all(|number| texts.iter().any(|text| text.contains(&format!("plan {number} ")))));
    let expected = counts(&[("no extension", 1), (".xlsx", 1), (".jpg", 2), (".php", 1)]);
    assert_eq!(left_out, expected);
}

#[test]
fn members_of_archives_are_read_or_counted_as_files_in_folders_are() {
    let (texts, left_out) = read_folder(&mirror());
    for (name, archive) in [("a.tar", tar(&mirror())), ("a.zip", zip(&mirror())), ("a.zip", streamed_zip(&mirror()))] {
        let (of_archive, left_out_of_archive) = read_folder(&[(name, archive)]);
        let sorted = |mut texts: Vec<String>| {
            texts.sort();
            texts
        };
        assert_eq!(sorted(of_archive), sorted(texts.clone()), "{name}");
        assert_eq!(left_out_of_archive, left_out, "{name}");
    }
}

#[test]
fn what_is_left_out_is_in_the_report_and_at_the_end_of_read() {
    let workspace = Workspace::new("");
    let files = [("in/a.txt", "One."), ("in/b.xlsx", "x"), ("in/c.xlsx", "x"), ("in/d.JPG", "x")];
    for (name, content) in files {
        workspace.put(name, content);
    }
    let input = workspace.folder.path().join("in");
    let output = workspace.run(&[&input]);
    assert!(
        output.status.success() && said(&output).contains("left out   3 files: .xlsx 2, .jpg 1"),
        "{}",
        said(&output)
    );
    assert_eq!(workspace.report()["left_out"], serde_json::json!({".xlsx": 2, ".jpg": 1}));
    assert_eq!(workspace.report()["accounting"]["found"], 1);
    let read = Command::new(env!("CARGO_BIN_EXE_pressrun")).arg("read").arg(&input).output().unwrap();
    assert!(said(&read).contains("left out 3 files: .xlsx 2, .jpg 1"), "{}", said(&read));
}

/// What `pressrun read` shows.
fn shown(arguments: &[&str], standard_input: &[u8]) -> Vec<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pressrun"));
    command.arg("read").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut running = command.spawn().unwrap();
    running.stdin.take().unwrap().write_all(standard_input).unwrap();
    let output = running.wait_with_output().unwrap();
    assert!(output.status.success());
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn lists_of_files_and_standard_input_are_read_and_shown_in_order() {
    let workspace = Workspace::new("");
    let first = workspace.put("one.txt", "One.");
    let second = workspace.put("two.jsonl", "{\"text\":\"Two.\"}\nbroken\n");
    let gone = workspace.folder.path().join("gone.txt");
    let list = [&second, &gone, &first].map(|path| path.display().to_string()).join("\n");
    let config = workspace.folder.path().join("pipeline.toml").display().to_string();
    let lines = shown(&["-c", &config, "--files-from", "-"], list.as_bytes());
    let found: Vec<_> = lines.iter().map(|line| line["rejected"].as_str().or(line["text"].as_str()).unwrap()).collect();
    assert_eq!(found, ["Two.", "invalid_json", "unreadable", "One."]);
    assert_eq!((&lines[0]["id"], &lines[1]["place"]["line"]), (&"two.1".into(), &2.into()));
    let lines = shown(&["-c", &config, "-"], &gzip(rss().as_bytes()));
    assert_eq!(lines.len(), ARTICLES);
    assert_eq!((&lines[0]["place"]["source"], &lines[0]["title"]), (&"-".into(), &"Plan & 0".into()));
}
