"""Stage metrics: a class for each stage's metrics.json, which the stage writes and the report reads.

Intervals and their bootstrap are shared here. Of the settings, only the row of a member or detector is stored.
Names of percentages and points carry their unit.
"""
