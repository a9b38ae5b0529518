"""A job's run as numbered lines of JSON: everything meant for MLflow, written to disk before it is delivered.

In .googlenet/tracking/<experiment>/<stage>/<job>/: <stamp>.jsonl, the lines; <stamp>.sent, the number of the last line
delivered to MLflow; <stamp>/, copies of small artefacts; lock, held by the job, or after its end by whoever delivers.
"""

import json
import os
import shutil
import socket
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from googlenet.errors import UserError
from googlenet.storage.files import atomic, json_bytes, locked

COPIED_BYTES = 16 * 2**20  # a larger artefact is not copied: delivery reads the original


class InUse(UserError):
    """Another process holds the journals of a job: the job is running, or its journals are being delivered."""


class Journal:
    """One run of one job. Open it only while holding the job's lock.

    lines: everything written. sent: number of the last line that MLflow has, -1 at first. doubtful: lines below this
    number may have arrived without our knowing. run_id, experiment_id: MLflow's, "" until the first line is delivered."""

    def __init__(self, path: Path):
        self.path, self.files, self._noted = path, path.with_suffix(""), path.with_suffix(".sent")
        content = path.read_bytes() if path.exists() else b""
        self.lines, length = whole_lines(content)
        if length < len(content):
            os.truncate(path, length)  # a line cut short by a kill
        self.doubtful = len(self.lines)
        try:
            note = json.loads(self._noted.read_bytes())
        except (FileNotFoundError, ValueError):
            note = {}  # missing or torn: then every line is checked before it is sent
        if not self.lines or note.get("identity") != self.identity:
            note = {}
        self.sent = min(note.get("sent", -1), len(self.lines) - 1)
        self.run_id: str = note.get("run_id", "")
        self.experiment_id: str = note.get("experiment_id", "")
        self.uri = note.get("uri", "")
        if note and self.sent < note["sent"]:
            self.note(self.sent, self.uri)  # lines that were sent are torn here, and new lines will reuse their numbers

    @property
    def identity(self) -> str:
        """This run's own name, which exists before MLflow's."""
        return str(self.lines[0]["identity"])

    @property
    def pending(self) -> list[dict[str, Any]]:
        """Lines not yet delivered."""
        return self.lines[self.sent + 1 :]

    @property
    def status(self) -> str:
        """RUNNING, or how the last attempt ended."""
        last = next(line for line in reversed(self.lines) if line["do"] in ("begin", "resume", "end"))
        return str(last.get("status", "RUNNING"))

    @property
    def process(self) -> dict[str, str]:
        """The tags of the process that ran the last attempt."""
        return next(line["tags"] for line in reversed(self.lines) if line["do"] in ("begin", "resume"))

    @property
    def is_over(self) -> bool:
        """Whether no job will resume it."""
        return self.status == "FINISHED" or self.lines[-1]["do"] == "drop"

    @property
    def logged(self) -> set[tuple[str, int]]:
        """Names and steps of all metrics."""
        return {(key, line["step"]) for line in self.lines if line["do"] == "metrics" for key in line["values"]}

    def begin(self, tags: Mapping[str, str], parameters: Mapping[str, str], inputs: Mapping[str, str]) -> None:
        """Write the first lines, or, after an earlier attempt, that the run resumes."""
        if self.lines:
            self.add("resume", tags={**tags, **process()})
        else:
            self._noted.unlink(missing_ok=True)
            shutil.rmtree(self.files, ignore_errors=True)
            self.add("begin", identity=uuid.uuid4().hex, tags={**tags, **process()})
        written = {line["do"] for line in self.lines}  # an earlier attempt may have been killed before these
        for do, values in (("parameters", parameters), ("inputs", inputs)):
            if do not in written:
                self.add(do, values=dict(values))

    def add(self, do: str, **said: Any) -> None:
        """Append a line, completely or not at all. UserError if the file cannot be written."""
        line = {"n": len(self.lines), "do": do, "time": int(time.time() * 1000), **said}
        content = json.dumps(line).encode() + b"\n"
        with writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.path, "ab", buffering=0) as file:
                before = file.tell()
                if file.write(content) < len(content):
                    os.truncate(self.path, before)
                    raise OSError(0, "no space left")
        self.lines.append(line)

    def keep(self, path: Path) -> None:
        """Add an artefact, with a copy if it is small, so that a later delivery sends its present content."""
        file = str(Path(path).absolute())
        if Path(path).stat().st_size <= COPIED_BYTES:
            file = f"{len(self.lines)}/{Path(path).name}"
            place = self.files / file
            with writing(place):
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, place)
        self.add("artifact", file=file)

    def note(self, sent: int, uri: str) -> None:
        """Record that MLflow at `uri` has all lines up to number `sent`."""
        self.sent, self.uri = sent, uri
        names = ("sent", "run_id", "experiment_id", "uri", "identity")
        with writing(self._noted), atomic(self._noted, point="note") as part:
            part.write_bytes(json_bytes({name: getattr(self, name) for name in names}))

    def address(self, uri: str) -> None:
        """Start again from the first line if MLflow is at another address than before."""
        if self.uri not in ("", uri):
            self.sent, self.doubtful, self.run_id, self.experiment_id = -1, len(self.lines), "", ""
        self.uri = uri

    def close_for_the_dead(self) -> None:
        """Write the end line that a killed process could not write."""
        if self.status == "RUNNING" and is_dead(self.process):
            self.add("end", status="KILLED")

    def drop(self) -> None:
        """Record that no job will resume this run."""
        if self.status == "RUNNING":
            self.add("end", status="KILLED")
        if not self.is_over:
            self.add("drop")

    def set_aside(self) -> None:
        """Rename this journal to make room for a new one of the same stamp."""
        former = self.path, self.files, self._noted
        stem = self.path.with_name(f"{self.path.stem}-{self.identity[:8]}")
        self.path, self.files, self._noted = stem.with_suffix(".jsonl"), stem, stem.with_suffix(".sent")
        for old, new in reversed(list(zip(former, (self.path, self.files, self._noted), strict=True))):
            if old.exists():
                old.rename(new)  # the lines last: after a kill before that, this is done again

    def remove_if_done(self) -> None:
        """Remove a journal that is delivered and will not be resumed."""
        if self.is_over and not self.pending:
            self.path.unlink(missing_ok=True)
            self._noted.unlink(missing_ok=True)
            shutil.rmtree(self.files, ignore_errors=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Within the block, raise UserError if a file cannot be written."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}); make room for it") from None


