//! The metrics of a run in Prometheus' text format, for the textfile collector of its node exporter.

use std::fmt::Write;
use std::path::Path;

use crate::output::schema::{DriftRecord, Outcome, RunRecord};

/// The metric with the end of the last successful run, the only one that is carried over from the earlier file.
const LAST_SUCCESS: &str = "pressrun_last_success_timestamp_seconds";

/// The new text of the metrics file. `before` is its text so far, `now` the time in seconds since 1970, `drift` the last night compared
/// with earlier ones.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "gauges are floating point numbers")]
pub fn render(report: &RunRecord, drift: Option<&DriftRecord>, is_success: bool, now: i64, before: &str) -> String {
    let last_success = if is_success {
        Some(now)
    } else {
        before.lines().find_map(|line| line.strip_prefix(LAST_SUCCESS)?.trim().parse().ok())
    };
    let accounting = report.accounting;
    let is_complete = report.outcome == Outcome::Complete;
    let copies = report.copies.exact + report.copies.near;
    let mut text = String::new();
    gauge(&mut text, "pressrun_last_run_timestamp_seconds", "When the last run ended.", now as f64);
    if let Some(time) = last_success {
        gauge(&mut text, LAST_SUCCESS, "When the last run ended that went well.", time as f64);
    }
    gauge(&mut text, "pressrun_last_run_success", "Whether the last run went well.", u8::from(is_success).into());
    gauge(
        &mut text,
        "pressrun_last_run_complete",
        "Whether the last run has seen all of its input.",
        u8::from(is_complete).into(),
    );
    gauge(&mut text, "pressrun_last_run_seconds", "How long the last run took.", report.seconds);
    for (name, help, count) in [
        ("pressrun_documents_found", "Documents that the last run found.", accounting.found),
        ("pressrun_documents_written", "Documents that the last run wrote.", accounting.written),
        ("pressrun_documents_rejected", "Documents that the last run rejected.", accounting.rejected),
        ("pressrun_documents_skipped", "Documents that were already done before the last run.", accounting.skipped),
        ("pressrun_documents_filtered", "Documents in languages that are not wanted.", accounting.filtered),
        ("pressrun_documents_copies", "Documents that the last run wrote and marked as copies.", copies),
        ("pressrun_statements_written", "Statements that the last run wrote.", report.statements),
        (
            "pressrun_statements_boilerplate",
            "Statements among them that are bylines, captions or the like.",
            report.boilerplate,
        ),
        ("pressrun_input_bytes_left", "Bytes of input that the last run did not reach.", report.input_bytes_left),
    ] {
        gauge(&mut text, name, help, count as f64);
    }
    let tokens_per_second = report.throughput.tokens_per_second;
    gauge(&mut text, "pressrun_tokens_per_second", "Tokens a second that models read.", tokens_per_second);
    text + &document_labels(report) + &drift.map(drift_metrics).unwrap_or_default()
}

/// The metrics of a night compared with earlier ones.
#[expect(clippy::cast_precision_loss, reason = "gauges are floating point numbers")]
fn drift_metrics(drift: &DriftRecord) -> String {
    const MISSING: &str = "pressrun_source_missing";
    let mut text = String::new();
    let help = "Numbers of the last night that are unusual (pressrun drift).";
    gauge(&mut text, "pressrun_drift_alarms", help, drift.alarm_count() as f64);
    let help = "Sources that usually have documents and had none in the last night.";
    // Writing to a string cannot fail.
    let _ = write!(text, "# HELP {MISSING} {help}\n# TYPE {MISSING} gauge\n");
    for source in drift.missing_sources() {
        let _ = writeln!(text, "{MISSING}{{source={}}} 1", quoted(source));
    }
    text
}

/// Appends a metric that has one value.
fn gauge(text: &mut String, name: &str, help: &str, value: f64) {
    // Writing to a string cannot fail.
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}\n");
}

/// The metric with the number of documents of the last run for each label.
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

/// The text of the file at `path`; empty if it cannot be read.
#[must_use]
pub fn before(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::schema::{DayKind, DriftVerdict};

    #[test]
    fn sources_that_fell_silent_are_named_and_quoted() {
        let drift = DriftRecord {
            schema: 1,
            night: 9,
            day: "2031-03-07".to_owned(),
            kind: DayKind::Workday,
            verdict: DriftVerdict::Unusual,
            finished: true,
            nights_used: 8,
            minimum: 7,
            restart: None,
            changes: Vec::new(),
            alarms: vec![crate::drift::testing::missing_alarm("The \"Herald\"")],
            alarms_left_out: 2,
        };
        let text = drift_metrics(&drift);
        assert!(text.contains("\npressrun_drift_alarms 3\n"), "{text}");
        assert!(text.contains("\npressrun_source_missing{source=\"The \\\"Herald\\\"\"} 1\n"), "{text}");
    }
}
