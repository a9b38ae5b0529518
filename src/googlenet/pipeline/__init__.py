"""How jobs are listed, resolved, run and resumed: stage registry, an experiment's jobs, code digests, the job runner.

Nothing here computes a result, so code digests exclude it. They include `models/determinism.py`, which sets up a job.
"""
