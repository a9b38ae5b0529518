"""A run's events, in memory and in a file, .googlenet/progress/<run>.jsonl, from which the run can be replayed.

Events, by "do": plan (jobs to run), expect (seconds by job), later (jobs of DVC's remaining stages), start, work and
end of a job, left (predicted time left). Under `dvc repro`, each stage's Snakemake continues the former one's file.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from googlenet.planning.remaining import Planned, Run, State, Work, stage_of

FOLDER = Path(".googlenet/progress")
FILES_KEPT = 5
Event = dict[str, Any]


class Timeline:
    """The events of one run, and the resulting state. begun: its first event, in seconds since the epoch; 0 if none."""

    def __init__(self, events: Iterable[Event] = (), path: Path | None = None):
        self.run, self.begun, self._path = Run(), 0.0, path
        for event in events:
            self.apply(event)

    @classmethod
    def opened(cls, path: Path) -> "Timeline":
        """Continue a file, or create it; remove the oldest other files. Without a file if the disk refuses it."""
        try:
            return cls._continued(path)
        except OSError:  # as in `add`
            return cls()

    @classmethod
    def _continued(cls, path: Path) -> "Timeline":
        path.parent.mkdir(parents=True, exist_ok=True)
        others = sorted(path.parent.glob("*.jsonl"), key=lambda other: other.stat().st_mtime)
        for other in others[: -FILES_KEPT + 1]:
            if other != path:
                other.unlink(missing_ok=True)
        if not path.is_file():
            return cls(path=path)
        with open(path, "a", encoding="utf-8") as file:
            file.write("\n")  # ends a line that a kill interrupted
        return cls(read(path), path)

    def add(self, do: str, at: float, **content: Any) -> None:
        """Add an event, in memory and to the file, if there is one. at: its time."""
        event = {"do": do, "time": round(at, 2), **content}
        self.apply(event)
        try:
            if self._path:
                with open(self._path, "a", encoding="utf-8") as file:
                    file.write(json.dumps(event) + "\n")
        except OSError:  # a full disk: jobs report it, and the display continues without its file
            self._path = None

    def plan(self, at: float, jobs: Iterable[Planned], cores: int, gpus: int | None, stage: str = "") -> None:
        """Add the jobs that Snakemake will run. stage: DVC's, if DVC runs this Snakemake."""
        rows = [{key: value for key, value in asdict(job).items() if value != DEFAULTS.get(key)} for job in jobs]
        self.add("plan", at, jobs=rows, cores=cores, gpus=gpus, stage=stage)

    def apply(self, event: Event) -> None:
        """Update the state with an event. Call in chronological order."""
        run, name = self.run, event.get("job", "")
        self.begun = self.begun or event["time"]
        match event["do"]:
            case "plan":
                jobs = [Planned(**row | {"after": tuple(row.get("after", ()))}) for row in event["jobs"]]
                run.planned.update((job.name, job) for job in jobs)
                run.cores, run.gpus = event["cores"], event["gpus"]
                for job in jobs:  # the stage may have been started before, as by an interrupted run
                    run.states.pop(job.name, None)
                self._drop_later({event["stage"], *(job.stage for job in jobs)})
            case "expect":
                run.expected = event["seconds"]
            case "later":
                run.later = event["stages"]
                self._drop_later({job.stage for job in run.planned.values()})
            case "start":
                run.states[name] = State(event["time"])
            case "work" if name in run.states:
                values = {key: value for key, value in event.items() if key not in ("do", "job", "time")}
                run.states[name].work = Work(event["time"], **values)
            case "end" if name in run.states:
                run.states[name] = replace(run.states[name], ended=event["time"], failed=event["failed"])

    def _drop_later(self, stages: set[str]) -> None:
        if self.run.later is not None:
            self.run.later = {stage: names for stage, names in self.run.later.items() if stage not in stages}


DEFAULTS = asdict(Planned(""))


def by_stage(names: Iterable[str]) -> dict[str, list[str]]:
    """Names of jobs, by stage."""
    stages: dict[str, list[str]] = defaultdict(list)
    for name in names:
        stages[stage_of(name)].append(name)
    return dict(stages)


def read(path: Path) -> list[Event]:
    """The events of a file, without lines that a kill interrupted."""
    events = []
    for line in path.read_text(encoding="utf-8").splitlines():
        with suppress(ValueError):
            events.append(json.loads(line))
    return events
