"""The plan of an experiment before it starts: disk, memory, passes and hours, from rates that were measured.

Contract: `sizes` says how many pictures there are, `work_*` count what a stage does with them, `measure_*` time the stages'
own code for seconds, `machine` keeps such rates in files, `schedule` adds up, `table` prints. No stage imports any of it.
"""
