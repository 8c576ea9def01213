//! Log file with size-based rotation: a full file is numbered and the oldest one is removed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jiff::Timestamp;

use pressrun::config::LogConfig;

/// A log that begins when its file is known. Earlier messages are not in it. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<OnceLock<Mutex<LogFile>>>);

impl Log {
    /// Begins the log with the file of `config`, if it names one.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(crate) fn begin(&self, config: &LogConfig) -> anyhow::Result<()> {
        if let Some(path) = &config.file {
            let file = LogFile::open(path, config.max_bytes.get(), config.keep.get());
            let file = file.map_err(|cause| anyhow::anyhow!("cannot write the log `{}`: {cause}", path.display()))?;
            // The log begins only once, so no file has been set yet.
            let _ = self.0.set(Mutex::new(file));
        }
        Ok(())
    }

    /// Adds a message, one entry a line.
    pub(crate) fn add(&self, message: &str) -> io::Result<()> {
        let Some(file) = self.0.get() else { return Ok(()) };
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        message.lines().filter(|line| !line.trim().is_empty()).try_for_each(|line| file.add(line))
    }

    /// A writer for the events of `tracing`.
    pub(crate) fn writer(&self) -> LogWriter {
        LogWriter { log: self.clone() }
    }
}

/// Writes each event as one line; line feeds inside it are escaped.
#[derive(Debug)]
pub(crate) struct LogWriter {
    log: Log,
}

impl Write for LogWriter {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(event.strip_suffix(b"\n").unwrap_or(event)).replace('\n', "\\n");
        self.log.add(&line).map(|()| event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A file of limited size, and the numbered files before it: `pressrun.log.1` is the newest of them.
#[derive(Debug)]
struct LogFile {
    path: PathBuf,
    file: File,
    bytes: u64,
    max_bytes: u64,
    keep: u64,
}

impl LogFile {
    fn open(path: &Path, max_bytes: u64, keep: u64) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, bytes, max_bytes, keep })
    }

    /// Adds a line with the time. Control characters are escaped.
    fn add(&mut self, line: &str) -> io::Result<()> {
        let mut shown = String::with_capacity(line.len());
        for character in line.chars() {
            if character.is_control() {
                shown.extend(character.escape_default());
            } else {
                shown.push(character);
            }
        }
        let line = format!("{:.6} {}\n", Timestamp::now(), shown.trim_end());
        let bytes = line.len() as u64;
        if self.bytes > 0 && self.bytes + bytes > self.max_bytes {
            self.rotate()?;
        }
        // One call for the whole line, as another process may append to the same file.
        self.file.write_all(line.as_bytes())?;
        self.bytes += bytes;
        Ok(())
    }

    /// Numbers the full file, removes the oldest one, and begins a new one.
    fn rotate(&mut self) -> io::Result<()> {
        for number in (1..=self.keep).rev() {
            let newer = if number == 1 { self.path.clone() } else { self.numbered(number - 1) };
            if newer.exists() {
                fs::rename(newer, self.numbered(number))?;
            }
        }
        if self.keep == 0 {
            fs::remove_file(&self.path)?;
        }
        *self = Self::open(&self.path, self.max_bytes, self.keep)?;
        Ok(())
    }

    fn numbered(&self, number: u64) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        name.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(folder: &Path) -> Vec<(String, String)> {
        let mut texts: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                (name, fs::read_to_string(path).unwrap())
            })
            .collect();
        texts.sort();
        texts
    }

    fn log(path: &Path, max_bytes: u64, keep: u64) -> Log {
        let log = Log::default();
        log.0.set(Mutex::new(LogFile::open(path, max_bytes, keep).unwrap())).unwrap();
        log
    }

    #[test]
    fn every_line_has_its_time_and_no_control_characters() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        let log = log(&path, 10_000, 2);
        log.add("one\n\ntwo \u{1b}[2J\u{9b}\r\n").unwrap();
        log.writer().write_all(b" WARN three\nfour\n").unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<(&str, &str)> = text.lines().map(|line| line.split_once(' ').unwrap()).collect();
        assert!(lines.iter().all(|(time, _)| time.parse::<Timestamp>().is_ok() && time.len() == 27), "{text}");
        let said: Vec<&str> = lines.iter().map(|(_, line)| *line).collect();
        assert_eq!(said, ["one", "two \\u{1b}[2J\\u{9b}", " WARN three\\nfour"]);
    }

    #[test]
    fn a_full_file_gets_a_number_and_the_oldest_goes() {
        for keep in [0, 2] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.log");
            for number in 0..40 {
                // Each by another process.
                log(&path, 200, keep).add(&format!("line {number}, and more {}", "x".repeat(40))).unwrap();
            }
            let texts = texts(folder.path());
            let names: Vec<&str> = texts.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, ["a.log", "a.log.1", "a.log.2"][..=usize::try_from(keep).unwrap()]);
            assert!(texts.iter().all(|(_, text)| text.len() <= 200 && text.ends_with("x\n")));
            let lines = texts.iter().rev().flat_map(|(_, text)| text.lines());
            let numbers: Vec<usize> =
                lines.map(|line| line.split([' ', ',']).nth(2).unwrap().parse().unwrap()).collect();
            assert_eq!(numbers, (40 - 2 * texts.len()..40).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_kept_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        let log = log(&path, 200, 1);
        for line in ["short", &"x".repeat(500), "short"] {
            log.add(line).unwrap();
        }
        assert!(texts(folder.path())[1].1.len() > 500);
    }
}
