"""The run of one job, as the job sees it: what it logs is in its event log when the call returns. Needs no MLflow."""

import json
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from googlenet.errors import Stopped, UserError
from googlenet.tracking.event_log import LIBRARIES, EventLog, held, logs_of_job, short_stamp, tracking_folder
from googlenet.tracking.servable import Servable
from googlenet.tracking.system_metrics import PREFIX

LOCK_TIMEOUT_S = 120
VALUE_CHARACTERS = 6000  # MLflow's limit


@contextmanager
def job_run(
    root: Path,
    experiment: str,
    stage: str,
    job: str,
    parameters: Mapping[str, Any],
    tags: Mapping[str, str],
    inputs: Mapping[str, str],
) -> Iterator["JobRun"]:
    """Track a run "<stage>/<job>" within the block; if it succeeds, it becomes that job's current run.

    `parameters` is the nested config, `inputs` data digests by name. An unfinished run with the same stamp and versions
    of the libraries (in `tags`) is resumed. If the block raises, the run is FAILED (KILLED for an interrupt or Stopped)
    and supersedes none."""
    labels = dict(tags) | {f"input.{name}": digest for name, digest in inputs.items()}
    labels |= {"kind": "job", "stage": stage, "job": job, "current": "false"}
    folder = tracking_folder(root, experiment) / stage / job
    with held(folder, LOCK_TIMEOUT_S):
        log = log_to_write(folder, labels)
        started, run = time.monotonic(), JobRun(log)
        log.begin(labels, flattened(parameters), inputs)
        try:
            yield run
            run.metrics({"duration_s": time.monotonic() - started}, step=0)
            log.append("end", status="FINISHED")
        except BaseException as error:
            stopped = isinstance(error, KeyboardInterrupt | Stopped)
            try:
                log.append("end", status="KILLED" if stopped else "FAILED")
            except UserError as second:  # the job's own error takes precedence
                error.add_note(f"the run's end could not be recorded: {second}")
            raise


def log_to_write(folder: Path, labels: Mapping[str, str]) -> EventLog:
    """The log of the job's unfinished run that these tags continue, else a new one. Drops all other runs."""
    stamp = short_stamp(labels)
    resumable, logs = None, logs_of_job(folder)
    for log in reversed(logs):
        same = log.stamp == stamp and log.libraries in (None, labels.get(LIBRARIES))
        if resumable is None and same and not log.is_over:
            resumable = log
        else:
            log.drop()
    run_id = uuid.uuid4().hex
    latest = max((log.events[-1]["time"] for log in logs), default=0)
    return resumable or EventLog(folder / f"{stamp}-{run_id[:8]}.jsonl", run_id, after=latest)


class JobRun:
    """The run of one job. run_id: our own id; the mirror gives MLflow's run a tag with that name and value."""

    def __init__(self, log: EventLog):
        self.run_id = log.run_id
        self._log, self._earlier = log, log.logged
        self._logged: set[tuple[str, int]] = set()
        self._samples = max((step for name, step in self._earlier if name.startswith(PREFIX)), default=-1)

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        """Log one step (such as an epoch). Raises ValueError for a name that this process has logged at that step.

        Skips what an earlier attempt at the same run has logged."""
        twice = sorted(name for name in values if (name, step) in self._logged)
        if twice:
            raise ValueError(f"metrics logged twice at step {step}: {', '.join(twice)}")
        self._logged.update((name, step) for name in values)
        new = {name: float(value) for name, value in values.items() if (name, step) not in self._earlier}
        if new:
            self._log.append("metrics", step=step, values=new)

    def progress(self, what: str, done: int, total: int | None, each_s: float) -> None:
        """Log how much of a piece of work is done, for the progress display; not sent to MLflow."""
        self._log.append("progress", what=what, done=done, total=total, each_s=float(f"{each_s:.4g}"))

    def sample(self, values: Mapping[str, float]) -> None:
        """Log a sample of system metrics as the next step in their own count."""
        self._samples += 1
        self._log.append("metrics", step=self._samples, values=dict(values))

    def completes(
        self,
        figures: Mapping[str, float],
        settings: Mapping[str, str],
        jobs: Sequence[Mapping[str, str]],
        edits: Mapping[str, str] | None = None,
        models: Servable | None = None,
    ) -> None:
        """Log that this run, if it succeeds, completes a reproduction: its key figures and settings; stage, job and
        run_id of the other jobs' runs; edits: settings that differ from the commit's; models: to be registered."""
        content = {"figures": dict(figures), "settings": dict(settings), "jobs": list(jobs), "edits": dict(edits or {})}
        if models:
            content["models"] = models.to_event(self._log.path.parent)
        self._log.append("reproduction", **content)

    def artifact(self, path: Path) -> None:
        """Copy a file to the run's artifacts."""
        if not Path(path).is_file():
            raise UserError(f"{path}: not found; only a file that the job has written can be an artifact")
        self._log.append_artifact(path)


def job_name(stage: str, job: str) -> str:
    """A job's display name: make_report, train_classifier/m2."""
    return stage if job == "all" else f"{stage}/{job}"


def differing(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The keys whose values differ, or that only one side has, in order."""
    return [key for key in sorted(before.keys() | now.keys()) if before.get(key) != now.get(key)]


def flattened(tree: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested config -> {"a.b": text}; lists are JSON, long values are cut to MLflow's limit."""
    flat: dict[str, str] = {}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            flat |= flattened(value, f"{name}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
            flat[name] = text[:VALUE_CHARACTERS]
    return flat
