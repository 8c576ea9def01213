#!/usr/bin/env python3
"""Own labels on labelled texts: how good they are by number of examples, how many a suggestion finds, and what they cost a run.

    bench/labels.py quality TRAIN.jsonl TEST.jsonl --field ag_class --labels bench/own_labels/ag.toml --examples 0 8 64
    bench/labels.py rare TRAIN.jsonl --field code --labels bench/own_labels/topics.toml --label 14 --share 0.03
    bench/labels.py cost ARTICLES.jsonl

Needs `cargo build --release` before. Rows have `text` and a field with the code of a label. Everything goes through the program as users
have it: `labels fit`, `run`, `suggest`, `labels import`.
"""
import argparse
import collections
import json
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "target" / "release" / "pressrun")
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "models" / "newsroom")
    parser.add_argument("--seed", type=int, default=1)
    commands = parser.add_subparsers(required=True)
    quality_arguments = commands.add_parser("quality", help="accuracy and macro-F1 of documents by number of examples")
    quality_arguments.add_argument("train", type=pathlib.Path)
    quality_arguments.add_argument("test", type=pathlib.Path)
    quality_arguments.add_argument("--examples", type=int, nargs="*", default=[0, 8, 64])
    quality_arguments.add_argument("--draws", type=int, default=5)
    quality_arguments.set_defaults(run=quality)
    rare_arguments = commands.add_parser("rare", help="positives among 100 suggestions, in batches of 25")
    rare_arguments.add_argument("train", type=pathlib.Path)
    rare_arguments.add_argument("--label", required=True)
    rare_arguments.add_argument("--share", type=float, default=0.03, help="the share of texts with the label")
    rare_arguments.add_argument("--texts", type=int, default=3000)
    rare_arguments.set_defaults(run=rare)
    for command in [quality_arguments, rare_arguments]:
        command.add_argument("--field", required=True)
        command.add_argument("--labels", type=pathlib.Path, required=True, help="own labels with descriptions")
    cost_arguments = commands.add_parser("cost", help="seconds of a run with 0, 10 and 30 labels")
    cost_arguments.add_argument("articles", type=pathlib.Path, help="a folder or a file of articles")
    cost_arguments.add_argument("--rounds", type=int, default=3)
    cost_arguments.set_defaults(run=cost)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        arguments.run(arguments, pathlib.Path(folder))


def quality(arguments, folder):
    labels = tomllib.loads(arguments.labels.read_text())["label"]
    codes = [label["code"] for label in labels]
    train = [row for row in rows(arguments.train, arguments.field) if row["gold"] in codes]
    test = [row for row in rows(arguments.test, arguments.field) if row["gold"] in codes]
    write_input(folder, test)
    write_config(folder, arguments.model, min_score=0)
    print(f"{len(test)} texts, {len(codes)} labels")
    print("| examples of each label | accuracy | macro-F1 | draws |\n|---|---|---|---|")
    for count in arguments.examples:
        scores = []
        for draw in range(1 if count == 0 else arguments.draws):
            generator = random.Random(arguments.seed * 1000 + draw)
            examples = [row for code in codes for row in sample(generator, [row for row in train if row["gold"] == code], count)]
            write_labels(folder, labels, [{"text": row["text"], "label": row["gold"]} for row in examples])
            pressrun(arguments, folder, "labels", "fit", "desk")
            pressrun(arguments, folder, "run", "--redo")
            scores.append(measure(folder, test, codes))
        accuracy, macro = zip(*scores)
        print(f"| {count} | {described(accuracy)} | {described(macro)} | {len(scores)} |", flush=True)


def rare(arguments, folder):
    """Answers suggestions by the gold labels, batch after batch, and counts those that have the label."""
    labels = [label for label in tomllib.loads(arguments.labels.read_text())["label"] if label["code"] == arguments.label]
    generator = random.Random(arguments.seed)
    all_rows = rows(arguments.train, arguments.field)
    positives = [row for row in all_rows if row["gold"] == arguments.label]
    others = [row for row in all_rows if row["gold"] != arguments.label]
    wanted = round(arguments.texts * arguments.share)
    texts = sample(generator, positives, wanted) + sample(generator, others, arguments.texts - wanted)
    generator.shuffle(texts)
    write_input(folder, texts)
    write_config(folder, arguments.model, multiple=True)
    write_labels(folder, labels, [])
    pressrun(arguments, folder, "labels", "fit", "desk")
    pressrun(arguments, folder, "run")
    by_id = {str(number): row["gold"] == arguments.label for number, row in enumerate(texts)}
    found = asked = 0
    for _ in range(4):
        table = pressrun(arguments, folder, "suggest", "desk", "--label", arguments.label, "-n", "25", "--documents", str(arguments.texts), "--format", "prodigy")
        answers = [json.loads(line) for line in table.splitlines()]
        for answer in answers:
            is_positive = by_id[answer["meta"]["statement"].rsplit("#", 1)[0]]
            answer["answer"] = "accept" if is_positive else "reject"
            found += is_positive
            asked += 1
        (folder / "answers.jsonl").write_text("\n".join(json.dumps(answer) for answer in answers))
        pressrun(arguments, folder, "labels", "import", "answers.jsonl")
        pressrun(arguments, folder, "labels", "fit", "desk")
    chance = asked * wanted / len(texts)
    print(f"label {arguments.label}, {100 * wanted / len(texts):.1f} % of {len(texts)} texts: {found} of {asked} suggestions have it, {found / chance:.1f} times as many as by chance")


