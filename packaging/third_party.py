#!/usr/bin/env python3
"""Writes the licences of all crates that are in the program: third_party.py TARGET [CARGO_OPTION...] > THIRD-PARTY.txt

TARGET is a platform such as x86_64-unknown-linux-gnu. Options such as --no-default-features choose the crates. Libraries in C that a crate
contains have their licences in folders below it. A crate without a file gets the usual texts of its licences, from LICENSE-APACHE and
LICENSE-MIT with its own authors, or that of another crate (SAME_LICENCE). A crate for which there is no text is an error.
"""

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILES = re.compile(r"(?i)^(licen[sc]e|copying|copyright|notice|unlicense|authors)([-._].*)?$")
# Texts for crates that refer to them by name only.
USUAL = {"Apache-2.0": "LICENSE-APACHE", "MIT": "LICENSE-MIT"}
# Crates without a file, and others of the same authors or with a licence that names no authors.
SAME_LICENCE = {"alloc-stdlib": "alloc-no-stdlib", "selectors": "cssparser"}


def crates(target, options):
    """The packages that the program is made of, without ours, as `cargo metadata` describes them."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target, *options]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    waiting, known = [metadata["resolve"]["root"]], set()
    while waiting:
        package = waiting.pop()
        if package not in known:
            known.add(package)
            for dependency in nodes[package]["deps"]:
                if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                    waiting.append(dependency["pkg"])
    used = [packages[package] for package in known if packages[package]["source"]]
    return sorted(used, key=lambda package: (package["name"], package["version"]))


def licence_files(folder):
    """The files with licences in a crate and in the C libraries that it contains."""
    ignored = {"tests", "test", "examples", "benches", "doc", "docs"}
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder)
        is_text = path.suffix.lower() in ("", ".md", ".txt") or path.suffix[1:].isupper() or "-" in path.suffix
        if FILES.match(path.name) and path.is_file() and is_text and not ignored.intersection(inner.parts):
            yield path


def usual_text(name, authors):
    """The usual text of a licence, with the authors of a crate instead of ours."""
    text = (ROOT / USUAL[name]).read_text(encoding="utf-8").strip()
    return re.sub(r"(?m)^Copyright \(c\).*$", f"Copyright (c) {', '.join(authors) or 'the authors'}", text)


def texts(package, packages):
    """The texts of a crate's licences. `packages` are all crates."""
    same = SAME_LICENCE.get(package["name"])
    source = next((other for other in packages if other["name"] == same), package)
    found = [path.read_text(encoding="utf-8", errors="replace").strip() for path in licence_files(Path(source["manifest_path"]).parent)]
    if found:
        return found
    names = re.findall(r"[A-Za-z0-9.-]+", re.sub(r"\b(OR|AND|WITH)\b", " ", package["license"] or ""))
    usual = [usual_text(name, package["authors"]) for name in names if name in USUAL]
    if not usual:
        sys.exit(f"third_party.py: {package['name']} {package['version']} ({package['license']}) has no licence file")
    return usual


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__.splitlines()[0])
    packages = crates(sys.argv[1], sys.argv[2:])
    owners = defaultdict(list)
    print("pressrun contains the crates below. Their licences follow the list; equal texts are printed once.\n")
    for package in packages:
        name = f"{package['name']} {package['version']}"
        print(f"{name}: {package['license']}" + (f", {package['repository']}" if package["repository"] else ""))
        for text in dict.fromkeys(texts(package, packages)):
            owners[text].append(name)
    for text, names in owners.items():
        print(f"\n{'=' * 80}\n{', '.join(names)}\n{'=' * 80}\n\n{text}")


if __name__ == "__main__":
    main()
