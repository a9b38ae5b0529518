"""The mirror: the one MLflow client of an experiment, which replays its jobs' event logs in order, each event once.

It notes how far it has come beside each log, in <log>.sent. If it is killed, or MLflow is, the next mirror continues
from there, and checks what may have arrived without a note. A log that is complete and mirrored is removed.
"""

import hashlib
import json
import select
import shutil
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from googlenet.errors import UserError
from googlenet.storage import faults
from googlenet.storage.files import atomic, json_bytes, remove_parts
from googlenet.tracking import replay, store
from googlenet.tracking.event_log import Event, EventLog, InUse, held, tracking_folder, writing
from googlenet.tracking.processes import is_dead, is_local
from googlenet.tracking.replay import warn

POLL_S = 0.5  # between two looks at the logs
RETRY_S = 10  # after a failed attempt while jobs run; an attempt can take 5 s
NO_TRY_AFTER_S = 6  # at the end of a run, when attempts fail
LATER = "the next run mirrors them, or: googlenet mirror"


class Cursor:
    """How far MLflow has one event log.

    sent: number of the last event that MLflow has, -1 at first. doubtful: events below this number may have arrived
    without a note. mlflow_run_id: "" until MLflow has the first event.
    """

    def __init__(self, log: EventLog, is_new: bool):
        self.log, self._path = log, log.path.with_suffix(".sent")
        self.doubtful = 0 if is_new else len(log.events)
        self.sent, self.mlflow_run_id, self.uri = -1, "", ""
        try:
            note = json.loads(self._path.read_bytes())
        except (FileNotFoundError, ValueError):
            return  # missing or torn: then every event is checked before it is sent
        sent = note.get("sent", -1)
        # A crash of the machine can lose the end of a log, and new events then reuse its numbers.
        if note.get("run_id") == log.run_id and sent < len(log.events) and note["digest"] == digest(log.events[sent]):
            self.sent, self.mlflow_run_id, self.uri = sent, note["mlflow_run_id"], note["uri"]

    @property
    def pending(self) -> list[Event]:
        """Events that MLflow does not have."""
        return self.log.events[self.sent + 1 :]

    def open_at(self, uri: str) -> None:
        """Start again from the first event if MLflow is at another address than before."""
        if self.uri not in ("", uri):
            self.sent, self.doubtful, self.mlflow_run_id = -1, len(self.log.events), ""
        self.uri = uri

    def note(self, sent: int) -> None:
        """Record that MLflow has all events up to number `sent`."""
        self.sent = sent
        content = {name: getattr(self, name) for name in ("sent", "mlflow_run_id", "uri")}
        content |= {"run_id": self.log.run_id, "digest": digest(self.log.events[sent])}
        with writing(self._path), atomic(self._path, point="note") as part:
            part.write_bytes(json_bytes(content))

    def remove_if_done(self) -> bool:
        """Remove a log that is mirrored and will not be resumed; return whether it was."""
        done = self.log.is_over and not self.pending
        if done:
            self.log.path.unlink(missing_ok=True)
            self._path.unlink(missing_ok=True)
            remove_parts(self._path.parent, self._path.name)
            shutil.rmtree(self.log.files, ignore_errors=True)
        return done


def digest(event: Event) -> str:
    """A short digest of an event."""
    return hashlib.sha256(json.dumps(event, sort_keys=True).encode()).hexdigest()[:16]


