#!/bin/sh
# Labels an archive with a Slurm array, and merges the parts after it:
#
#     submit.sh PARTS [OPTION OF sbatch]...          submit.sh 40 --cpus-per-task=8 --mem=8G --time=4:00:00
#
# Start it in the folder of pipeline.toml, which all nodes have to see. `[input] paths` names the archive; the results are in
# `[output] directory`, here `output`. Start it again after a failure: parts that are done are not computed again.
set -eu
parts=${1:?how many parts}
shift
here=$(cd "$(dirname "$0")" && pwd)

# Slurm counts only the tasks that it starts, so the number of parts is told: PRESSRUN_PARTS.
array=$(sbatch --parsable --job-name=part --array="0-$((parts - 1))" --export="ALL,PRESSRUN_PARTS=$parts" "$@" "$here/part.sh")
merge=$(sbatch --parsable --job-name=merge --dependency="afterok:$array" --kill-on-invalid-dep=yes --export=ALL "$here/merge.sh")
echo "parts: job $array, merge: job $merge"
