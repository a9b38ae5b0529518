"""Before an experiment starts: a plan of disk, memory, passes and hours, from measured rates; checks of what it needs.

Contract: `sizes` counts the images; a measurement (`rates`) states what a rate depends on and takes it from the stages'
own code (`measure*`); `machine` stores rates in files; `work*` count a job's work in a function named after its stage,
without which a stage is listed as not estimated; `schedule` adds up; `table` prints. Apart from these, `preflight` checks
data, weights, GPU and MLflow before the first job, `slurm` and `kubernetes` what the jobs ask of a cluster (`check`), and
what it ended (`ended`). No stage imports any of it.
"""
