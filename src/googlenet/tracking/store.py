"""MLflow's store: its address, whether it answers, and the experiment with its one parent run."""

import getpass
import logging
import os
import shlex
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from googlenet.errors import UserError
from googlenet.storage.files import atomic, locked
from googlenet.tracking import local_store, schema
from googlenet.tracking.clone import clone_id, clone_of

if TYPE_CHECKING:
    from mlflow import MlflowClient

TIMEOUT = "MLFLOW_HTTP_REQUEST_TIMEOUT"
SETTINGS = {  # the environment can override each of these
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    TIMEOUT: "5",  # MLflow's default of 120 s would keep the end of a run waiting
}
UPLOAD_TIMEOUT_S = "120"  # a server answers only when it has stored the file, which can be slow
LOCK_TIMEOUT_S = 120
REASON_CHARACTERS = 300
SERVE = "start the server with --artifacts-destination, so that it stores them itself (experiments keep their places)"
PARENT = "mlflow.parentRunId"
PARAMETERS_PER_BATCH = 100  # MLflow's limit
ALL_RUNS = 50_000  # the most that MLflow finds at once
MENDS = {  # remedies for the local store, by text in its error
    "disk is full": "free some space",
    "locked": "end the process that holds it",
    "not a database": "move the file away to begin a new store",
    "malformed": "move the file away to begin a new store",
}


class Unavailable(UserError):
    """The store does not answer, or cannot be read or written: no request would succeed."""


class Refused(UserError):
    """The store answers but rejects a request; repeating it would not help."""


class Gone(Refused):
    """The store does not know the run or the experiment of a request, so it is not the store that had them."""


class Deleted(Refused):
    """The run of a request was deleted by the user; MLflow still has it, but accepts nothing for it."""


KINDS = {"INVALID_PARAMETER_VALUE": Refused, "ENDPOINT_NOT_FOUND": Refused, "RESOURCE_DOES_NOT_EXIST": Gone}


class Connection(NamedTuple):
    """An open store, with the experiment that runs belong to. uri: without a password; relative for the local store.
    parent_id: of the parent run of jobs not yet in a reproduction; clone: this clone's id, "" in its own local store."""

    client: "MlflowClient"
    uri: str
    experiment_id: str
    parent_id: str
    name: str  # of the experiment
    clone: str

    @property
    def labels(self) -> dict[str, str]:
        """Tags of every run that is created here: its user, and its clone."""
        return {"mlflow.user": user()} | ({"clone": self.clone} if self.clone else {})

    def is_own(self, tags: Mapping[str, str]) -> bool:
        """Whether a run with these tags is this clone's, not another's that mirrors to the same server, nor of a folder that
        DVC made for one run, which replaces nothing of the clone's."""
        return tags.get("clone", "") == self.clone

    def log_parameters(self, run_id: str, parameters: Mapping[str, str]) -> None:
        """Log texts by name; repeating the call changes nothing."""
        from mlflow.entities import Param

        batch = [Param(name, value) for name, value in parameters.items()]
        for start in range(0, len(batch), PARAMETERS_PER_BATCH):
            self.client.log_batch(run_id, params=batch[start : start + PARAMETERS_PER_BATCH])

    def check_active(self) -> None:
        """Raise UserError if the experiment was deleted."""
        _active(self.client.get_experiment(self.experiment_id))

    def has_deleted(self, run_id: str) -> bool:
        """Whether a run was deleted."""
        return bool(self.client.get_run(run_id).info.lifecycle_stage == "deleted")


def open_store(root: Path) -> str:
    """The tracking URI: MLFLOW_TRACKING_URI, else the SQLite store root/mlflow/mlflow.db, created if absent."""
    if uri := configured_uri():
        return uri
    database = local_store.database(root)
    uri = local_store.address(database)
    local_store.folder(root)
    with translate_errors(uri):  # outside the lock, because it imports MLflow, which is slow
        if not database.exists():
            with _lock(root):  # against the mirror of another experiment
                if not database.exists():
                    with atomic(database, point="note") as part, translate_errors(f"sqlite:///{part}"):
                        open_client(f"sqlite:///{part}")
        if line := local_store.follow_project(root):
            say(line)
    return uri


