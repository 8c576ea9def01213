//! Exported tables: they agree with the results, an unchanged folder is left alone, and whatever ends an export, the next one ends with
//! the same bytes.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use rusqlite::Connection;
use serde_json::{Value, json};
use support::{TASKS, Workspace, model_section, root, said};

const EXPORT: &str = "[export]\nparquet = \"tables\"\nsqlite = \"pressrun.sqlite\"\ncsv = \"csv\"\n";

/// A workspace whose runs have no model and export nothing by themselves.
fn workspace(more: &str) -> Workspace {
    Workspace::new(&format!("[run]\nmax_rejected = 1\n{more}"))
}

/// Articles over three days, one of them undated, with words that only one of them has.
fn articles() -> Vec<Value> {
    let mut articles = Vec::new();
    for number in 0..12 {
        let day = number % 3 + 1;
        let mut article = json!({
            "id": format!("d{number}"),
            "title": format!("Title, \"number\" {number} zebra{number}x"),
            "text": format!("Number {number} of the zebra{number}x was read.\n\nIt was \"short\", and 🦓 ran.\nSo it was."),
            "published": format!("2031-03-0{day}T23:30:00-05:00"),
            "source": if number % 2 == 0 { "The Gazette" } else { "The Herald" },
        });
        if number == 7 {
            article.as_object_mut().unwrap().remove("published");
            article.as_object_mut().unwrap().remove("source");
        }
        articles.push(article);
    }
    articles
}

