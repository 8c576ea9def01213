#!/usr/bin/env python3
"""Times `pressrun export` and `pressrun report` on a large output folder.

Usage: bench/export.py FOLDER STATEMENTS [--nights 1] [--pressrun PROGRAM] [--work FOLDER] [--rounds 3] [--report-only]

FOLDER is a finished output folder. Its documents are copied under new ids, sources and days until there are that many STATEMENTS, written
in one night or in so many nights, one after the other. Prints medians of the wall time, and the peak memory: of a first export, of exports of everything anew, of exports of the
unchanged folder, and of the report.
"""

import argparse
import datetime
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import tempfile
import time
from hashlib import sha256
from pathlib import Path

DAYS = 365
SOURCES = 40


def enlarge(source: Path, target: Path, wanted: int, nights: int) -> tuple[int, int]:
    """Writes an output folder with copies of the documents of `source`; gives the numbers of documents and statements."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("statements", "statements-*", "documents.jsonl"))
    for name in ("export.json", "tables", "csv", "pressrun.sqlite"):
        path = target / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    ledger = sqlite3.connect(target / "ledger.sqlite")
    columns = "document, source, record, content, made_by, file, start, length, sha256, line, night"
    rows = ledger.execute(f"SELECT {columns} FROM documents ORDER BY number").fetchall()
    first = add_nights(ledger, nights)
    ledger.execute("DELETE FROM documents")
    ledger.execute("DELETE FROM shards")
    shard = target / "statements-00000.jsonl"
    documents = statements = offset = copy = 0
    with shard.open("wb") as output:
        while statements < wanted:
            for row in rows:
                document, made_from, _, content, made_by, file, start, length, _, line, _ = row
                with (source / file).open("rb") as words:
                    words.seek(start)
                    lines = [json.loads(text) for text in words.read(length).splitlines()]
                changes = {
                    "document": f"{document}.{copy}",
                    "source": f"Paper {documents % SOURCES}",
                    "published": str(datetime.date(2031, 1, 1) + datetime.timedelta(days=documents % DAYS)),
                }
                record = json.loads(line) | changes
                if record["duplicate_of"]:
                    record["duplicate_of"] += f".{copy}"
                for statement in lines:
                    statement.update(changes)
                    statement["statement"] = f"{changes['document']}#{statement['index']}"
                    if statement["duplicate_of"]:
                        statement["duplicate_of"] += f".{copy}"
                night = first + min(statements * nights // wanted, nights - 1)
                written = b"".join(json.dumps(text, separators=(",", ":"), ensure_ascii=False).encode() + b"\n" for text in lines)
                output.write(written)
                ledger.execute(
                    f"INSERT INTO documents ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (changes["document"], made_from, documents, content, made_by, shard.name, offset, len(written),
                     sha256(written).hexdigest(), json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode(), night),
                )
                offset += len(written)
                documents += 1
                statements += len(lines)
            copy += 1
    ledger.execute("INSERT INTO shards VALUES (0, ?, ?)", (offset, offset))
    ledger.commit()
    ledger.close()
    digest = sha256((target / "ledger.sqlite").read_bytes()).hexdigest()
    (target / "ledger.sha256").write_text(f"{digest}  ledger.sqlite\n")
    return documents, statements


def add_nights(ledger: sqlite3.Connection, nights: int) -> int:
    """Leaves so many nights, all with the numbers of the last one, a day apart; gives the number of the first."""
    number, outcome, numbers = ledger.execute("SELECT night, outcome, numbers FROM nights ORDER BY night DESC").fetchone()
    ledger.execute("DELETE FROM nights")
    for later in range(nights):
        day = datetime.datetime(2031, 3, 3, 22) + datetime.timedelta(days=later)
        started, finished = (f"{time:%Y-%m-%dT%H:%M:%S}Z" for time in (day, day + datetime.timedelta(hours=1)))
        changed = json.loads(numbers) | {"night": number + later, "started": started, "finished": finished}
        ledger.execute("INSERT INTO nights VALUES (?, ?, ?, ?, ?)", (number + later, started, finished, outcome, json.dumps(changed)))
    ledger.execute("UPDATE settings SET value = ? WHERE name = 'run'", (number + nights - 1,))
    return number


def timed(command: list[str]) -> tuple[float, float]:
    """The wall time of a command in seconds, and its peak memory in MB."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"{' '.join(command)} failed")
    return time.monotonic() - start, usage.ru_maxrss / 1024


def size(path: Path) -> float:
    """The size of a file or folder in MB."""
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


def show(what: str, runs: list[tuple[float, float]]) -> None:
    seconds = statistics.median(run[0] for run in runs)
    print(f"{what:<32} {seconds:8.2f} s {max(run[1] for run in runs):8.0f} MB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("statements", type=int)
    parser.add_argument("--nights", type=int, default=1)
    parser.add_argument("--pressrun", default="pressrun")
    parser.add_argument("--work", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--report-only", action="store_true", help="export nothing")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.work) as work:
        folder = Path(work) / "output"
        documents, statements = enlarge(arguments.folder, folder, arguments.statements, arguments.nights)
        print(f"{documents} documents, {statements} statements, JSON Lines {size(folder / 'statements-00000.jsonl'):.0f} MB", flush=True)
        program = [arguments.pressrun, "-q"]
        report = [*program, "report", str(folder), "-o", str(Path(work) / "report.html")]
        if not arguments.report_only:
            export = [*program, "export", str(folder)]
            show("first export", [timed(export)])
            show("everything anew", [timed([*export, "--redo"]) for _ in range(arguments.rounds)])
            show("unchanged", [timed(export) for _ in range(arguments.rounds)])
            print(f"tables {size(folder / 'tables'):.0f} MB, pressrun.sqlite {size(folder / 'pressrun.sqlite'):.0f} MB")
        show("report", [timed(report) for _ in range(arguments.rounds)])
        print(f"report.html {size(Path(work) / 'report.html'):.2f} MB")


if __name__ == "__main__":
    main()
