#!/usr/bin/env bash
# Tests the packages in build/packages, each where nothing else is installed: tests/packages/run.sh [program|wheel|deb|rpm|container]...
#
# Without names all of them, and those that need root or a program that is missing say so and are counted as skipped; with names they fail.
# Each writes the results of a run on the examples; all have to be the same, byte for byte, and those of SOURCE_BUILD=/path/to/pressrun, too.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=$PWD/tests/packages
packages=$PWD/build/packages
work=$PWD/build/packages-test
most_bytes=60000000
oldest_glibc=2.28

say() { echo "packages: $*"; }
die() { echo "packages: FAILED: $*" >&2; exit 1; }
needs() { # PROGRAM...: skips the test if there is one that is missing
    for program; do
        command -v "$program" >/dev/null || skip "needs $program"
    done
}
needs_root() { [ "$(id -u)" = 0 ] || skip "needs root"; }
skip() {
    [ -z "$named" ] || die "$test $*"
    say "$test: skipped: $*"
    exit 0
}
one() { # PATTERN: the only file of it
    # shellcheck disable=SC2086
    set -- $packages/$1
    [ $# = 1 ] && [ -e "$1" ] || die "expected one file $1; run make packages"
    echo "$1"
}

# What a newcomer does, in an empty folder. The program is called as `"$@" ARGUMENTS`.
first_steps() {
    "$@" init --examples >/dev/null
    "$@" run -q examples
    "$@" show >/dev/null
    "$@" test >/dev/null
    "$@" verify >/dev/null
}

# keep NAME FOLDER: takes over the files of the output that do not tell when they were written.
keep() {
    mkdir -p "$work/results"
    (cd "$2/output" && find . -type f ! -name run.json ! -name .lock ! -name 'ledger.*' -print0 | sort -z | xargs -0 sha256sum) \
        >"$work/results/$1"
    [ "$(wc -l <"$2/output/documents.jsonl")" = 10 ] || die "$test: the run on the examples has not written 10 documents"
}

# complete COMMAND...: what a real bash, started by COMMAND, makes of `pressrun ru<TAB>` and of `pressrun run --re<TAB>`.
complete() { python3 "$here/complete.py" "$@" || die "$test: completion"; }

test_program() {
    needs objdump ldd
    local program=$packages/stage/usr/bin/pressrun
    local foreign newest
    foreign=$(ldd "$program" | awk '{print $1}' | grep -vE '^(linux-vdso|libc|libm|libgcc_s|libpthread|libdl|librt|/lib(64)?/ld-linux)' || true)
    [ -z "$foreign" ] || die "the program needs libraries that are not of libc: $foreign"
    newest=$(objdump -T "$program" | grep -o 'GLIBC_[0-9.]*' | sed 's/GLIBC_//' | sort -V | tail -n 1)
    [ "$(printf '%s\n' "$newest" $oldest_glibc | sort -V | tail -n 1)" = $oldest_glibc ] || die "the program needs glibc $newest"
    ! objdump -p "$program" | grep -E 'R(UN)?PATH' || die "the program has a run path"
    ! grep -qaF "$HOME/.cargo" "$program" || die "the program contains paths of the machine that built it"
    say "program: $(stat -c %s "$program") bytes, glibc $newest"
}

test_wheel() {
    local wheel desk=$work/wheel/desk
    wheel=$(one '*.whl')
    [ "$(stat -c %s "$wheel")" -le $most_bytes ] || die "$wheel is larger than $most_bytes bytes"
    python3 -m venv "$work/wheel/venv"
    local bin=$work/wheel/venv/bin
    "$bin/pip" install --quiet --disable-pip-version-check --no-index "$wheel"
    mkdir "$desk"
    # A link, as pipx and uv make it.
    ln -s "$bin/pressrun" "$work/wheel/pressrun"
    (cd "$desk" && first_steps env -i "$work/wheel/pressrun")
    keep wheel "$desk"
    [ -e "$bin/../share/man/man5/pipeline.toml.5" ] || die "the wheel has no manual page"
    "$bin/pip" uninstall --quiet --yes pressrun
    # pip leaves empty folders.
    [ -z "$(find "$bin/.." -name '*pressrun*' -not -type d)" ] || die "pip uninstall leaves files behind"
    say "wheel: $(stat -c %s "$wheel") bytes"
}

# A fresh Debian in $work/debian; the second call takes it from build/.
debian_root() {
    local archive=$PWD/build/debian-bookworm.tar
    if [ ! -e "$archive" ]; then
        mmdebstrap --quiet --mode=root --variant=apt --include=man-db,bash-completion bookworm "$archive.part" &&
            mv "$archive.part" "$archive"
    fi
    mkdir -p "$work/debian"
    tar -x -f "$archive" -C "$work/debian" --exclude './dev/*'
    mkdir -p "$work/debian/dev"
    mknod -m 666 "$work/debian/dev/null" c 1 3
    mknod -m 666 "$work/debian/dev/urandom" c 1 9
    mknod -m 666 "$work/debian/dev/tty" c 5 0
    cp /etc/resolv.conf "$work/debian/etc/"
    # The program asks the system there where it is.
    mkdir -p "$work/debian/proc" "$work/debian/dev/pts"
    mount -t proc proc "$work/debian/proc"
    mount -t devpts -o newinstance,ptmxmode=666 devpts "$work/debian/dev/pts"
    ln -s pts/ptmx "$work/debian/dev/ptmx"
}

# The files of the root that belong to a user of packages: without the books of apt and dpkg, logs and caches of man.
files_of_root() {
    find "$work/debian" -xdev -mindepth 1 \( -path '*/var/lib/dpkg' -o -path '*/var/lib/apt' -o -path '*/var/cache' -o -path '*/var/log' \
        -o -path '*/tmp' -o -path '*/proc' -o -path '*/dev' -o -path '*/run' -o -name '*-' \) -prune -o -print | sort
    ! [ -e "$work/debian/var/cache/pressrun" ] || echo "$work/debian/var/cache/pressrun"
}

test_deb() {
    needs_root
    needs mmdebstrap lintian chroot
    local root=$work/debian
    lintian --allow-root --fail-on error --suppress-tags initial-upload-closes-no-bugs "$packages"/*.deb || die "lintian"
    debian_root
    # Without adduser there is nothing to compare: it comes as a dependency, and stays.
    chroot "$root" apt-get -qq update
    chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends adduser >/dev/null
    files_of_root >"$work/before"
    cp "$(one 'pressrun_*.deb')" "$(one 'pressrun-model-newsroom_*.deb')" "$root/tmp/"
    chroot "$root" sh -c 'DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends /tmp/pressrun_*.deb /tmp/pressrun-model-*.deb >/dev/null'

    chroot "$root" man pressrun >"$work/man"
    chroot "$root" man pressrun-labels-fit 5 pipeline.toml >>"$work/man"
    grep -q 'max_document_bytes' "$work/man" || die "the manual pages do not have what they should"
    complete chroot "$root" bash --noprofile --norc -i
    mkdir -m 777 "$root/tmp/desk"
    (first_steps chroot --userspec=65534:65534 "$root" env -i -C /tmp/desk pressrun)
    keep deb "$root/tmp/desk"

    # As the service does it.
    cp examples/harbor-budget.txt "$root/var/lib/pressrun/input/"
    local user
    user=$(chroot "$root" id -u pressrun):$(chroot "$root" id -g pressrun)
    chroot --userspec="$user" "$root" env -i -C /var/lib/pressrun pressrun run -q -c /etc/pressrun/pipeline.toml
    [ -s "$root/var/lib/pressrun/output/documents.jsonl" ] || die "the configuration of the system gives no results"
    if command -v systemd-analyze >/dev/null; then
        mkdir -p "$work/units"
        sed 's|^ExecStart=.*|ExecStart=/bin/true|' packaging/pressrun.service >"$work/units/pressrun.service"
        cp packaging/pressrun.timer "$work/units/"
        systemd-analyze verify --man=no "$work"/units/pressrun.{service,timer} || die "systemd-analyze"
    fi

    chroot "$root" sh -c 'DEBIAN_FRONTEND=noninteractive apt-get -qq purge pressrun pressrun-model-newsroom >/dev/null'
    [ -s "$root/var/lib/pressrun/output/documents.jsonl" ] || die "purge takes the results of the user away"
    rm -r "$root/var/lib/pressrun"
    chroot "$root" sh -c 'DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends /tmp/pressrun_*.deb >/dev/null &&
        apt-get -qq purge pressrun >/dev/null'
    files_of_root >"$work/after"
    diff "$work/before" "$work/after" || die "purge leaves files behind"
    ! chroot "$root" getent passwd pressrun || die "purge leaves the user behind"
    umount "$root/proc" "$root/dev/pts"
    say "deb: $(stat -c %s "$(one 'pressrun_*.deb')") and $(stat -c %s "$(one 'pressrun-model-newsroom_*.deb')") bytes"
}

test_rpm() {
    needs_root
    needs rpm
    local package desk=$work/rpm/desk
    package=$(one '*.rpm')
    rpm -qp --nosignature --configfiles "$package" | grep -qx /etc/pressrun/pipeline.toml || die "the configuration is not marked as such"
    mkdir -p "$work/rpm/root" "$desk"
    # Into a folder of its own. There is no Fedora in which its scripts and dependencies could be tried.
    rpm --root "$work/rpm/root" --force-debian --nodeps --noscripts --nosignature -i "$package"
    rpm --root "$work/rpm/root" --nodeps -V pressrun || die "the files of the rpm are not those that it lists"
    (cd "$desk" && first_steps env -i "$work/rpm/root/usr/bin/pressrun")
    keep rpm "$desk"
    say "rpm: $(stat -c %s "$package") bytes"
}

# The image as it would run: its files alone, its root not writable, not as root, without a network. Without a registry the base is put together
# from the packages of Debian that it consists of.
test_container() {
    needs_root
    needs mmdebstrap unshare
    local root=$work/container
    mmdebstrap --quiet --mode=root --variant=extract --include=libc6,libgcc-s1,tzdata bookworm "$root"
    rm -rf "$root"/bin/sh "$root"/usr/bin/* "$root"/usr/sbin/*
    mkdir -p "$root/usr/bin" "$root/usr/share/pressrun/models" "$root/desk" "$root/tmp" "$root/proc"
    cp "$packages/stage/usr/bin/pressrun" "$root/usr/bin/"
    cp -r "$packages/model/newsroom" "$root/usr/share/pressrun/models/"
    mkdir "$work/container-desk"
    chown 65532:65532 "$work/container-desk"
    (first_steps unshare --mount --net --pid --fork sh -c '
        root=$1 && mount --bind "$root" "$root" && mount --bind "$2" "$root/desk" && mount -t proc proc "$root/proc" &&
        mount -o remount,bind,ro "$root" && shift 2 &&
        exec unshare --root "$root" --wd /desk --setgid 65532 --setuid 65532 /usr/bin/pressrun "$@"' sh "$root" "$work/container-desk")
    keep container "$work/container-desk"
    say "container: $(du -sm "$root" | cut -f 1) MB unpacked"
}

test_source() {
    [ -n "${SOURCE_BUILD:-}" ] || skip "SOURCE_BUILD names no program"
    local desk=$work/source/desk
    mkdir -p "$desk"
    (cd "$desk" && "$SOURCE_BUILD" init --model "$packages/model/newsroom" --examples >/dev/null && "$SOURCE_BUILD" run -q examples)
    keep source "$desk"
}

# What is mounted in a root for tests is mounted for this script alone, and gone with it.
if [ "$(id -u)" = 0 ] && [ -z "${PRESSRUN_OWN_MOUNTS:-}" ]; then
    PRESSRUN_OWN_MOUNTS=1 exec unshare --mount "$here/run.sh" "$@"
fi
named=${1:-}
[ $# -gt 0 ] || set -- program wheel deb rpm container source
rm -rf --one-file-system "$work"
mkdir -p "$work"
for test; do
    # A subshell, so that a test can be skipped.
    ("test_$test")
done
if [ -e "$work/results" ]; then
    for results in "$work"/results/*; do
        cmp "$results" "$(find "$work/results" -type f | sort | head -n 1)" || die "the results differ between packages"
    done
    say "all have the same results: $(cd "$work/results" && echo *)"
fi
rm -rf --one-file-system "$work"
