"""How jobs are found, resolved, run and resumed: the stage registry, one experiment's jobs, code digests, the job runner.

Nothing here computes a result, so this folder is left out of the code digests; what sets up the arithmetic of a job is in
`models/determinism.py`, which counts in all of them.
"""
