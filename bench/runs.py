#!/usr/bin/env python3
"""Measures whole runs: end to end against the bare encoder, with repeated documents, with one worker and two, and at scale.

    bench/runs.py ARTICLES.jsonl        # some hundred lines with `text`; takes about a quarter of an hour

Needs Python 3.11 and a release build (`make build`). Compared runs take turns; a number is the median over rounds.
"""
import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import tomllib

import peers

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCALES = [1_000, 10_000, 100_000]  # documents
REPEATS = 0.6  # of the documents
SAMPLE = 60  # articles for the bare encoder


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("articles", type=pathlib.Path)
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "target" / "release" / "pressrun")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scales", type=int, nargs="*", default=SCALES)
    arguments = parser.parse_args()
    texts = [json.loads(line)["text"] for line in arguments.articles.read_text().splitlines()]
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(pathlib.Path(folder), arguments.program)
        runs.beside_the_encoder(texts, arguments.rounds)
        runs.repeats(texts, arguments.rounds)
        runs.workers(texts, arguments.rounds)
        runs.scale(arguments.scales)


def print_now(line):
    print(line, flush=True)


def configuration(options):
    """The shipped configuration with some keys changed, such as {"output.layout": "sharded"}, as TOML. It can lie in any folder."""
    config = tomllib.loads((ROOT / "pipeline.toml").read_text())
    for model in config["models"].values():
        model["path"] = str(ROOT / model["path"])
    for option, value in options.items():
        *sections, key = option.split(".")
        section = config
        for name in sections:
            section = section[name]
        if key not in section:
            sys.exit(f"pipeline.toml has no key {option}")
        section[key] = value
    return "\n".join(toml_lines(config)) + "\n"


def toml_lines(table, name=""):
    """A table of TOML and the tables inside it. Strings, numbers, booleans and lists of these are written as in JSON."""
    tables = {key: value for key, value in table.items() if isinstance(value, dict)}
    lines = [f"[{name}]"] if name else []
    lines += [f"{key} = {json.dumps(value)}" for key, value in table.items() if key not in tables]
    for key, value in tables.items():
        lines += toml_lines(value, f"{name}.{key}" if name else key)
    return lines


class Runs:
    def __init__(self, folder, program):
        self.folder, self.program = folder, program

    def run(self, texts, cache=False, workers=2, keeps_cache=False):
        """Seconds without start-up, peak memory in MB, and the report of a run, which also has the seconds that processors worked."""
        articles = self.folder / "articles.jsonl"
        config = self.folder / "pipeline.toml"
        with articles.open("w") as file:
            file.writelines(json.dumps({"id": str(place), "text": text}) + "\n" for place, text in enumerate(texts))
        options = {"output.layout": "sharded", "models.newsroom.workers": workers}
        if not cache:
            options |= {"cache.max_bytes": 0, "cache.memory_bytes": 0}
        config.write_text(configuration(options))
        old = [self.folder / "output"] + ([] if keeps_cache else [self.folder / "cache"])
        subprocess.run(["rm", "-rf", *old], check=True)
        process = subprocess.Popen([self.program, "run", articles, "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            sys.exit(f"the run failed, see {self.folder}")
        report = json.loads((self.folder / "output" / "run.json").read_text())
        report["processor_seconds"] = usage.ru_utime + usage.ru_stime
        return report["seconds"], usage.ru_maxrss / 1024, report

    def beside_the_encoder(self, texts, rounds):
        sentences = self.folder / "sentences.txt"
        split = subprocess.run([self.program, "split", "--format", "text", "--text"], input="\n\n".join(texts[:SAMPLE]).encode(), stdout=subprocess.PIPE, check=True)
        sentences.write_bytes(split.stdout)
        bench, shares, stages = peers.build(), [], []
        for _ in range(rounds):
            bare = sum(one["tokens_per_second"] for one in peers.pair([bench, str(sentences), "auto", "10", "passages"]))
            seconds, _, report = self.run(texts)
            shares.append(report["tokens"]["useful"] / seconds / bare)
            stages.append(self.encoder_beside_stages(texts, report["processor_seconds"]))
        rate = report["tokens"]["useful"] / seconds
        print_now(f"end to end: {statistics.median(shares):.1%} of the bare encoder's tokens a second; last {rate:.0f} tokens/s, {report['tokens']['padding_waste']:.1%} padding")
        print_now(f"all other stages together: {statistics.median(stages):.0f} times as fast as the encoder, by processor time")

    def encoder_beside_stages(self, texts, everything):
        """The processor time of the encoder as a multiple of that of all other stages. A run that recalls all it needs has that of the
        stages and of starting up, and one on a single text that of starting up."""
        self.run(texts, cache=True)
        recalled, start = (self.run(some, cache=True, keeps_cache=True)[2]["processor_seconds"] for some in (texts, texts[:1]))
        return (everything - recalled) / (recalled - start)

    def repeats(self, texts, rounds):
        chance = random.Random(1)
        originals = texts[:round(len(texts) * (1 - REPEATS))]
        copies = originals + chance.choices(originals, k=len(texts) - len(originals))
        chance.shuffle(copies)
        ratios = [self.run(copies)[0] / self.run(copies, cache=True)[0] for _ in range(rounds)]
        print_now(f"{REPEATS:.0%} of {len(copies)} documents repeat: {statistics.median(ratios):.2f} times as fast with recall")

    def workers(self, texts, rounds):
        ratios = [self.run(texts, workers=1)[0] / self.run(texts)[0] for _ in range(rounds)]
        print_now(f"one worker to two: {statistics.median(ratios):.2f} times as fast")

    def scale(self, scales):
        for count in scales:
            seconds, peak, report = self.run(made_up(count), cache=True)
            print_now(f"{count:7} documents: {1000 * seconds / count:.2f} ms a document, peak {peak:.0f} MB, {report['tokens']['useful']} tokens")


def made_up(count):
    """Short documents that differ from each other."""
    chance = random.Random(1)
    who = ["The minister", "A spokesman", "The union", "Police", "The mayor", "The bank", "The club's owner", "A judge"]
    what = ["rejected", "welcomed", "announced", "denied", "defended", "criticised", "postponed"]
    which = ["the budget", "new tariffs", "a strike", "the merger", "plans for a stadium", "the ruling", "an inquiry"]
    pick = chance.choice
    sentence = lambda: f"{pick(who)} {pick(what)} {pick(which)} on day {chance.randrange(10**6)}, after {chance.randrange(10**6)} complaints."
    return [sentence() for _ in range(count)]


if __name__ == "__main__":
    main()
