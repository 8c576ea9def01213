//! The page as text for mail and terminals: at most 25 lines of at most 78 characters.

use super::changes::Unit;
use super::collect::Page;
use super::history::{self, UNSURE};
use super::verdict;
use super::words::{self, counted, percent};

/// The largest number of lines.
pub(super) const MAX_LINES: usize = 25;

/// The largest number of characters of a line.
pub(super) const WIDTH: usize = 78;

/// The width of the names of lines.
const NAME: usize = 11;

/// The largest number of changes that have lines.
const MAX_CHANGES: usize = 8;

/// The page as text.
pub(super) fn render(page: &Page) -> String {
    let day = page.history.days().last().and_then(|day| day.date);
    let mut lines = vec![format!("Night of {}, run {}", words::long_day(day), page.tonight().night), String::new()];
    lines.extend(wrapped(&page.headline(), 3));
    lines.extend(wrapped(&page.standfirst().join(" "), 3));
    lines.push(String::new());
    let changes = change_lines(page);
    if !changes.is_empty() {
        lines.extend(changes);
        lines.push(String::new());
    }
    lines.extend(facts(page).into_iter().map(|(name, text)| fact(name, &text)));
    lines.truncate(MAX_LINES);
    let mut text = lines.join("\n").replace(['\u{202f}', '\u{a0}'], " ");
    text.push('\n');
    text
}

/// A line for each change.
fn change_lines(page: &Page) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for change in page.changes.iter().take(MAX_CHANGES) {
        let usual = change.range.map(|range| format!(", usually {}", range.unit.show(range.usual)));
        let cause = format!(" [{}]", change.cause.as_str());
        let text = format!("{}{}", words::capitalised(&change.clause), usual.unwrap_or_default());
        let room = WIDTH - 2 - cause.len();
        lines.push(format!("* {}{cause}", words::excerpt(&text, room - 1)));
    }
    let left_out = page.changes.len().saturating_sub(MAX_CHANGES) as u64 + u64::from(page.drift.alarms_left_out);
    if left_out > 0 {
        lines.push(format!("  and {}", counted(left_out, "more change", "more changes")));
    }
    lines
}

/// The numbers of the night, each with its name.
fn facts(page: &Page) -> Vec<(&'static str, String)> {
    let night = page.tonight();
    let mut facts = Vec::new();
    let documents = night.documents;
    facts.push((
        "stories",
        format!(
            "{}{}, {} copies, {} rejected, {} statements",
            words::count(documents.written),
            usually(page, Unit::Count, history::documents),
            words::count(documents.copies),
            words::count(documents.rejected),
            words::count(night.statements),
        ),
    ));
    for task in night.labels.keys().filter(|task| Some(*task) != night.tone_task.as_ref()).take(2) {
        facts.push((if task == "topic" { "topics" } else { "labels" }, largest_labels(page, task)));
    }
    if let Some(tone) = history::tone(night) {
        facts.push(("tone", format!("{}{}", words::tone(tone), usually(page, Unit::Tone, history::tone))));
    }
    if !page.speakers.is_empty() {
        let speakers = page.speakers.iter().map(|speaker| format!("{} {}", speaker.name, speaker.documents));
        facts.push(("speakers", fitting(speakers)));
    }
    if let Some(story) = page.stories.first() {
        facts.push(("carried", format!("{} × {}", words::count(story.copies), story.article.title)));
    }
    if !night.reasons.is_empty() {
        let mut reasons: Vec<_> = night.reasons.iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let reasons = reasons.iter().map(|(reason, count)| format!("{} {count}", reason.replace('_', " ")));
        facts.push(("rejected", fitting(reasons)));
    }
    let stage = history::slowest_stage(night).map_or_else(String::new, |(stage, _)| format!(", slowest stage {stage}"));
    let ended = if verdict::trouble(night).is_some() { ", not complete" } else { "" };
    facts.push((
        "run",
        format!(
            "{}, {} statements a second{stage}{ended}",
            words::duration(night.speed.seconds),
            words::about(night.speed.statements_per_second)
        ),
    ));
    let models: Vec<String> = night.models.iter().map(|(name, revision)| format!("{name} {revision}")).collect();
    if !models.is_empty() {
        let changed = if page.drift.changes.is_empty() { "as last night" } else { "changed since last night" };
        facts.push(("model", format!("{} ({changed})", models.join(", "))));
    }
    facts
}

/// The usual value of a number in brackets, or nothing.
fn usually(page: &Page, unit: Unit, number: fn(&crate::ledger::Night) -> Option<f64>) -> String {
    page.history.usual(number).map_or_else(String::new, |usual| format!(" (usually {})", unit.show(usual.median)))
}

/// The labels with the largest shares.
fn largest_labels(page: &Page, task: &str) -> String {
    let night = page.tonight();
    let Some(counts) = night.labels.get(task) else { return String::new() };
    let mut labels: Vec<_> = counts.iter().filter(|(label, _)| *label != UNSURE).collect();
    labels.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let all = history::labelled(night, task);
    fitting(labels.iter().map(|(label, count)| {
        let name = words::excerpt(page.label_name(task, label), WIDTH / 2);
        format!("{name} {}", percent(words::share(**count, all)))
    }))
}

/// As many of the items as fit on a line, and at least one.
fn fitting(items: impl Iterator<Item = String>) -> String {
    let mut line = String::new();
    for item in items {
        if line.is_empty() {
            line = item;
        } else if NAME + line.chars().count() + 3 + item.chars().count() < WIDTH {
            line = format!("{line} · {item}");
        } else {
            break;
        }
    }
    line
}

fn fact(name: &str, text: &str) -> String {
    format!("{name:<NAME$}{}", words::excerpt(text, WIDTH - NAME - 1))
}

/// The text in lines, at most so many.
fn wrapped(text: &str, max_lines: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let is_full = lines.len() == max_lines;
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            Some(line) if is_full => {
                *line = format!("{}…", words::excerpt(line, WIDTH - 2).trim_end_matches('…'));
                break;
            }
            _ => lines.push(word.chars().take(WIDTH).collect()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_at_its_last_line() {
        let lines = wrapped(&"word ".repeat(100), 3);
        assert_eq!(lines.len(), 3);
        assert!(lines[2].ends_with('…') && lines.iter().all(|line| line.chars().count() <= WIDTH), "{lines:?}");
        assert_eq!(wrapped("One line.", 3), ["One line."]);
        assert!(wrapped("", 3).is_empty());
    }
}
