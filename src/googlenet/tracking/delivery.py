"""Deliver journals to MLflow: in order, each line once, and without making a training wait for an absent server."""

import json
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from googlenet.errors import UserError
from googlenet.tracking import store
from googlenet.tracking.journal import InUse, Journal, held, identities, is_dead, journals, place_of

if TYPE_CHECKING:
    from mlflow import MlflowClient

BATCH_S = 1  # what is logged sooner after a delivery goes with the next one
PAUSE_S = 10  # after a failed attempt, and at least PAUSE_FACTOR times as long as it took:
PAUSE_FACTOR = 10  # so a training waits for at most a tenth of its time
NO_TRY_AFTER_S = 6  # at a job's end, when attempts fail; one attempt can take 5 s
LATER = "the next job or the end of the run delivers them, or: python -m googlenet.tracking deliver"
PARAMETERS_PER_BATCH = 100  # MLflow's limits
METRICS_PER_BATCH = 1000
DIGEST_CHARACTERS = 36


class Delivery:
    """Delivers the journals of one experiment to the store, opening it at the first attempt and after failures."""

    def __init__(self, root: Path, experiment: str):
        self.root, self.experiment = root, experiment
        self.folder = place_of(root, experiment)
        self.is_away = False
        self._client: Any = None
        self._uri = self._experiment_id = self._parent_id = ""
        self._next = 0.0

    def connect(self) -> None:
        """Open the store and find or create the experiment and its parent run. UserError if that fails."""
        if self._client is None:
            self._uri = store.open_store(self.root)
            with store.told(self._uri):
                client = store.open_client(self._uri)
                self._experiment_id = store.experiment_id_of(client, self.root, self.experiment)
                self._parent_id = store.parent_id_of(client, self.root, self._experiment_id, self.experiment)
            self._client = client

    def attempt(self, journal: Journal, now: bool = False) -> bool:
        """Deliver what is pending, unless the last attempt is too recent; return whether nothing is pending."""
        if journal.pending and (now or time.monotonic() >= self._next):
            begun = time.monotonic()
            try:
                self.connect()
                journal.address(store.shown(self._uri))
                while journal.pending:
                    batch = self._batch(journal)
                    self._send(journal, batch)
                    journal.note(batch[-1]["n"], store.shown(self._uri))
            except UserError as error:
                if not self.is_away:
                    say(f"warning: {error}; what is logged meanwhile is kept, and delivered later")
                self.is_away, self._client, journal.doubtful = True, None, len(journal.lines)
                pause = max(PAUSE_S, PAUSE_FACTOR * (time.monotonic() - begun))
            else:
                if self.is_away:
                    say("MLflow answers again, and has all that was kept")
                self.is_away, pause = False, BATCH_S
            self._next = time.monotonic() + pause
        return not journal.pending

    def finish(self, journal: Journal, patient: bool) -> None:
        """Deliver the rest at a job's end, retrying a few times if `patient`; remove a journal that is complete."""
        last = time.monotonic() + (NO_TRY_AFTER_S if patient else 0)
        pause = 1
        while not self.attempt(journal, now=True) and time.monotonic() + pause < last:
            time.sleep(pause)
            pause *= 2
        if journal.pending:
            say(f"warning: {len(journal.pending)} entries for MLflow wait in {journal.path}; {LATER}")
        journal.remove_if_done()

    def leftovers(self, but: Path | None = None) -> bool:
        """Deliver what former jobs left, except in the folder `but`; return whether nothing is pending.

        A running job holds its lock and is skipped. One that died ends as KILLED."""
        for folder in sorted({path.parent for path in self.folder.glob("*/*/*.jsonl")} - {but}):
            try:
                with held(folder, wait_s=0):
                    for journal in journals(folder):
                        journal.close_for_the_dead()
                        if not self.settle(journal):
                            return False
            except InUse:
                continue
        return True

    def settle(self, journal: Journal) -> bool:
        """Deliver a former job's journal and remove it if it is complete; return whether nothing is pending."""
        arrived = self.attempt(journal, now=True)
        journal.remove_if_done()
        return arrived

    def _batch(self, journal: Journal) -> list[dict[str, Any]]:
        """The next line; for metrics, as many of the next lines as MLflow takes at once."""
        first, *others = journal.pending
        batch, size = [first], len(first.get("values", ()))
        for line in others if first["do"] == "metrics" else []:
            size += len(line.get("values", ()))
            if line["do"] != "metrics" or size > METRICS_PER_BATCH:
                break
            batch.append(line)
        return batch

    def _send(self, journal: Journal, batch: list[dict[str, Any]]) -> None:
        """Deliver a batch; lines that the store refuses are reported and skipped, one by one."""
        first = batch[0]
        try:
            with store.told(self._uri):
                if first["do"] == "metrics":
                    log_metrics(self._client, journal.run_id, batch, first["n"] < journal.doubtful)
                else:
                    self._send_line(journal, first)
        except store.Refused as error:
            if first["do"] == "begin":
                raise
            journal.doubtful = max(journal.doubtful, batch[-1]["n"] + 1)
            if len(batch) == 1:
                say(f"warning: MLflow does not take line {first['n']} ({first['do']}) of {journal.path}: {error}")
                return
            for line in batch:
                self._send(journal, [line])

    def _send_line(self, journal: Journal, line: dict[str, Any]) -> None:
        client, run_id, doubtful = self._client, journal.run_id, line["n"] < journal.doubtful
        match line["do"]:
            case "begin":
                ids = run_ids(client, self._experiment_id, journal.identity) if doubtful else []
                if not ids:
                    tags = line["tags"] | {"journal": line["identity"], "mlflow.parentRunId": self._parent_id}
                    name = f"{tags['stage']}/{tags['job']}"
                    run = client.create_run(self._experiment_id, start_time=line["time"], tags=tags, run_name=name)
                    ids = [str(run.info.run_id)]
                journal.run_id, journal.experiment_id = ids[0], self._experiment_id
            case "resume":
                client.update_run(run_id, status="RUNNING")
                for name, value in (line["tags"] | {"resumable": "false"}).items():
                    client.set_tag(run_id, name, value)
            case "parameters":
                log_parameters(client, run_id, line["values"])
            case "inputs":
                with store.lock(self.root):  # MLflow looks up a data set, then inserts it: two at once collide
                    log_inputs(client, run_id, line["values"], doubtful)
            case "artifact":
                path = journal.files / line["file"]
                if path.is_file():
                    client.log_artifact(run_id, str(path))
                else:
                    say(f"warning: {path}: gone before MLflow could be given it")
            case "end":
                if line["status"] == "KILLED":
                    client.set_tag(run_id, "resumable", "true")
                client.set_terminated(run_id, line["status"], line["time"])
                if line["status"] == "FINISHED":
                    with store.lock(self.root):
                        make_current(client, self._experiment_id, run_id)
            case "drop":
                client.set_tag(run_id, "resumable", "false")

    def sweep(self) -> None:
        """Mark as KILLED the RUNNING runs of dead processes on this host that left no journal."""
        try:
            self.connect()
            with store.told(self._uri):
                wanted = f"attributes.status = 'RUNNING' and tags.host = '{socket.gethostname()}'"
                running = self._client.search_runs([self._experiment_id], wanted, max_results=1000)
                known = identities(self.folder) if running else set()
                for run in running:
                    if run.data.tags.get("journal") not in known and is_dead(run.data.tags):
                        self._client.set_terminated(run.info.run_id, "KILLED")
        except UserError as error:
            say(f"warning: runs of dead processes could not be looked for: {error}")


