#!/usr/bin/env bash
# rustc for fuzzing: only our own crates count where an input leads. With the counters of everything that is linked (libtorch's
# bindings, Parquet, XML …) libFuzzer would spend most of its time on looking through them.
set -euo pipefail
rustc=$1
shift
crate=
for ((place = 1; place < $#; place++)); do
    [ "${!place}" != --crate-name ] || { next=$((place + 1)) && crate=${!next}; }
done
own=" pressrun pressrun_kernels pressrun_fuzz $(basename -s .rs -- "$(dirname "$0")"/fuzz_targets/*.rs | tr '\n' ' ') "
if [[ $own == *" $crate "* ]]; then
    exec "$rustc" "$@"
fi
arguments=()
for argument; do
    case $argument in
    -Cpasses=*sancov* | -Cllvm-args=*sanitizer-coverage*) ;;
    *) arguments+=("$argument") ;;
    esac
done
exec "$rustc" "${arguments[@]}"
