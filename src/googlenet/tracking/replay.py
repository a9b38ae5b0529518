"""Replay events to MLflow. Every request can be repeated: it checks for an earlier result, or changes nothing."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from googlenet.tracking import reproduction
from googlenet.tracking.event_log import Event, EventLog
from googlenet.tracking.store import PARENT, Connection, say, uploading

TOGETHER = ("metrics", "progress")  # several of these are sent at once
METRICS_PER_BATCH = 1000  # MLflow's limit
DIGEST_CHARACTERS = 36


def batch_of(pending: Sequence[Event]) -> list[Event]:
    """The next event; for metrics and progress, with the next events of the same kind, up to MLflow's limit."""
    first, *others = pending
    batch, size = [first], len(first.get("values", ()))
    for event in others if first["do"] in TOGETHER else []:
        size += len(event.get("values", ()))
        if event["do"] != first["do"] or size > METRICS_PER_BATCH:
            break
        batch.append(event)
    return batch


def begin(store: Connection, log: EventLog, doubtful: bool, replaces: str = "") -> str:
    """Create the MLflow run of a log, unless it exists; return its id. doubtful: an earlier request may have arrived.
    replaces: the id of the former run, if the user has deleted it."""
    event = log.events[0]
    if doubtful and (ids := _run_ids(store, log)):
        return ids[0]
    store.check_active()
    tags = event["tags"] | {_id_tag(log): log.run_id, PARENT: store.parent_id} | store.labels
    if replaces:
        tags["replaces"] = replaces
    name = f"{tags['stage']}/{tags['job']}"
    run = store.client.create_run(store.experiment_id, start_time=event["time"], tags=tags, run_name=name)
    return str(run.info.run_id)


def send(store: Connection, log: EventLog, run_id: str, batch: Sequence[Event], doubtful: bool) -> None:
    """Send a batch, not including the first event, to the MLflow run `run_id`. MLflow's errors propagate."""
    event, client = batch[0], store.client
    match event["do"]:
        case "metrics":
            _metrics(store, run_id, batch, doubtful)
        case "resume":
            client.update_run(run_id, status="RUNNING")
            for name, value in (event["tags"] | {"resumable": "false"}).items():
                client.set_tag(run_id, name, value)
        case "parameters":
            store.log_parameters(run_id, event["values"])
        case "inputs":
            _inputs(store, run_id, event["values"], doubtful)
        case "artifact":
            path = log.artifact_path(event)
            if path.is_file():
                with uploading():
                    client.log_artifact(run_id, str(path))
            else:
                say(f"warning: {path}: gone before it could be copied to MLflow")
        case "end":
            if event["status"] == "KILLED":
                client.set_tag(run_id, "resumable", "true")
            client.set_terminated(run_id, event["status"], event["time"])
            if event["status"] == "FINISHED":
                _make_current(store, log, run_id)
                if completed := reproduction.event_of(log):
                    reproduction.make(store, log, completed)
        case "reproduction" | "progress":
            pass  # the former is created at the end, if the job succeeds; the latter is only for the progress display
        case "drop":
            client.set_tag(run_id, "resumable", "false")


def _id_tag(log: EventLog) -> str:
    """The tag that holds a run's own id; runs that former versions began use another name."""
    return "run_id" if "run_id" in log.events[0] else "journal"


def _run_ids(store: Connection, log: EventLog) -> list[str]:
    """The MLflow runs of a log: none, one, or two if a request that seemed lost arrived late."""
    runs = store.client.search_runs([store.experiment_id], f"tags.{_id_tag(log)} = '{log.run_id}'")
    return [run.info.run_id for run in runs]


def _make_current(store: Connection, log: EventLog, run_id: str) -> None:
    """Mark a run as its job's current one, then the former ones as superseded, so that there always is a current one.

    A run that is mirrored late may already have a successor; then it is marked as superseded itself."""
    client = store.client
    for duplicate in _run_ids(store, log):
        if duplicate != run_id:
            client.delete_run(duplicate)
    this = client.get_run(run_id)
    same = " and ".join(f"tags.{key} = '{this.data.tags[key]}'" for key in ("stage", "job"))
    current = client.search_runs([store.experiment_id], f"{same} and tags.current = 'true'")
    superseded = [run for run in current if run.info.run_id != run_id and store.is_own(run.data.tags)]
    if later := [run for run in superseded if run.info.start_time > this.info.start_time]:
        superseded, current_id = [this], later[0].info.run_id
    else:
        current_id = run_id
        client.set_tag(run_id, "current", "true")
    for run in superseded:
        client.set_tag(run.info.run_id, "superseded_by", current_id)
        client.set_tag(run.info.run_id, "superseded", "true")
        client.set_tag(run.info.run_id, "current", "false")


def _inputs(store: Connection, run_id: str, inputs: Mapping[str, str], doubtful: bool) -> None:
    """Also log digests as MLflow data sets, a column of its runs table, cut to the 36 characters that it allows."""
    from mlflow.entities import Dataset, DatasetInput

    logged = store.client.get_run(run_id).inputs if doubtful else None
    there = {known.dataset.name for known in logged.dataset_inputs} if logged else set()
    batch = []
    for name in sorted(inputs.keys() - there):
        source = json.dumps({"digest": inputs[name]})
        batch.append(DatasetInput(Dataset(name, inputs[name][:DIGEST_CHARACTERS], "local", source)))
    if batch:
        store.client.log_inputs(run_id, datasets=batch)


def _metrics(store: Connection, run_id: str, events: Sequence[Event], doubtful: bool) -> None:
    """Log the metrics of steps. If `doubtful`, skip those already in the run's history."""
    from mlflow.entities import Metric

    batch: list[Any] = []
    for event in events:
        batch += [Metric(key, value, event["time"], event["step"]) for key, value in event["values"].items()]
    if doubtful:
        keys = sorted({metric.key for metric in batch})
        there = {(key, known.step) for key in keys for known in store.client.get_metric_history(run_id, key)}
        batch = [metric for metric in batch if (metric.key, metric.step) not in there]
    for start in range(0, len(batch), METRICS_PER_BATCH):
        store.client.log_batch(run_id, metrics=batch[start : start + METRICS_PER_BATCH])
