"""What `make ui` leads to on MLflow's pages: the list of reproductions, and the runs that are compared."""

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from googlenet.errors import UserError
from googlenet.tracking import local_store
from googlenet.tracking.clone import clone_id
from googlenet.tracking.store import configured_uri, open_client, open_store, translate_errors, without_password

VIEW = "reproductions"  # the name of a saved view of MLflow's list, as in URLs: ?viewStateShareKey=reproductions
FIRST = ["tags.`changes`", "tags.`jobs_run`", "attributes.`Duration`", "attributes.`User`"]  # the list's first columns


class Shown(NamedTuple):
    """What `make ui` leads to, in the MLflow experiment of this id: the runs of this clone's current members and of its
    last two reproductions, the later first, and the names of the registered models."""

    experiment_id: str
    members: list[str]
    reproductions: list[str]
    models: list[str]


def server() -> str:
    """The address of the server in MLFLOW_TRACKING_URI, which has its own pages; "" if it names a store, or nothing.

    Without a password, as it is printed: browsers ask for it."""
    uri = without_password(configured_uri())
    return uri.rstrip("/") if urlsplit(uri).scheme in ("http", "https") else ""


def shown_runs(root: Path, experiment: str, members: Collection[str]) -> Shown:
    """Find the runs that `make ui` leads to, and save the view of the list. members: those of the present table.

    Raises UserError before the first run."""
    uri = open_store(root)
    with translate_errors(uri):
        client = open_client(uri)
        if (found := client.get_experiment_by_name(local_store.PREFIX + experiment)) is None:
            raise UserError(f"MLflow has no run of '{experiment}' yet; run `snakemake --cores N` first")
        clone = f" and tags.clone = '{clone_id(root)}'" if configured_uri() else ""
        wanted = f"tags.stage = 'train_classifier' and tags.current = 'true'{clone}"
        trained = client.search_runs([found.experiment_id], wanted, max_results=1000)
        wanted, order = f"tags.kind = 'reproduction'{clone}", ["attributes.start_time DESC"]
        last = client.search_runs([found.experiment_id], wanted, order_by=order, max_results=2)
        figures = sorted(last[0].data.metrics if last else (), key=lambda name: (name.endswith("baseline"), name))
        client.set_experiment_tag(found.experiment_id, f"mlflow.sharedViewState.{VIEW}", json.dumps(view(figures)))
        # Nothing supersedes the run of a member that has left its table, or of a folder that DVC made for one run.
        here = [run for run in trained if clone or "clone" not in run.data.tags]
        present = [run for run in here if run.data.tags["job"] in members]
        by_job = sorted(present, key=lambda run: run.data.tags["job"])
        models = sorted(one.name for one in client.search_registered_models(f"tags.experiment = '{experiment}'"))
    ids, reproductions = ([run.info.run_id for run in runs] for runs in (by_job, last))
    return Shown(found.experiment_id, ids, reproductions, models)


def view(figures: Sequence[str]) -> dict[str, Any]:
    """The view of reproductions in MLflow's list: what changed, key figures without top-5 errors, edits, commit."""
    shown = [f"metrics.`{name}`" for name in figures if "top5" not in name]
    columns = [*FIRST, *shown, "tags.`edits`", "tags.`commit`"]
    return {
        "searchFilter": "tags.kind = 'reproduction'",
        "orderByKey": "attributes.start_time",
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "selectedColumns": columns,
        "columnOrder": columns,
        "columnWidths": dict.fromkeys([FIRST[0], *shown], 230),
    }