# All functions below can be repeated: they check for an earlier result, or leave the same. MLflow's errors propagate.


def run_ids(client: "MlflowClient", experiment_id: str, identity: str) -> list[str]:
    """The runs that were created for a journal: none, one, or two if a lost request arrived late."""
    return [run.info.run_id for run in client.search_runs([experiment_id], f"tags.journal = '{identity}'")]


def make_current(client: "MlflowClient", experiment_id: str, run_id: str) -> None:
    """Mark a run as its job's current one, then the former ones as superseded, so that there is always one.

    A run that is delivered late may already have a successor; then it is itself marked as superseded."""
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
    """Log texts by name; repeating the call changes nothing."""
    from mlflow.entities import Param

    batch = [Param(name, value) for name, value in parameters.items()]
    for start in range(0, len(batch), PARAMETERS_PER_BATCH):
        client.log_batch(run_id, params=batch[start : start + PARAMETERS_PER_BATCH])


def log_inputs(client: "MlflowClient", run_id: str, inputs: Mapping[str, str], doubtful: bool) -> None:
    """Also log digests as MLflow data sets, cut to the 36 characters it allows: a column of its runs table."""
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
    """Log the numbers of steps. When in doubt, skip those already in the run's history."""
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


def deliver(root: Path, experiment: str = "", thoroughly: bool = False) -> bool:
    """Deliver what jobs left, for one experiment or for all; return whether nothing is pending. Reports failures.

    If nothing is pending, MLflow is not even imported; but `thoroughly` also looks for runs whose journal is lost."""
    base = place_of(root, experiment)
    arrived = True
    for name in [experiment] if experiment else sorted(path.name for path in base.glob("*") if path.is_dir()):
        delivery = Delivery(root, name)
        try:
            arrived = delivery.leftovers() and arrived
        except UserError as error:  # for example, a full disk
            say(f"warning: {error}")
            arrived = False
        if thoroughly and not delivery.is_away:
            delivery.sweep()
    return arrived


def say(line: str) -> None:
    """Write a line to the job's log."""
    print(line, file=sys.stderr, flush=True)
