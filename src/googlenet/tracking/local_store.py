"""The local store, mlflow/mlflow.db, looked at without MLflow, whose import is slow, and kept right when it is moved."""

import shlex
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

from googlenet.errors import UserError
from googlenet.tracking import schema

PREFIX = "googlenet/"  # of the names of our experiments in MLflow


def database(root: Path) -> Path:
    """The file of the local store."""
    return Path(root).resolve() / "mlflow" / "mlflow.db"


def address(path: Path) -> str:
    """The URI of a database. UserError for a path that no such URI can name."""
    if "?" in str(path):
        raise UserError(
            f"{path.parents[1]}: MLflow cannot keep a store in a folder with ? in its name; rename the folder"
        )
    return f"sqlite:///{path}"


def folder(root: Path) -> Path:
    """The folder of the local store, made if absent."""
    made = database(root).parent
    try:
        made.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{made}: cannot be made ({error.strerror}); the MLflow store needs it") from None
    return made


def artifacts(root: Path, experiment: str) -> str:
    """The URI of an experiment's artefacts."""
    return (folder(root) / "artifacts" / experiment).as_uri()


def check(root: Path, experiment: str) -> None:
    """UserError for a file that is no store, one of another MLflow, or an experiment that was deleted."""
    path = database(root)
    uri = address(path)
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as store:
            version = store.execute("select version_num from alembic_version").fetchone()
            query = "select lifecycle_stage, experiment_id from experiments where name = ?"
            known = store.execute(query, [PREFIX + experiment]).fetchone()
    except sqlite3.OperationalError:
        return  # locked, or begun and never made: left to MLflow, and jobs can wait
    except sqlite3.DatabaseError as error:
        raise UserError(f"{path}: {error}; move the file away to begin a new store") from None
    if version and (wrong := schema.problem(version[0], shlex.quote(uri))):
        raise UserError(f"{path}: {wrong}")
    if known:
        check_active(known[0], known[1], PREFIX + experiment)


def check_active(stage: str, experiment_id: str, name: str) -> None:
    """UserError if an experiment of MLflow was deleted."""
    if stage != "active":
        mend = f"mlflow experiments restore --experiment-id {experiment_id}"
        raise UserError(f"the MLflow experiment '{name}' was deleted; bring it back with: {mend}")


def follow_project(root: Path) -> str:
    """Once the project's folder was moved or copied, name the artefacts' present places in the store, which keeps absolute
    ones, and fetch those that were logged to the former place since. Returns a line that says so, or "".
    """
    former = ""
    with closing(sqlite3.connect(database(root), timeout=60)) as store, store:
        if not store.execute("select 1 from sqlite_master where name = 'experiments'").fetchone():
            return ""  # an empty file, of which MLflow makes a store
        query = "select experiment_id, name, artifact_location from experiments where name like ?"
        for number, name, there in store.execute(query, [f"{PREFIX}%"]).fetchall():
            here = artifacts(root, name.removeprefix(PREFIX))
            of_project = here.removeprefix(Path(root).resolve().as_uri())
            if there == here or not there.endswith(of_project):  # another's, if the user made the experiment
                continue
            store.execute("update experiments set artifact_location = ? where experiment_id = ?", [here, number])
            runs = store.execute("select run_uuid, artifact_uri from runs where experiment_id = ?", [number])
            for run, uri in runs.fetchall():
                tail = uri.removeprefix(there)
                if tail != uri and _brought(local_path(uri), local_path(here + tail)):
                    store.execute("update runs set artifact_uri = ? where run_uuid = ?", [here + tail, run])
            former = str(local_path(there.removesuffix(of_project)))
    return f"note: {database(root)} was in {former}; it now keeps its artefacts here" if former else ""


def local_path(uri: str) -> Path:
    """The path that a file URI names."""
    return Path(unquote(urlsplit(uri).path))


def _brought(there: Path, here: Path) -> bool:
    """Copy a run's artefacts unless they are here or there are none; False if that fails."""
    try:
        if there.is_dir() and not here.exists():
            shutil.copytree(there, here)
    except OSError:
        return False
    return True
