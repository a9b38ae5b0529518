"""Print where MLflow's pages of the active experiment are: on your server, or here, once `make ui` serves them.

usage: python workflow/compare.py [ADDRESS]
"""

import json
import sys
from pathlib import Path
from urllib.parse import quote

import own_source  # noqa: F401 (checks where the package is)
from googlenet.errors import UserError
from googlenet.pipeline.experiment import current
from googlenet.tracking import deliver, shown_runs
from googlenet.tracking.pages import VIEW, server
from googlenet.tracking.store import configured_uri

TRAINING = "train_classifier"
ADDRESS = "http://127.0.0.1:5000"


def main() -> None:
    """Print the addresses of the pages of reproductions, runs and models, and of pages that compare some of them."""
    address = sys.argv[1] if sys.argv[1:] else server() or ADDRESS
    deliver(Path.cwd())  # pending events; reports those that it cannot deliver
    try:
        experiment = current(Path.cwd())
        trained = experiment.jobs(TRAINING) if TRAINING in experiment.stages else []
        shown = shown_runs(Path.cwd(), experiment.name, [job.name for job in trained])
    except UserError as error:
        sys.exit(f"error: {error}")
    runs = f"{address}/#/experiments/{shown.experiment_id}/runs"
    print(f"reproductions:        {runs}?workflowType=machine_learning&viewStateShareKey={VIEW}")
    if len(shown.reproductions) > 1:
        print(f"last two compared:    {comparison(address, shown.experiment_id, shown.reproductions)}")
    print(f"all runs:             {runs}?workflowType=machine_learning")
    if shown.members:
        print(f"the members compared: {comparison(address, shown.experiment_id, shown.members)}")
    if shown.models:
        print(f"registered models:    {address}/#/models")
        print(f"serve one:            {serving(shown.models[0])}")


def comparison(address: str, experiment_id: str, run_ids: list[str]) -> str:
    """The address of the page that compares runs."""
    query = f"runs={quote(json.dumps(run_ids))}&experiments={quote(json.dumps([experiment_id]))}"
    return f"{address}/#/compare-runs?{query}"


def serving(model: str) -> str:
    """The command that serves a registered model: the last reproduction's or, on a shared server, the latest one."""
    own = not configured_uri()
    words = f"mlflow models serve --env-manager local -p 5001 -m models:/{model}{'@current' if own else '/latest'}"
    return f"MLFLOW_TRACKING_URI=sqlite:///mlflow/mlflow.db {words}" if own else words


if __name__ == "__main__":
    main()