fn put(workspace: &Workspace, articles: &[Value]) -> PathBuf {
    let mut lines: Vec<String> = articles.iter().map(Value::to_string).collect();
    lines.push(r#"{"text": 7}"#.to_owned());
    workspace.put("in/articles.jsonl", lines.join("\n") + "\n")
}

fn run(workspace: &Workspace, articles: &[Value]) {
    let input = put(workspace, articles);
    let output = workspace.run(&[&input]);
    assert!(output.status.success(), "{}", said(&output));
}

fn command(workspace: &Workspace, name: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pressrun"));
    command.arg(name).arg("-c").arg(workspace.folder.path().join("pipeline.toml"));
    command
}

fn export(workspace: &Workspace, arguments: &[&str]) -> Output {
    command(workspace, "export").args(arguments).output().unwrap()
}

fn export_well(workspace: &Workspace) {
    let output = export(workspace, &[]);
    assert!(output.status.success(), "{}", said(&output));
}

fn database(workspace: &Workspace) -> Connection {
    Connection::open(workspace.output().join("pressrun.sqlite")).unwrap()
}

fn number(database: &Connection, query: &str) -> i64 {
    database.query_row(query, (), |row| row.get(0)).unwrap_or_else(|error| panic!("{query}: {error}"))
}

/// The content of all tables of the database, as text.
fn dump(workspace: &Workspace) -> String {
    let database = database(workspace);
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '%search%' AND name NOT LIKE 'sqlite%' ORDER BY 1";
    let names: Vec<String> =
        database.prepare(names).unwrap().query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut dump = String::new();
    for name in names {
        dump.push_str(&name);
        dump.push('\n');
        dump.push_str(&rows(&database, &format!("SELECT * FROM {name} ORDER BY 1, 2")));
    }
    dump
}

/// The rows of a query, one a line.
fn rows(database: &Connection, query: &str) -> String {
    let mut statement = database.prepare(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    let columns = statement.column_count();
    let mut rows = statement.query(()).unwrap();
    let mut text = String::new();
    while let Some(row) = rows.next().unwrap_or_else(|error| panic!("{query}: {error}")) {
        let cells: Vec<String> = (0..columns).map(|place| format!("{:?}", row.get_ref(place).unwrap())).collect();
        text.push_str(&(cells.join("|") + "\n"));
    }
    text
}

/// The Parquet files of the export with their bytes. `nights` differ from run to run.
fn parquet_files(workspace: &Workspace) -> BTreeMap<String, Vec<u8>> {
    let files = workspace.files().into_iter();
    let is_table = |name: &str| name.starts_with("tables/") && name.ends_with(".parquet") && !name.contains("nights");
    files.filter(|(name, _)| is_table(name)).collect()
}

/// The rows of all Parquet files of a table: how many, and the sum of a column.
fn parquet_sum(workspace: &Workspace, table: &str, column: &str) -> (i64, i64) {
    let mut count = 0;
    let mut sum = 0;
    for (name, bytes) in parquet_files(workspace) {
        if name == format!("tables/{table}.parquet") || name.starts_with(&format!("tables/{table}/")) {
            let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
            for row in reader.get_row_iter(None).unwrap() {
                count += 1;
                for (name, field) in row.unwrap().get_column_iter() {
                    if let (true, Field::Long(value)) = (name == column, field) {
                        sum += value;
                    }
                }
            }
        }
    }
    (count, sum)
}

/// Each file of the output folder with the time of its last change.
fn times(workspace: &Workspace) -> BTreeMap<PathBuf, SystemTime> {
    let entries = walkdir::WalkDir::new(workspace.output()).into_iter().map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().is_file() && entry.file_name() != ".lock");
    files.map(|entry| (entry.path().to_owned(), entry.metadata().unwrap().modified().unwrap())).collect()
}

/// The exported files that have `word` in their bytes.
fn files_with(workspace: &Workspace, word: &str) -> Vec<String> {
    let is_exported =
        |name: &String| ["tables/", "csv/", "pressrun.sqlite"].iter().any(|start| name.starts_with(start));
    all_files_with(workspace, word).into_iter().filter(is_exported).collect()
}

/// The files of the output folder, the ledger among them, that have `word` in their bytes. Parquet is searched as it is read, too.
fn all_files_with(workspace: &Workspace, word: &str) -> Vec<String> {
    let has = |bytes: &[u8]| bytes.windows(word.len()).any(|part| part == word.as_bytes());
    let mut found = Vec::new();
    for path in times(workspace).into_keys() {
        let name = path.strip_prefix(workspace.output()).unwrap().to_str().unwrap().to_owned();
        let bytes = std::fs::read(&path).unwrap();
        let is_in_rows = || {
            let reader = SerializedFileReader::new(bytes::Bytes::from(bytes.clone())).unwrap();
            let mut rows = reader.get_row_iter(None).unwrap();
            rows.any(|row| row.unwrap().to_string().contains(word))
        };
        if has(&bytes) || name.ends_with(".parquet") && is_in_rows() {
            found.push(name);
        }
    }
    found
}

#[test]
fn json_lines_and_all_tables_have_the_same_totals() {
    let workspace = Workspace::new(&format!("{}{TASKS}{EXPORT}", model_section("")));
    let output = workspace.run(&[&root().join("examples")]);
    assert!(output.status.success(), "{}", said(&output));
    let statements = workspace.statements();
    let documents = workspace.lines("documents.jsonl");
    let sum = |key: &str| documents.iter().map(|document| document[key].as_i64().unwrap()).sum::<i64>();
    let totals = [
        ("documents", i64::try_from(documents.len()).unwrap()),
        ("statements", i64::try_from(statements.len()).unwrap()),
        ("attributions", sum("attributions")),
    ];
    assert!(totals.iter().all(|(_, total)| *total > 0), "{totals:?}");
    let database = database(&workspace);
    for (table, total) in totals {
        assert_eq!(number(&database, &format!("SELECT count(*) FROM {table}")), total, "{table} in SQLite");
        assert_eq!(number(&database, &format!("SELECT sum({table}) FROM daily_sources")), total, "{table} by day");
        assert_eq!(parquet_sum(&workspace, table, "").0, total, "{table} in Parquet");
        assert_eq!(parquet_sum(&workspace, "daily_sources", table).1, total, "{table} by day in Parquet");
        let rows = csv::Reader::from_path(workspace.output().join(format!("csv/{table}.csv"))).unwrap().into_records();
        assert_eq!(i64::try_from(rows.map(Result::unwrap).count()).unwrap(), total, "{table} in CSV");
    }
    // Statements with labels, as `run.json` counts them.
    let labels = &workspace.report()["labels"];
    let labelled: i64 = labels["topic"].as_object().unwrap().values().map(|count| count.as_i64().unwrap()).sum();
    assert_eq!(number(&database, "SELECT sum(statements) FROM daily_topics"), labelled);
    assert_eq!(parquet_sum(&workspace, "daily_topics", "statements").1, labelled);
    let positive = labels["sentiment"]["positive"].as_i64().unwrap();
    assert_eq!(number(&database, "SELECT sum(positive) FROM daily_topics"), positive);
    assert_eq!(parquet_sum(&workspace, "daily_topics", "positive").1, positive);
    for table in ["daily_topics", "daily_sources", "labels", "sources", "speakers"] {
        let in_database = number(&database, &format!("SELECT count(*) FROM {table}"));
        assert_eq!(parquet_sum(&workspace, table, "").0, in_database, "{table}");
    }
    let of_first_speakers = number(&database, "SELECT count(speaker) FROM attributions");
    assert!(parquet_sum(&workspace, "speakers", "attributions").1 >= of_first_speakers);
    for column in ["attributions", "in_copies", "said", "said_in_copies", "documents"] {
        let in_database = number(&database, &format!("SELECT sum({column}) FROM speakers"));
        assert_eq!(parquet_sum(&workspace, "speakers", column).1, in_database, "{column}");
    }
    every_query_runs(&workspace, &database);
    let verified = command(&workspace, "verify").output().unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

/// Runs every view, every query for Datasette and every panel for Grafana on the real file.
fn every_query_runs(workspace: &Workspace, database: &Connection) {
    let views = "SELECT name FROM sqlite_schema WHERE type = 'view' ORDER BY 1";
    let views: Vec<String> =
        database.prepare(views).unwrap().query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let expected =
        ["carriers", "quotes", "share_of_voice", "tone_daily", "top_speakers", "topics_daily", "what_changed"];
    assert_eq!(views, expected);
    for view in views {
        let has_rows = !rows(database, &format!("SELECT * FROM {view}")).is_empty();
        assert!(has_rows || view == "carriers", "{view} is empty");
    }
    for word in ["the", "said"] {
        let query = format!("SELECT count(*) FROM statements_search WHERE statements_search MATCH '{word}'");
        assert!(number(database, &query) > 0, "{word}");
    }
    let metadata = std::fs::read_to_string(workspace.output().join("metadata.yml")).unwrap();
    let queries = metadata.lines().filter_map(|line| line.trim().strip_prefix("sql: "));
    let queries: Vec<String> = queries.map(|query| serde_json::from_str(query).unwrap()).collect();
    assert_eq!(queries.len(), 6);
    for query in queries {
        let mut query = query.clone();
        for (field, value) in [(":words", "'the'"), (":speaker", "'Ada Vale'"), (":topic", "'unsure'")] {
            query = query.replace(field, value);
        }
        rows(database, &query);
    }
    let dashboard = std::fs::read(workspace.output().join("grafana/dashboards/pressrun.json")).unwrap();
    let dashboard: Value = serde_json::from_slice(&dashboard).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    assert_eq!(panels.len(), 8);
    for panel in panels {
        let query = panel["targets"][0]["rawQueryText"].as_str().unwrap();
        let query = query.replace("$__from", "0").replace("$__to", "4102444800000");
        let rows = rows(database, &query);
        if panel["type"] == "timeseries" {
            assert!(rows.lines().all(|row| row.starts_with("Integer(") || row.starts_with("Null")), "{rows}");
        }
    }
}

#[test]
fn days_are_those_of_the_zone_and_nothing_is_guessed() {
    let zone = format!("{EXPORT}time_zone = \"America/New_York\"\npartition = \"month\"\n");
    for (settings, days, key) in [
        (EXPORT, "2031-03-02|4 2031-03-03|3 2031-03-04|4 undated|1", "day"),
        (zone.as_str(), "2031-03-01|4 2031-03-02|3 2031-03-03|4 undated|1", "month"),
    ] {
        let workspace = workspace(settings);
        run(&workspace, &articles());
        let database = database(&workspace);
        let query = "SELECT group_concat(day || '|' || n, ' ') FROM (SELECT day, sum(documents) AS n FROM daily_sources GROUP BY day ORDER BY day)";
        let found: String = database.query_row(query, (), |row| row.get(0)).unwrap();
        assert_eq!(found, days);
        let undated = "SELECT group_concat(document || source) FROM documents WHERE undated";
        assert_eq!(database.query_row(undated, (), |row| row.get::<_, String>(0)).unwrap(), "d7(none)");
        assert_eq!(
            number(&database, "SELECT rejected FROM daily_sources WHERE day = 'undated' AND source = '(none)'"),
            1
        );
        let folders = if key == "day" {
            "tables/documents/day=2031-03-02/part-0.parquet"
        } else {
            "tables/documents/month=2031-03/part-0.parquet"
        };
        assert!(workspace.output().join(folders).exists());
        assert!(workspace.output().join(format!("tables/statements/{key}=undated/part-0.parquet")).exists());
    }
}

#[test]
fn an_unchanged_folder_is_left_alone() {
    let workspace = workspace(EXPORT);
    run(&workspace, &articles());
    let before = times(&workspace);
    std::thread::sleep(Duration::from_millis(20));
    export_well(&workspace);
    assert_eq!(times(&workspace), before);
    // Without the record it has to look at the documents, and still finds nothing to write but the record and the CSV files.
    std::fs::remove_file(workspace.output().join("export.json")).unwrap();
    export_well(&workspace);
    let is_same = |(path, time): (&PathBuf, &SystemTime)| {
        let path_text = path.to_str().unwrap();
        before.get(path) == Some(time) || path_text.ends_with("export.json") || path_text.contains("/csv/")
    };
    assert!(times(&workspace).iter().all(is_same));
}

#[test]
fn changed_and_forgotten_documents_move_old_days_and_leave_no_word() {
    let workspace = workspace(EXPORT);
    let mut articles = articles();
    run(&workspace, &articles);
    assert_eq!(files_with(&workspace, "zebra3x").len(), 5, "{:?}", files_with(&workspace, "zebra3x"));
    let untouched = parquet_files(&workspace)["tables/statements/day=2031-03-03/part-0.parquet"].clone();
    // Three change their words, one its day, and the undated one gets a date.
    for changed in [3, 5, 8] {
        articles[changed]["text"] = "Other words.".into();
        articles[changed]["title"] = "Another title".into();
    }
    articles[6]["published"] = "2030-01-01".into();
    articles[7]["published"] = "2031-03-02T12:00:00Z".into();
    run(&workspace, &articles);
    let output = command(&workspace, "forget").args(["d0", "d9"]).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    for word in ["zebra3x", "zebra5x", "zebra8x", "zebra0x", "zebra9x"] {
        assert_eq!(all_files_with(&workspace, word), [""; 0], "{word}");
    }
    assert!(!files_with(&workspace, "zebra6x").is_empty());
    let files = parquet_files(&workspace);
    assert_eq!(files["tables/statements/day=2031-03-03/part-0.parquet"], untouched);
    assert!(files.contains_key("tables/documents/day=2030-01-01/part-0.parquet"));
    assert!(!files.keys().any(|name| name.contains("undated")), "{:?}", files.keys());
    let database = database(&workspace);
    assert_eq!(number(&database, "SELECT count(*) FROM documents"), 10);
    assert_eq!(number(&database, "SELECT count(*) FROM statements_search WHERE statements_search MATCH 'zebra6x'"), 1);
    assert_eq!(number(&database, "SELECT count(*) FROM statements_search WHERE statements_search MATCH 'zebra3x'"), 0);
    drop(database);
    // What changes made is what a new export makes.
    let (files, dumped) = (parquet_files(&workspace), dump(&workspace));
    let output = export(&workspace, &["--redo"]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(parquet_files(&workspace).keys().collect::<Vec<_>>(), files.keys().collect::<Vec<_>>());
    assert!(parquet_files(&workspace) == files, "Parquet files differ");
    assert_eq!(dump(&workspace), dumped);
    let verified = command(&workspace, "verify").output().unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

#[test]
fn without_text_no_file_has_a_word() {
    let workspace = workspace(&format!("{EXPORT}text = false\n"));
    run(&workspace, &articles());
    for word in ["zebra", "Title"] {
        assert_eq!(files_with(&workspace, word), [""; 0], "{word}");
    }
    assert_eq!(number(&database(&workspace), "SELECT sum(\"end\" - start) > 100 FROM statements"), 1);
}

/// Loading libtorch takes a third of a second each time, so that only some of the deaths are died every time.
const SOME: usize = 29;

#[test]
fn an_export_that_dies_before_some_of_its_file_operations_goes_on_to_the_same_bytes() {
    die_while_exporting(SOME);
}

#[test]
#[ignore = "takes some minutes"]
fn an_export_that_dies_before_any_of_its_file_operations_goes_on_to_the_same_bytes() {
    die_while_exporting(1);
}

fn die_while_exporting(step: usize) {
    let undisturbed = workspace("");
    let mut changed = articles();
    run(&undisturbed, &changed);
    std::fs::write(undisturbed.folder.path().join("pipeline.toml"), format!("[run]\nmax_rejected = 1\n{EXPORT}"))
        .unwrap();
    let first = copy_of(&undisturbed);
    export_well(&undisturbed);
    die_and_go_on(&first, &undisturbed, step);
    // The same over an export that is there, after changes.
    std::fs::write(undisturbed.folder.path().join("pipeline.toml"), "[run]\nmax_rejected = 1\n").unwrap();
    changed[3]["text"] = "Other words.".into();
    changed[7]["published"] = "2031-03-02T12:00:00Z".into();
    run(&undisturbed, &changed);
    std::fs::write(undisturbed.folder.path().join("pipeline.toml"), format!("[run]\nmax_rejected = 1\n{EXPORT}"))
        .unwrap();
    let second = copy_of(&undisturbed);
    export_well(&undisturbed);
    die_and_go_on(&second, &undisturbed, step);
}

/// A workspace with the same files.
fn copy_of(workspace: &Workspace) -> Workspace {
    let copy = Workspace::new("");
    for entry in walkdir::WalkDir::new(workspace.folder.path()).into_iter().map(Result::unwrap) {
        let path = copy.folder.path().join(entry.path().strip_prefix(workspace.folder.path()).unwrap());
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(path).unwrap();
        } else {
            std::fs::copy(entry.path(), path).unwrap();
        }
    }
    copy
}

/// Lets an export of `before` die before every `step`th of its file operations, and the next one go on.
fn die_and_go_on(before: &Workspace, undisturbed: &Workspace, step: usize) {
    for death in (1_usize..).step_by(step) {
        let workspace = copy_of(before);
        let action = format!("file-operation={}*off->return", death - 1);
        let died = command(&workspace, "export").env("FAILPOINTS", action).stderr(Stdio::null()).status().unwrap();
        if died.success() {
            assert!(death > 20, "an export has more file operations");
            return;
        }
        let output = export(&workspace, &[]);
        assert!(output.status.success(), "death {death}: {}", said(&output));
        let files = parquet_files(&workspace);
        let expected = parquet_files(undisturbed);
        assert_eq!(files.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "death {death}");
        assert!(files == expected, "death {death}: Parquet files differ");
        assert_eq!(dump(&workspace), dump(undisturbed), "death {death}");
        let has_part = workspace.files().into_iter().any(|(name, _)| name.contains(".part"));
        assert!(!has_part, "death {death}");
        let verified = command(&workspace, "verify").output().unwrap();
        assert!(verified.status.success(), "death {death}: {}", String::from_utf8_lossy(&verified.stdout));
    }
}

#[test]
fn a_reader_that_polls_sees_the_old_or_the_new_and_never_an_error() {
    let workspace = workspace(EXPORT);
    let mut articles = articles();
    run(&workspace, &articles);
    let path = workspace.output().join("pressrun.sqlite");
    let is_over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut seen = std::collections::BTreeSet::new();
            // Like Datasette and Grafana, it keeps its connection. The switch to WAL mode locks the file for less than a millisecond.
            let database = Connection::open(&path).unwrap();
            database.busy_timeout(Duration::from_millis(100)).unwrap();
            while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                let sum = "SELECT sum(documents) || ' ' || (SELECT count(*) FROM documents) FROM daily_sources";
                seen.insert(
                    database.query_row(sum, (), |row| row.get::<_, String>(0)).map_err(|error| error.to_string()),
                );
                std::thread::sleep(Duration::from_millis(1));
            }
            seen
        });
        for number in 12..15 {
            let mut article = articles[0].clone();
            article["id"] = format!("d{number}").into();
            article["text"] = format!("Another text {number}, which is quite different from all the others.").into();
            articles.push(article);
            run(&workspace, &articles);
        }
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        let seen = reader.join().unwrap();
        assert!(seen.iter().all(Result::is_ok), "{seen:?}");
        let expected = ["12 12", "13 13", "14 14", "15 15"].map(str::to_owned);
        assert!(seen.iter().all(|sum| expected.contains(sum.as_ref().unwrap())), "{seen:?}");
        assert!(seen.len() > 1, "{seen:?}");
    });
}

