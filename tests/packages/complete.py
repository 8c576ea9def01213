#!/usr/bin/env python3
"""Types into a real bash on a terminal, and checks that it completes commands and options of pressrun: complete.py BASH_COMMAND..."""

import os
import pty
import re
import select
import sys
import time

# What is typed before the tab, and what the line is then.
LINES = [
    ("pressrun ru", "pressrun run "),
    ("pressrun run --re", "pressrun run --redo "),
    ("pressrun labels che", "pressrun labels check "),
    ("pressrun validate --config /etc/pressrun/pipe", "pressrun validate --config /etc/pressrun/pipeline.toml "),
]
CONTROL_U = "\x15"


def read(terminal, enough, seconds=10.0):
    """What the shell prints until `enough` is in it."""
    text, end = "", time.monotonic() + seconds
    while time.monotonic() < end and enough not in text:
        if select.select([terminal], [], [], 0.2)[0]:
            text += re.sub(r"\x1b\[[?0-9;]*[a-zA-Z]", "", os.read(terminal, 65536).decode(errors="replace"))
    return text


def main():
    process, terminal = pty.fork()
    if process == 0:
        os.environ.update(TERM="dumb", HISTFILE="/dev/null")
        os.execvp(sys.argv[1], sys.argv[1:])
    # bash-completion loads the script of a command when it is first completed.
    os.write(terminal, b". /usr/share/bash-completion/bash_completion; PS1='READ''Y '; echo LOAD''ED\n")
    if "LOADED" not in read(terminal, "LOADED"):
        sys.exit("complete.py: the shell does not start")
    for typed, expected in LINES:
        read(terminal, "READY ", 1)
        os.write(terminal, f"{typed}\t".encode())
        shown = read(terminal, expected)
        if expected not in shown:
            sys.exit(f"complete.py: {typed!r} and a tab give {shown!r}, expected {expected!r}")
        os.write(terminal, f"{CONTROL_U}\n".encode())
    os.write(terminal, b"exit\n")
    os.waitpid(process, 0)


if __name__ == "__main__":
    main()
