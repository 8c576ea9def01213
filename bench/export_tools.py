#!/usr/bin/env python3
"""Checks exported tables with the programs that read them: export_tools.py CHECK FOLDER [--pressrun PROGRAM]

CHECK is one of

    totals     JSON Lines, SQLite, DuckDB, pandas and R have the same totals
    datasette  every table, view, search and query of a running Datasette answers with 200
    grafana    the dashboard fits Grafana's schema, and the query of every panel runs on the SQLite file
    readers    programs that poll the tables through ten exports see the old or the new tables, and no error
    held       a program that holds the SQLite file: a message, the old tables, and the next export makes up for it
    kills      `kill -9` at twenty moments of an export; the next one ends with the same tables

FOLDER is an output folder with Parquet, SQLite and CSV under their usual names (tables, pressrun.sqlite, csv). readers, held and kills work
on copies. What is not installed is named and left out: pip install duckdb pandas pyarrow datasette grafana-foundation-sdk; R for Rscript.
"""

import argparse
import contextlib
import hashlib
import importlib.util
import json
import multiprocessing
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

COLUMNS = ["documents", "statements", "attributions", "without speaker", "with topic", "tone", "characters", "copies"]

# The same eight numbers from rows, for DuckDB and SQLite.
TOTALS = """select (select count(*) from documents), (select count(*) from statements), (select count(*) from attributions),
    (select count(*) from attributions where not has_speaker), (select sum(statements) from daily_topics),
    (select round(sum(tone_sum), 4) from daily_topics), (select sum(characters) from daily_sources), (select sum(copies) from daily_sources)"""

R_TOTALS = """d <- read.csv("csv/documents.csv", encoding = "UTF-8"); s <- read.csv("csv/statements.csv", encoding = "UTF-8")
a <- read.csv("csv/attributions.csv", encoding = "UTF-8"); t <- s[s$boilerplate == 0, ]
stopifnot(identical(names(d)[1:2], c("doc_id", "text")), !anyDuplicated(d$doc_id), !anyDuplicated(s$doc_id))
cat(nrow(d), nrow(s), nrow(a), sum(a$has_speaker == 0), sum(t$topic != ""), sprintf("%.4f", sum(t$tone, na.rm = TRUE)), sum(d$characters), sum(d$copy))"""


def has(module: str) -> bool:
    if importlib.util.find_spec(module):
        return True
    print(f"not installed: {module}")
    return False


