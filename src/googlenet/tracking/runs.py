"""What is written to a job's run in MLflow by more than one call. All can be done twice; what MLflow raises passes through."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow import MlflowClient

PARAMETERS_PER_BATCH = 100  # MLflow's limits
METRICS_PER_BATCH = 1000
DIGEST_CHARACTERS = 36


def run_ids(client: "MlflowClient", experiment_id: str, identity: str) -> list[str]:
    """The runs that were made for a journal: none, one, or two where a lost request arrived late."""
    return [run.info.run_id for run in client.search_runs([experiment_id], f"tags.journal = '{identity}'")]


def make_current(client: "MlflowClient", experiment_id: str, run_id: str) -> None:
    """Mark a run as its job's current one, then the former ones as superseded: at no time is there none.

    One that is delivered late can have been followed by another; then it is the superseded one."""
    own = client.get_run(run_id)
    for twin in run_ids(client, experiment_id, own.data.tags["journal"]):
        if twin != run_id:
            client.delete_run(twin)
    same = " and ".join(f"tags.{key} = '{own.data.tags[key]}'" for key in ("stage", "job"))
    current = client.search_runs([experiment_id], f"{same} and tags.current = 'true'")
    others = [run for run in current if run.info.run_id != run_id]
    if later := [run for run in others if run.info.start_time > own.info.start_time]:
        others, current_id = [own], later[0].info.run_id
    else:
        current_id = run_id
        client.set_tag(run_id, "current", "true")
    for run in others:
        client.set_tag(run.info.run_id, "superseded_by", current_id)
        client.set_tag(run.info.run_id, "superseded", "true")
        client.set_tag(run.info.run_id, "current", "false")


def log_parameters(client: "MlflowClient", run_id: str, parameters: Mapping[str, str]) -> None:
    """Log texts by name; the same again changes nothing."""
    from mlflow.entities import Param

    batch = [Param(name, value) for name, value in parameters.items()]
    for start in range(0, len(batch), PARAMETERS_PER_BATCH):
        client.log_batch(run_id, params=batch[start : start + PARAMETERS_PER_BATCH])


def log_inputs(client: "MlflowClient", run_id: str, inputs: Mapping[str, str], doubtful: bool) -> None:
    """Log digests as MLflow data sets too, cut to the 36 characters it takes: a column of its runs table."""
    from mlflow.entities import Dataset, DatasetInput

    logged = client.get_run(run_id).inputs if doubtful else None
    there = {known.dataset.name for known in logged.dataset_inputs} if logged else set()
    batch = []
    for name in sorted(inputs.keys() - there):
        source = json.dumps({"digest": inputs[name]})
        batch.append(DatasetInput(Dataset(name, inputs[name][:DIGEST_CHARACTERS], "local", source)))
    if batch:
        client.log_inputs(run_id, datasets=batch)


def log_metrics(client: "MlflowClient", run_id: str, lines: Sequence[Mapping[str, Any]], doubtful: bool) -> None:
    """Log the numbers of steps. When in doubt, leave out what the run's history has."""
    from mlflow.entities import Metric

    batch = []
    for line in lines:
        batch += [Metric(key, value, line["time"], line["step"]) for key, value in line["values"].items()]
    if doubtful:
        keys = sorted({metric.key for metric in batch})
        there = {(key, known.step) for key in keys for known in client.get_metric_history(run_id, key)}
        batch = [metric for metric in batch if (metric.key, metric.step) not in there]
    for start in range(0, len(batch), METRICS_PER_BATCH):
        client.log_batch(run_id, metrics=batch[start : start + METRICS_PER_BATCH])
