#!/usr/bin/env python3
"""Sentence splitting beside its peers, in one run: boundary F1 on labelled texts, and megabytes of text a second.

    bench/split_peers.py split_gum.dev.jsonl split_ewt.dev.jsonl [--rules split_rules.dev.jsonl]

Each line of a file has `text`, `sentences` (half-open code points) and, if known, `genre`; of the rules, `text` and
`sentences` as strings. A boundary is the last character of a sentence that is no white space. Peers are measured where
they can be imported: `pip install sentencex syntok`.
"""
import argparse
import collections
import difflib
import json
import pathlib
import statistics
import subprocess
import time

PROGRAM = pathlib.Path(__file__).resolve().parent.parent / "target" / "release" / "pressrun"
REPEATS = 100  # of the texts, for pressrun's speed
ROUNDS = 5  # in turn; the median counts


def pressrun(texts, program):
    """The end of each sentence, by text."""
    return [[end for _, end in json.loads(line)["spans"]] for line in run(json_lines(texts), program).splitlines()]


def json_lines(texts):
    return "".join(json.dumps({"id": place, "text": text}) + "\n" for place, text in enumerate(texts)).encode()


def run(lines, program):
    """What the program writes, on one thread."""
    command = [program, "split", "--format", "jsonl"]
    environment = {"RAYON_NUM_THREADS": "1"}
    return subprocess.run(command, input=lines, stdout=subprocess.PIPE, check=True, env=environment).stdout


def sentencex(texts):
    import sentencex

    return [ends(text, sentencex.segment("en", text)) for text in texts]


def syntok(texts):
    from syntok import segmenter

    def of(text):
        sentences = (sentence for paragraph in segmenter.analyze(text) for sentence in paragraph)
        return [sentence[-1].offset + len(sentence[-1].value) for sentence in sentences if sentence]

    return [of(text) for text in texts]


def ends(text, sentences):
    """Where each of `sentences`, given as strings, ends in `text`."""
    at, found = 0, []
    for sentence in sentences:
        sentence = sentence.strip()
        if sentence:
            at = text.index(sentence, at) + len(sentence)
            found.append(at)
    return found


def aligned_ends(text, sentences):
    """Where each of `sentences` ends in `text`, if their white space or some of their characters differ from it."""
    places = [place for place, character in enumerate(text) if not character.isspace()]
    stripped = ["".join(sentence.split()) for sentence in sentences]
    matcher = difflib.SequenceMatcher(None, "".join(text.split()), "".join(stripped), autojunk=False)
    alike = {there + step: here + step for here, there, size in matcher.get_matching_blocks() for step in range(size)}
    last, found = -1, []
    for sentence in filter(None, stripped):
        last += len(sentence)
        nearest = max((there for there in alike if there <= last), default=None)
        if nearest is not None:
            found.append(places[alike[nearest]] + 1)
    return found


def boundaries(text, ends_of_sentences):
    """The last character of each sentence that is no white space."""
    return {len(text[:end].rstrip()) - 1 for end in ends_of_sentences if text[:end].strip()}


def f1(right, found, gold):
    return 2 * right / (found + gold) if found + gold else 1.0


def scores(rows, found):
    """F1 by genre and over all."""
    counts = collections.defaultdict(lambda: [0, 0, 0])
    for row, of_row in zip(rows, found):
        gold = boundaries(row["text"], [end for _, end in row["sentences"]])
        guess = boundaries(row["text"], of_row)
        for genre in ("all", row["genre"]):
            for place, size in enumerate((len(gold & guess), len(guess), len(gold))):
                counts[genre][place] += size
    return {genre: f1(*sizes) for genre, sizes in counts.items()}


def rules(path, splitter):
    """How many of the rules hold, by context."""
    rows = [json.loads(line) for line in open(path, encoding="utf-8")]
    found = splitter([row["text"] for row in rows])
    counts = collections.Counter()
    for row, of_row in zip(rows, found):
        gold = boundaries(row["text"], aligned_ends(row["text"], row["sentences"]))
        golden = row.get("context") == "Golden Rules"
        holds = gold == boundaries(row["text"], of_row)
        counts.update({"golden": golden, "golden right": golden and holds, "all": 1, "all right": holds})
    return f"{counts['golden right']} of {counts['golden']} golden, {counts['all right']} of {counts['all']} in all"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--rules")
    parser.add_argument("--program", default=PROGRAM)
    arguments = parser.parse_args()
    rows = []
    for path in arguments.files:
        rows += [{"genre": pathlib.Path(path).name, **json.loads(line)} for line in open(path, encoding="utf-8")]
    texts = [row["text"] for row in rows]
    splitters = {"pressrun": lambda texts: pressrun(texts, arguments.program)}
    for name, splitter in (("sentencex", sentencex), ("syntok", syntok)):
        try:
            splitter(["One. Two."])
            splitters[name] = splitter
        except ImportError:
            print(f"{name} is not installed")
    found = {name: scores(rows, splitter(texts)) for name, splitter in splitters.items()}
    print(f"{'boundary F1':24}" + "".join(f"{name:>11}" for name in splitters))
    for genre in sorted(found["pressrun"]):
        print(f"{genre:24}" + "".join(f"{of_genre[genre]:11.4f}" for of_genre in found.values()))
    if arguments.rules:
        for name, splitter in splitters.items():
            print(f"rules, {name}: {rules(arguments.rules, splitter)}")
    speed(splitters, texts, arguments.program)


def speed(splitters, texts, program):
    """Medians of rounds in turn, one thread each. Of pressrun's time starting it and its own reading and writing of JSON
    are part, Python's are not."""
    size = sum(len(text.encode()) for text in texts) / 1e6
    lines = json_lines(texts * REPEATS)
    jobs = {name: (lambda splitter=splitter: splitter(texts), 1) for name, splitter in splitters.items()}
    jobs["pressrun"] = (lambda: run(lines, program), REPEATS)
    seconds = collections.defaultdict(list)
    for _ in range(ROUNDS):
        for name, (job, repeats) in jobs.items():
            start = time.perf_counter()
            job()
            seconds[name].append((time.perf_counter() - start) / repeats)
    medians = {name: size / statistics.median(of_splitter) for name, of_splitter in seconds.items()}
    for name, rate in medians.items():
        print(f"{name}: {rate:.2f} MB/s, {rate / medians['pressrun']:.3f} of pressrun's")


if __name__ == "__main__":
    main()
