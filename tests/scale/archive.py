"""The archive of the test: articles in files of JSON Lines, with all that could be lost or changed on the way through an engine."""

import json
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Words from this length on are changed when articles are used once more.
WORD = re.compile(r"\b[a-z]{6,}\b")


def texts_of(program, sources):
    """Titles and texts: those of the sources, which are folders and files for pressrun, or of examples/ and the cases in tests/."""
    sources = sources or [ROOT / "examples", *sorted((ROOT / "tests/cases").glob("*/input"))]
    answer = subprocess.run([program, "-q", "read", *sources], stdout=subprocess.PIPE, check=False)
    documents = [json.loads(line) for line in answer.stdout.splitlines()]
    return [(document.get("title") or "", document["text"]) for document in documents if document.get("text")]


def write(folder, texts, count, files):
    """Writes `count` lines into so many files below `folder`. Copies and equal ids lie in other files than what they repeat."""
    records = []
    for number in range(count):
        title, text = texts[number % len(texts)]
        if number >= len(texts):
            text = WORD.sub(lambda word: f"{word[0]}{number // len(texts)}", text)
        records.append({"id": f"a{number}", "title": title, "text": text, "source": f"Paper {number % 7}"})
    lines = [line_of(records, number) for number in range(count)]
    folder.mkdir(parents=True)
    for file in range(files):
        # Files of unequal size: the first has half of a usual one, the last one and a half.
        first, end = (round(count * (place + (place / files) ** 2) / (files + 1)) for place in (file, file + 1))
        (folder / f"{file:03}.jsonl").write_bytes(b"\n".join(lines[first:end]) + b"\n")
    (folder / "empty.jsonl").write_bytes(b"")


def line_of(records, number):
    """A line of the archive. Most are articles as they are."""
    record = dict(records[number])
    earlier = records[number * 2 // 3]
    match number % 40:
        case 5 | 17 | 29:  # a copy
            record["text"] = earlier["text"]
        case 8:  # a copy with another lead
            record["text"] = "Our correspondents report from many places.\n\n" + earlier["text"]
        case 11 | 23:  # the id of another document
            record["id"] = earlier["id"]
        case 13:  # a number that is no float
            record["id"] = 9007199254740993 + number
        case 19:
            del record["id"]
        case 26:  # ends of lines for some programs, but not in JSON
            record["text"] = f"The minister said:\u2028“No.”\u0085\u000b “Never,” she said. 🗞️ " + record["text"]
        case 31:
            return b"no JSON"
        case 33:
            return b""
        case 37:
            record["text"] = 7
    return json.dumps(record, ensure_ascii=False).encode()
