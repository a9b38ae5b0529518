"""Jobs append events to a log; a mirror replays all logs to MLflow: one parent run per experiment, a child per job.

Jobs know only job_run.py, event_log.py and progress.py (lines in their own logs), and never import MLflow. One mirror
per experiment is MLflow's only client (mirror.py, cursor.py, replay.py, store.py; local_store.py and schema.py look at a
store without it); Snakemake starts it (mirror_process.py), and `googlenet mirror` mirrors what is left.
No result is read from MLflow. A child's tags: kind, stage, job, run_id, current, superseded, superseded_by, replaces,
input.<name>, host, pid, started, engine, resumable and the caller's.
"""

from googlenet.tracking.job_run import JobRun, flattened, job_run
from googlenet.tracking.mirror import deliver
from googlenet.tracking.store import check, current_runs, open_store

__all__ = ["JobRun", "check", "current_runs", "deliver", "flattened", "job_run", "open_store"]
