"""MLflow's store: its address, whether it answers, and the experiment with its one parent run."""

import logging
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from googlenet.errors import UserError
from googlenet.storage.files import atomic, locked

if TYPE_CHECKING:
    from mlflow import MlflowClient

SETTINGS = {  # the environment can override each of these
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",  # MLflow's default of 120 s would keep the end of a run waiting
}
LOCK_TIMEOUT_S = 120
REASON_CHARACTERS = 300
MENDS = {  # of the local store, by what its error says
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
    """The store does not know the run or the experiment of a request: it is not the store that had them."""


KINDS = {"INVALID_PARAMETER_VALUE": Refused, "RESOURCE_DOES_NOT_EXIST": Gone}


class Connection(NamedTuple):
    """An open store, with the experiment that runs belong to. uri: without a password."""

    client: "MlflowClient"
    uri: str
    experiment_id: str
    parent_id: str


def open_store(root: Path) -> str:
    """The tracking URI: MLFLOW_TRACKING_URI, else the SQLite store root/mlflow/mlflow.db, created whole if absent."""
    if uri := _configured_uri():
        return uri
    _folder(root)
    database = _database(root)
    if not database.exists():
        _quiet()  # the slow import before the lock, so that a waiting process has done it already
        with _lock(root):  # against the mirror of another experiment
            if not database.exists():
                with atomic(database, point="note") as part, translate_errors(f"sqlite:///{part}"):
                    open_client(f"sqlite:///{part}")
    return f"sqlite:///{database}"


def check(root: Path, experiment: str) -> None:
    """Check that runs can be logged. UserError if the server does not answer, or the store or experiment is broken."""
    name, database = f"googlenet/{experiment}", _database(root)
    if uri := _configured_uri():
        with translate_errors(uri):
            _active(open_client(uri).get_experiment_by_name(name), name)
    elif database.exists():  # read without MLflow, whose import is slow
        query = "select experiment_id, lifecycle_stage from experiments where name = ?"
        try:
            with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as store:
                found = store.execute(query, [name]).fetchone()
        except sqlite3.OperationalError:
            found = None  # locked, or of another version: left to MLflow, and jobs can wait
        except sqlite3.DatabaseError as error:
            raise UserError(f"{database}: {error}; move the file away to begin a new store") from None
        _active(found and SimpleNamespace(experiment_id=found[0], lifecycle_stage=found[1]), name)


def current_runs(root: Path, experiment: str, stage: str) -> tuple[str, list[str]]:
    """The MLflow experiment's id, and the ids of a stage's current runs by job. UserError before the first run."""
    uri = open_store(root)
    with translate_errors(uri):
        client = open_client(uri)
        if (found := client.get_experiment_by_name(f"googlenet/{experiment}")) is None:
            raise UserError(f"MLflow has no run of '{experiment}' yet; run `snakemake --cores N` first")
        wanted = f"tags.stage = '{stage}' and tags.current = 'true'"
        runs = client.search_runs([found.experiment_id], wanted, max_results=1000)
    return found.experiment_id, [r.info.run_id for r in sorted(runs, key=lambda r: r.data.tags["job"])]


def _quiet() -> None:
    """Turn off MLflow's telemetry, prints and log lines; call this before the first import of mlflow."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    # A request that timed out may have arrived: replay.py checks before it sends again. MLflow's retries would not.
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
    import mlflow  # noqa: F401  (its import sets the level of its logger)

    # Errors are raised and translated by `translate_errors`; MLflow would also print their tracebacks.
    logging.getLogger("mlflow").setLevel(logging.CRITICAL)
    for name in ("alembic", "urllib3"):
        logging.getLogger(name).setLevel(logging.ERROR)


def open_client(uri: str) -> "MlflowClient":
    """MLflow's client, also for the registry, which would else open a store of its own."""
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def connect(root: Path, experiment: str) -> Connection:
    """Open the store; find or create the MLflow experiment "googlenet/<experiment>" and the one parent run of its jobs."""
    uri, name = open_store(root), f"googlenet/{experiment}"
    with translate_errors(uri):
        client = open_client(uri)
        if found := client.get_experiment_by_name(name):
            experiment_id = str(_active(found, name).experiment_id)
        else:
            artifacts = None if _configured_uri() else (_folder(root) / "artifacts" / experiment).as_uri()
            experiment_id = str(client.create_experiment(name, artifact_location=artifacts))
        parents: list[Any] = client.search_runs([experiment_id], "tags.kind = 'experiment'", max_results=1)
        if not parents:
            parents = [client.create_run(experiment_id, tags={"kind": "experiment"}, run_name=experiment)]
        if parents[0].info.status == "RUNNING":
            client.set_terminated(parents[0].info.run_id)  # it is only a folder: no job knows that it is the last
    return Connection(client, without_password(uri), experiment_id, str(parents[0].info.run_id))


def _active(found: Any, name: str) -> Any:
    """Return an experiment, or None; UserError when it was deleted."""
    if found is not None and found.lifecycle_stage != "active":
        mend = f"mlflow experiments restore --experiment-id {found.experiment_id}"
        raise UserError(f"the MLflow experiment '{name}' was deleted; bring it back with: {mend}")
    return found


@contextmanager
def translate_errors(uri: str) -> Iterator[None]:
    """Translate exceptions into one line that names the store: Unavailable, Refused, or UserError for this request alone."""
    _quiet()
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except UserError:
        raise
    except (
        Exception
    ) as error:  # stores of artefacts raise classes of their own libraries, some of them plain Exceptions
        unreachable = isinstance(error, RequestException) or "failed with exception" in str(error)
        unavailable = unreachable or isinstance(error, SQLAlchemyError) or "sqlite3." in str(error)
        kind = KINDS.get(getattr(error, "error_code", ""), Unavailable if unavailable else UserError)
        reason = "no answer" if unreachable else str(error).partition("\n")[0][:REASON_CHARACTERS]
        if _configured_uri():
            mend = "start or mend that server, or unset the variable to log to mlflow/mlflow.db"
            raise kind(f"MLFLOW_TRACKING_URI: {without_password(uri)}: {reason}; {mend}") from error
        mend = next((words for sign, words in MENDS.items() if sign in reason), "`googlenet mirror` tries again")
        raise kind(f"{uri.removeprefix('sqlite:///')}: {reason}; {mend}") from error


def say(line: str) -> None:
    """Write a line to standard error, which is Snakemake's."""
    with suppress(OSError):  # the terminal may be gone; the mirror goes on without it
        print(line, file=sys.stderr, flush=True)


def _lock(root: Path) -> AbstractContextManager[None]:
    """Hold the store's file lock; one holder at a time among all processes that share `root`."""
    path = _folder(root) / "lock"
    busy = UserError(f"{path}: held for {LOCK_TIMEOUT_S} s; end the process that holds it")
    return locked(path, LOCK_TIMEOUT_S, busy)


def _database(root: Path) -> Path:
    """The file of the local store."""
    return Path(root).resolve() / "mlflow" / "mlflow.db"


def _folder(root: Path) -> Path:
    """The folder of the local store, made if absent."""
    folder = _database(root).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be made ({error.strerror}); the MLflow store needs it") from None
    return folder


def _configured_uri() -> str:
    """The user's tracking URI; "" for the local store."""
    return os.environ.get("MLFLOW_TRACKING_URI", "")


def without_password(uri: str) -> str:
    """A URI without the user's name and password."""
    address = urlsplit(uri).netloc
    return uri.replace(address, address.rpartition("@")[2], 1) if "@" in address else uri
