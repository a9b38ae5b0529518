"""Use an experiment's trained networks: classify, and detect in, the user's own images.

Contract: the settings, weights and engines are those of the experiment's jobs, and so is every function between an
image's file and its scores, so that a test image gets bit for bit the scores that its stage stored. Nothing here writes
below `results/` or `data/`. A file that is not an image is skipped with one line; a UserError stops a command.
"""
