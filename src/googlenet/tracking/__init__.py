"""MLflow as a mirror of the jobs: one parent run per experiment, one child run per job.

Jobs append events to a log on disk, their journal (journal.py), without a store. Deliveries replay journals to MLflow,
in order and each line once (delivery.py); what cannot be delivered waits. mlflow is imported late: it takes 1.3 s or
more. No result is read from here. A child's tags: kind, stage, job, current, superseded, superseded_by, input.<name>,
journal, host, pid, started, resumable and the caller's.
"""

from googlenet.tracking.delivery import deliver
from googlenet.tracking.job_run import JobRun, flattened, job_run
from googlenet.tracking.store import check, current_runs, open_store

__all__ = ["JobRun", "check", "current_runs", "deliver", "flattened", "job_run", "open_store"]
