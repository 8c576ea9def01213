#!/usr/bin/env bash
# Puts the CPU half of libtorch 2.4.0 into third_party/libtorch, or into $PRESSRUN_CACHE/libtorch where that is set, and
# writes a .cargo/config.toml that lets plain cargo commands find it. Once done, a call takes milliseconds.
# Whoever sets LIBTORCH or LIBTORCH_USE_PYTORCH (see the tch crate) uses a libtorch 2.4.0 of their own instead.
set -euo pipefail
cd "$(dirname "$0")/.."

config=.cargo/config.toml
mark="# Written by scripts/libtorch.sh. To use a libtorch of your own set LIBTORCH and run that again: it removes this file."
# The build script of torch-sys reads build-version, and wants 2.4.0 before the plus. It also is our sign of completeness;
# count it up to have a changed layout fetched again.
version=2.4.0+pressrun.1

say() { echo "libtorch: $*"; }
die() { echo "libtorch: $*" >&2; exit 1; }
config_is_ours() { [ -f "$config" ] && [ "$(head -n 1 "$config")" = "$mark" ]; }

# fetch NAME==VERSION PLATFORM RECORD_SHA256 PATTERN...: files of a wheel, to $part/<name>/files
fetch() {
    python3 scripts/wheel.py "$part/${1%%==*}" "$@" || die "not fetched. Run it again: it goes on where it stopped. Or use
  a libtorch 2.4.0 of your own: set LIBTORCH to its folder, or LIBTORCH_USE_PYTORCH=1 if torch 2.4.0 is installed for python3."
}

install() {
    local part=$dest.part tree=$dest.part/tree torch=torch==2.4.0
    python3 -m pip --version >/dev/null 2>&1 || die "Python 3 with pip is needed to fetch libtorch. Or set LIBTORCH."
    mkdir -p "$part"
    # One call at a time; the lock goes with the process.
    exec 9>"$part/lock"
    python3 -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)'
    if complete; then return; fi
    rm -rf "$tree"
    mkdir -p "$tree/lib"

    case "$(uname -s) $(uname -m)" in
    "Linux x86_64")
        # The wheel is a CUDA build. Its CPU half stands alone but for two small CUDA libraries that it is linked to.
        fetch $torch manylinux1_x86_64 641df8e3aba60fc39bb16c0b1a847961838533f5597f511162911766d3a77159 \
            'torch/include/*' 'torch/lib/libtorch_cpu.so' 'torch/lib/libc10.so' 'torch/lib/libgomp*'
        fetch nvidia-cuda-runtime-cu12==12.1.105 manylinux1_x86_64 \
            11339b053d76344036092d20e164c4f4aefa5eab3cab7dc6cb44e55487ddadcb '*/libcudart.so.12'
        fetch nvidia-cuda-cupti-cu12==12.1.105 manylinux1_x86_64 \
            c0d7b763af80f73683a09ed3c9a9cfeee4291fee2b9fa7c58b625e2d5b041409 '*/libcupti.so.12'
        # The wheel's libtorch.so only loads the CPU and the CUDA half; torch-sys links to it by name.
        "${CC:-cc}" -shared -o "$tree/lib/libtorch.so" -x c /dev/null
        ;;
    "Linux aarch64")
        fetch $torch manylinux2014_aarch64 4c474c8e2a640740e28137c3cd04c10098c0a81c45b9197bddb326ab7d2b3aaf \
            'torch/include/*' 'torch/lib/libtorch.so' 'torch/lib/libtorch_cpu.so' 'torch/lib/libc10.so' 'torch.libs/*'
        ;;
    "Darwin arm64")
        fetch $torch macosx_11_0_arm64 ca15da6cfb66b9e3be6fa8dadc7260e62a3ea2968c281d534a306295f12e909d \
            'torch/include/*' 'torch/lib/libtorch.dylib' 'torch/lib/libtorch_cpu.dylib' 'torch/lib/lib[co]*.dylib'
        ;;
    *) die "no libtorch is known for $(uname -s) $(uname -m). Set LIBTORCH to the folder of a libtorch 2.4.0." ;;
    esac

    mv "$part/torch/files/torch/include" "$tree/"
    find "$part"/*/files -type f -exec mv {} "$tree/lib/" \;
    echo "$version" >"$tree/build-version"
    rm -rf "$dest"
    mv "$tree" "$dest"
    rm -rf "$part"
    say "ready in $dest"
}

complete() { [ "$(cat "$dest/build-version" 2>/dev/null)" = "$version" ]; }

configure() {
    local env="[env]
LIBTORCH = $value
LIBTORCH_CXX11_ABI = \"0\""
    if [ -e "$config" ] && ! config_is_ours; then
        # Somebody's own: not ours to change.
        grep -q '^ *LIBTORCH *=' "$config" || die "$config is not from this script; please add to it:
$env"
    elif [ "$(cat "$config" 2>/dev/null)" != "$mark
$env" ]; then
        mkdir -p .cargo
        printf '%s\n' "$mark" "$env" >"$config"
    fi
}

for name in LIBTORCH LIBTORCH_USE_PYTORCH; do
    # torch-sys and cargo take an empty value for a value.
    if [ -n "${!name+set}" ] && [ -z "${!name}" ]; then die "$name is set but empty: unset it."; fi
done
if [ -n "${PRESSRUN_CACHE:-}" ]; then
    mkdir -p "$PRESSRUN_CACHE"
    dest=$(cd "$PRESSRUN_CACHE" && pwd)/libtorch
    value="'$dest'"
else
    dest=$PWD/third_party/libtorch
    value='{ value = "third_party/libtorch", relative = true }' # to the checkout, which may be moved
fi
# Processes that cargo starts inherit our own LIBTORCH from the config.
if [ "${LIBTORCH:-$dest}" != "$dest" ] || [ -n "${LIBTORCH_USE_PYTORCH:-}" ]; then
    say "using yours (${LIBTORCH_USE_PYTORCH:+LIBTORCH_USE_PYTORCH=$LIBTORCH_USE_PYTORCH}${LIBTORCH:+ LIBTORCH=$LIBTORCH})"
    # Our config would put the old C++ ABI of our libtorch on theirs.
    if config_is_ours; then rm "$config"; fi
    exit
fi
if ! complete; then install; fi
configure
