#!/usr/bin/env bash
# Installs the engines for `make test-scale`: Ray, Spark and a validator from PyPI, 1 GB in build/scale/python; Slurm and munge from Debian,
# if they are missing and the user is root. Once done, a call takes milliseconds. Spark needs Java 17 or newer.
set -euo pipefail
cd "$(dirname "$0")/../.."

python=build/scale/python
if ! cmp -s tests/scale/requirements.txt $python/installed; then
    python3 -m venv $python
    $python/bin/pip install --quiet --requirement tests/scale/requirements.txt
    cp tests/scale/requirements.txt $python/installed
fi

packages=(slurmctld slurmd slurm-client munge)
missing=
for program in slurmctld slurmd sbatch munged; do
    [ -x "$(PATH=$PATH:/usr/sbin command -v $program)" ] || missing+=" $program"
done
if [ -n "$missing" ]; then
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "test-scale:$missing not found. On Debian: apt-get install --no-install-recommends ${packages[*]}" >&2
        exit 2
    fi
    # No daemon is started: the test has its own.
    RUNLEVEL=1 apt-get install --yes --no-install-recommends "${packages[@]}"
fi
command -v java >/dev/null || { echo "test-scale: Spark needs Java. On Debian: apt-get install openjdk-17-jre-headless" >&2; exit 2; }
