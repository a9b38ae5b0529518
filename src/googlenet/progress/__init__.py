"""The display of a run: which jobs run, how far they are, how long they and the whole DAG will take.

Snakemake's logger plugin (src/snakemake_logger_plugin_googlenet) passes on what Snakemake logs; the Snakefile passes what is to
run (`begin`). `timeline` keeps what has happened, also in a file; `jobs` reads the event logs of running jobs; `words` and `live`
show it, as lines or in a terminal; `display` holds them together. The arithmetic of the time left is planning/remaining.py.
Nothing here imports what is slow to import.
"""
