"""How jobs are found, resolved, run and resumed: the stage registry, one experiment's jobs, code digests, the job runner.

Nothing here computes a result, so code digests leave it out; `models/determinism.py`, for a job's arithmetic, counts.
"""
