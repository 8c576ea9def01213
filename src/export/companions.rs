//! The small files beside the tables, which tell other programs what is in them: views for `DuckDB`, descriptions and queries for
//! Datasette, a data source and a dashboard for Grafana. None of them holds a word of an article, a path or a secret.

use std::fmt::Write;

use serde_json::{Value, json};

use super::dimensions;
use super::rows::{ATTRIBUTIONS, DOCUMENTS, RowTable, STATEMENTS};
use super::table::Table;
use super::tasks::TaskFields;
use crate::config::Partition;

/// The views for `DuckDB`.
const DUCKDB: &str = include_str!("views.duckdb.sql");

/// A query under a name, with a title and a description.
#[derive(Debug, Clone, Copy)]
pub(super) struct Query {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) sql: &'static str,
}

/// The queries that Datasette offers. A name after a colon is a field of the form.
pub(super) const QUERIES: [Query; 6] = [
    Query {
        name: "search_quotes",
        title: "Search in quotes",
        sql: "select q.day, q.source, q.speaker, q.role, q.content, q.title, q.uri from attributions_search join quotes q \
              on q.id = attributions_search.rowid where attributions_search match :words \
              order by q.day = 'undated', q.day desc limit 500",
    },
    Query {
        name: "search_statements",
        title: "Search in statements",
        sql: "select s.day, s.source, s.text, s.tone, d.title, d.uri from statements_search join statements s \
              on s.id = statements_search.rowid join documents d on d.id = s.document_id where statements_search match :words \
              order by s.day = 'undated', s.day desc limit 500",
    },
    Query {
        name: "quotes_of",
        title: "The quotes of a speaker",
        sql: "select day, source, content, topic, tone, title, uri from quotes where speaker = :speaker and not copy \
              order by day = 'undated', day desc limit 500",
    },
    Query {
        name: "speakers_on",
        title: "Who is quoted on a topic",
        sql: "select speaker, count(*) as quotes, count(distinct source) as sources, round(avg(tone), 3) as tone from attributions \
              where topic = :topic and speaker is not null and not copy group by speaker order by quotes desc limit 100",
    },
    Query {
        name: "silent_sources",
        title: "Sources by their last day",
        sql: "select source, last_day, documents, statements from sources order by last_day, source",
    },
    Query {
        name: "topics_of_a_week",
        title: "Topics by week",
        sql: "select strftime('%Y-%W', day) as week, topic, sum(statements) as statements, \
              round(1.0 * sum(statements) / sum(sum(statements)) over (partition by strftime('%Y-%W', day)), 4) as share, \
              round(sum(tone_sum) / sum(statements), 4) as tone from daily_topics where day <> 'undated' group by 1, 2 order by 1 desc, 3 desc",
    },
];

/// The panels of the dashboard: title, kind, and the query.
pub(super) const PANELS: [Query; 8] = [
    Query {
        name: "timeseries",
        title: "Statements a day, by topic",
        sql: "select cast(strftime('%s', day) as integer) as time, topic as metric, sum(statements) as value from daily_topics \
              where day >= date($__from / 1000, 'unixepoch') and day <= date($__to / 1000, 'unixepoch') group by 1, 2 order by 1",
    },
    Query {
        name: "timeseries",
        title: "Tone a day",
        sql: "select cast(strftime('%s', day) as integer) as time, 'tone' as metric, round(sum(tone_sum) / sum(statements), 4) as value \
              from daily_topics where day >= date($__from / 1000, 'unixepoch') and day <= date($__to / 1000, 'unixepoch') \
              group by 1 order by 1",
    },
    Query {
        name: "timeseries",
        title: "Documents a day, by source",
        sql: "select cast(strftime('%s', day) as integer) as time, source as metric, sum(documents) as value from daily_sources \
              where day >= date($__from / 1000, 'unixepoch') and day <= date($__to / 1000, 'unixepoch') group by 1, 2 order by 1",
    },
    Query {
        name: "timeseries",
        title: "Originals and copies a day",
        sql: "select cast(strftime('%s', day) as integer) as time, 'originals' as metric, sum(originals) as value from daily_sources \
              where day >= date($__from / 1000, 'unixepoch') and day <= date($__to / 1000, 'unixepoch') group by 1 \
              union all select cast(strftime('%s', day) as integer), 'copies', sum(copies) from daily_sources \
              where day >= date($__from / 1000, 'unixepoch') and day <= date($__to / 1000, 'unixepoch') group by 1 order by 1",
    },
    Query { name: "table", title: "Who is quoted", sql: "select * from top_speakers limit 100" },
    Query {
        name: "table",
        title: "Most carried stories",
        sql: "select * from carriers where day >= date($__from / 1000, 'unixepoch') and day <= date($__to / 1000, 'unixepoch') limit 100",
    },
    Query { name: "table", title: "What changed since the night before", sql: "select * from what_changed" },
    Query {
        name: "table",
        title: "Nights",
        sql: "select night, started, outcome, kind, found, written, rejected, statements, round(seconds / 60, 1) as minutes \
              from nights order by night desc limit 100",
    },
];

/// Tables that hold no facts of their own.
const HIDDEN: [&str; 2] = ["_settings", "_exported"];

/// `views.sql`.
pub(super) fn duckdb_views(partition: Partition) -> String {
    let key = match partition {
        Partition::Day => "day",
        Partition::Month => "month",
    };
    DUCKDB.replace("@key", key)
}

