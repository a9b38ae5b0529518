"""Stage metrics: one class per stage's metrics.json, which the stage writes and the report reads.

Intervals and their bootstrap are shared here. The only settings stored are a member's or detector's row. Names of
percentages and points carry their unit.
"""
