"""MLflow's store: its address, whether it answers, and the experiment with its one parent run."""

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from googlenet.errors import UserError
from googlenet.storage.files import atomic, locked

if TYPE_CHECKING:
    from mlflow import MlflowClient

SETTINGS = {  # the environment can override each of these
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",  # MLflow's default of 120 s would keep a job waiting
}
LOCK_TIMEOUT_S = 120
REASON_CHARACTERS = 300
REFUSALS = ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST")


class Refused(UserError):
    """The store answers but rejects a request; repeating it would not help."""


def open_store(root: Path) -> str:
    """The tracking URI: MLFLOW_TRACKING_URI, else the SQLite store root/mlflow/mlflow.db, created whole if absent."""
    if uri := _given():
        return uri
    _folder(root)
    database = _database(root)
    if not database.exists():
        _quiet()  # the slow import before the lock, so that waiting processes have done it already
        with lock(root):
            if not database.exists():
                with atomic(database, point="note") as part, told(f"sqlite:///{part}"):
                    open_client(f"sqlite:///{part}")
    return f"sqlite:///{database}"


def address(root: Path) -> str:
    """The address that runs are logged to, whether or not a store exists there."""
    return _given() or f"sqlite:///{_database(root)}"


def check(root: Path, experiment: str) -> None:
    """Check that runs can be logged. UserError if the server does not answer, or the store or experiment is broken."""
    name, database = f"googlenet/{experiment}", _database(root)
    if uri := _given():
        with told(uri):
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
    with told(uri):
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
    # A request that timed out may have arrived: delivery.py checks before it sends again. MLflow's retries would not.
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
    import mlflow  # noqa: F401  (its import sets the level of its logger)

    # Errors are raised and translated by `told`; MLflow would also print their tracebacks.
    logging.getLogger("mlflow").setLevel(logging.CRITICAL)
    for name in ("alembic", "urllib3"):
        logging.getLogger(name).setLevel(logging.ERROR)


def open_client(uri: str) -> "MlflowClient":
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def experiment_id_of(client: "MlflowClient", root: Path, experiment: str) -> str:
    """Find or create the MLflow experiment "googlenet/<experiment>" and return its id."""
    name = f"googlenet/{experiment}"
    if (found := client.get_experiment_by_name(name)) is None:
        with lock(root):
            if (found := client.get_experiment_by_name(name)) is None:
                own = None if _given() else (_folder(root) / "artifacts" / experiment).as_uri()
                return str(client.create_experiment(name, artifact_location=own))
    return str(_active(found, name).experiment_id)


def _active(found: Any, name: str) -> Any:
    """Return an experiment, or None; UserError when it was deleted."""
    if found is not None and found.lifecycle_stage != "active":
        mend = f"mlflow experiments restore --experiment-id {found.experiment_id}"
        raise UserError(f"the MLflow experiment '{name}' was deleted; bring it back with: {mend}")
    return found


def parent_id_of(client: "MlflowClient", root: Path, experiment_id: str, name: str) -> str:
    """Find or create the one parent run of the experiment's jobs, and return its id."""

    wanted = [experiment_id], "tags.kind = 'experiment'"
    runs: list[Any] = client.search_runs(*wanted, max_results=1)
    if not runs:
        with lock(root):
            if not (runs := client.search_runs(*wanted, max_results=1)):
                runs = [client.create_run(experiment_id, tags={"kind": "experiment"}, run_name=name)]
                client.set_terminated(runs[0].info.run_id)  # it is only a folder: no job knows that it is the last
    return str(runs[0].info.run_id)


@contextmanager
def told(uri: str) -> Iterator[None]:
    """Translate MLflow's exceptions into one line that names the store: UserError, or Refused for a refused request."""
    _quiet()
    from mlflow.exceptions import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, RequestException, SQLAlchemyError, ImportError, OSError) as error:
        kind = Refused if getattr(error, "error_code", "") in REFUSALS else UserError
        unreachable = isinstance(error, RequestException) or "failed with exception" in str(error)
        reason = "no answer" if unreachable else str(error).partition("\n")[0][:REASON_CHARACTERS]
        if _given():
            mend = "start or mend that server, or unset the variable to log to mlflow/mlflow.db"
            raise kind(f"MLFLOW_TRACKING_URI: {shown(uri)}: {reason}; {mend}") from error
        mend = "free some space" if "disk is full" in reason else "move the file away to begin a new store"
        raise kind(f"{uri.removeprefix('sqlite:///')}: {reason}; {mend}") from error


def lock(root: Path) -> AbstractContextManager[None]:
    """Hold the store's file lock; one holder at a time among all processes that share `root`."""
    path = _folder(root) / "lock"
    busy = UserError(f"{path}: held for {LOCK_TIMEOUT_S} s; end the process that holds it")
    return locked(path, LOCK_TIMEOUT_S, busy)


def _database(root: Path) -> Path:
    return Path(root).resolve() / "mlflow" / "mlflow.db"


def _folder(root: Path) -> Path:
    folder = _database(root).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be made ({error.strerror}); the MLflow store needs it") from None
    return folder


def _given() -> str:
    return os.environ.get("MLFLOW_TRACKING_URI", "")


def shown(uri: str) -> str:
    """An address without its password."""
    address = urlsplit(uri).netloc
    return uri.replace(address, address.rpartition("@")[2], 1) if "@" in address else uri
