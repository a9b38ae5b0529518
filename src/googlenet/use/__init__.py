"""Use what an experiment has trained: classify and detect in one's own images.

Contract: the settings, weights and engines are those of the experiment's jobs, and so is every function between an
image's file and its scores, so that an image of the test split gets the bits that its stage stored. Nothing here writes
below `results/` or `data/`. A file that is no image is left out with one line; what stops a command is a UserError.
"""
