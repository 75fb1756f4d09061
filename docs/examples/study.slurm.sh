#!/bin/sh
#SBATCH --job-name=study
#SBATCH --array=1-8
#SBATCH --cpus-per-task=2
#SBATCH --time=04:00:00
#SBATCH --requeue
#SBATCH --signal=B:TERM@120
# A study in a job array. Each job takes runs that no other works on, and is told two minutes before its time is over to
# save them: the same command again goes on. File, data and folder must be shared by all machines.
#   sbatch docs/examples/study.slurm.sh study.toml /shared/runs/study
# Then, anywhere: duet study study.toml --out /shared/runs/study --table
exec duet study "$1" --out "$2" --processes "$SLURM_CPUS_PER_TASK"
