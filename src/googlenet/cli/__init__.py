"""The command `googlenet`: what a user runs besides the workflow.

Contract: a subcommand is a module here whose name is the subcommand's, with a click command named `command`, and a row
of main.COMMANDS. It returns its exit code, or None for 0, and raises UserError. Only benchmarks import this package.
"""
