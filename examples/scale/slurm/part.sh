#!/bin/sh
# One task of the array: see submit.sh. A part that was killed goes on where it was when it is started again.
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=part-%a.log
tries=3

pressrun -q run --part auto -c pipeline.toml
code=$?

case $code in
0) exit 0 ;;
# Finished, with more rejected inputs than `[run] max_rejected` allows. The merge judges all parts together.
1) exit 0 ;;
# A wrong configuration does not get better.
78) exit 78 ;;
esac

# Slurm starts a task again if its node is lost, but not if its program fails.
if [ "${SLURM_RESTART_COUNT:-0}" -lt $tries ]; then
    echo "pressrun ended with exit code $code: once more"
    scontrol requeue "$SLURM_JOB_ID"
fi
exit $code
