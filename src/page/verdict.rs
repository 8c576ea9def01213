//! The page in a sentence, and the sentences that come next.

use std::fmt::Write;

use super::changes::Change;
use super::collect::Page;
use super::history::{self, History};
use super::words::{self, capitalised, counted, percent};
use crate::ledger::{Night, NightKind};
use crate::output::schema::{DayKind, DriftVerdict};

/// The largest number of changes in the headline.
const HEADLINE_CHANGES: usize = 2;

impl Page {
    /// The newest night.
    pub(super) fn tonight(&self) -> &Night {
        // A page is only made of a folder with nights.
        let nights = self.history.nights();
        &nights[nights.len() - 1]
    }

    /// The name of a label for people.
    pub(super) fn label_name<'p>(&'p self, task: &str, label: &'p str) -> &'p str {
        let mut nights = self.history.nights().iter().rev();
        let name = nights.find_map(|night| night.label_names.get(task)?.get(label));
        name.map_or(label, String::as_str)
    }

    /// True if the newest run saw all of its input. Otherwise its numbers are not those of a whole night.
    pub(super) fn is_complete(&self) -> bool {
        self.tonight().outcome.as_deref() == Some("complete")
    }

    /// The most important thing, as a sentence: what changed since last night.
    pub(super) fn headline(&self) -> String {
        let night = self.tonight();
        let stories = counted(night.documents.written, "story", "stories");
        if let Some(trouble) = trouble(night) {
            return format!("{trouble} after {stories}.");
        }
        if night.kind == NightKind::Backfill {
            return format!("{} done once more; no news, and nothing to compare.", capitalised(&stories));
        }
        if night.documents.written == 0 {
            return "Nothing new came in.".to_owned();
        }
        if !self.changes.is_empty() {
            let first: Vec<String> =
                self.changes.iter().take(HEADLINE_CHANGES).map(|change| change.clause.clone()).collect();
            return format!("{}.", capitalised(&words::list(&first)));
        }
        if self.history.earlier() == 0 {
            return format!("The first night: {stories}.");
        }
        if self.drift.verdict == DriftVerdict::TooFewNights {
            return format!("{stories}; too few nights to say what is usual.");
        }
        match self.largest_shift() {
            Some(shift) => format!("An ordinary night; {shift}."),
            None => "An ordinary night.".to_owned(),
        }
    }

    /// The sentences below the headline: further changes, and the numbers of the night.
    pub(super) fn standfirst(&self) -> Vec<String> {
        let night = self.tonight();
        let mut sentences = Vec::new();
        let more = self.more_changes();
        if more > 0 {
            sentences.push(format!("{} below.", capitalised(&counted(more, "more change", "more changes"))));
        }
        if trouble(night).is_some() && !self.changes.is_empty() {
            let first = self.changes.iter().take(HEADLINE_CHANGES).map(|change| change.clause.clone());
            sentences.push(format!("{}.", capitalised(&words::list(&first.collect::<Vec<_>>()))));
        }
        if night.documents.written > 0 {
            sentences.push(self.volume());
        }
        if self.drift.verdict == DriftVerdict::TooFewNights {
            let (used, minimum) = (self.drift.nights_used, self.drift.minimum);
            sentences.push(format!("Too few nights to say what is usual ({used} of {minimum})."));
        }
        sentences
    }

    /// The number of changes that the headline does not name.
    fn more_changes(&self) -> u64 {
        let is_named = trouble(self.tonight()).is_none();
        let unnamed = self.changes.len().saturating_sub(HEADLINE_CHANGES) as u64;
        if is_named { unnamed + u64::from(self.drift.alarms_left_out) } else { 0 }
    }

    /// The number of stories, compared with last night and with what is usual.
    fn volume(&self) -> String {
        let night = self.tonight();
        let written = night.documents.written;
        let sources = night.sources.values().filter(|source| source.documents > 0).count() as u64;
        // Writing to a string cannot fail.
        let mut sentence = counted(written, "story", "stories");
        if sources > 0 {
            let _ = write!(sentence, " from {}", counted(sources, "source", "sources"));
        }
        if night.documents.copies > 0 {
            let _ = write!(sentence, ", {} of them copies", words::count(night.documents.copies));
        }
        let before = self.history.before().map(|night| night.documents.written).filter(|&written| written > 0);
        let usual = self.history.usual(history::documents);
        if let Some(before) = before.filter(|_| night.kind == NightKind::Night) {
            let _ = write!(sentence, ": {} last night", words::compared(words::real(written), words::real(before)));
            if let Some(usual) = usual {
                let day = match self.drift.kind {
                    DayKind::Workday => "on a workday",
                    DayKind::Weekend => "at a weekend",
                    DayKind::Holiday => "on a holiday",
                };
                let _ = write!(sentence, ", where {} are usual {day}", words::about(usual.median));
            }
        }
        sentence + "."
    }

    /// The label whose share differs most from that of last night; none if no share differs by as much as is shown of it.
    fn largest_shift(&self) -> Option<String> {
        let night = self.tonight();
        let before = self.history.before()?;
        let mut largest: Option<(f64, String)> = None;
        for (task, counts) in night.labels.iter().filter(|(task, _)| Some(*task) != night.tone_task.as_ref()) {
            for label in counts.keys().filter(|label| *label != history::UNSURE) {
                let now = history::label_share(night, task, label)?;
                let then = history::label_share(before, task, label).unwrap_or_default();
                let is_seen = percent(now) != percent(then);
                if is_seen && largest.as_ref().is_none_or(|(shift, _)| (now - then).abs() > *shift) {
                    let name = self.label_name(task, label);
                    let text = format!("{name} has {} of statements, after {} last night", percent(now), percent(then));
                    largest = Some(((now - then).abs(), text));
                }
            }
        }
        largest.map(|(_, text)| text)
    }
}

/// The trouble of a run that did not see all of its input.
pub(super) fn trouble(night: &Night) -> Option<&'static str> {
    match night.outcome.as_deref() {
        Some("complete") => None,
        Some("deadline") => Some("The run stopped at its deadline"),
        Some("interrupted") => Some("The run was interrupted"),
        Some("stopped") => Some("The run stopped because too much was rejected"),
        Some(_) => Some("The run failed"),
        None => Some("The run has not ended"),
    }
}

/// The changes about a source or none: those that belong to a label.
pub(super) fn change_of_label<'c>(changes: &'c [Change], task: &str, label: &str) -> Option<&'c Change> {
    changes
        .iter()
        .find(|change| change.label.as_ref().is_some_and(|(of_task, of_label)| of_task == task && of_label == label))
}

/// The nights before tonight in which the history has sources.
pub(super) fn has_sources(history: &History) -> bool {
    history.nights().iter().any(|night| !night.sources.is_empty())
}
