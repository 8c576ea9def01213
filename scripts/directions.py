#!/usr/bin/env python3
"""Checks that code uses only what is below it: directions.py [FOLDER]   (default: src)

A room is a folder or a file directly in src/. A room may use the rooms after it in ROOMS, and no others. Paths that begin with `crate::`
count, and `super::` where it leads out of a room; so does the code of tests.
"""

import re
import sys
from pathlib import Path

# From the top to the bottom.
ROOMS = """
    main commands cli progress log
    merge plan compare explain validate expect fitting
    repeat reread job streaming analyse loading revisions report error
    page
    drift export
    train evaluate labelled
    stages parts output input
    attribution speakers sentences
    english
    cache task ledger deadline
    own_labels
    model
    pipeline config record causes digest
""".split()

# The file, the room above it that it uses, and the reason.
EXCEPTIONS = set()

PATH = re.compile(r"\b(?P<start>crate|super(?:\s*::\s*super)*)\s*::\s*(?P<names>\{|\w+)")


def without_comments(code):
    """The code with its lines where they were."""
    return re.sub(r"//.*", "", code)


def names_in_group(code, start):
    """The first name of each path in the group that opens before `start`: `a` and `d` of `{a::{b, c}, d}`."""
    depth, begins, names = 1, True, []
    for token in re.finditer(r"[{},]|\w+", code[start:]):
        if token[0] == "{":
            depth += 1
        elif token[0] == "}":
            depth -= 1
            if depth == 0:
                break
        elif token[0] == ",":
            begins = begins or depth == 1
        elif begins and depth == 1:
            names.append(token[0])
            begins = False
    return names


def used_rooms(file, code):
    """Each use of another room in `file`, as its line and the name of the room."""
    modules = len(file.with_suffix("").parts) - (file.name == "mod.rs")
    tests = re.search(r"\bmod tests \{.*?^\}", code, re.DOTALL | re.MULTILINE)
    for path in PATH.finditer(code):
        is_in_tests = tests is not None and tests.start() < path.start() < tests.end()
        supers = path["start"].count("super")
        if supers and supers != modules + is_in_tests:
            continue
        names = names_in_group(code, path.end()) if path["names"] == "{" else [path["names"]]
        line = code.count("\n", 0, path.start()) + 1
        yield from ((line, name) for name in names if name != "self")


def faults(source):
    unused = set(EXCEPTIONS)
    for path in sorted(source.rglob("*.rs")):
        file = path.relative_to(source)
        room = file.with_suffix("").parts[0]
        if room == "lib":
            continue
        if room not in ROOMS:
            yield f"{path}: `{room}` has no place in ROOMS of scripts/directions.py"
            continue
        for line, used in used_rooms(file, without_comments(path.read_text(encoding="utf-8"))):
            if used not in ROOMS:
                yield f"{path}:{line}: `crate::{used}` is not a room; name the room that has it"
            elif ROOMS.index(used) < ROOMS.index(room):
                if (str(file), used) in EXCEPTIONS:
                    unused.discard((str(file), used))
                else:
                    yield f"{path}:{line}: `{room}` uses `{used}`, which is above it"
    for file, used in sorted(unused):
        yield f"{source / file} does not use `{used}` any more; remove it from EXCEPTIONS of scripts/directions.py"


def main():
    found = list(faults(Path(sys.argv[1] if len(sys.argv) > 1 else "src")))
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