#[test]
fn a_file_that_is_not_ours_stays_and_is_named() {
    let workspace = workspace("");
    run(&workspace, &articles());
    let path = workspace.output().join("pressrun.sqlite");
    let foreign = Connection::open(&path).unwrap();
    foreign.execute_batch("CREATE TABLE mine (x); INSERT INTO mine VALUES (7)").unwrap();
    drop(foreign);
    for content in [std::fs::read(&path).unwrap(), b"no database at all, but a diary".to_vec()] {
        std::fs::write(&path, &content).unwrap();
        let output = export(&workspace, &[]);
        assert_eq!(output.status.code(), Some(2));
        assert!(
            said(&output).contains("pressrun.sqlite` is not a database that pressrun has written: move it away"),
            "{}",
            said(&output)
        );
        assert_eq!(std::fs::read(&path).unwrap(), content);
    }
}

/// Linux alone has this limit as a shell knows it. A file that grows beyond it is like one on a full disk, and the trap makes it an error.
#[cfg(target_os = "linux")]
#[test]
fn on_a_full_disk_the_old_export_stays_and_the_next_one_goes_on() {
    let workspace = workspace(EXPORT);
    let mut articles = articles();
    run(&workspace, &articles);
    let (files, dumped) = (parquet_files(&workspace), dump(&workspace));
    let csv = std::fs::read(workspace.output().join("csv/statements.csv")).unwrap();
    std::fs::write(workspace.folder.path().join("pipeline.toml"), "[run]\nmax_rejected = 1\n").unwrap();
    // Words that no compression makes smaller than the limit.
    let words: Vec<String> = (0..6000_u64).map(|number| format!("w{:x}", (number + 1).wrapping_pow(9))).collect();
    articles[3]["text"] = words.join(" ").into();
    std::fs::rename(workspace.output().join("export.json"), workspace.folder.path().join("record")).unwrap();
    run(&workspace, &articles);
    std::fs::rename(workspace.folder.path().join("record"), workspace.output().join("export.json")).unwrap();
    std::fs::write(workspace.folder.path().join("pipeline.toml"), format!("[run]\nmax_rejected = 1\n{EXPORT}"))
        .unwrap();

    let export = command(&workspace, "export");
    let limited = ["-c", "trap '' XFSZ; ulimit -f 80; exec \"$0\" \"$@\""];
    let output = Command::new("sh").args(limited).arg(export.get_program()).args(export.get_args()).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("is full: what was exported before is still there; make room"), "{}", said(&output));
    assert!(parquet_files(&workspace) == files, "Parquet files differ");
    assert_eq!(dump(&workspace), dumped);
    assert_eq!(std::fs::read(workspace.output().join("csv/statements.csv")).unwrap(), csv);

    export_well(&workspace);
    assert_eq!(all_files_with(&workspace, ".part"), [""; 0]);
    assert_ne!(dump(&workspace), dumped);
    let verified = command(&workspace, "verify").output().unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

