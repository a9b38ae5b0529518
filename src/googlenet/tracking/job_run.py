"""The run of one job, as the job sees it: what it logs is in its journal when the call returns."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from googlenet.errors import Stopped, UserError
from googlenet.tracking import store
from googlenet.tracking.delivery import Delivery
from googlenet.tracking.journal import Journal, held, journals

LOCK_TIMEOUT_S = 120
VALUE_CHARACTERS = 6000  # MLflow's limit


@contextmanager
def job_run(
    root: Path,
    experiment: str,
    stage: str,
    job: str,
    parameters: Mapping[str, Any],
    tags: Mapping[str, str],
    inputs: Mapping[str, str],
) -> Iterator["JobRun"]:
    """Track a child run "<stage>/<job>" within the block; if it succeeds, it becomes that job's current run.

    `parameters` is the nested config, `inputs` data digests by name. An unfinished run with the same stamp (in `tags`)
    is resumed. A block that raises gives a FAILED run (KILLED on an interrupt and on Stopped) that supersedes none."""
    delivery = Delivery(root, experiment)
    folder = delivery.folder / stage / job
    labels = dict(tags) | {f"input.{name}": digest for name, digest in inputs.items()}
    labels |= {"kind": "job", "stage": stage, "job": job, "current": "false"}
    with held(folder, LOCK_TIMEOUT_S):
        own, others = opened(folder, labels.get("stamp", "")[:12] or "unstamped")
        own.begin(labels, flattened(parameters), inputs)
        former = delivery.leftovers(but=folder) and all(delivery.settle(journal) for journal in others)
        if former and delivery.attempt(own, now=True):
            delivery.sweep()
        started, run = time.monotonic(), JobRun(own, delivery)
        try:
            yield run
            run.metrics({"duration_s": time.monotonic() - started}, step=0)
            own.add("end", status="FINISHED")
        except BaseException as error:
            stopped = isinstance(error, KeyboardInterrupt | Stopped)
            try:
                own.add("end", status="KILLED" if stopped else "FAILED")
                delivery.finish(own, patient=not stopped)
            except UserError as second:  # the job's own error is the one to raise
                error.add_note(f"the run's end could not be recorded: {second}")
            raise
        delivery.finish(own, patient=True)


def opened(folder: Path, stamp: str) -> tuple[Journal, list[Journal]]:
    """The journal of a stamp, to start or to resume, and the journals of the job's other runs, closed."""
    path = folder / f"{stamp}.jsonl"
    others = journals(folder)
    own = next((journal for journal in others if journal.path == path and not journal.is_over), None)
    for journal in others:
        if journal is not own:
            if journal.path == path:
                journal.set_aside()
            journal.drop()
    return own or Journal(path), [journal for journal in others if journal is not own]


class JobRun:
    """The run of one job. run_id and experiment_id are MLflow's, and "" until the run is delivered."""

    def __init__(self, journal: Journal, delivery: Delivery):
        self._journal, self._delivery = journal, delivery
        self._earlier = journal.logged
        self._logged: set[tuple[str, int]] = set()

    @property
    def run_id(self) -> str:
        return self._journal.run_id

    @property
    def experiment_id(self) -> str:
        return self._journal.experiment_id

    @property
    def tracking_uri(self) -> str:
        """The store's address without a password."""
        return store.shown(store.address(self._delivery.root))

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        """Log one step (such as an epoch). ValueError for a name that this process has already logged at that step.

        What an earlier attempt at the same run has logged is not logged again."""
        twice = sorted(name for name in values if (name, step) in self._logged)
        if twice:
            raise ValueError(f"metrics logged twice at step {step}: {', '.join(twice)}")
        self._logged.update((name, step) for name in values)
        new = {name: float(value) for name, value in values.items() if (name, step) not in self._earlier}
        if new:
            self._journal.add("metrics", step=step, values=new)
        self._delivery.attempt(self._journal)

    def artifact(self, path: Path) -> None:
        """Copy a file to the run's artifacts."""
        if not Path(path).is_file():
            raise UserError(f"{path}: not found; only a file that the job has written can be an artifact")
        self._journal.keep(path)
        self._delivery.attempt(self._journal)


def flattened(tree: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested config -> {"a.b": text}; lists are JSON, long values are cut to MLflow's limit."""
    flat: dict[str, str] = {}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            flat |= flattened(value, f"{name}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
            flat[name] = text[:VALUE_CHARACTERS]
    return flat
