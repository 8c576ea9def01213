//! The table at the end of a run.

use std::collections::BTreeMap;
use std::fmt::Write;

use comfy_table::{CellAlignment, Table, presets};

use super::RunReport;
use crate::output::schema::RunRecord;
use crate::record::CopyCount;

/// The largest number of labels shown for a task.
const MOST_LABELS: usize = 6;

/// The largest number of kinds shown of files that were left out.
const MOST_KINDS: usize = 12;

/// The table for a run.
#[must_use]
pub fn render(report: &RunReport) -> String {
    let mut text = String::new();
    let record = &report.record;
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{}", totals(record));
    if record.accounting.rejected > 0 {
        let reasons = record.rejected.iter().map(|(reason, count)| format!("{reason} {count}"));
        let _ = writeln!(text, "rejected   {}", reasons.collect::<Vec<_>>().join(" · "));
    }
    if let Some(kinds) = left_out(&record.left_out) {
        let _ = writeln!(text, "left out   {kinds}");
    }
    let CopyCount { exact, near } = record.copies;
    if exact + near > 0 {
        let _ = writeln!(text, "copies     {exact} of the same text · {near} of nearly the same");
    }
    if record.input_bytes_left > 0 {
        let _ =
            writeln!(text, "left       {:.1} MB of input: run it again to go on", megabytes(record.input_bytes_left));
    }
    if record.attributions + record.unsure_attributions > 0 {
        let _ = writeln!(text, "who said   {}", acts(record));
    }
    for (task, counts) in &record.labels {
        let _ = writeln!(text, "{task:<10} {}", shares(report, counts));
    }
    let _ = write!(text, "\n{}\n", stages(record));
    text
}

/// The attributions by act, and the number of those that were left out: `say 912 · think 81 · 40 unsure ones left out`.
fn acts(record: &RunRecord) -> String {
    let mut parts: Vec<String> = Vec::new();
    for (act, count) in record.acts.iter().filter(|(_, count)| **count > 0) {
        parts.push(format!("{act} {count}"));
    }
    if record.unsure_attributions > 0 {
        parts.push(format!("{} unsure ones left out", record.unsure_attributions));
    }
    parts.join(" · ")
}

/// The files that were left out, the most frequent kinds first: `312 files: .docx 300, .jpg 12`. `None` if there is nothing.
#[must_use]
pub fn left_out(counts: &BTreeMap<String, u64>) -> Option<String> {
    let total: u64 = counts.values().sum();
    let mut sorted: Vec<_> = counts.iter().collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let shown = sorted.iter().take(MOST_KINDS).map(|(kind, count)| format!("{kind} {count}"));
    let more: u64 = sorted.iter().skip(MOST_KINDS).map(|(_, count)| *count).sum();
    let more = (more > 0).then(|| format!("others {more}"));
    let files = if total == 1 { "file" } else { "files" };
    (total > 0).then(|| format!("{total} {files}: {}", shown.chain(more).collect::<Vec<_>>().join(", ")))
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// The lines with documents, statements and speed.
fn totals(report: &RunRecord) -> String {
    let accounting = &report.accounting;
    let rate = &report.throughput;
    let mut filtered = String::new();
    if accounting.filtered > 0 {
        filtered = format!(" + {} filtered", accounting.filtered);
    }
    let mut boilerplate = String::new();
    if report.boilerplate > 0 {
        boilerplate = format!(" · {} are boilerplate", report.boilerplate);
    }
    format!(
        "documents  {} found = {} written + {} rejected + {} already done{filtered}\n\
         statements {} with {} attributions{boilerplate}\n\
         speed      {:.1} s · {:.1} documents/s · {:.0} statements/s · {:.0} tokens/s · {:.0} % from cache",
        accounting.found,
        accounting.written,
        accounting.rejected,
        accounting.skipped,
        report.statements,
        report.attributions,
        report.seconds,
        rate.documents_per_second,
        rate.statements_per_second,
        rate.tokens_per_second,
        100.0 * report.tokens.recalled_share(),
    )
}

/// The most frequent labels with their shares of all statements but boilerplate.
#[expect(clippy::cast_precision_loss, reason = "shares for people")]
fn shares(report: &RunReport, counts: &indexmap::IndexMap<String, u64>) -> String {
    let mut sorted: Vec<_> = counts.iter().collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let total = report.record.statements.saturating_sub(report.record.boilerplate).max(1) as f64;
    let shown = sorted.iter().take(MOST_LABELS).map(|(key, count)| {
        let name = report.label_names.get(*key).unwrap_or(key);
        format!("{name} {:.0} %", 100.0 * **count as f64 / total)
    });
    let more = sorted.len().saturating_sub(MOST_LABELS);
    let more = (more > 0).then(|| format!("{more} more"));
    shown.chain(more).collect::<Vec<_>>().join(" · ")
}

/// The table of the stages.
fn stages(report: &RunRecord) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(["stage", "threads", "items", "busy s", "starved s", "blocked s"]);
    for stage in &report.stages {
        table.add_row([
            stage.stage.clone(),
            stage.threads.to_string(),
            stage.items_out.to_string(),
            format!("{:.2}", stage.busy_seconds),
            format!("{:.2}", stage.starved_seconds),
            format!("{:.2}", stage.blocked_seconds),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(kinds: &[(&str, u64)]) -> BTreeMap<String, u64> {
        kinds.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect()
    }

    #[test]
    fn kinds_that_were_left_out_are_named_with_the_most_frequent_first() {
        assert_eq!(left_out(&counts(&[])), None);
        assert_eq!(left_out(&counts(&[(".jpg", 1)])).unwrap(), "1 file: .jpg 1");
        assert_eq!(left_out(&counts(&[(".docx", 300), (".jpg", 12)])).unwrap(), "312 files: .docx 300, .jpg 12");
        let many: BTreeMap<String, u64> = (0..20).map(|number| (format!(".{number:02}"), 2)).collect();
        assert!(left_out(&many).unwrap().ends_with(", .11 2, others 16"));
    }
}
