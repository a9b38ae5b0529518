"""MLflow, a mirror of what the jobs do: one parent run per experiment, one child run per job.

The only module that imports mlflow, and late: that import takes 1.3 s or more. No result is read from here.
A child carries the tags kind, stage, job, current, superseded, superseded_by, input.<name> and the caller's.
"""

import json
import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from googlenet.errors import UserError
from googlenet.files import atomic

if TYPE_CHECKING:
    from mlflow import MlflowClient

SETTINGS = {  # each can be set otherwise in the environment
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",  # MLflow's own 7 and 120 s keep a job waiting for minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
}
LOCK_TIMEOUT_S = 120
PARAMETERS_PER_BATCH = 100  # MLflow's limits
METRICS_PER_BATCH = 1000
VALUE_CHARACTERS = 6000
DIGEST_CHARACTERS = 36
REASON_CHARACTERS = 300


def open_store(root: Path) -> str:
    """The tracking URI: MLFLOW_TRACKING_URI, else the SQLite store root/mlflow/mlflow.db, made where absent.

    The file appears whole: processes that start at once wait for the first, and a kill leaves none half made.
    """
    if uri := _given():
        return uri
    database = _folder(root) / "mlflow.db"
    if not database.exists():
        _quiet()  # the slow import before the lock, so that those that wait have done it
        with _lock(root):
            if not database.exists():
                with atomic(database) as part, _told(f"sqlite:///{part}"):
                    _client(f"sqlite:///{part}")
    return f"sqlite:///{database}"


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
    """A child run "<stage>/<job>" for the length of the block; at its success the current one of that job.

    `parameters` is the nested config, `inputs` are data digests by name. A block that raises gives a FAILED
    run (KILLED on an interrupt) that supersedes none. UserError within about 10 s when no server answers.
    """
    uri = open_store(root)
    started = time.monotonic()
    with _told(uri):
        client = _client(uri)
        experiment_id = _experiment(client, root, experiment)
        parent_id = _parent(client, root, experiment_id, experiment)
        labels = {name: str(value) for name, value in tags.items()}
        labels |= {f"input.{name}": digest for name, digest in inputs.items()}
        labels |= {"kind": "job", "stage": stage, "job": job, "current": "false"}
        labels["mlflow.parentRunId"] = parent_id
        run_id = client.create_run(experiment_id, tags=labels, run_name=f"{stage}/{job}").info.run_id
    run = JobRun(client, uri, experiment_id, run_id)
    try:
        with _told(uri):
            _log_parameters(client, run_id, parameters)
            with _lock(root):  # MLflow looks for a data set and then inserts it: two jobs at once would clash
                _log_inputs(client, run_id, inputs)
        yield run
        with _told(uri):
            run.metrics({"duration_s": time.monotonic() - started}, step=0)
            client.set_terminated(run_id, "FINISHED")
            with _lock(root):
                _make_current(client, experiment_id, run_id, labels)
    except BaseException as error:
        try:
            with _told(uri):
                client.set_terminated(run_id, "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED")
        except UserError as second:  # the job's own error is the one to raise
            error.add_note(f"the run's end could not be recorded: {second}")
        raise


@dataclass
class JobRun:
    """The run of one job; what it logs is in the store when the call returns. UserError when it cannot be."""

    client: "MlflowClient"
    uri: str
    experiment_id: str
    run_id: str
    _logged: set[tuple[str, int]] = field(default_factory=set)

    @property
    def tracking_uri(self) -> str:
        """The store's address without a password."""
        return _shown(self.uri)

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        """Log one step (an epoch, say) as one batch. ValueError for a name that was logged at it before."""
        from mlflow.entities import Metric

        twice = sorted(name for name in values if (name, step) in self._logged)
        if twice:
            raise ValueError(f"metrics logged twice at step {step}: {', '.join(twice)}")
        now = int(time.time() * 1000)
        batch = [Metric(name, float(value), now, step) for name, value in values.items()]
        with _told(self.uri):
            for part in _chunks(batch, METRICS_PER_BATCH):
                self.client.log_batch(self.run_id, metrics=part)
        self._logged.update((name, step) for name in values)

    def artifact(self, path: Path) -> None:
        """Copy a file to the run's artifacts."""
        if not Path(path).is_file():
            raise UserError(f"{path}: not found; only a file that the job has written can be an artifact")
        with _told(self.uri):
            self.client.log_artifact(self.run_id, str(path))


def current_runs(root: Path, experiment: str, stage: str) -> tuple[str, list[str]]:
    """The MLflow experiment's id, and the ids of a stage's current runs by job. UserError before the first run."""
    uri = open_store(root)
    with _told(uri):
        client = _client(uri)
        found = client.get_experiment_by_name(f"googlenet/{experiment}")
        if found is None:
            raise UserError(f"MLflow has no run of '{experiment}' yet; run `snakemake --cores N` first")
        wanted = f"tags.stage = '{stage}' and tags.current = 'true'"
        runs = client.search_runs([found.experiment_id], wanted, max_results=1000)
    return found.experiment_id, [r.info.run_id for r in sorted(runs, key=lambda r: r.data.tags["job"])]


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


