"""Settings: what is valid (schema), how the files of conf/ become one tree, and which file set each value.

The schema holds no value that a job computes with (defaults are in conf/), so code digests exclude this folder.
"""
