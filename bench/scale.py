#!/usr/bin/env python3
"""Measures what many machines depend on: a stream beside a run, two streams beside one, the memory of a long stream, and the merge of many parts.

    bench/scale.py ARTICLES.jsonl        # some hundred lines with `text`; takes about a quarter of an hour

Needs Python 3.11, a release build (`make build`) and two cores that do nothing else. Compared programs take turns; a number is the median over rounds.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from runs import configuration, made_up, print_now

ROOT = pathlib.Path(__file__).resolve().parent.parent
PARTS = 100
FILES = 1_000  # of the archive that is cut into parts
DOCUMENTS = 1_000_000


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("articles", type=pathlib.Path)
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "target" / "release" / "pressrun")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--documents", type=int, default=DOCUMENTS, help="for the long stream and for the merge")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scale = Scale(pathlib.Path(folder), arguments.program.resolve())
        texts = [json.loads(line)["text"] for line in arguments.articles.read_text().splitlines()]
        scale.streams(texts, arguments.rounds)
        scale.long_stream(arguments.documents)
        scale.merge(arguments.documents)


def write_documents(path, texts, first=0):
    with path.open("w") as file:
        file.writelines(json.dumps({"id": str(first + place), "text": text}) + "\n" for place, text in enumerate(texts))


class Scale:
    def __init__(self, folder, program):
        self.folder, self.program = folder, program
        # Results that are recalled would say nothing about speed.
        with_model = configuration({"output.layout": "sharded", "models.newsroom.workers": 1, "cache.max_bytes": 0, "cache.memory_bytes": 0})
        (folder / "model.toml").write_text(with_model)
        (folder / "short.toml").write_text('[output]\nlayout = "sharded"\ncompression = "zstd"\n')

    def start(self, core, arguments, documents=None):
        """A pressrun on one core, or on all of them if `core` is None."""
        affinity = None if core is None else lambda: os.sched_setaffinity(0, {core})
        with open(documents or os.devnull) as stdin:
            return subprocess.Popen([self.program, *arguments], stdin=stdin, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder, preexec_fn=affinity)

    def end(self, process):
        """Peak memory in MB and seconds of a core."""
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            sys.exit(f"{' '.join(map(str, process.args))} failed in {self.folder}")
        return usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime

    def seconds(self, starts):
        """Seconds until all processes have ended, which `starts` begins."""
        begin = time.monotonic()
        for process in [start() for start in starts]:
            self.end(process)
        return time.monotonic() - begin

    def stream_on(self, core, documents):
        return lambda: self.start(core, ["stream", "--workers", "1", "-c", "model.toml"], documents)

    def run_on(self, core, documents):
        subprocess.run(["rm", "-rf", self.folder / "output"], check=True)
        return lambda: self.start(core, ["run", documents, "-c", "model.toml"])

    def streams(self, texts, rounds):
        all_texts, one_text = self.folder / "all.jsonl", self.folder / "one.jsonl"
        write_documents(all_texts, texts)
        write_documents(one_text, texts[:1])
        beside_run, beside_one = [], []
        for _ in range(rounds):
            start = self.seconds([self.stream_on(0, one_text)])
            stream = self.seconds([self.stream_on(0, all_texts)]) - start
            run = self.seconds([self.run_on(0, all_texts)]) - self.seconds([self.run_on(0, one_text)])
            two = self.seconds([self.stream_on(core, all_texts) for core in (0, 1)]) - start
            beside_run.append(run / stream)
            beside_one.append(2 * stream / two)
        print_now(f"a stream on one core: {statistics.median(beside_run):.3f} times as fast as a run ({len(texts) / stream:.1f} documents/s)")
        print_now(f"two streams: {statistics.median(beside_one):.2f} times as fast as one")

    def long_stream(self, documents):
        for count in (documents // 100, documents // 10, documents):
            path = self.folder / "long.jsonl"
            write_documents(path, made_up(count))
            begin = time.monotonic()
            peak, _ = self.end(self.start(None, ["stream", "-c", "short.toml"], path))
            print_now(f"a stream of {count:8} lines without a model: {time.monotonic() - begin:.1f} s, peak {peak:.0f} MB")

    def merge(self, documents):
        archive = self.folder / "archive"
        archive.mkdir()
        texts, size = made_up(documents), documents // FILES
        for file in range(FILES):
            write_documents(archive / f"{file:04}.jsonl", texts[file * size:(file + 1) * size], file * size)
        begin = time.monotonic()
        for part in range(PARTS):
            self.end(self.start(None, ["run", "archive", "-c", "short.toml", "--part", f"{part}/{PARTS}"]))
        parts = sorted((self.folder / "output" / "parts").iterdir())
        print_now(f"{PARTS} parts of {documents} documents without a model: {time.monotonic() - begin:.0f} s")
        begin = time.monotonic()
        peak, busy = self.end(self.start(None, ["merge", *parts, "-o", "merged", "-c", "short.toml"]))
        print_now(f"their merge: {time.monotonic() - begin:.1f} s, {busy:.1f} s of a core, peak {peak:.0f} MB")


if __name__ == "__main__":
    main()
