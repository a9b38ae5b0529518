"""Before an experiment starts: a plan of disk, memory, passes and hours, from measured rates; checks of what it needs.

Contract: `sizes` counts the images; a measurement (`rates`) states what a rate depends on and times the stages' own
code (`measure*`); `machine` stores rates in files; `work*` count a job's work in a function named after its stage (a
stage without one is listed as not estimated); `schedule` adds up; `table` prints. Separately, `preflight` checks data,
weights, GPU and MLflow before the first job; `slurm` and `kubernetes` check the jobs' resource requests (`check`) and
report the jobs that the cluster killed (`ended`). No stage imports any of this.
"""
