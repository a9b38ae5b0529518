"""Reads the local store, mlflow/mlflow.db, without MLflow, whose import is slow, and updates its paths after a move."""

import shlex
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

from googlenet.errors import UserError
from googlenet.tracking import schema
from googlenet.tracking.clone import clone_of

PREFIX = "googlenet/"  # of our experiments' names in MLflow
# Tables that contain locations of an experiment's files: the table, its key, and the column with the location.
PLACES = (("runs", "run_uuid", "artifact_uri"), ("logged_models", "model_id", "artifact_location"))


def database(root: Path) -> Path:
    """The file of the local store."""
    return clone_of(root) / "mlflow" / "mlflow.db"


def address(path: Path) -> str:
    """The URI of a database. Raises UserError for a path that such a URI cannot express."""
    if "?" in str(path):
        raise UserError(
            f"{path.parents[1]}: MLflow cannot keep a store in a folder with ? in its name; rename the folder"
        )
    return f"sqlite:///{path}"


def folder(root: Path) -> Path:
    """The folder of the local store, created if absent."""
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
    """Raise UserError if the file is not a store, has another MLflow's schema, or the experiment was deleted."""
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
        return  # locked, or never fully created: left to the mirror, as events can wait
    except sqlite3.DatabaseError as error:
        raise UserError(f"{path}: {error}; move the file away to begin a new store") from None
    if version and (wrong := schema.problem(version[0], shlex.quote(uri))):
        raise UserError(f"{path}: {wrong}")
    if known:
        check_active(known[0], known[1], PREFIX + experiment)


def check_active(stage: str, experiment_id: str, name: str) -> None:
    """Raise UserError if an MLflow experiment was deleted."""
    if stage != "active":
        remedy = f"mlflow experiments restore --experiment-id {experiment_id}"
        raise UserError(f"the MLflow experiment '{name}' was deleted; bring it back with: {remedy}")


def follow_project(root: Path) -> str:
    """After the project's folder was moved or copied, update the artefacts' locations, which the store keeps as
    absolute paths, and copy artefacts that are only in the former location. Returns a line that reports this, or "".
    """
    former = ""
    with closing(sqlite3.connect(database(root), timeout=60)) as store, store:
        tables = {name for (name,) in store.execute("select name from sqlite_master")}
        if "experiments" not in tables:
            return ""  # an empty file, in which MLflow will create a store
        query = "select experiment_id, name, artifact_location from experiments where name like ?"
        for number, name, there in store.execute(query, [f"{PREFIX}%"]).fetchall():
            here = artifacts(root, name.removeprefix(PREFIX))
            of_project = here.removeprefix(clone_of(root).as_uri())
            if there == here or not there.endswith(of_project):  # the latter if the user created the experiment
                continue
            store.execute("update experiments set artifact_location = ? where experiment_id = ?", [here, number])
            for table, key, column in (each for each in PLACES if each[0] in tables):
                rows = store.execute(f"select {key}, {column} from {table} where experiment_id = ?", [number])
                for row, uri in rows.fetchall():
                    tail = uri.removeprefix(there)
                    if tail != uri and _brought(local_path(uri), local_path(here + tail)):
                        store.execute(f"update {table} set {column} = ? where {key} = ?", [here + tail, row])
                        if table == "logged_models":
                            _name_place(store, uri, here + tail)
            former = str(local_path(there.removesuffix(of_project)))
    return f"note: {database(root)} was in {former}; it now keeps its artefacts here" if former else ""


def _name_place(store: sqlite3.Connection, former: str, place: str) -> None:
    """Update the location of a model that was at `former` in its registered versions."""
    values = "storage_location = ?, source = ?"
    store.execute(f"update model_versions set {values} where storage_location = ?", [place, place, former])


def local_path(uri: str) -> Path:
    """The path of a file URI."""
    return Path(unquote(urlsplit(uri).path))


def _brought(there: Path, here: Path) -> bool:
    """Copy a run's artefacts unless they are here or do not exist; return False if that fails."""
    try:
        if there.is_dir() and not here.exists():
            shutil.copytree(there, here)
    except OSError:
        return False
    return True
