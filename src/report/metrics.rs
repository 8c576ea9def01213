//! A run in Prometheus' text format, for the textfile collector of its node exporter.

use std::fmt::Write;
use std::path::Path;

use crate::output::schema::{Outcome, RunRecord};

/// The moment of the last run that went well: the one number that is kept from the file before.
const LAST_SUCCESS: &str = "pressrun_last_success_timestamp_seconds";

/// The file's new text; `before` is the one that it had.
#[must_use]
pub fn render(report: &RunRecord, is_success: bool, now: i64, before: &str) -> String {
    let kept = before.lines().find_map(|line| line.strip_prefix(LAST_SUCCESS)?.trim().parse().ok());
    let accounting = report.accounting;
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, value: f64| {
        // Writing to a string cannot fail.
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}\n");
    };
    #[expect(clippy::cast_precision_loss, reason = "counts for people")]
    let number = |count: u64| count as f64;
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
    let seconds = |time: i64| time as f64;
    gauge("pressrun_last_run_timestamp_seconds", "When the last run ended.", seconds(now));
    if let Some(time) = if is_success { Some(now) } else { kept } {
        gauge(LAST_SUCCESS, "When the last run ended that went well.", seconds(time));
    }
    gauge("pressrun_last_run_success", "Whether the last run went well.", f64::from(u8::from(is_success)));
    let is_whole = f64::from(u8::from(report.outcome == Outcome::Complete));
    gauge("pressrun_last_run_complete", "Whether the last run has seen all of its input.", is_whole);
    gauge("pressrun_last_run_seconds", "How long the last run took.", report.seconds);
    gauge("pressrun_documents_found", "Documents that the last run found.", number(accounting.found));
    gauge("pressrun_documents_written", "Documents that the last run wrote.", number(accounting.written));
    gauge("pressrun_documents_rejected", "Documents that the last run rejected.", number(accounting.rejected));
    gauge("pressrun_documents_skipped", "Documents that were done before the last run.", number(accounting.skipped));
    gauge("pressrun_documents_filtered", "Documents in languages that are not wanted.", number(accounting.filtered));
    let copies = report.copies.exact + report.copies.near;
    gauge("pressrun_documents_copies", "Documents that the last run wrote and marked as copies.", number(copies));
    gauge("pressrun_statements_written", "Statements that the last run wrote.", number(report.statements));
    let boilerplate = number(report.boilerplate);
    gauge(
        "pressrun_statements_boilerplate",
        "Statements among them that are bylines, captions or the like.",
        boilerplate,
    );
    gauge(
        "pressrun_input_bytes_left",
        "Bytes of input that the last run did not reach.",
        number(report.input_bytes_left),
    );
    gauge("pressrun_tokens_per_second", "Tokens a second that models read.", report.throughput.tokens_per_second);
    text + &document_labels(report)
}

/// How many documents of the last run have which label.
fn document_labels(report: &RunRecord) -> String {
    const NAME: &str = "pressrun_documents_labelled";
    let mut text = format!("# HELP {NAME} Documents that the last run wrote, by label.\n# TYPE {NAME} gauge\n");
    for (task, counts) in &report.document_labels {
        for (label, count) in counts {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{NAME}{{task={},label={}}} {count}", quoted(task), quoted(label));
        }
    }
    text
}

/// A label value in quotation marks.
fn quoted(value: &str) -> String {
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}

/// The text of the file at `path`; nothing where it cannot be read.
#[must_use]
pub fn before(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
