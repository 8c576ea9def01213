//! A small server for tests: a bucket in the language of S3, whose objects are also files of a web server. It can be slow and fail.
#![allow(unreachable_pub, reason = "each test file is a crate of its own")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The name of the bucket.
pub const BUCKET: &str = "news";

/// The number of names on a page of a list.
const PAGE: usize = 2;

/// A request, as far as it matters.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// Percent-decoded, without the name of the bucket. Empty for a list.
    pub key: String,
    pub query: BTreeMap<String, String>,
    /// The range that is asked for.
    pub range: Option<(usize, usize)>,
    if_match: Option<String>,
    /// The number of requests before it.
    pub number: usize,
}

/// What goes wrong with the answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    None,
    /// An answer with this status and code.
    Status(u16, &'static str),
    /// The connection ends after so many bytes of the content.
    BreaksAfter(usize),
    /// So many bytes come at once, with a pause behind them.
    Slow(usize, Duration),
    /// Ranges are not understood.
    NoRanges,
    /// Nothing comes at all.
    Silent,
}

type Faults = dyn Fn(&Request) -> Fault + Send + Sync;

struct State {
    objects: Mutex<BTreeMap<String, Vec<u8>>>,
    requests: Mutex<Vec<Request>>,
    faults: Mutex<Arc<Faults>>,
}

/// A server that listens for as long as the test runs.
#[derive(Clone)]
pub struct Server {
    pub port: u16,
    state: Arc<State>,
}

