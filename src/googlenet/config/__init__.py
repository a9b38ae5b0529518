"""Settings: what is valid (schema), how files of conf/ become one tree, and which file set a value.

The schema holds no value that a job computes with (defaults are in conf/), so this folder is left out of the code digests.
"""