class Mirror:
    """Replays the logs of one experiment. Opens the store at the first pending event, and again after a failure."""

    def __init__(self, root: Path, experiment: str):
        self.root, self.experiment = root, experiment
        self.folder = tracking_folder(root, experiment)
        self.is_away = False
        self._cursors: dict[Path, Cursor] = {}
        self._store: store.Connection | None = None
        self._is_first, self._next_try = True, 0.0

    def replay(self, now: bool = False) -> bool:
        """Replay what is pending, unless MLflow failed a moment ago; return whether nothing is pending."""
        try:
            self._look()
            pending = [cursor for cursor in self._ordered() if cursor.pending]
            if pending and (now or time.monotonic() >= self._next_try):
                for cursor in pending:
                    self._replay_log(cursor)
                if self.is_away:
                    print("MLflow answers again, and has all events", file=sys.stderr, flush=True)
                self.is_away = False
        except UserError as error:
            if not self.is_away:
                warn(f"{error}; events wait in {self.folder} meanwhile")
            self.is_away, self._store, self._next_try = True, None, time.monotonic() + RETRY_S
        self._cursors = {path: cursor for path, cursor in self._cursors.items() if not cursor.remove_if_done()}
        return not self.pending

    @property
    def pending(self) -> int:
        """Number of events that MLflow does not have."""
        return sum(len(cursor.pending) for cursor in self._cursors.values())

    @property
    def has_live_jobs(self) -> bool:
        """Whether a job on this host is still writing its log."""
        running = [cursor.log.process for cursor in self._cursors.values() if cursor.log.status == "RUNNING"]
        return any(is_local(process) and not is_dead(process) for process in running)

    def sweep(self) -> None:
        """Mark as KILLED the RUNNING runs of dead processes on this host that left no log."""
        try:
            client, uri, experiment_id, _ = self._connect()
            with store.translate_errors(uri):
                wanted = f"attributes.status = 'RUNNING' and tags.host = '{socket.gethostname()}'"
                known = {cursor.log.run_id for cursor in self._cursors.values()}
                for run in client.search_runs([experiment_id], wanted, max_results=1000):
                    tags = run.data.tags
                    if tags.get("run_id", tags.get("journal")) not in known and is_dead(tags):
                        client.set_terminated(run.info.run_id, "KILLED")
        except UserError as error:
            warn(f"runs of dead processes could not be looked for: {error}")

    def _look(self) -> None:
        """Read what was appended to the logs, and close those of dead jobs."""
        for path in sorted(self.folder.glob("*/*/*.jsonl")):
            if path not in self._cursors:
                log = EventLog(path)
                if not log.events:  # the first line is being written
                    continue
                self._cursors[path] = Cursor(log, is_new=not self._is_first)
            log = self._cursors[path].log
            log.refresh()
            log.close_if_dead()
        self._is_first = False

    def _ordered(self) -> list[Cursor]:
        return sorted(self._cursors.values(), key=lambda cursor: cursor.log.events[0]["time"])

    def _connect(self) -> store.Connection:
        if self._store is None:
            self._store = store.connect(self.root, self.experiment)
        return self._store

    def _replay_log(self, cursor: Cursor) -> None:
        """Replay a log's pending events. UserError if MLflow does not answer; the rest of them stays pending."""
        connection = self._connect()
        cursor.open_at(connection.uri)
        try:
            while cursor.pending:
                batch = replay.batch_of(cursor.pending)
                self._send(connection, cursor, batch)
                cursor.note(batch[-1]["n"])
        except UserError:
            cursor.doubtful = len(cursor.log.events)
            raise

    def _send(self, connection: store.Connection, cursor: Cursor, batch: Sequence[Event]) -> None:
        """Send a batch; events that MLflow refuses are reported and skipped, one by one."""
        first, log = batch[0], cursor.log
        doubtful = first["n"] < cursor.doubtful
        try:
            with store.translate_errors(connection.uri):
                if first["do"] == "begin":
                    cursor.mlflow_run_id = replay.begin(connection, log, doubtful)
                else:
                    replay.send(connection, log, cursor.mlflow_run_id, batch, doubtful)
        except store.Refused as error:
            if first["do"] == "begin":
                raise
            cursor.doubtful = max(cursor.doubtful, batch[-1]["n"] + 1)
            if len(batch) == 1:
                warn(f"MLflow does not take line {first['n']} ({first['do']}) of {log.path}: {error}")
                return
            for event in batch:
                self._send(connection, cursor, [event])


def follow(root: Path, experiment: str, engine: int) -> bool:
    """Mirror an experiment until its engine's end of the pipe `engine` is closed, and what is left is mirrored.

    Returns whether nothing is pending. Waits for an earlier mirror to end: it may still be at the rest of another run."""
    with mirroring(root, experiment, wait_s=-1):
        mirror = Mirror(root, experiment)
        if mirror.replay():
            mirror.sweep()
        while not select.select([engine], [], [], POLL_S)[0]:  # nothing is ever written: readable means closed
            mirror.replay()
        return finish(mirror)


def finish(mirror: Mirror) -> bool:
    """Replay the rest, of jobs too that outlive a killed engine to save their state. Gives up if MLflow stays away."""
    pause, last = 1.0, time.monotonic() + NO_TRY_AFTER_S
    while not mirror.replay(now=not mirror.has_live_jobs) or mirror.has_live_jobs:
        if mirror.has_live_jobs:
            pause, last = POLL_S, time.monotonic() + NO_TRY_AFTER_S
        elif time.monotonic() + pause > last:
            warn(f"{mirror.pending} events for MLflow wait in {mirror.folder}; {LATER}")
            return False
        time.sleep(pause)
        pause *= 2
    return True


def deliver(root: Path, experiment: str = "", thoroughly: bool = False) -> bool:
    """Mirror what jobs left, of one experiment or of all; return whether nothing is pending. Reports failures.

    If nothing is pending, MLflow is not even imported; but `thoroughly` also looks for runs whose log is lost. An
    experiment that another process is mirroring is left to it."""
    base, complete = tracking_folder(root, experiment), True
    for name in [experiment] if experiment else sorted(path.name for path in base.glob("*") if path.is_dir()):
        try:
            with mirroring(root, name, wait_s=0):
                mirror = Mirror(root, name)
                complete = mirror.replay(now=True) and complete
                if thoroughly and not mirror.is_away:
                    mirror.sweep()
        except InUse:
            continue
        except UserError as error:  # for example, a full disk
            warn(str(error))
            complete = False
    return complete


def mirroring(root: Path, experiment: str, wait_s: float) -> AbstractContextManager[None]:
    """Be the experiment's only mirror within the block; also the place where tests can kill it."""
    faults.of_job(f"mirror/{experiment}")
    return held(tracking_folder(root, experiment), wait_s)