def _quiet() -> None:
    """Turn off MLflow's telemetry, prints and log lines; to be called before it is first imported."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    import mlflow  # noqa: F401  (its import sets the level of its logger)

    # What goes wrong is raised, and told by _told: MLflow would print its traceback as well.
    logging.getLogger("mlflow").setLevel(logging.CRITICAL)
    for name in ("alembic", "urllib3"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _client(uri: str) -> "MlflowClient":
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def _experiment(client: "MlflowClient", root: Path, experiment: str) -> str:
    """Find or create the MLflow experiment "googlenet/<experiment>" and return its id."""
    name = f"googlenet/{experiment}"
    found = client.get_experiment_by_name(name)
    if found is None:
        with _lock(root):
            found = client.get_experiment_by_name(name)
            if found is None:
                own = None if _given() else (_folder(root) / "artifacts" / experiment).as_uri()
                return client.create_experiment(name, artifact_location=own)
    if found.lifecycle_stage != "active":
        mend = f"mlflow experiments restore --experiment-id {found.experiment_id}"
        raise UserError(f"the MLflow experiment '{name}' was deleted; bring it back with: {mend}")
    return found.experiment_id


def _parent(client: "MlflowClient", root: Path, experiment_id: str, name: str) -> str:
    """Find or create the one run that the experiment's jobs hang below, and return its id."""

    def found() -> list[str]:
        runs = client.search_runs([experiment_id], "tags.kind = 'experiment'", max_results=1)
        return [run.info.run_id for run in runs]

    if not (run_ids := found()):
        with _lock(root):
            if not (run_ids := found()):
                run = client.create_run(experiment_id, tags={"kind": "experiment"}, run_name=name)
                client.set_terminated(run.info.run_id)  # it is a folder: no job knows that it is the last
                run_ids = [run.info.run_id]
    return run_ids[0]


def _make_current(client: "MlflowClient", experiment_id: str, run_id: str, labels: Mapping[str, str]) -> None:
    """Mark a run as its job's current one, then the former ones as superseded: at no time is there none."""
    same = " and ".join(f"tags.{key} = '{labels[key]}'" for key in ("stage", "job"))
    former = client.search_runs([experiment_id], f"{same} and tags.current = 'true'")
    client.set_tag(run_id, "current", "true")
    for run in former:
        client.set_tag(run.info.run_id, "superseded_by", run_id)
        client.set_tag(run.info.run_id, "superseded", "true")
        client.set_tag(run.info.run_id, "current", "false")


def _log_parameters(client: "MlflowClient", run_id: str, parameters: Mapping[str, Any]) -> None:
    from mlflow.entities import Param

    batch = [Param(name, value) for name, value in flattened(parameters).items()]
    for part in _chunks(batch, PARAMETERS_PER_BATCH):
        client.log_batch(run_id, params=part)


def _log_inputs(client: "MlflowClient", run_id: str, inputs: Mapping[str, str]) -> None:
    """Log digests as MLflow data sets too, cut to the 36 characters it takes: a column of its runs table."""
    from mlflow.entities import Dataset, DatasetInput

    batch = [
        DatasetInput(Dataset(name, digest[:DIGEST_CHARACTERS], "local", json.dumps({"digest": digest})))
        for name, digest in inputs.items()
    ]
    if batch:
        client.log_inputs(run_id, datasets=batch)


@contextmanager
def _told(uri: str) -> Iterator[None]:
    """Turn what MLflow raises into one line that names the store."""
    _quiet()
    from mlflow.exceptions import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, RequestException, SQLAlchemyError, ImportError) as error:
        unreachable = isinstance(error, RequestException) or "failed with exception" in str(error)
        reason = "no answer" if unreachable else str(error).partition("\n")[0][:REASON_CHARACTERS]
        if _given():
            mend = "start or mend that server, or unset the variable to log to mlflow/mlflow.db"
            raise UserError(f"MLFLOW_TRACKING_URI: {_shown(uri)}: {reason}; {mend}") from error
        path = uri.removeprefix("sqlite:///")
        raise UserError(f"{path}: {reason}; move the file away to begin a new store") from error


@contextmanager
def _lock(root: Path) -> Iterator[None]:
    """Hold the store's file lock; one at a time over all processes that share `root`."""
    path = _folder(root) / "lock"
    try:
        with FileLock(path, timeout=LOCK_TIMEOUT_S):
            yield
    except Timeout:
        raise UserError(f"{path}: held for {LOCK_TIMEOUT_S} s; end the process that holds it") from None


def _folder(root: Path) -> Path:
    folder = Path(root).resolve() / "mlflow"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be made ({error.strerror}); the MLflow store needs it") from None
    return folder


def _given() -> str:
    return os.environ.get("MLFLOW_TRACKING_URI", "")


def _shown(uri: str) -> str:
    address = urlsplit(uri).netloc
    return uri.replace(address, address.rpartition("@")[2], 1) if "@" in address else uri


def _chunks(items: Sequence[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