/// `metadata.yml` for Datasette: what tables and columns mean, what to count by, and queries. Texts are quoted as JSON, which is YAML.
pub(super) fn metadata(database: &str, tasks: &TaskFields) -> String {
    let mut yaml =
        "# For Datasette, written by pressrun: datasette serve FILE.sqlite -m metadata.yml\ntitle: pressrun\n"
            .to_owned();
    yaml.push_str("description: Who said what in the news, with topics and tone\n");
    let _ = writeln!(yaml, "databases:\n  {}:\n    tables:", json!(database));
    let rows =
        [RowTable::documents, RowTable::statements, RowTable::attributions].map(|table| table(tasks, true).table);
    for table in rows.into_iter().chain(dimensions::NAMES.map(dimensions::table)) {
        describe(&mut yaml, &table);
    }
    for view in VIEWS {
        let _ = writeln!(yaml, "      {}:\n        description: {}", view.name, json!(view.title));
    }
    for table in HIDDEN {
        let _ = writeln!(yaml, "      {table}:\n        hidden: true");
    }
    yaml.push_str("    queries:\n");
    queries(&mut yaml);
    yaml
}

/// `datasette.yml`: the queries once more, where Datasette 1.0 looks for them.
pub(super) fn datasette(database: &str) -> String {
    let mut yaml = format!(
        "# For Datasette 1.0 and later, written by pressrun: add -c datasette.yml\ndatabases:\n  {}:\n    queries:\n",
        json!(database)
    );
    queries(&mut yaml);
    yaml
}

/// The views of the `SQLite` file; `sql` is not used.
const VIEWS: [Query; 7] = [
    view("quotes", "Attributions with the title and address of the article"),
    view("share_of_voice", "Topics by day and source, with their share of all statements"),
    view("topics_daily", "Topics by day, with their share of all statements"),
    view("tone_daily", "Tone by day and source"),
    view("top_speakers", "Who said most in originals"),
    view("carriers", "Originals by the number of documents that carry them"),
    view("what_changed", "The shares of labels in the last night, and in the night before"),
];

const fn view(name: &'static str, title: &'static str) -> Query {
    Query { name, title, sql: "" }
}

fn describe(yaml: &mut String, table: &Table) {
    let _ = writeln!(yaml, "      {}:\n        description: {}", table.name, json!(table.meaning));
    let facets: &[&str] = match table.name {
        DOCUMENTS => &["source", "section", "copy"],
        STATEMENTS => &["source", "copy"],
        ATTRIBUTIONS => &["kind", "topic", "copy"],
        "daily_topics" => &["topic"],
        _ => &[],
    };
    if !facets.is_empty() {
        let _ = writeln!(yaml, "        facets: {}", json!(facets));
    }
    if table.name == DOCUMENTS {
        yaml.push_str("        label_column: document\n");
    }
    yaml.push_str("        columns:\n");
    for column in &table.columns {
        let _ = writeln!(yaml, "          {}: {}", json!(column.name), json!(column.meaning));
    }
}

fn queries(yaml: &mut String) {
    for Query { name, title, sql } in QUERIES {
        let _ = writeln!(
            yaml,
            "      {name}:\n        title: {}\n        hide_sql: true\n        sql: {}",
            json!(title),
            json!(sql)
        );
    }
}

/// The data source for Grafana. The path comes from the environment, so that the file is the same everywhere.
pub(super) fn grafana_datasource() -> String {
    "# For Grafana with the plugin frser-sqlite-datasource, written by pressrun. Copy it to /etc/grafana/provisioning/datasources/ and set
# PRESSRUN_SQLITE to the path of the SQLite file in Grafana's environment. Packages of Grafana hide /home and /root from it
# (ProtectHome in its systemd unit): put the file elsewhere, such as in /srv.
apiVersion: 1
datasources:
  - name: pressrun
    uid: pressrun
    type: frser-sqlite-datasource
    access: proxy
    editable: true
    jsonData:
      path: ${PRESSRUN_SQLITE}
"
    .to_owned()
}

/// The file that tells Grafana where dashboards are.
pub(super) fn grafana_provider() -> String {
    "# For Grafana, written by pressrun. Copy it to /etc/grafana/provisioning/dashboards/, and the JSON files to the folder below.
apiVersion: 1
providers:
  - name: pressrun
    type: file
    options:
      path: /var/lib/grafana/dashboards/pressrun
"
    .to_owned()
}

/// The dashboard for Grafana.
pub(super) fn grafana_dashboard() -> String {
    let panels: Vec<Value> = PANELS.iter().enumerate().map(|(place, panel)| grafana_panel(place, panel)).collect();
    let dashboard = json!({
        "uid": "pressrun",
        "title": "pressrun",
        "tags": ["pressrun"],
        "timezone": "utc",
        "schemaVersion": 39,
        "version": 1,
        "editable": true,
        "time": {"from": "now-30d", "to": "now"},
        "panels": panels,
    });
    // A value can always be written as JSON.
    serde_json::to_string_pretty(&dashboard).unwrap_or_default() + "\n"
}

fn grafana_panel(place: usize, panel: &Query) -> Value {
    let source = json!({"type": "frser-sqlite-datasource", "uid": "pressrun"});
    let query_type = if panel.name == "timeseries" { "time series" } else { "table" };
    json!({
        "id": place + 1,
        "title": panel.title,
        "type": panel.name,
        "datasource": source,
        "gridPos": {"x": place % 2 * 12, "y": place / 2 * 9, "w": 12, "h": 9},
        "fieldConfig": {"defaults": {}, "overrides": []},
        "options": {},
        "targets": [{
            "refId": "A",
            "datasource": source,
            "queryType": query_type,
            "rawQueryText": panel.sql,
            "queryText": panel.sql,
            "timeColumns": ["time"],
        }],
    })
}
