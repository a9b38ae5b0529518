"""How far a running job is, from its event log: its last progress event, and the epochs that it has finished."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from googlenet.planning.remaining import DOMINANT, Work
from googlenet.tracking.event_log import Event, EventLog, tracking_folder
from googlenet.tracking.system_metrics import is_sample


class JobLog:
    """The event log of a job's present run. name: train_classifier/m1; started: in seconds, to skip earlier runs."""

    def __init__(self, root: Path, experiment: str, name: str, started: float):
        stage, _, job = name.partition("/")
        self._folder = tracking_folder(root, experiment) / stage / (job or "all")
        self._log: EventLog | None = None
        self._started, self._seen = started, 0
        self.work: Work | None = None

    def look(self) -> bool:
        """Read what was appended; return whether the job has progressed."""
        self._log = self._log or self._present()
        if self._log is None:
            return False
        self._log.refresh()
        before = self.work
        for event in self._log.events[self._seen :]:
            self._take(event)
        self._seen = len(self._log.events)
        return self.work != before

    def _present(self) -> EventLog | None:
        """The log of the attempt that began with the job. None until there is one, though others may be written to:
        the mirror adds the end of a run that was killed."""
        for path in self._folder.glob("*.jsonl"):
            with suppress(FileNotFoundError):  # the mirror removes complete logs
                if path.stat().st_mtime >= self._started - 1 and attempted(log := EventLog(path)) >= self._started:
                    return log
        return None

    def _take(self, event: Event) -> None:
        at = event["time"] / 1000
        work = self.work or Work(at)
        match event["do"]:
            case "parameters" if event["values"].get("epochs", "").isdecimal():
                self.work = replace(work, epochs=int(event["values"]["epochs"]))
            case "metrics" if work.epochs and event["step"] and not is_sample(event["values"]):
                self.work = replace(work, epoch=event["step"])
            case "progress" if at >= self._started:
                # Within an epoch, a training may count other work, such as the images of its validation.
                if work.what in DOMINANT and event["what"] not in DOMINANT and work.done < (work.total or 0):
                    return
                values = {key: event[key] for key in ("what", "done", "total", "each_s")}
                self.work = replace(work, at=at, **values)


def attempted(log: EventLog) -> float:
    """When the last attempt at a run began, in seconds; 0 for a log that has not begun."""
    return max((event["time"] / 1000 for event in log.events if event["do"] in ("begin", "resume")), default=0.0)
