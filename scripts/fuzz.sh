#!/usr/bin/env bash
# Runs every fuzz target, one after another: [SANITIZER=address] scripts/fuzz.sh SECONDS [TARGET...]
# FORMAT=a.docx scripts/fuzz.sh SECONDS formats gives all files that name.
# What is found on the way is kept in fuzz/found/, what goes wrong in fuzz/artifacts/.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:?seconds for each target}
shift
[ $# -gt 0 ] || set -- $(basename -s .rs fuzz/fuzz_targets/*.rs)
trap 'rm -rf /dev/shm/pressrun-fuzz' EXIT
export RUSTC_WRAPPER=$PWD/fuzz/rustc.sh

for target in "$@"; do
    echo "== $target"
    found=fuzz/found/$target${FORMAT:+-$FORMAT}
    mkdir -p "$found"
    options=(-max_total_time="$seconds" -timeout=10 -rss_limit_mb=3000 -max_len=3000)
    [ ! -f "fuzz/dictionaries/$target.txt" ] || options+=(-dict="fuzz/dictionaries/$target.txt")
    # Containers such as Parquet have long headers.
    [ "$target" != formats ] || options+=(-max_len=5000)
    # Without a sanitizer unless one is asked for: it costs half of the speed, and our code has no `unsafe` here.
    cargo +nightly fuzz run --sanitizer "${SANITIZER:-none}" "$target" "$found" "fuzz/corpus/$target" -- "${options[@]}"
done