def sql_folder(folder: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{folder}/pressrun.sqlite?mode=ro", uri=True)


def of_json_lines(folder: Path) -> list:
    """The totals of the results themselves."""
    documents = [json.loads(line) for line in (folder / "documents.jsonl").open()]
    attributions, without, statements, labelled, tone = set(), set(), 0, 0, 0
    for document in documents:
        if not document["statements"]:
            continue
        for line in (folder / document["statements_file"]).open():
            statement = json.loads(line)
            if statement["document"] != document["document"]:
                continue
            statements += 1
            for attribution in statement["attributions"]:
                key = (document["document"], attribution["attribution"])
                attributions.add(key)
                if attribution["speaker"] is None:
                    without.add(key)
            if statement["topic"]["label"] is not None:
                labelled += 1
                tone += round(statement["sentiment"]["positive"] * 1e4) - round(statement["sentiment"]["negative"] * 1e4)
    characters = sum(document["characters"] for document in documents)
    copies = sum(document["duplicate_of"] is not None for document in documents)
    return [len(documents), statements, len(attributions), len(without), labelled, tone / 1e4, characters, copies]


def of_frames(documents, statements, attributions) -> list:
    """The totals of pandas' tables."""
    labelled = statements[statements.boilerplate.astype(int) == 0]
    return [len(documents), len(statements), len(attributions), int((attributions.has_speaker.astype(int) == 0).sum()),
            int(labelled.topic.notna().sum()), round(float(labelled.tone.sum()), 4), int(documents.characters.sum()), int(documents.copy_.sum())]


def totals(arguments) -> bool:
    folder = arguments.folder
    rows = {"JSON Lines": of_json_lines(folder), "SQLite": list(sql_folder(folder).execute(TOTALS).fetchone())}
    if has("duckdb"):
        import duckdb

        with inside(folder / "tables"):
            database = duckdb.connect()
            database.execute(Path("views.sql").read_text())
            rows["DuckDB"] = list(database.execute(TOTALS).fetchone())
    if has("pandas"):
        import pandas

        names = ["documents", "statements", "attributions"]
        tables = [pandas.read_parquet(folder / "tables" / name).rename(columns={"copy": "copy_"}) for name in names]
        rows["pandas, Parquet"] = of_frames(*tables)
        tables = [pandas.read_csv(folder / "csv" / f"{name}.csv", low_memory=False).rename(columns={"copy": "copy_"}) for name in names]
        rows["pandas, CSV"] = of_frames(*tables)
    if shutil.which("Rscript"):
        answer = subprocess.run(["Rscript", "-e", R_TOTALS], cwd=folder, capture_output=True, text=True, check=False)
        rows["R, CSV"] = [float(number) for number in answer.stdout.split()] or [answer.stderr[-300:]]
    else:
        print("not installed: Rscript")
    print(f"{'':<16}" + "".join(f"{name:>16}" for name in COLUMNS))
    for name, row in rows.items():
        print(f"{name:<16}" + "".join(f"{value:>16.4f}" if value % 1 else f"{int(value):>16}" for value in row))
    expected = [float(value) for value in rows["JSON Lines"]]
    return all([float(value) for value in row] == expected for row in rows.values())


@contextlib.contextmanager
def inside(folder: Path):
    """Works in a folder, as the paths in views.sql are relative."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def datasette(arguments) -> bool:
    """Asks a running Datasette for every table, view, search and query, as page, JSON and CSV."""
    base = "http://127.0.0.1:8765"
    command = ["datasette", "serve", "pressrun.sqlite", "-m", "metadata.yml", "-p", "8765"]
    server = subprocess.Popen(command, cwd=arguments.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(120):
            with contextlib.suppress(urllib.error.URLError):
                urllib.request.urlopen(f"{base}/-/versions.json")
                break
            time.sleep(0.5)
        query = "select name from sqlite_master where type in ('table', 'view') and name not like 'sqlite_%' and name not like '%search_%'"
        names = [name for (name,) in sql_folder(arguments.folder).execute(query)]
        paths = ["/", "/pressrun", "/pressrun/statements?_search=said", "/pressrun/attributions?_search=war",
                 "/pressrun/documents?_facet=source", "/pressrun/statements?_facet=topic"]
        for name in names:
            paths += [f"/pressrun/{name}", f"/pressrun/{name}.json?_size=3", f"/pressrun/{name}.csv?_size=3"]
        speaker = sql_folder(arguments.folder).execute("select speaker from top_speakers").fetchone()
        values = urllib.parse.urlencode({"words": "government", "speaker": (speaker or ["Ada Vale"])[0], "topic": "Health"})
        queries = json.load(urllib.request.urlopen(f"{base}/pressrun.json"))["queries"]
        paths += [f"/pressrun/{query['name']}?{values}" for query in queries]
        bad = []
        slowest = (0.0, "")
        for path in paths:
            start = time.monotonic()
            try:
                urllib.request.urlopen(base + path).read()
            except urllib.error.HTTPError as error:
                bad.append((path, error.code))
            slowest = max(slowest, (time.monotonic() - start, path))
        print(f"{len(names)} tables and views, {len(queries)} queries: {len(paths)} pages, slowest {slowest[1]} {slowest[0]:.2f} s")
        for path, code in bad:
            print(f"{code} {path}")
        return not bad
    finally:
        server.terminate()
        server.wait()


def grafana(arguments) -> bool:
    dashboard = json.loads((arguments.folder / "grafana/dashboards/pressrun.json").read_text())
    faults = []
    if has("grafana_foundation_sdk"):
        from grafana_foundation_sdk.cog.encoder import JSONEncoder
        from grafana_foundation_sdk.models.dashboard import Dashboard

        # What the schema does not know is gone after the way there and back.
        known = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(dashboard)))
        faults += lost(dashboard, known, "dashboard")
    database = sql_folder(arguments.folder)
    for panel in dashboard["panels"]:
        sql = panel["targets"][0]["rawQueryText"].replace("$__from", "0").replace("$__to", "4102444800000")
        start = time.monotonic()
        cursor = database.execute(sql)
        rows = cursor.fetchall()
        print(f"{panel['title']:<40} {panel['type']:<12} {len(rows):>7} rows {time.monotonic() - start:6.2f} s")
        if not rows:
            faults.append(f"{panel['title']}: no rows")
        if panel["type"] == "timeseries":
            names = [column[0] for column in cursor.description]
            is_time = all(row[0] is None or isinstance(row[0], int) and row[0] > 0 for row in rows)
            if names != ["time", "metric", "value"] or not is_time or rows != sorted(rows, key=lambda row: row[0] or 0):
                faults.append(f"{panel['title']}: no time series")
    for fault in faults:
        print(fault)
    return not faults


def lost(ours, theirs, place: str) -> list[str]:
    """The places of our value that the other one does not have."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [fault for key in ours for fault in (lost(ours[key], theirs[key], f"{place}.{key}") if key in theirs else [f"{place}.{key}: unknown"])]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [fault for number, pair in enumerate(zip(ours, theirs)) for fault in lost(*pair, f"{place}[{number}]")]
    return [] if ours == theirs else [f"{place}: {ours!r} became {theirs!r}"]


class Folder:
    """A copy of an output folder, with a configuration."""

    def __init__(self, source: Path, work: Path, program: str):
        self.folder = work / "output"
        self.program = program
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(source, self.folder)
        self.config = work / "pipeline.toml"
        self.config.write_text(f'[output]\ndirectory = "{self.folder}"\n[export]\nparquet = "tables"\nsqlite = "pressrun.sqlite"\ncsv = "csv"\n')
        # Documents without statements have no words that a search could find.
        lines = map(json.loads, (self.folder / "documents.jsonl").open())
        self.documents = [line["document"] for line in lines if line["statements"]]

    def command(self, name: str, *more: str) -> list[str]:
        return [self.program, "-q", name, "-c", str(self.config), *more]

    def run(self, name: str, *more: str) -> subprocess.CompletedProcess:
        return subprocess.run(self.command(name, *more), capture_output=True, text=True, check=False)

    def forget(self, *documents: str) -> None:
        answer = self.run("forget", *documents)
        if answer.returncode != 0:
            sys.exit(answer.stderr)

    def remove_tables(self) -> None:
        for name in ("tables", "csv", "grafana"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        for name in ("export.json", "pressrun.sqlite", "metadata.yml", "datasette.yml"):
            (self.folder / name).unlink(missing_ok=True)

    def state(self) -> dict:
        """The hash of each table: of the file, and of the rows of the database."""
        state = {}
        for path in sorted([*self.folder.glob("tables/**/*"), *self.folder.glob("csv/*")]):
            if path.is_file() and path.name != ".export.sqlite":
                state[str(path.relative_to(self.folder))] = hashlib.sha256(path.read_bytes()).hexdigest()
        dump = hashlib.sha256()
        for name in ("documents", "statements", "attributions", "daily_sources", "daily_topics", "labels", "sources", "speakers", "nights"):
            for row in sql_folder(self.folder).execute(f"select * from {name} order by 1, 2, 3"):
                dump.update(repr(row).encode())
        words = sql_folder(self.folder).execute("select count(*) from statements_search where statements_search match 'government'").fetchone()
        return state | {"pressrun.sqlite": dump.hexdigest(), "search": words}

    def mode(self) -> str:
        """The journal mode, from the header of the file."""
        return {1: "delete", 2: "wal"}[(self.folder / "pressrun.sqlite").read_bytes()[18]]


def poll_sqlite(folder: Path, timeout: float, over, answers) -> None:
    """Like Datasette and Grafana, it keeps its connection."""
    database = sqlite3.connect(folder / "pressrun.sqlite", timeout=timeout)
    query = "select (select count(*) from documents), (select sum(documents) from daily_sources), (select count(*) from statements)"
    poll(lambda: database.execute(query).fetchone(), over, answers)


def poll_duckdb(folder: Path, over, answers) -> None:
    import duckdb

    os.chdir(folder / "tables")
    database = duckdb.connect()
    database.execute(Path("views.sql").read_text())
    names = ["count(*) from documents", "sum(documents)::bigint from daily_sources", "count(*) from statements"]
    # Each table for itself: files of days are replaced one by one.
    poll(lambda: [(number, database.execute(f"select {name}").fetchone()[0]) for number, name in enumerate(names)], over, answers)


def poll_list(folder: Path, over, answers) -> None:
    """A careful reader of Parquet: the files of current.json, with their hashes, or else once more."""
    import pyarrow.parquet

    def rows(listed: dict, table: str) -> int:
        count = 0
        for path, file in listed.items():
            if path.startswith(f"{table}/"):
                content = (folder / "tables" / path).read_bytes()
                if hashlib.sha256(content).hexdigest() != file["sha256"]:
                    raise FileNotFoundError(path)
                count += pyarrow.parquet.read_metadata(pyarrow.BufferReader(content)).num_rows
        return count

    def snapshot():
        while True:
            listed = json.loads((folder / "tables/current.json").read_text())["files"]
            with contextlib.suppress(FileNotFoundError):
                documents = rows(listed, "documents")
                return documents, documents, rows(listed, "statements")
            time.sleep(0.01)

    poll(snapshot, over, answers)


def poll(ask, over, answers) -> None:
    seen, errors, count = set(), [], 0
    while not over.is_set():
        count += 1
        try:
            answer = ask()
            seen.update(answer) if isinstance(answer, list) else seen.add(tuple(answer))
        except Exception as error:  # noqa: BLE001, any error is a finding
            errors.append(str(error)[:200])
        time.sleep(0.002)
    answers.put((count, seen, errors))


def readers(arguments) -> bool:
    with tempfile.TemporaryDirectory(dir=arguments.work) as work:
        folder = Folder(arguments.folder, Path(work), arguments.pressrun)
        folder.run("export")
        kinds = {"SQLite, 0.1 s": (poll_sqlite, 0.1), "SQLite, no wait": (poll_sqlite, 0.0)}
        if has("duckdb"):
            kinds["DuckDB, views.sql"] = (poll_duckdb,)
        if has("pyarrow"):
            kinds["current.json"] = (poll_list,)
        over = multiprocessing.Event()
        answers = {name: multiprocessing.Queue() for name in kinds}
        processes = [multiprocessing.Process(target=kind, args=(folder.folder, *more, over, answers[name])) for name, (kind, *more) in kinds.items()]
        for process in processes:
            process.start()
        query = "select (select count(*) from documents), (select sum(documents) from daily_sources), (select count(*) from statements)"
        expected = {sql_folder(folder.folder).execute(query).fetchone()}
        for number in range(10):
            folder.forget(folder.documents[number * 7])
            expected.add(sql_folder(folder.folder).execute(query).fetchone())
        time.sleep(1)
        over.set()
        allowed = expected | {(place, value) for row in expected for place, value in enumerate(row)}
        is_good = len(expected) == 11
        for name in kinds:
            count, seen, errors = answers[name].get()
            mixed = seen - allowed
            print(f"{name:<18} {count:>6} reads, {len(seen):>3} different answers, {len(mixed)} neither old nor new, {len(errors)} errors {errors[:1]}")
            is_good &= not mixed and (not errors or "no wait" in name)
        for process in processes:
            process.join()
        return is_good


def held(arguments) -> bool:
    """A transaction that stays open: begun in the usual mode it keeps the export out, begun in WAL mode it keeps old pages."""
    with tempfile.TemporaryDirectory(dir=arguments.work) as work:
        folder = Folder(arguments.folder, Path(work), arguments.pressrun)
        folder.run("export")
        faults = []
        for mode in ("delete", "wal"):
            reader = sqlite3.connect(folder.folder / "pressrun.sqlite", isolation_level=None)
            reader.execute(f"pragma journal_mode = {mode}")
            reader.execute("begin")
            before = reader.execute("select count(*) from documents").fetchone()
            start = time.monotonic()
            answer = folder.run("forget", folder.documents.pop())
            seconds = time.monotonic() - start
            print(f"a reader in {mode} mode: exit code {answer.returncode} after {seconds:.1f} s: {answer.stderr.strip()}")
            if reader.execute("select count(*) from documents").fetchone() != before:
                faults.append("the reader lost its night")
            reader.execute("commit")
            reader.close()
            answer = folder.run("export")
            documents = sql_folder(folder.folder).execute("select count(*) from documents").fetchone()
            print(f"  afterwards: exit code {answer.returncode}, {documents[0]} documents, {folder.mode()} mode")
            if documents != (before[0] - 1,) or folder.mode() != "delete" or answer.returncode != 0:
                faults.append("the next export did not make up for it")
        print(*faults, sep="\n")
        return not faults


def kills(arguments) -> bool:
    """Ten kills of a first export, and ten of one that brings 100 withdrawn documents out of all tables."""
    with tempfile.TemporaryDirectory(dir=arguments.work) as work:
        prepared = Folder(arguments.folder, Path(work), arguments.pressrun)
        record = prepared.folder / "export.json"
        kept = record.read_bytes()
        record.unlink()
        prepared.forget(*prepared.documents[::20][:100])
        record.write_bytes(kept)
        changed = shutil.move(prepared.folder, Path(work) / "changed")
        faults = 0
        for name in ("a first export", "an export of changes"):
            folder = Folder(changed, Path(work), arguments.pressrun)
            if name == "a first export":
                folder.remove_tables()
            start = time.monotonic()
            folder.run("export")
            seconds = time.monotonic() - start
            expected = folder.state()
            for number in range(10):
                folder = Folder(changed, Path(work), arguments.pressrun)
                if name == "a first export":
                    folder.remove_tables()
                export = subprocess.Popen(folder.command("export"), stderr=subprocess.DEVNULL)
                time.sleep(seconds * (number + 0.5) / 10)
                export.send_signal(signal.SIGKILL)
                is_killed = export.wait() == -signal.SIGKILL
                answer = folder.run("export")
                verified = folder.run("verify")
                parts = [path for path in folder.folder.rglob("*.part")]
                state = folder.state()
                is_same = state == expected
                is_good = is_same and answer.returncode == verified.returncode == 0 and not parts and folder.mode() == "delete"
                if not is_good:
                    faults += 1
                    differing = [key for key in expected | state if expected.get(key) != state.get(key)]
                    print(answer.stderr, verified.stdout, parts, folder.mode(), differing[:5])
                print(f"{name}, killed at {seconds * (number + 0.5) / 10:5.1f} s ({'' if is_killed else 'after its end, '}{'same' if is_good else 'OTHER'} tables)", flush=True)
        return not faults


def main() -> None:
    checks = {check.__name__: check for check in (totals, datasette, grafana, readers, held, kills)}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("check", choices=checks)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pressrun", default="pressrun")
    parser.add_argument("--work", type=Path, help="a folder for copies")
    arguments = parser.parse_args()
    arguments.folder = arguments.folder.resolve()
    is_good = checks[arguments.check](arguments)
    print(f"{arguments.check}: {'passed' if is_good else 'FAILED'}")
    sys.exit(not is_good)


if __name__ == "__main__":
    main()