def check(root: Path, experiment: str) -> None:
    """Check that runs can be logged. Raises UserError if MLflow is not installed, a server does not answer, or the
    store, the experiment or its artefact location is broken."""
    schema.check_installed()
    if uri := configured_uri():
        with translate_errors(uri):
            client = open_client(uri)
            if found := _active(client.get_experiment_by_name(local_store.PREFIX + experiment)):
                _check_artifacts(client, found)
    else:
        local_store.check(root, experiment)


def _check_artifacts(client: "MlflowClient", experiment: Any) -> None:
    """Raise UserError if artefacts belong in a folder that cannot be created here, such as a server's own, or that has
    disappeared, which MLflow would silently create again."""
    place = local_store.local_path(experiment.artifact_location)
    if urlsplit(experiment.artifact_location).scheme not in ("", "file") or place.is_dir():
        return
    base = next(path for path in place.parents if path.exists())
    if not base.is_dir() or not os.access(base, os.W_OK):
        raise UserError(
            f"MLFLOW_TRACKING_URI: the runs' artefacts belong in {place}, which cannot be made here; {SERVE}"
        )
    if client.search_runs(
        [experiment.experiment_id], "tags.stage LIKE 'train%' and tags.current = 'true'", max_results=1
    ):
        remedy = f"move it back, or let a link lead to where it is now: ln -s NEW {place}"
        raise UserError(f"MLFLOW_TRACKING_URI: the folder of the runs' artefacts is gone, {place}; {remedy}")


