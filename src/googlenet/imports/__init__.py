"""Import of weights trained elsewhere into our checkpoint format.

A reader is a module here, with a row in `import_weights.READERS`, and has one function: `read(path)` returns the
weights, as arrays or tensors, under the names of our network's layers. Nothing in a file is ever executed, and every
length in it is checked against the file's size. Unusable input raises a `UserError` that names the file, the problem
and the fix.
"""