#[test]
fn a_reader_that_holds_the_file_open_leaves_it_in_the_mode_that_grafana_reads() {
    let workspace = workspace(EXPORT);
    run(&workspace, &articles());
    let mode = || std::fs::read(workspace.output().join("pressrun.sqlite")).unwrap()[18];
    assert_eq!(mode(), 1);
    // In the middle of a query, in WAL mode: the export does not wait for it, and cannot leave the mode.
    let reader = database(&workspace);
    reader.execute_batch("PRAGMA journal_mode = wal; BEGIN").unwrap();
    assert_eq!(number(&reader, "SELECT count(*) FROM documents"), 12);
    let output = command(&workspace, "forget").arg("d11").output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(number(&reader, "SELECT count(*) FROM documents"), 12);
    assert_eq!(mode(), 2);
    reader.execute_batch("COMMIT").unwrap();
    assert_eq!(number(&reader, "SELECT count(*) FROM documents"), 11);
    drop(reader);
    // Nothing has changed, but the file is put in order.
    export_well(&workspace);
    assert_eq!(mode(), 1);
    assert_eq!(files_with(&workspace, "zebra11x"), [""; 0]);
}

#[test]
fn a_folder_of_an_older_format_is_exported_anew() {
    let workspace = workspace(EXPORT);
    run(&workspace, &articles());
    let (files, dumped) = (parquet_files(&workspace), dump(&workspace));
    database(&workspace).execute_batch("DROP TABLE speakers; DROP TABLE nights; PRAGMA user_version = 1").unwrap();
    let state = Connection::open(workspace.output().join("tables/.export.sqlite")).unwrap();
    state.execute_batch("DROP TABLE sums_by_speaker; PRAGMA user_version = 1").unwrap();
    drop(state);
    std::fs::write(workspace.output().join("tables/documents/day=2031-03-03/part-0.parquet"), "an older file").unwrap();
    let record = workspace.output().join("export.json");
    let older = std::fs::read_to_string(&record).unwrap().replace("\"format\": 2", "\"format\": 1");
    for record_of_older in [older.as_str(), "{\"format\": 0, \"tables\": 7}"] {
        std::fs::write(&record, record_of_older).unwrap();
        export_well(&workspace);
        assert!(parquet_files(&workspace) == files, "Parquet files differ");
        assert_eq!(dump(&workspace), dumped);
        let verified = command(&workspace, "verify").output().unwrap();
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    }
}

