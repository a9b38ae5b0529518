"""Trained weights that others made, brought into the format of our checkpoints.

A reader is a module here with one function, named by one row of `import_weights.READERS`: `read(path)` gives the
weights, arrays or tensors, under the names of our network's layers. Nothing in a file is ever executed, and every
length in it is held against the file's own. What cannot be used is a `UserError` that names the file, says what is
wrong, and the mend.
"""