impl Server {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let healthy: Arc<Faults> = Arc::new(|_: &Request| Fault::None);
        let state =
            Arc::new(State { objects: Mutex::default(), requests: Mutex::default(), faults: Mutex::new(healthy) });
        let server = Self { port, state };
        let of_thread = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let server = of_thread.clone();
                std::thread::spawn(move || server.answer(&stream));
            }
        });
        server
    }

    pub fn put(&self, key: &str, content: impl Into<Vec<u8>>) {
        self.state.objects.lock().unwrap().insert(key.to_owned(), content.into());
    }

    pub fn fail(&self, faults: impl Fn(&Request) -> Fault + Send + Sync + 'static) {
        self.state.requests.lock().unwrap().clear();
        *self.state.faults.lock().unwrap() = Arc::new(faults);
    }

    /// The requests since the faults were set.
    pub fn requests(&self) -> Vec<Request> {
        self.state.requests.lock().unwrap().clone()
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The address of an object as a file of a web server.
    pub fn url(&self, key: &str) -> String {
        format!("{}/{BUCKET}/{key}", self.endpoint())
    }

    fn answer(&self, stream: &TcpStream) -> Option<()> {
        let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
        let first = lines.next()?.ok()?;
        let mut headers = BTreeMap::new();
        for line in lines.map_while(Result::ok).take_while(|line| !line.is_empty()) {
            if let Some((name, value)) = line.split_once(':') {
                headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
            }
        }
        let mut words = first.split(' ');
        let method = words.next()?.to_owned();
        let url = url::Url::parse(&format!("http://localhost{}", words.next()?)).ok()?;
        let query = url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        let path = decoded(url.path());
        let key = path.trim_start_matches('/').strip_prefix(BUCKET)?.trim_start_matches('/').to_owned();
        let range = headers.get("range").and_then(|range| {
            let (begin, end) = range.strip_prefix("bytes=")?.split_once('-')?;
            Some((begin.parse().ok()?, end.parse().ok()?))
        });
        let mut requests = self.state.requests.lock().unwrap();
        let if_match = headers.get("if-match").cloned();
        let request = Request { method, key, query, range, if_match, number: requests.len() };
        requests.push(request.clone());
        drop(requests);
        let faults = Arc::clone(&self.state.faults.lock().unwrap());
        let fault = faults(&request);
        match &fault {
            Fault::Silent => std::thread::sleep(Duration::from_secs(600)),
            Fault::Status(status, code) => {
                let body = format!("<Error><Code>{code}</Code><Message>It is {code}.</Message></Error>");
                send(stream, *status, &[], body.as_bytes(), &request, &Fault::None)?;
            }
            _ if request.key.is_empty() => {
                send(stream, 200, &[], self.list(&request).as_bytes(), &request, &fault)?;
            }
            _ => self.send_object(stream, &request, &fault)?,
        }
        Some(())
    }

    fn send_object(&self, stream: &TcpStream, request: &Request, fault: &Fault) -> Option<()> {
        let content = self.state.objects.lock().unwrap().get(&request.key).cloned();
        let Some(content) = content else {
            let body = b"<Error><Code>NoSuchKey</Code><Message>It is not here.</Message></Error>";
            return send(stream, 404, &[], body, request, fault);
        };
        let tag = tag(&content);
        let mut headers = vec![format!("ETag: {tag}"), "Last-Modified: Tue, 04 Mar 2031 05:06:07 GMT".to_owned()];
        if request.if_match.as_ref().is_some_and(|wanted| *wanted != tag) {
            return send(stream, 412, &headers, b"", request, fault);
        }
        match request.range {
            Some((begin, end)) if *fault != Fault::NoRanges => {
                if begin >= content.len() {
                    return send(stream, 416, &headers, b"", request, fault);
                }
                let end = end.min(content.len() - 1);
                headers.push(format!("Content-Range: bytes {begin}-{end}/{}", content.len()));
                send(stream, 206, &headers, &content[begin..=end], request, fault)
            }
            _ => send(stream, 200, &headers, &content, request, fault),
        }
    }

    fn list(&self, request: &Request) -> String {
        let prefix = request.query.get("prefix").map_or("", String::as_str);
        let mut names = BTreeSet::new();
        for key in self.state.objects.lock().unwrap().keys() {
            let Some(rest) = key.strip_prefix(prefix) else { continue };
            let folder = rest.split_once('/').filter(|_| request.query.contains_key("delimiter"));
            names.insert(folder.map_or_else(|| key.clone(), |(folder, _)| format!("{prefix}{folder}/")));
        }
        let after = request.query.get("continuation-token").map_or("", String::as_str);
        let mut names = names.into_iter().filter(|name| name.as_str() > after);
        let page: Vec<String> = names.by_ref().take(PAGE).collect();
        let mut text = String::from("<ListBucketResult>");
        let objects = self.state.objects.lock().unwrap();
        for name in &page {
            let _ = match objects.get(name) {
                None => write!(text, "<CommonPrefixes><Prefix>{name}</Prefix></CommonPrefixes>"),
                Some(content) => write!(
                    text,
                    "<Contents><Key>{name}</Key><LastModified>2031-03-04T05:06:07.000Z</LastModified><ETag>{}</ETag><Size>{}</Size></Contents>",
                    tag(content).replace('"', "&quot;"),
                    content.len()
                ),
            };
        }
        if names.next().is_some() {
            let _ = write!(
                text,
                "<IsTruncated>true</IsTruncated><NextContinuationToken>{}</NextContinuationToken>",
                page.last().unwrap()
            );
        }
        text + "</ListBucketResult>"
    }
}

fn decoded(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = (first == b'%').then(|| std::str::from_utf8(&after[..2]).unwrap());
        bytes.push(code.map_or(first, |code| u8::from_str_radix(code, 16).unwrap()));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).unwrap()
}

fn tag(content: &[u8]) -> String {
    let hash = content.iter().fold(17_u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(u64::from(*byte)));
    format!("\"{hash:x}\"")
}

fn send(
    mut stream: &TcpStream,
    status: u16,
    headers: &[String],
    body: &[u8],
    request: &Request,
    fault: &Fault,
) -> Option<()> {
    let mut head = format!("HTTP/1.1 {status} It is so\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
    for header in headers {
        let _ = write!(head, "{header}\r\n");
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).ok()?;
    if request.method == "HEAD" {
        return Some(());
    }
    match fault {
        Fault::BreaksAfter(bytes) if *bytes < body.len() => stream.write_all(&body[..*bytes]).ok(),
        Fault::Slow(bytes, pause) => {
            for piece in body.chunks(*bytes) {
                stream.write_all(piece).ok()?;
                std::thread::sleep(*pause);
            }
            Some(())
        }
        _ => stream.write_all(body).ok(),
    }
}
