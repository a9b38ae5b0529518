"""Trained weights that others made, brought into the format of our checkpoints.

The one contract of a reader. A reader is a module here with one function, named by one row of `import_weights.READERS`:

    read(path) -> dict[str, np.ndarray | Tensor]      the weights under the names of our network's layers

Nothing in a file is ever executed, and every length in it is held against the file's own. What cannot be used is
a `UserError`: one line that names the file, says what is wrong with it, and the mend.
"""
