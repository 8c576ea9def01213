//! A comparison for a terminal.

use std::fmt::{self, Display, Formatter};

use super::{Comparison, Flip, SpeakerChange, TaskComparison};

/// The number of flips of a task that are shown.
const FLIPS: usize = 10;
/// The number of labels whose shares are shown.
const SHARES: usize = 12;
/// The number of examples that are shown of each flip.
const EXAMPLES: usize = 2;
/// The number of speakers that are shown.
const SPEAKERS: usize = 5;
/// The longest part of a text that is shown, in characters.
const TEXT_CHARACTERS: usize = 90;

impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "old         {}", self.old)?;
        writeln!(f, "new         {}", self.new)?;
        writeln!(f, "documents   {}{}", self.documents, only(self.only_old, self.only_new))?;
        let only_statements = only(self.statements_only_old, self.statements_only_new);
        writeln!(f, "statements  {}{only_statements}", self.statements)?;
        if let Some([old, new]) = self.seconds {
            writeln!(
                f,
                "seconds     {old:.1} old, {new:.1} new ({:+.1} %)",
                100.0 * (new / old.max(f64::MIN_POSITIVE) - 1.0)
            )?;
        }
        for task in &self.other_tasks {
            writeln!(f, "task {task} is on one side only")?;
        }
        for (name, task) in &self.tasks {
            write_task(f, name, task, self.statements)?;
        }
        let speakers = &self.speakers;
        writeln!(f, "\nspeakers: {} old, {} new", speakers.old, speakers.new)?;
        write_speakers(f, "gained", &speakers.gained)?;
        write_speakers(f, "lost", &speakers.lost)
    }
}

/// The numbers of what only one side has, if there are any.
fn only(old: u64, new: u64) -> String {
    if old + new == 0 { String::new() } else { format!(", {old} more on the old side, {new} more on the new side") }
}

fn write_task(f: &mut Formatter<'_>, name: &str, task: &TaskComparison, statements: u64) -> fmt::Result {
    writeln!(
        f,
        "\n{name}: {} of {statements} statements flipped ({:.2} %)",
        task.flips,
        percent(task.flips, statements)
    )?;
    for Flip { from, to, count, examples } in task.by_labels.iter().take(FLIPS) {
        writeln!(f, "{count:>8}  {from} → {to}")?;
        for example in examples.iter().take(EXAMPLES) {
            writeln!(f, "{:>10}{}  {}", "", example.statement, shortened(example.text.as_deref().unwrap_or_default()))?;
        }
    }
    if task.by_labels.len() > FLIPS {
        let others: u64 = task.by_labels[FLIPS..].iter().map(|flip| flip.count).sum();
        writeln!(f, "{others:>8}  other flips")?;
    }
    let mut shares: Vec<_> = task.shares.iter().filter(|share| share.old_statements != share.new_statements).collect();
    // The sort is stable: changes of one size stay in the order of the labels.
    shares.sort_by(|one, other| (other.new - other.old).abs().total_cmp(&(one.new - one.old).abs()));
    for share in shares.into_iter().take(SHARES) {
        let interval = share.interval.map_or(String::new(), |[low, high]| {
            format!(" (95 % interval {:+.2} to {:+.2})", 100.0 * low, 100.0 * high)
        });
        let change = 100.0 * (share.new - share.old);
        writeln!(
            f,
            "{:>7.2}% → {:.2}%  {change:+.2} points{interval}  {}",
            100.0 * share.old,
            100.0 * share.new,
            share.label
        )?;
    }
    Ok(())
}

fn write_speakers(f: &mut Formatter<'_>, name: &str, change: &SpeakerChange) -> fmt::Result {
    writeln!(f, "{:>8}  {name}", change.count)?;
    for speaker in change.examples.iter().take(SPEAKERS) {
        let text = shortened(speaker.example.text.as_deref().unwrap_or_default());
        writeln!(f, "{:>10}{}  {}  {text}", "", speaker.name, speaker.example.statement)?;
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a percentage")]
pub(super) fn percent(count: u64, all: u64) -> f64 {
    100.0 * count as f64 / all.max(1) as f64
}

fn shortened(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(TEXT_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
