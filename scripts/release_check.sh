#!/usr/bin/env bash
# Checks what RELEASING.md asks of a commit before its tag. PRESSRUN=/path/to/pressrun packages that program instead of building one.
set -euo pipefail
cd "$(dirname "$0")/.."

die() { echo "release check: FAILED: $*" >&2; exit 1; }

version=$(sed -n '/^\[package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
[ -z "$(git status --porcelain)" ] || die "there are changes that are not committed:
$(git status --short)"
noted=$(sed -n 's/^## \(.*\)/\1/p' CHANGELOG.md | head -n 1)
[ "${noted%% *}" = "$version" ] || die "Cargo.toml has version $version, and the first section of CHANGELOG.md is \"$noted\""
locked=$(sed -n '/^name = "pressrun"$/{n;s/^version = "\(.*\)"/\1/p}' Cargo.lock)
[ "$locked" = "$version" ] || die "Cargo.toml has version $version, and Cargo.lock $locked"
! git rev-parse --quiet --verify "refs/tags/v$version" >/dev/null || die "there is a tag v$version already"

scripts/packages.sh
for package in build/packages/pressrun{-"$version"-py3-*.whl,_"$version"-1_*.deb,-"$version"-1.*.rpm}; do
    [ -e "$package" ] || die "there is no $package: another version?"
done
said=$(build/packages/stage/usr/bin/pressrun --version | head -n 1)
[[ $said == "pressrun $version"* ]] || die "the packaged program says that it is \"$said\""

if [ -z "${SOURCE_BUILD:-}" ]; then
    make -s build
    SOURCE_BUILD=${CARGO_TARGET_DIR:-target}/release/pressrun
fi
SOURCE_BUILD=$(realpath "$SOURCE_BUILD")
export SOURCE_BUILD
# By name, so that none is skipped.
tests/packages/run.sh program wheel deb rpm container source
echo "release check: $version is ready"
