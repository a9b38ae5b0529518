"""Data sets: readers that find pictures and labels, and a store of packed shards that everything else reads.

The one contract of a reader. A reader is a module here with two functions, named by one row of
`prepare.READERS`:

    check(kind, settings) -> None               is everything there? Opens no picture, imports nothing heavy
    read(kind, settings, scratch) -> Reading    the classes, a list of `Candidate` per split, what was refused

`kind` is "classification" or "detection", `settings` the data set's configuration as a plain dict, and
`scratch` an empty folder that lives until the pictures are packed (for a reader that makes its files). A
reader looks at names and annotations only; `prepare` opens each picture, checks it and its boxes, and packs
it. What a reader cannot use it reports as `Refused` (one file) or raises as `UserError` (the whole data set),
in one line that names the file or key and the mend. Candidates come in a fixed order and their names are
unique within their split.
"""
