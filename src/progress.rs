//! Messages and the progress of a run on the terminal. There is no progress bar if stderr is not a terminal.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use pressrun::input::find::Survey;
use pressrun::stages::write::Written;

use crate::log::Log;

/// Stderr, shared by messages, log lines and the progress bar, which do not write over each other.
#[derive(Debug, Clone)]
pub(crate) struct Screen {
    bars: MultiProgress,
    is_quiet: bool,
    log: Log,
}

impl Screen {
    pub(crate) fn new(is_quiet: bool) -> Self {
        let target = if is_quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        Self { bars: MultiProgress::with_draw_target(target), is_quiet, log: Log::default() }
    }

    /// The log file, which gets all messages once it has begun.
    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    /// True if a progress bar is visible.
    pub(crate) fn is_watched(&self) -> bool {
        !self.bars.is_hidden()
    }

    /// Writes a message, also in quiet mode. Control characters, as file names may have them, are escaped.
    pub(crate) fn say(&self, message: &str) {
        // An error of stderr cannot be reported anywhere.
        let _ = writeln!(self.writer(), "{}", escape_control(message));
        self.note(message);
    }

    /// Writes a message that is not an error: always to the log, and to the screen unless it is quiet.
    pub(crate) fn tell(&self, message: &str) {
        if self.is_quiet {
            self.note(message);
        } else {
            self.say(message);
        }
    }

    /// Writes a message to the log only.
    fn note(&self, message: &str) {
        if let Err(error) = self.log.add(message) {
            let _ = writeln!(self.writer(), "the log cannot be written: {error}");
        }
    }

    pub(crate) fn writer(&self) -> ScreenWriter {
        ScreenWriter { screen: self.clone() }
    }

    /// A bar for an input of the size of `survey`.
    pub(crate) fn progress(&self, survey: Survey) -> Progress {
        let bar = self.bars.add(ProgressBar::new(survey.bytes));
        let style = ProgressStyle::with_template("{elapsed_precise} {bar:30} {percent:>3} % {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message("reading the first chunk");
        bar.enable_steady_tick(Duration::from_millis(200));
        Progress { bar, since: Instant::now() }
    }
}

/// Writes above the progress bar.
#[derive(Debug)]
pub(crate) struct ScreenWriter {
    screen: Screen,
}

impl Write for ScreenWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.screen.bars.suspend(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// The progress of one run.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    since: Instant,
}

impl Progress {
    pub(crate) fn update(&self, written: &Written) {
        let seconds = self.since.elapsed().as_secs().max(1);
        self.bar.set_position(written.input_bytes);
        self.bar.set_message(format!(
            "{} documents · {} rejected · {} statements/s · {} tokens/s · {:#} left",
            written.documents,
            written.rejections(),
            written.statements / seconds,
            written.tokens.useful / seconds,
            HumanDuration(self.bar.eta()),
        ));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The message with its control characters escaped, except line feeds and tabs: a terminal would take them for commands.
fn escape_control(message: &str) -> String {
    let mut shown = String::with_capacity(message.len());
    for character in message.chars() {
        if character.is_control() && !matches!(character, '\n' | '\t') {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_gives_a_terminal_no_commands() {
        assert_eq!(escape_control("no\u{1b}[2J\u{9b}31m `naïve.txt`\n"), "no\\u{1b}[2J\\u{9b}31m `naïve.txt`\n");
    }
}
