"""The plan of an experiment before it starts: disk, memory, passes and hours, from rates that were measured.

Contract: `sizes` counts the images; a measurement (`rates`) states what a rate depends on and takes it from the stages'
own code (`measure*`); `machine` stores rates in files; `work*` count a job's work in a function named after its stage,
without which a stage is listed as not estimated; `schedule` adds up; `table` prints. No stage imports any of it.
"""