#[test]
fn verify_finds_what_was_changed_and_says_what_to_do() {
    let workspace = workspace(EXPORT);
    run(&workspace, &articles());
    let table = workspace.output().join("tables/documents/day=undated/part-0.parquet");
    let mut bytes = std::fs::read(&table).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&table, bytes).unwrap();
    std::fs::copy(&table, workspace.output().join("tables/documents/day=undated/copy.parquet")).unwrap();
    std::fs::remove_file(workspace.output().join("csv/documents.csv")).unwrap();
    database(&workspace)
        .execute_batch("DELETE FROM statements WHERE rowid = (SELECT min(rowid) FROM statements)")
        .unwrap();
    let output = command(&workspace, "verify").output().unwrap();
    let faults = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!output.status.success(), "{faults}");
    for expected in [
        "csv/documents.csv: cannot be read",
        "tables/documents/day=undated/part-0.parquet: has other bytes than were exported",
        "tables/documents/day=undated/copy.parquet: is not in the list of exported files",
        "pressrun.sqlite: does not have as many statements as its documents say",
    ] {
        assert!(faults.contains(expected), "{faults}");
    }
}

#[test]
fn a_folder_without_finished_results_is_not_exported() {
    let folder = tempfile::tempdir().unwrap();
    let export = |folder: &Path| {
        Command::new(env!("CARGO_BIN_EXE_pressrun")).arg("export").arg(folder).current_dir(folder).output().unwrap()
    };
    let output = export(folder.path());
    assert!(said(&output).contains("has no ledger: no run has written there"), "{}", said(&output));
    let workspace = workspace("");
    run(&workspace, &articles());
    std::fs::remove_file(workspace.output().join("ledger.sha256")).unwrap();
    let output = export(&workspace.output());
    assert!(said(&output).contains("broke off: run it again, and it goes on; then export"), "{}", said(&output));
}

#[test]
fn nights_are_listed_and_add_up_to_the_documents() {
    let workspace = workspace("");
    let articles = articles();
    run(&workspace, &articles[..5]);
    run(&workspace, &articles);
    let nights = |json: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pressrun"));
        command.arg("nights").arg(workspace.output()).args(json);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let lines: Vec<Value> = nights(&["--json"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let written: Vec<_> = lines.iter().map(|night| night["documents"]["written"].as_u64().unwrap()).collect();
    assert_eq!(written, [5, 7]);
    assert_eq!(lines[1]["documents"]["skipped"], 5);
    assert_eq!(lines[1]["sources"]["The Gazette"]["documents"], 3);
    assert_eq!(lines[1]["outcome"], "complete");
    assert_eq!(nights(&[]).lines().count(), 3);
}
