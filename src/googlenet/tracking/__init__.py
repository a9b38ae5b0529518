"""Jobs append events to a log; a mirror replays all logs to MLflow: a run per job, and one per completed reproduction.

Jobs use only job_run.py, event_log.py, servable.py, system_metrics.py and progress.py, and never import MLflow.
MLflow's only client is one mirror per experiment (mirror.py and what it imports), started by Snakemake
(mirror_process.py) or `googlenet mirror`. local_store.py and schema.py need no MLflow; pages.py is for `make ui`.
No result is read from MLflow. The tags of a job's run: kind, stage, job, run_id, current, superseded, superseded_by,
replaces, input.<name>, host, pid, started, engine, resumable, clone and the caller's (commit, config, code, stamp,
libraries, precision); of a reproduction's: kind, reproduction, commit, changes, edits, jobs_run, clone; of a model's
version: digest, experiment, commit, clone.
"""

from googlenet.tracking.event_log import LIBRARIES
from googlenet.tracking.job_run import JobRun, differing, flattened, job_name, job_run
from googlenet.tracking.mirror import deliver
from googlenet.tracking.pages import shown_runs
from googlenet.tracking.servable import Servable, Weights
from googlenet.tracking.store import check, open_store

__all__ = [
    "LIBRARIES",
    "JobRun",
    "Servable",
    "Weights",
    "check",
    "deliver",
    "differing",
    "flattened",
    "job_name",
    "job_run",
    "open_store",
    "shown_runs",
]
