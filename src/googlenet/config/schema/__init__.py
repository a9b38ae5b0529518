"""What is valid in conf/: one class for each stage and for each section that stages share.

A class is what a job loads its file into, what an error is checked against, and what docs/configuration.md is made of. It says
which keys there are, of which kind and within which bounds, and what each is for; values are in conf/.
"""
