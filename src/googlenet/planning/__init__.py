"""The plan of an experiment before it starts: disk, memory, passes and hours, from rates that were measured.

Contract: `sizes` says how many images there are; a measurement (`rates`) says what a rate depends on and takes it from the stages'
own code (`measure*`); `machine` keeps rates in files; `work*` count what a stage does, by its name, and a stage without such a
function is listed as not estimated; `schedule` adds up; `table` prints. No stage imports any of it.
"""
