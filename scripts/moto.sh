#!/usr/bin/env bash
# Puts moto, which acts as S3 for tests/stores.rs, into third_party/moto-VERSION, or into $PRESSRUN_CACHE where that is set: 115 MB from PyPI.
# Once done, a call takes milliseconds. Without it the test is skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

# tests/support/moto.rs has the same version.
version=5.2.5
requirements=("moto[s3]==$version" flask==3.1.3 flask-cors==6.0.5)
folder=${PRESSRUN_CACHE:-third_party}/moto-$version

[ ! -d "$folder" ] || exit 0
rm -rf "$folder.part"
mkdir -p "$folder.part"
# pip reports conflicts with what else is installed, although none of this is installed there.
if ! python3 -m pip install --quiet --quiet --disable-pip-version-check --no-warn-conflicts --target "$folder.part" "${requirements[@]}"; then
    rm -rf "$folder.part"
    echo "moto: not fetched: Python 3 with pip and access to PyPI are needed" >&2
    exit 1
fi
mv "$folder.part" "$folder"
