"""The progress display: which jobs run, how far they are, how long they and the whole DAG will take.

The Snakefile passes the jobs to run (`begin`), and Snakemake's logger plugin (src/snakemake_logger_plugin_googlenet)
what Snakemake logs. `timeline` keeps a run's events, also in a file; `jobs` reads the event logs of running jobs;
`words` and `live` show progress, as lines or in a terminal; `display` connects them. planning/remaining.py computes the
time left. Nothing here imports slow packages.
"""