def cost(arguments, folder):
    """Runs with 0, 10 and 30 labels in turn, without a cache, and prints the median of each."""
    words = "rents taxes hospitals schools floods strikes trains football courts police prisons farms fishing energy water roads museums churches elections trade war refugees pensions wages banks computers space theatre weather tourism".split()
    for count in [0, 10, 30]:
        place = folder / str(count)
        place.mkdir()
        write_config(place, arguments.model, heads=True, own=count > 0, cache=False, paths=[arguments.articles.resolve()])
        if count:
            write_labels(place, [{"code": word, "about": word} for word in words[:count]], [])
            pressrun(arguments, place, "labels", "fit", "desk")
    seconds = collections.defaultdict(list)
    for _ in range(arguments.rounds):
        for count in [0, 10, 30]:
            shutil.rmtree(folder / str(count) / "output", ignore_errors=True)
            started = time.monotonic()
            pressrun(arguments, folder / str(count), "run")
            seconds[count].append(time.monotonic() - started)
    base = statistics.median(seconds[0])
    for count, taken in seconds.items():
        print(f"{count} labels: {statistics.median(taken):.1f} s, {statistics.median(taken) / base:.3f} of a run without")


def rows(path, field):
    """The labelled rows, without texts that have two labels: own labels refuse such examples."""
    texts = [json.loads(line) for line in path.read_text().splitlines()]
    labelled = [{"text": row["text"], "gold": str(row[field])} for row in texts if row.get(field) not in (None, "")]
    golds = collections.defaultdict(set)
    for row in labelled:
        golds[" ".join(row["text"].lower().split())].add(row["gold"])
    once = {}
    for row in labelled:
        folded = " ".join(row["text"].lower().split())
        if len(golds[folded]) == 1:
            once.setdefault(folded, row)
    return list(once.values())


def sample(generator, items, count):
    return generator.sample(items, min(count, len(items)))


def write_input(folder, texts):
    lines = [json.dumps({"id": str(number), "text": row["text"]}) for number, row in enumerate(texts)]
    (folder / "input.jsonl").write_text("\n".join(lines) + "\n")


def write_config(folder, model, *, min_score=None, multiple=False, heads=False, own=True, cache=True, paths=("input.jsonl",)):
    config = {"paths": [str(path) for path in paths]}
    text = f"[input]\npaths = {json.dumps(config['paths'])}\n[input.copies]\nremember = 0\n[models.newsroom]\npath = {json.dumps(str(model.resolve()))}\n"
    if heads:
        for task, head in [("topic", "topic"), ("sentiment", "sentiment"), ("boilerplate", "boilerplate"), ("attribution", "attribution")]:
            text += f'[tasks.{task}]\nmodel = "newsroom"\nhead = "{head}"\nmin_score = 0.5\n'
    if own:
        text += f'[tasks.desk]\nmodel = "newsroom"\nlabels = "desk.toml"\nmultiple = {json.dumps(multiple)}\n'
        if min_score is not None:
            text += f"min_score = {min_score}\n"
    if not cache:
        text += "[cache]\nmax_bytes = 0\nmemory_bytes = 0\n"
    (folder / "pipeline.toml").write_text(text)


def write_labels(folder, labels, examples):
    text = 'examples_file = "desk.jsonl"\n'
    for label in labels:
        text += "[[label]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in label.items())
    (folder / "desk.toml").write_text(text)
    (folder / "desk.jsonl").write_text("".join(json.dumps(example) + "\n" for example in examples))


def pressrun(arguments, folder, *words):
    done = subprocess.run([arguments.program.resolve(), "-q", *words], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"pressrun {' '.join(words)} failed: {done.stderr}")
    return done.stdout


def measure(folder, test, codes):
    """Accuracy and macro-F1 of the labels of documents."""
    found = {}
    for line in (folder / "output" / "documents.jsonl").read_text().splitlines():
        record = json.loads(line)
        found[record["document"]] = record["desk"]["code"]
    pairs = [(row["gold"], found.get(str(number))) for number, row in enumerate(test)]
    scores = []
    for code in codes:
        right = sum(gold == code == label for gold, label in pairs)
        both = sum(gold == code for gold, _ in pairs) + sum(label == code for _, label in pairs)
        scores.append(2 * right / both if both else 0.0)
    return sum(gold == label for gold, label in pairs) / len(pairs), statistics.mean(scores)


def described(values):
    spread = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.3f}{spread}"


if __name__ == "__main__":
    main()
