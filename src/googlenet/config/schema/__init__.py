"""What is valid in conf/: one class for each stage and for each section that stages share.

A job loads its file into a class, errors are checked against it, and docs/configuration.md is made of it. Values are in conf/.
"""
