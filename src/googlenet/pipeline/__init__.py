"""How jobs are found, resolved, run and resumed: the stage registry, one experiment's jobs, code digests, the job runner.

Nothing here computes a result, so it is left out of the code digests; `models/determinism.py`, for a job's arithmetic, counts.
"""
