"""The stages: one module per rule, of the same name as the rule and its conf file.

Contract: run(job, *, edge: Input | Inputs | Output, ...) reads its inputs, calls the code that does the work, writes
its outputs. Only stages know files and configurations. `python -m googlenet.stages.<stage>` runs one (see job.py).
"""

import gc
import os
import sys


def set_environment() -> None:
    """Set what the libraries of a job read when they are imported, by Snakemake or by hand."""
    # One thread for numpy's libraries in every job, so that no result depends on the number. Jobs set torch's own threads.
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # required by CUDA for determinism


if sys.argv[0] == "-m":  # a job starts
    set_environment()
    gc.disable()  # importing torch creates objects that stay alive; scanning them takes a tenth of the import's time
