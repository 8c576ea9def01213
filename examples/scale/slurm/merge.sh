#!/bin/sh
# Joins the parts when all have ended well: see submit.sh. It may be started twice: a merge that has ended is not repeated.
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=merge.log
exec pressrun -q merge output/parts/* -c pipeline.toml
