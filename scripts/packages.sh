#!/usr/bin/env bash
# Builds the packages for Linux into build/packages: wheel, deb, rpm, and what a container image is made of. packaging/README.md lists them.
#
#     scripts/packages.sh [wheel|deb|rpm|container]...    # default: all
#
# PRESSRUN=/path/to/pressrun packages that program instead of building one. Needed: cargo, objcopy, Python 3 with pip; for deb debhelper
# and dpkg-dev (on another system than Debian, leave it out). Everything else is fetched into build/tools, by version.
#
# ARCHITECTURE=aarch64 makes packages for that architecture. It takes the standard library of Rust for it, an objcopy that knows it (OBJCOPY), and
# RUNNER, the command that runs such a program here: RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu".
set -euo pipefail
cd "$(dirname "$0")/.."
umask 022

architecture=${ARCHITECTURE:-x86_64}
target=$architecture-unknown-linux-gnu
glibc=2.28
# Without libtorch.
features=(--no-default-features --features object-store)
read -ra runner <<<"${RUNNER:-}"
objcopy=${OBJCOPY:-objcopy}
case $architecture in
x86_64) debian=amd64 ;;
aarch64) debian=arm64 ;;
*) echo "packages: no packages for $architecture: x86_64 and aarch64 are known" >&2 && exit 1 ;;
esac
kinds=("$@")
[ $# -gt 0 ] || kinds=(wheel deb rpm container)
out=$PWD/build/packages
tools=$PWD/build/tools
stage=$out/stage
model=$out/model
version=$(sed -n '/^\[package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
model_version=$(sed -n 's/^revision = "\(.*\)"/\1/p' models/newsroom/model.toml)
# Times of files in packages: that of the commit, so that the same commit gives the same packages.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH

say() { echo "packages: $*"; }
die() { echo "packages: $*" >&2; exit 1; }

# Programs from PyPI, in an environment of their own.
python_tools() {
    local packages=(cargo-zigbuild==0.24.1 ziglang==0.17.1 wheel==0.48.0)
    if [ "$(cat "$tools/python/packages" 2>/dev/null)" != "${packages[*]}" ]; then
        python3 -m venv --clear "$tools/python"
        "$tools/python/bin/pip" install --quiet --disable-pip-version-check "${packages[@]}"
        echo "${packages[*]}" >"$tools/python/packages"
    fi
}

rpm_tool() {
    local wanted=0.21.1
    if [ ! -x "$tools/rpm-$wanted/bin/cargo-generate-rpm" ]; then
        cargo install --quiet --locked --version $wanted --root "$tools/rpm-$wanted" cargo-generate-rpm
    fi
    PATH=$tools/rpm-$wanted/bin:$PATH
}

# Builds the program without libtorch, for an old glibc. Paths of this machine stay out of it.
build_program() {
    say "building the program"
    PATH=$tools/python/bin:$PATH \
        RUSTFLAGS="--remap-path-prefix=$PWD=. --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo" \
        cargo zigbuild --release --locked "${features[@]}" --bin pressrun --target "$target.$glibc"
    program=${CARGO_TARGET_DIR:-target}/$target/release/pressrun
}

# Puts the files of all packages together.
fill_stage() {
    say "collecting files"
    rm -rf "$stage" "$model" "$out/debug"
    mkdir -p "$out/debug" "$stage"/usr/{bin,share/{pressrun,doc/pressrun,man/man1,man/man5}} "$stage/etc/pressrun" "$model"
    "$objcopy" --only-keep-debug "$program" "$out/debug/pressrun.debug"
    "$objcopy" --strip-all --add-gnu-debuglink="$out/debug/pressrun.debug" "$program" "$stage/usr/bin/pressrun"
    chmod 755 "$stage/usr/bin/pressrun"

    "${runner[@]}" "$program" man --dir "$out/man"
    mv "$out"/man/*.1 "$stage/usr/share/man/man1/"
    mv "$out"/man/*.5 "$stage/usr/share/man/man5/"
    rmdir "$out/man"
    complete bash bash-completion/completions/pressrun
    complete zsh zsh/vendor-completions/_pressrun
    complete fish fish/vendor_completions.d/pressrun.fish

    cp docs/schema/pipeline.schema.json "$stage/usr/share/pressrun/"
    python3 packaging/configuration.py /usr/share/pressrun/pipeline.schema.json <pipeline.toml >"$stage/etc/pressrun/pipeline.toml"
    cp README.md docs/*.md "$stage/usr/share/doc/pressrun/"
    python3 packaging/third_party.py "$target" "${features[@]}" >"$stage/usr/share/doc/pressrun/THIRD-PARTY.txt"
    # All files of the model that belong to the repository.
    git archive HEAD models/newsroom | tar -x -C "$model" --strip-components 1
    find "$stage" "$model" -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +
}

complete() { # SHELL FILE
    mkdir -p "$(dirname "$stage/usr/share/$2")"
    "${runner[@]}" "$program" completions "$1" >"$stage/usr/share/$2"
}

wheel() {
    rm -f "$out"/*.whl
    python3 packaging/wheel.py "$stage" "$model" "$out/wheel" "$version" "py3-none-manylinux_${glibc/./_}_$architecture"
    "$tools/python/bin/python" -m wheel pack --dest-dir "$out" "$out/wheel" >/dev/null
    rm -r "$out/wheel"
}

deb() {
    command -v dh >/dev/null || die "deb needs debhelper and dpkg-dev: apt install debhelper"
    local work=$out/deb maintainer
    maintainer=${PACKAGER:-$(git log -1 --format='%an <%ae>')}
    rm -rf "$work" "$out"/*.deb
    mkdir -p "$work"
    cp -r packaging/debian "$work/"
    cp packaging/pressrun.service packaging/pressrun.timer "$work/debian/"
    cp -r "$stage" "$model" "$work/"
    sed -i "s/@MAINTAINER@/$maintainer/" "$work/debian/control"
    sed '1,4d; s/^$/./; s/^/ /' LICENSE-MIT | sed -i -e '/@MIT@/{r /dev/stdin' -e 'd}' "$work/debian/copyright"
    cat >"$work/debian/changelog" <<X
pressrun ($version-1) unstable; urgency=medium

  * Release $version: see CHANGELOG.md of the source code.

 -- $maintainer  $(date -R -u -d "@$SOURCE_DATE_EPOCH")
X
    # dh takes the times of files from the changelog.
    (cd "$work" && MODEL_VERSION=$model_version dpkg-buildpackage --host-arch "$debian" --no-check-builddeps -b -uc >build.log 2>&1) ||
        die "deb failed: $(tail -n 5 "$work/build.log")"
    rm -rf "$work" "$out"/pressrun_*.{buildinfo,changes}
}

rpm() {
    rpm_tool
    rm -f "$out"/*.rpm
    cargo generate-rpm --auto-req disabled --arch "$architecture" --metadata-overwrite packaging/rpm.toml --source-date "$SOURCE_DATE_EPOCH" --output "$out"
}

container() {
    rm -rf "$out/container"
    mkdir -p "$out/container"
    cp packaging/Containerfile "$out/container/"
}

python_tools
if [ -n "${PRESSRUN:-}" ]; then program=$(realpath "$PRESSRUN"); else build_program; fi
fill_stage
for kind in "${kinds[@]}"; do
    case $kind in
    wheel | deb | rpm | container)
        say "$kind"
        $kind
        ;;
    *) die "unknown package $kind: wheel, deb, rpm and container are known" ;;
    esac
done
(cd "$out" && for package in *.whl *.deb *.rpm; do [ ! -e "$package" ] || sha256sum "$package"; done) >"$out/SHA256SUMS"
say "ready:"
(cd "$out" && du -h --apparent-size -- *.whl *.deb *.rpm SHA256SUMS 2>/dev/null || true)
