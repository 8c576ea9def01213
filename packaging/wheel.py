#!/usr/bin/env python3
"""Lays out a Python wheel of the program: wheel.py STAGE MODEL FOLDER VERSION TAG

STAGE and MODEL are the folders that scripts/packages.sh puts together. FOLDER gets the content of the wheel, which `wheel pack` then packs.
pip puts the program into bin, and the rest into share, of the same environment, where the program finds its model.
"""

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
METADATA = """\
Metadata-Version: 2.4
Name: pressrun
Version: {version}
Summary: Batch NLP for news archives: statements with speaker, topic and sentiment, as JSON Lines
License-Expression: Apache-2.0 OR MIT
License-File: LICENSE
License-File: LICENSE-APACHE
License-File: LICENSE-MIT
License-File: THIRD-PARTY.txt
License-File: MODEL_CARD.md
Keywords: nlp,news,sentiment,topic,batch
Requires-Python: >=3.8
Classifier: Environment :: Console
Classifier: Programming Language :: Rust
Classifier: Topic :: Text Processing :: Linguistic
Description-Content-Type: text/markdown

pressrun reads articles, splits them into sentences, finds who said what, and gives every sentence a topic and a sentiment with a
transformer. It writes JSON Lines, and tables for DuckDB, SQLite and pandas. This package has the program and its model; it has no
Python code and needs no network.

```sh
pip install pressrun
pressrun init --examples    # a commented configuration, and a few articles
pressrun run examples
pressrun show
```

`pressrun --help` lists all commands.
"""
WHEEL = """\
Wheel-Version: 1.0
Generator: pressrun packaging/wheel.py
Root-Is-Purelib: false
Tag: {tag}
"""


def main():
    stage, model, folder, version, tag = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4], sys.argv[5]
    shutil.rmtree(folder, ignore_errors=True)
    info = folder / f"pressrun-{version}.dist-info"
    (info / "licenses").mkdir(parents=True)
    (info / "METADATA").write_text(METADATA.format(version=version), encoding="utf-8")
    (info / "WHEEL").write_text(WHEEL.format(tag=tag), encoding="utf-8")
    licences = [ROOT / "LICENSE", ROOT / "LICENSE-APACHE", ROOT / "LICENSE-MIT"]
    for path in [*licences, stage / "usr/share/doc/pressrun/THIRD-PARTY.txt", model / "newsroom/MODEL_CARD.md"]:
        shutil.copy2(path, info / "licenses")
    data = folder / f"pressrun-{version}.data"
    (data / "scripts").mkdir(parents=True)
    shutil.copy2(stage / "usr/bin/pressrun", data / "scripts")
    shared = data / "data/share"
    shutil.copytree(stage / "usr/share/man", shared / "man")
    for completion in ["bash-completion/completions/pressrun", "fish/vendor_completions.d/pressrun.fish"]:
        (shared / completion).parent.mkdir(parents=True)
        shutil.copy2(stage / "usr/share" / completion, shared / completion)
    (shared / "zsh/site-functions").mkdir(parents=True)
    shutil.copy2(stage / "usr/share/zsh/vendor-completions/_pressrun", shared / "zsh/site-functions")
    shutil.copytree(model / "newsroom", shared / "pressrun/models/newsroom")


if __name__ == "__main__":
    main()
