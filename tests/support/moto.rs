//! moto, which acts as S3, for tests, and a relay before it that is slow or fails.
#![allow(unreachable_pub, reason = "each test file is a crate of its own")]

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The folder into which `scripts/moto.sh` puts it.
const FOLDER: &str = "moto-5.2.5";

/// moto takes any signature.
const AUTHORIZATION: &str =
    "AWS4-HMAC-SHA256 Credential=test/20310304/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";

/// A process of moto, which ends with the test.
pub struct Moto {
    process: Child,
    pub port: u16,
}

impl Moto {
    /// Starts it with an empty bucket. `None` if it is not installed.
    pub fn start(bucket: &str) -> Option<Self> {
        let cache = std::env::var_os("PRESSRUN_CACHE").map(PathBuf::from);
        let folder = cache.unwrap_or_else(|| super::support::root().join("third_party")).join(FOLDER);
        if !folder.is_dir() {
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new("python3");
        command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()]);
        command.env("PYTHONPATH", folder).env("PYTHONDONTWRITEBYTECODE", "1");
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let moto = Self { process, port };
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(60), "moto does not start");
            std::thread::sleep(Duration::from_millis(100));
        }
        moto.put(bucket, &[]);
        Some(moto)
    }

    /// Puts an object, or makes a bucket: `path` begins with the name of the bucket.
    pub fn put(&self, path: &str, content: &[u8]) {
        let mut encoded = String::new();
        for byte in path.bytes() {
            let is_plain = byte.is_ascii_alphanumeric() || b"/-._".contains(&byte);
            if is_plain {
                encoded.push(byte.into());
            } else {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let head = format!(
            "PUT /{encoded} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/octet-stream\r\n\
             Authorization: {AUTHORIZATION}\r\nContent-Length: {}\r\n\r\n",
            content.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(content).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a relay does with the answer to a request.
pub enum Relayed {
    /// It is replaced by an error.
    Status(u16),
    /// The connection ends after so many bytes.
    BreaksAfter(usize),
    /// So many bytes come at once, with a pause behind them.
    Slow(usize, Duration),
}

/// Starts a server that passes requests on to `port`, and their answers back as `relayed` says for the number of the request. Returns its
/// port.
pub fn relay(port: u16, relayed: fn(usize) -> Relayed) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for (number, client) in listener.incoming().map_while(Result::ok).enumerate() {
            std::thread::spawn(move || pass_on(&client, port, &relayed(number)));
        }
    });
    own
}

fn pass_on(mut client: &TcpStream, port: u16, relayed: &Relayed) -> Option<()> {
    let mut head = String::new();
    for line in BufReader::new(client).lines().map_while(Result::ok).take_while(|line| !line.is_empty()) {
        let _ = write!(head, "{line}\r\n");
        if head.len() == line.len() + 2 {
            head += "Connection: close\r\n";
        }
    }
    if let Relayed::Status(status) = relayed {
        let answer = format!("HTTP/1.1 {status} It is so\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        return client.write_all(answer.as_bytes()).ok();
    }
    let mut server = TcpStream::connect(("127.0.0.1", port)).ok()?;
    server.write_all(format!("{head}\r\n").as_bytes()).ok()?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).ok()?;
    match relayed {
        Relayed::Slow(bytes, pause) => {
            for piece in answer.chunks(*bytes) {
                client.write_all(piece).ok()?;
                std::thread::sleep(*pause);
            }
            Some(())
        }
        Relayed::BreaksAfter(bytes) => client.write_all(&answer[..answer.len().min(*bytes)]).ok(),
        Relayed::Status(_) => None,
    }
}