def user() -> str:
    """The name of the user; "" if the system knows none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _quiet() -> None:
    """Import MLflow without its telemetry, prints and log lines. UserError if its installation is broken."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    # A request that timed out may have arrived: replay.py checks before it sends again, MLflow's retries would not.
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
    try:
        import requests  # noqa: F401
        import sqlalchemy.exc  # noqa: F401
        from mlflow import MlflowClient  # noqa: F401  (its import sets the level of its logger)
    except Exception as error:  # packages of a wrong version often raise something other than ImportError
        raise _broken(error) from error
    # Errors are raised and translated by `translate_errors`; MLflow would also print their tracebacks.
    logging.getLogger("mlflow").setLevel(logging.CRITICAL)
    for name in ("alembic", "urllib3"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _broken(error: Exception) -> Unavailable:
    """The error of an MLflow that cannot be imported."""
    return Unavailable(f"the installation of MLflow is broken ({str(error)[:REASON_CHARACTERS]}); {schema.RENEW}")


def open_client(uri: str) -> "MlflowClient":
    """MLflow's client, with the same URI for the registry, which would otherwise open its own store."""
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def connect(root: Path, experiment: str) -> Connection:
    """Open the store; find or create the MLflow experiment "googlenet/<experiment>" and the parent run of its jobs."""
    uri, name, is_local = open_store(root), local_store.PREFIX + experiment, not configured_uri()
    with translate_errors(uri):
        client = open_client(uri)
        if found := client.get_experiment_by_name(name):
            experiment_id = str(_active(found).experiment_id)
        else:
            artifacts = local_store.artifacts(root, experiment) if is_local else None
            experiment_id = str(client.create_experiment(name, artifact_location=artifacts))
        parents: list[Any] = client.search_runs([experiment_id], "tags.kind = 'experiment'", max_results=1)
        if not parents:
            parents = [client.create_run(experiment_id, tags={"kind": "experiment"}, run_name=experiment)]
            completed = client.search_runs([experiment_id], "tags.kind = 'reproduction'", max_results=ALL_RUNS)
            theirs = {run.info.run_id for run in completed}
            for run in client.search_runs([experiment_id], "tags.kind = 'job'", max_results=ALL_RUNS):
                if run.data.tags.get(PARENT) not in theirs:  # its parent was deleted
                    client.set_tag(run.info.run_id, PARENT, parents[0].info.run_id)
        if parents[0].info.status == "RUNNING":
            client.set_terminated(parents[0].info.run_id)  # it only groups runs, and no job knows that it is the last
    shown = f"sqlite:///{local_store.database(root).relative_to(clone_of(root))}" if is_local else uri
    clone = "" if is_local and clone_of(root) == Path(root).resolve() else clone_id(root)
    return Connection(client, without_password(shown), experiment_id, str(parents[0].info.run_id), experiment, clone)


def _active(found: Any) -> Any:
    """Return `found`, an experiment or None. Raises UserError if it was deleted."""
    if found is not None:
        local_store.check_active(found.lifecycle_stage, found.experiment_id, found.name)
    return found


@contextmanager
def translate_errors(uri: str) -> Iterator[None]:
    """Translate exceptions into one line that names the store: Unavailable, Refused, or UserError (this request)."""
    _quiet()
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except UserError:
        raise
    except (
        Exception
    ) as error:  # artefact stores raise their own libraries' exceptions, some derived directly from Exception
        unreachable = isinstance(error, RequestException) or "failed with exception" in str(error)
        unavailable = unreachable or isinstance(error, SQLAlchemyError | sqlite3.Error) or "sqlite3." in str(error)
        kind = KINDS.get(getattr(error, "error_code", ""), Unavailable if unavailable else UserError)
        reason = "no answer" if unreachable else str(error).partition("\n")[0][:REASON_CHARACTERS]
        configured, lacks_package = bool(configured_uri()), isinstance(error, ImportError)
        if lacks_package and not configured:
            raise _broken(error) from error
        where = f"MLFLOW_TRACKING_URI: {without_password(uri)}" if configured else uri.removeprefix("sqlite:///")
        if found := schema.FOUND.search(reason):
            reason = schema.problem(found[1], '"$MLFLOW_TRACKING_URI"' if configured else shlex.quote(uri)) or reason
        elif configured:
            remedy = "start or repair that server"
            if lacks_package:  # for a kind of database or artefact store, which MLflow itself does not need
                remedy = "install that package in this environment"
            elif unreachable and "timed out" in str(error):
                remedy += f" ({TIMEOUT}=300 waits longer for it)"
            elif isinstance(error, OSError) and not unreachable:  # from the artefact folder that a server names
                remedy = SERVE
            reason = f"{reason}; {remedy}, or unset the variable to log to mlflow/mlflow.db"
        else:
            mends = (words for sign, words in MENDS.items() if sign in reason)
            reason = f"{reason}; {next(mends, '`googlenet mirror` tries again')}"
        raise kind(f"{where}: {reason}") from error


@contextmanager
def uploading() -> Iterator[None]:
    """Within the block, wait longer for an answer, unless the environment says how long."""
    given = os.environ[TIMEOUT]  # set when MLflow was imported
    if given == SETTINGS[TIMEOUT]:
        os.environ[TIMEOUT] = UPLOAD_TIMEOUT_S
    try:
        yield
    finally:
        os.environ[TIMEOUT] = given


def say(line: str) -> None:
    """Write a line to standard error, which is shared with Snakemake."""
    with suppress(OSError):  # the terminal may be closed; the mirror continues without it
        print(line, file=sys.stderr, flush=True)


def _lock(root: Path) -> AbstractContextManager[None]:
    """Hold the store's file lock; one holder at a time among all processes that share `root`."""
    path = local_store.folder(root) / "lock"
    busy = UserError(f"{path}: held for {LOCK_TIMEOUT_S} s; end the process that holds it")
    return locked(path, LOCK_TIMEOUT_S, busy)


def configured_uri() -> str:
    """The user's tracking URI; "" for the local store."""
    return os.environ.get("MLFLOW_TRACKING_URI", "")


def without_password(uri: str) -> str:
    """A URI without the user's name and password."""
    address = urlsplit(uri).netloc
    return uri.replace(address, address.rpartition("@")[2], 1) if "@" in address else uri
