"""Whether a database has the schema of the installed MLflow, read from MLflow's files because importing it is slow."""

import re
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from googlenet.errors import UserError

RENEW = "renew the environment: rm -rf .venv; make env"
FOUND = re.compile(r"schema \(found version (\w+)")  # in MLflow's own error
_REVISION = re.compile(r"^(down_)?revision\b[^\n=]*= *[\"'](\w+)", re.MULTILINE)


def problem(found: str, uri: str) -> str:
    """The problem of a database with schema `found`, and its remedy; "" if there is none. uri: quoted for the shell."""
    known, head = _revisions()
    if found == head or not head:
        return ""
    if found in known:
        remedy = f"keep a copy of it, then run: mlflow db upgrade {uri}"
        return f"an older MLflow made it (its schema is {found}, {head} is needed); {remedy}"
    remedy = "use the MLflow that made it (git pull, make env), or move the file away to begin a new store"
    return f"a newer MLflow than {version('mlflow')} or another program made it (its schema is {found}); {remedy}"


def check_installed() -> None:
    """Raise UserError if MLflow is not installed. Does not check that it can be imported."""
    _folder()


def _folder() -> Path:
    """Where MLflow is installed."""
    spec = find_spec("mlflow")
    if spec is None or spec.origin is None:  # without an origin, it is our store's folder of the same name
        raise UserError(f"MLflow is not installed; {RENEW}")
    return Path(spec.origin).parent


def _revisions() -> tuple[set[str], str]:
    """All schemas that the installed MLflow can upgrade from, and the one that it needs; "" if that is unclear."""
    known, former = set[str](), set[str]()
    for path in (_folder() / "store/db_migrations/versions").glob("*.py"):
        for down, revision in _REVISION.findall(path.read_text(encoding="utf-8")):
            (former if down else known).add(revision)
    heads = known - former
    return known, heads.pop() if len(heads) == 1 else ""
