"""What is valid in conf/: one class for each stage and for each section that stages share.

Jobs load their files into these classes; errors and docs/configuration.md are based on them. Values are in conf/.
"""
