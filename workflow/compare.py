"""Print where MLflow's pages of the active experiment are, once `make ui` serves them.

usage: python workflow/compare.py [ADDRESS]
"""

import json
import sys
from pathlib import Path
from urllib.parse import quote

import own_source  # noqa: F401 (checks where the package is)
from googlenet.errors import UserError
from googlenet.pipeline.experiment import current
from googlenet.tracking import current_runs, deliver

ADDRESS = "http://127.0.0.1:5000"


def main() -> None:
    """Print the page of the runs, and the page that compares the current members."""
    address = sys.argv[1] if sys.argv[1:] else ADDRESS
    deliver(Path.cwd())  # what jobs could not deliver; it reports what is still pending
    try:
        experiment_id, run_ids = current_runs(Path.cwd(), current(Path.cwd()).name, "train_classifier")
    except UserError as error:
        sys.exit(f"error: {error}")
    runs = f"{address}/#/experiments/{experiment_id}/runs?workflowType=machine_learning"
    print(f"all runs:            {runs}")
    if run_ids:
        query = f"runs={quote(json.dumps(run_ids))}&experiments={quote(json.dumps([experiment_id]))}"
        print(f"the members compared: {address}/#/compare-runs?{query}")


if __name__ == "__main__":
    main()
