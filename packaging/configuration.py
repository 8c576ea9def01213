#!/usr/bin/env python3
"""Prints the configuration of a system, /etc/pressrun/pipeline.toml: configuration.py SCHEMA < pipeline.toml

It is the file of the repository with the places of a system, and the JSON Schema SCHEMA for editors.
"""

import re
import sys

# The section, the key, and its value on a system.
PLACES = [
    ("input", "paths", '["/var/lib/pressrun/input"]'),
    ("output", "directory", '"/var/lib/pressrun/output"'),
    ("cache", "directory", '"/var/cache/pressrun"'),
]


def with_value(text, section, key, value):
    """The text with another value for a key. The comment stays in its column, if the value leaves room."""
    pattern = rf'^(\[{section}\].*?\n(?:(?!\[).*\n)*?)({key} = )("[^"]*"|\[[^]]*\])([^\n#]*)(#[^\n]*)?$'

    def replacement(match):
        line = f"{match[2]}{value}"
        comment = match[5] or ""
        width = len(match[2]) + len(match[3]) + len(match[4])
        return match[1] + (line.ljust(max(width, len(line) + 1)) + comment if comment else line)

    text, count = re.subn(pattern, replacement, text, count=1, flags=re.MULTILINE)
    if count != 1:
        sys.exit(f"configuration.py: there is no [{section}] {key} in pipeline.toml")
    return text


def main():
    text = sys.stdin.read()
    _, body = text.split("\n\n", 1)
    for section, key, value in PLACES:
        body = with_value(body, section, key, value)
    print(f"#:schema {sys.argv[1]}")
    print("# The configuration of pressrun.service. pipeline.toml(5) describes it.")
    print("# Every key has its default, except for the places. Relative paths of models are below /usr/share/pressrun.")
    print(f"\n{body}", end="")


if __name__ == "__main__":
    main()