def whole_lines(content: bytes) -> tuple[list[dict[str, Any]], int]:
    """The lines before the first that is torn or out of order, and their length in bytes."""
    lines: list[dict[str, Any]] = []
    length = 0
    for raw in content.splitlines(keepends=True):
        try:
            line = json.loads(raw) if raw.endswith(b"\n") else {}
        except ValueError:
            break
        if not isinstance(line, dict) or line.get("n") != len(lines):
            break
        lines.append(line)
        length += len(raw)
    return lines, length


def place_of(root: Path, experiment: str) -> Path:
    """The folder of an experiment's journals."""
    return Path(root).resolve() / ".googlenet" / "tracking" / experiment


def journals(folder: Path) -> list[Journal]:
    """The journals of one job, oldest run first. Call it only while holding the job's lock."""
    whole = []
    for journal in map(Journal, sorted(folder.glob("*.jsonl"))):
        if journal.lines:
            whole.append(journal)
        else:  # torn in its first line: nothing was delivered
            journal.path.unlink()
    return sorted(whole, key=lambda journal: journal.lines[0]["time"])


def identities(folder: Path) -> set[str]:
    """The identities of all journals of an experiment at this moment. Needs no lock."""
    firsts = [whole_lines(path.read_bytes())[0][:1] for path in folder.glob("*/*/*.jsonl") if path.exists()]
    return {lines[0]["identity"] for lines in firsts if lines}


def held(folder: Path, wait_s: float) -> AbstractContextManager[None]:
    """Hold the lock of one job's journals. InUse if another process holds it for longer than `wait_s`."""
    busy = InUse(f"{folder}/lock: held by another process; is the job running twice? end one")
    return locked(folder / "lock", wait_s, busy)


def process() -> dict[str, str]:
    """Tags that identify this process: host, pid, and its start time, "" if /proc does not provide it."""
    return {"host": socket.gethostname(), "pid": str(os.getpid()), "started": started(os.getpid())}


def started(pid: int) -> str:
    """When a process started: the boot and the ticks since; "" if it has ended, or without /proc."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()
    except OSError:
        return ""
    return "" if after_name[0] == "Z" else f"{boot[:8]}-{after_name[19]}"


def is_dead(tags: Mapping[str, str]) -> bool:
    """Whether the process that these tags identify has ended; detects PID reuse. False for another host's."""
    if tags.get("host") != socket.gethostname() or not tags.get("pid", "").isdecimal():
        return False
    try:
        os.kill(int(tags["pid"]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # it is running, as another user
        pass
    return bool(tags.get("started")) and started(int(tags["pid"])) != tags["started"]
