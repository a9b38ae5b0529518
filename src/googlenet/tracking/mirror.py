"""The mirror: the only MLflow client of an experiment, which replays its jobs' event logs in order, each event once.

It saves its position next to each log (cursor.py). If it or MLflow is killed, the next mirror continues from there, and
checks which later events have already arrived. A log that is complete and mirrored is removed.
"""

import os
import select
import socket
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from googlenet.errors import UserError, nearest
from googlenet.storage import faults
from googlenet.tracking import replay, reproduction, store
from googlenet.tracking.cursor import Cursor
from googlenet.tracking.event_log import Event, EventLog, InUse, held, tracking_folder
from googlenet.tracking.processes import is_dead

POLL_S = 0.5  # between two reads of the logs
RETRY_S = 10  # after a failed attempt while jobs run; an attempt can take 5 s
NO_TRY_AFTER_S = 6  # at the end of a run, when attempts fail
LATER = "the next run mirrors them, or: googlenet mirror"


class Mirror:
    """Replays the logs of one experiment. Opens the store at the first pending event, and again after a failure."""

    def __init__(self, root: Path, experiment: str):
        self.root, self.experiment = root, experiment
        self.folder = tracking_folder(root, experiment)
        self.is_away = False
        self.unread: set[Path] = set()  # logs that could not be read at the last look
        self._cursors: dict[Path, Cursor] = {}
        self._store: store.Connection | None = None
        self._is_first, self._retry_at = True, 0.0
        self._warnings: set[str] = set()

    def catch_up(self, now: bool = False) -> bool:
        """Replay what is pending, unless it failed a moment ago or `now` is set; return whether nothing is pending."""
        self._look()
        pending = [
            cursor for cursor in self._ordered() if cursor.pending and (now or time.monotonic() >= cursor.retry_at)
        ]
        if pending and (now or time.monotonic() >= self._retry_at):
            try:
                for cursor in pending:
                    self._replay_alone(cursor)
                if self.is_away:
                    store.say("MLflow has all events again")
                self.is_away = False
            except UserError as error:
                self._wait(error)
        for path, cursor in list(self._cursors.items()):
            try:
                if cursor.remove_if_done():
                    del self._cursors[path]
            except UserError as error:
                self._warn_once(error)
        return not self.pending

    def open(self) -> None:
        """Open the store even if nothing is pending, so that its problems are reported when a run starts."""
        try:
            self.connect()
        except UserError as error:
            self._wait(error)

    def _wait(self, error: UserError) -> None:
        """Report an error of the store, if it is the first, and schedule the next attempt."""
        if not self.is_away:
            store.say(f"warning: {error}; events wait in {self.folder} meanwhile")
        self.is_away, self._store, self._retry_at = True, None, time.monotonic() + RETRY_S

    @property
    def pending(self) -> int:
        """Number of events that MLflow does not have."""
        return sum(len(cursor.pending) for cursor in self._cursors.values())

    @property
    def has_live_jobs(self) -> bool:
        """Whether a job of this process's engine is still writing its log. The next mirror handles jobs run by hand."""
        engine = os.environ.get(faults.ENGINE)
        live = (cursor for cursor in self._cursors.values() if cursor.is_live)
        return any(engine and cursor.log.process.get("engine") == engine for cursor in live)

    def connect(self) -> store.Connection:
        """Open the store, and end its runs whose processes died without a log. Raises UserError if that fails."""
        if self._store is None:
            connection = store.connect(self.root, self.experiment)
            with store.translate_errors(connection.uri):
                self._sweep(connection)
            self._store = connection
        return self._store

    def _sweep(self, connection: store.Connection) -> None:
        """Mark as KILLED the RUNNING runs of dead processes on this host that left no log."""
        wanted = f"attributes.status = 'RUNNING' and tags.host = '{socket.gethostname()}'"
        known = {cursor.log.run_id for cursor in self._cursors.values()}
        for run in connection.client.search_runs([connection.experiment_id], wanted, max_results=1000):
            tags = run.data.tags
            if tags.get("run_id", tags.get("journal")) not in known and is_dead(tags):
                connection.client.set_terminated(run.info.run_id, "KILLED")

    def _look(self) -> None:
        """Read what was appended to the logs, and close the logs of dead jobs."""
        self.unread.clear()
        for path in sorted(self.folder.glob("*/*/*.jsonl")):
            try:
                if path not in self._cursors:
                    log = EventLog(path)
                    if not log.events:  # the first line is being written
                        continue
                    self._cursors[path] = Cursor(log, is_new=not self._is_first)
                self._cursors[path].look()
            except UserError as error:
                self.unread.add(path)
                self._warn_once(error)
        self._is_first = False

    def _warn_once(self, error: UserError) -> None:
        """Warn of a problem with one log, but not again at every poll."""
        if str(error) not in self._warnings:
            store.say(f"warning: {error}")
        self._warnings.add(str(error))

    def _ordered(self) -> list[Cursor]:
        """In the order in which jobs began, but those that complete a reproduction last: it holds the runs of other jobs,
        whose hosts' clocks may be ahead."""
        return sorted(
            self._cursors.values(),
            key=lambda each: (reproduction.event_of(each.log) is not None, each.log.events[0]["time"]),
        )

    def _replay_alone(self, cursor: Cursor) -> None:
        """Replay a log; if only this log fails, retry it later. Raises UserError if the failure concerns all logs."""
        connection = self.connect()
        try:
            self._replay(connection, cursor)
        except UserError as error:
            cursor.doubt()
            if isinstance(error, store.Unavailable | store.Gone):
                raise
            cursor.retry_at = time.monotonic() + RETRY_S
            self._warn_once(error)

    def _replay(self, connection: store.Connection, cursor: Cursor) -> None:
        """Replay a log's pending events."""
        cursor.open_at(connection.uri)
        while cursor.pending:
            batch = replay.batch_of(cursor.pending)
            try:
                self._send(connection, cursor, batch)
            except store.Gone:
                if not cursor.restart_once():
                    raise
                continue
            except store.Deleted:
                if cursor.log.status in ("RUNNING", "FINISHED"):
                    cursor.replace_deleted()
                    continue
                batch = cursor.pending  # the user deleted the run of a job that failed: skip its events
            cursor.note(batch[-1]["n"])

    def _send(self, connection: store.Connection, cursor: Cursor, batch: Sequence[Event]) -> None:
        """Send a batch; if MLflow refuses it, send its events singly, and report and skip those that it refuses."""
        first, log = batch[0], cursor.log
        doubtful = first["n"] < cursor.doubtful
        try:
            with store.translate_errors(connection.uri):
                if first["do"] == "begin":
                    cursor.mlflow_run_id = replay.begin(connection, log, doubtful, cursor.replaces)
                    if former := cursor.replaces:
                        what = f"{first['tags']['stage']}/{first['tags']['job']}"
                        store.say(f"warning: the MLflow run of {what} was deleted ({former}); a new one replaces it")
                        cursor.replaces = ""
                else:
                    replay.send(connection, log, cursor.mlflow_run_id, batch, doubtful)
        except store.Refused as error:
            if first["do"] == "begin" or (isinstance(error, store.Gone) and cursor.may_restart):
                raise
            if not isinstance(error, store.Gone) and self._is_deleted(connection, cursor):
                raise store.Deleted(str(error)) from None
            cursor.doubtful = max(cursor.doubtful, batch[-1]["n"] + 1)
            if len(batch) == 1:
                store.say(f"warning: MLflow does not take line {first['n']} ({first['do']}) of {log.path}: {error}")
                return
            for event in batch:
                self._send(connection, cursor, [event])

    def _is_deleted(self, connection: store.Connection, cursor: Cursor) -> bool:
        """Whether the user has deleted a log's run."""
        with store.translate_errors(connection.uri):
            return connection.has_deleted(cursor.mlflow_run_id)


