"""What stages measure: a class for each stage's metrics.json, which the stage writes and the report reads.

Intervals and their bootstrap are here too, once for all. Of settings, only the row of a member or detector is kept.
Percents and points say so in their names.
"""
