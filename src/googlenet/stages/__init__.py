"""The stages: one module per rule, of the same name as the rule and its conf file.

Contract: run(job, *, edge: Input | Inputs | Output, ...) reads its inputs, calls the code that does the work, writes
its outputs. Only stages know files and configurations. `python -m googlenet.stages.<stage>` runs one (see job.py).
"""

import gc
import sys

if sys.argv[0] == "-m":  # a job starts
    gc.disable()  # importing torch creates objects that stay alive; scanning them takes a tenth of the import's time