def follow(root: Path, experiment: str, engine: int) -> bool:
    """Mirror an experiment until its engine closes its end of the pipe `engine` and everything is mirrored.

    Returns whether nothing is pending. First waits for an earlier mirror, which may still be finishing another run."""
    with mirroring(root, experiment, wait_s=-1):
        mirror = Mirror(root, experiment)
        mirror.catch_up()
        mirror.open()
        while not select.select([engine], [], [], POLL_S)[0]:  # nothing is ever written: readable means closed
            mirror.catch_up()
        return finish(mirror)


def finish(mirror: Mirror) -> bool:
    """Replay the rest, also of jobs that outlive a killed engine to save their state. Gives up if MLflow stays down."""
    pause, last = 1.0, time.monotonic() + NO_TRY_AFTER_S
    while not mirror.catch_up(now=not mirror.has_live_jobs) or mirror.has_live_jobs:
        if mirror.has_live_jobs:
            pause, last = POLL_S, time.monotonic() + NO_TRY_AFTER_S
        elif time.monotonic() + pause > last:
            store.say(f"warning: {mirror.pending} events for MLflow wait in {mirror.folder}; {LATER}")
            return False
        time.sleep(pause)
        pause *= 2
    return True


def deliver(root: Path, experiment: str = "", thoroughly: bool = False) -> bool:
    """Mirror the pending events of one experiment or of all; return whether MLflow has all events. Reports failures.

    If nothing is pending, MLflow is not even imported, unless `thoroughly` asks to find runs whose log is lost. Skips
    experiments that another process is mirroring, with a note. Raises UserError for an experiment without logs."""
    known = sorted(path.name for path in tracking_folder(root, "").glob("*") if path.is_dir())
    if experiment and experiment not in known:
        raise UserError(f"{experiment}: no job of this experiment has logged anything{nearest(experiment, known)}")
    complete = True
    for name in [experiment] if experiment else known:
        try:
            with mirroring(root, name, wait_s=0):
                mirror = Mirror(root, name)
                complete = mirror.catch_up(now=True) and not mirror.unread and complete
                if thoroughly and not mirror.is_away:
                    mirror.connect()
        except InUse:
            store.say(f"note: {name}: another process is mirroring it; when that has ended, run `googlenet mirror`")
            complete = False
        except UserError as error:
            store.say(f"warning: {error}")
            complete = False
    return complete


def mirroring(root: Path, experiment: str, wait_s: float) -> AbstractContextManager[None]:
    """Be the experiment's only mirror within the block. Tests can inject a kill here."""
    faults.of_job(f"mirror/{experiment}")
    return held(tracking_folder(root, experiment), wait_s)
