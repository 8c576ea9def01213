#!/usr/bin/env python3
"""Real nights for `pressrun drift`: drift_replay.py FOLDER [LAST_DAY] > nights.jsonl

FOLDER has the 22 files of Reuters-21578 (reut2-000.sgm to reut2-021.sgm). Each day of them becomes a night, as `pressrun nights --json`
prints it: the number of stories, and as labels the topics that Reuters' own editors gave them. Without LAST_DAY, it ends with 8 April 1987:
later days are incomplete in the collection.

    bench/drift_replay.py reuters | pressrun drift --nights - --all
"""

import collections
import datetime
import json
import re
import sys
from pathlib import Path

STORY = re.compile(r"<REUTERS.*?</REUTERS>", re.DOTALL)
DATE = re.compile(r"<DATE>\s*(\d+-\w+-\d+)")
TOPICS = re.compile(r"<TOPICS>(.*?)</TOPICS>", re.DOTALL)


def days(folder):
    """The number of stories and of topics of each day."""
    counts = collections.defaultdict(collections.Counter)
    files = sorted(Path(folder).glob("reut2-*.sgm"))
    if len(files) != 22:
        sys.exit(f"{folder} has {len(files)} of the 22 files reut2-*.sgm")
    for file in files:
        for story in STORY.findall(file.read_text(encoding="latin-1")):
            day = datetime.datetime.strptime(DATE.search(story)[1], "%d-%b-%Y").date()
            counts[day][None] += 1
            counts[day].update(re.findall("<D>(.*?)</D>", TOPICS.search(story)[1]))
    return counts


def night(number, day, counts):
    topics = {topic: count for topic, count in sorted(counts.items(), key=str) if topic}
    stories = counts[None]
    labels = {"topic": topics}
    statements = sum(topics.values())
    return {
        "night": number,
        "started": f"{day}T22:00:00Z",
        "finished": f"{day}T23:00:00Z",
        "outcome": "complete",
        "kind": "night",
        "documents": {"found": stories, "written": stories},
        "statements": statements,
        "labels": labels,
        "label_names": {"topic": {"interest": "interest rates", "earn": "earnings", "stg": "sterling"}},
        "sources": {"Reuters": {"documents": stories, "originals": stories, "statements": statements, "labels": labels}},
    }


def main():
    if not 2 <= len(sys.argv) <= 3:
        sys.exit(__doc__)
    last = datetime.date.fromisoformat(sys.argv[2]) if len(sys.argv) == 3 else datetime.date(1987, 4, 8)
    counts = days(sys.argv[1])
    kept = [day for day in sorted(counts) if day <= last]
    for number, day in enumerate(kept, 1):
        print(json.dumps(night(number, day, counts[day])))


if __name__ == "__main__":
    main()
