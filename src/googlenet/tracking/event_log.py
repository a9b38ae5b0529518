"""The event log of one run of one job: numbered lines of JSON, each written when the call that appends it returns.

In .googlenet/tracking/<experiment>/<stage>/<job>/: <stamp>-<id>.jsonl, the events; a folder <stamp>-<id>, copies of
small artefacts; lock, held by the job while it runs. Only its holder appends; anyone may read. Files of former versions
are named <stamp>.jsonl. The events, by "do": begin, parameters, inputs, metrics, progress, artifact, end; reproduction,
for a run that completes an experiment; resume, for a further attempt; drop, when no further attempt will follow.
"""

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from googlenet.errors import UserError
from googlenet.storage import faults
from googlenet.storage.files import locked
from googlenet.tracking.processes import is_dead, process

COPIED_BYTES = 16 * 2**20  # larger artefacts are not copied: the mirror reads the original

Event = dict[str, Any]
# A tag: the digest of their versions and of the precision. Under others, jobs start from the beginning.
LIBRARIES = "libraries"


class InUse(UserError):
    """Another process holds a lock of tracking: the job is running, or its experiment is being mirrored."""


class EventLog:
    """The events of one run. run_id: our own id, a UUID, which exists before MLflow's. after: when the job's former
    runs ended, in ms; new events get later times, whatever the clock says, so that the latest run is current."""

    def __init__(self, path: Path, run_id: str = "", after: int = 0):
        self.path, self.files, self.run_id, self.after = path, path.with_suffix(""), run_id, after
        self.events: list[Event] = []
        self._length = 0  # bytes of the events read or written; at most an incomplete line follows
        self._appending = RLock()  # a job's system metrics come from another thread
        self.refresh()

    def refresh(self) -> None:
        """Read the events that were appended since the last call."""
        try:
            with open(self.path, "rb") as file:
                file.seek(self._length)
                events, length = whole_lines(file.read(), len(self.events))
        except FileNotFoundError:  # not begun, or complete and removed
            return
        except OSError as error:
            raise UserError(f"{self.path}: cannot be read ({error.strerror}); make it readable") from None
        self.events += events
        self._length += length
        if self.events:
            self.run_id = str(self.events[0].get("run_id") or self.events[0]["identity"])  # identity: former versions

    @property
    def status(self) -> str:
        """RUNNING, or how the last attempt ended."""
        last = next(event for event in reversed(self.events) if event["do"] in ("begin", "resume", "end"))
        return str(last.get("status", "RUNNING"))

    @property
    def process(self) -> dict[str, str]:
        """The tags of the process that ran the last attempt."""
        return next(event["tags"] for event in reversed(self.events) if event["do"] in ("begin", "resume"))

    @property
    def stamp(self) -> str:
        """The stamp of the job's configuration and inputs, as in the log's file name."""
        return short_stamp(self.events[0]["tags"])

    @property
    def libraries(self) -> str | None:
        """The first attempt's digest of the versions of the libraries; None in logs of former versions."""
        tags: Mapping[str, str] = self.events[0]["tags"]
        return tags.get(LIBRARIES)

    @property
    def is_over(self) -> bool:
        """Whether no job will resume the run."""
        return self.status == "FINISHED" or self.events[-1]["do"] == "drop"

    @property
    def logged(self) -> set[tuple[str, int]]:
        """Names and steps of all metrics."""
        return {(key, event["step"]) for event in self.events if event["do"] == "metrics" for key in event["values"]}

    def begin(self, tags: Mapping[str, str], parameters: Mapping[str, str], inputs: Mapping[str, str]) -> None:
        """Append the first events, or, after an earlier attempt, a resume event."""
        if self.events:
            self.append("resume", tags={**tags, **process()})
        else:
            self.append("begin", run_id=self.run_id, tags={**tags, **process()})
        written = {event["do"] for event in self.events}  # an earlier attempt may have been killed before these
        for do, values in (("parameters", parameters), ("inputs", inputs)):
            if do not in written:
                self.append(do, values=dict(values))

    def append(self, do: str, **content: Any) -> None:
        """Append an event, completely or not at all. UserError if the file cannot be written."""
        with self._appending, writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.path, "ab", buffering=0) as file:
                if file.tell() > self._length:
                    self.refresh()  # a signal may have come between writing a line and counting it
                    file.truncate(self._length)  # the rest is a line that a kill interrupted
                moment = max(int(time.time() * 1000), self.after + 1)
                event = {"n": len(self.events), "do": do, "time": moment, **content}
                line = json.dumps(event).encode() + b"\n"
                if file.write(line) < len(line):
                    file.truncate(self._length)
                    raise OSError(0, "no space left")
            self._length += len(line)
            self.events.append(event)
        faults.reached("event")

    def append_artifact(self, path: Path) -> None:
        """Append an artefact, copied if it is small, so that the mirror sends its present content."""
        file = os.path.relpath(path, self.path.parent)  # relative: the project's folder may be moved meanwhile
        if Path(path).stat().st_size <= COPIED_BYTES:
            file = f"{len(self.events)}/{Path(path).name}"
            copy = self.files / file
            with writing(copy):
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
        self.append("artifact", file=file)

    def artifact_path(self, event: Event) -> Path:
        """The file of an artefact's event: the copy if there is one, else the original."""
        copy = self.files / event["file"]
        return copy if copy.is_file() else Path(os.path.normpath(self.path.parent / event["file"]))

    def close_if_dead(self) -> None:
        """Append the end event that a killed process could not, unless another attempt has begun."""
        if self.status == "RUNNING" and is_dead(self.process):
            try:
                with held(self.path.parent, wait_s=0):
                    self.refresh()
                    if self.status == "RUNNING" and is_dead(self.process):
                        self.append("end", status="KILLED")
            except InUse:
                return

    def drop(self) -> None:
        """Record that no job will resume this run."""
        if self.status == "RUNNING":
            self.append("end", status="KILLED")
        if not self.is_over:
            self.append("drop")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Within the block, raise UserError if a file cannot be written."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}); make room for it") from None


def whole_lines(content: bytes, number: int = 0) -> tuple[list[Event], int]:
    """The events before the first incomplete or out-of-order one, and their length in bytes. number: of the first."""
    events: list[Event] = []
    length = 0
    for raw in content.splitlines(keepends=True):
        try:
            event = json.loads(raw) if raw.endswith(b"\n") else {}
        except ValueError:
            break
        if not isinstance(event, dict) or event.get("n") != number + len(events):
            break
        events.append(event)
        length += len(raw)
    return events, length


def short_stamp(tags: Mapping[str, str]) -> str:
    """The stamp as used in file names."""
    return tags.get("stamp", "")[:12] or "unstamped"


def tracking_folder(root: Path, experiment: str) -> Path:
    """The folder of an experiment's event logs."""
    return Path(root).resolve() / ".googlenet" / "tracking" / experiment


def logs_of_job(folder: Path) -> list[EventLog]:
    """The logs of one job, oldest run first. Call it only while holding the job's lock."""
    logs = []
    for log in map(EventLog, sorted(folder.glob("*.jsonl"))):
        if log.events:
            logs.append(log)
        else:  # its first line is incomplete, so it was never mirrored; or the mirror has just removed it
            log.path.unlink(missing_ok=True)
    return sorted(logs, key=lambda log: log.events[0]["time"])


def held(folder: Path, wait_s: float) -> AbstractContextManager[None]:
    """Hold the lock of a folder of tracking. InUse if another process holds it for longer than `wait_s`."""
    busy = InUse(f"{folder}/lock: held by another process; is the job running twice? end one")
    return locked(folder / "lock", wait_s, busy)
