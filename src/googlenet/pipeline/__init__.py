"""How jobs are listed, resolved, run and resumed: stage registry, an experiment's jobs, code digests, the job runner.

Nothing here computes a result, so code digests leave it out; `models/determinism.py`, for a job's arithmetic, counts.
"""
