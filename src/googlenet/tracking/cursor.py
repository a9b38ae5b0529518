"""How much of an event log MLflow has: saved next to it, in <log>.sent, for the next mirror to continue from."""

import hashlib
import json
import shutil
import sys

from googlenet.storage.files import atomic, json_bytes, remove_parts
from googlenet.tracking.event_log import Event, EventLog, writing
from googlenet.tracking.processes import is_dead, is_local

OWN_KEYS = ("sent", "mlflow_run_id", "uri")  # of the file, which are also attributes
KEYS = {"run_id", "digest", *OWN_KEYS}


class Cursor:
    """How much of one event log MLflow has.

    sent: number of the last event that MLflow has, -1 at first. doubtful: events below this number may have arrived
    unrecorded. mlflow_run_id: "" until MLflow has the first event. is_live: a job on this host is writing the log.
    """

    def __init__(self, log: EventLog, is_new: bool):
        self.log, self._path = log, log.path.with_suffix(".sent")
        self.doubtful = 0 if is_new else len(log.events)
        self.sent, self.mlflow_run_id, self.uri = -1, "", ""
        self.is_live, self.retry_at, self._restarted_at = False, 0.0, ""
        self.replaces = ""  # the MLflow run that the user deleted though the job still needs one
        try:
            note = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return  # missing, unreadable or incomplete: every event is checked before it is sent
        if isinstance(note, dict) and note.keys() >= KEYS and note["run_id"] == log.run_id:
            sent = note["sent"]
            if sent < len(log.events) and note["digest"] == digest(log.events[sent]):
                self.sent, self.mlflow_run_id, self.uri = sent, note["mlflow_run_id"], note["uri"]
            else:  # a crash of the machine lost the end of the log, and new events reuse its numbers
                self.doubtful = sys.maxsize

    def look(self) -> None:
        """Read what was appended; close the log of a dead job. UserError if a file cannot be read or written."""
        self.log.refresh()
        process = self.log.process
        self.is_live = is_local(process) and not is_dead(process)
        self.log.refresh()  # again, as a job that was found dead may have appended after the first read
        self.is_live &= self.log.status == "RUNNING"
        self.log.close_if_dead()

    @property
    def pending(self) -> list[Event]:
        """Events that MLflow does not have."""
        return self.log.events[self.sent + 1 :]

    def open_at(self, uri: str) -> None:
        """Start again from the first event if MLflow's address has changed."""
        if self.uri not in ("", uri):
            self._restart()
        self.uri = uri

    @property
    def may_restart(self) -> bool:
        """Whether the log has not been restarted at this address before."""
        return self._restarted_at != self.uri

    def restart_once(self) -> bool:
        """Start again from the first event, for a store that does not know the run; return False the second time."""
        if may := self.may_restart:
            self._restarted_at = self.uri
            self._restart()
        return may

    def replace_deleted(self) -> None:
        """Start again with a new MLflow run, because the user deleted the former one."""
        self.replaces = self.mlflow_run_id
        self._restart()

    def _restart(self) -> None:
        self.sent, self.mlflow_run_id = -1, ""
        self.doubt()

    def doubt(self) -> None:
        """Have each of the present events checked before it is sent."""
        self.doubtful = max(self.doubtful, len(self.log.events))

    def note(self, sent: int) -> None:
        """Record that MLflow has all events up to number `sent`."""
        self.sent = sent
        content = {name: getattr(self, name) for name in OWN_KEYS}
        content |= {"run_id": self.log.run_id, "digest": digest(self.log.events[sent])}
        with writing(self._path), atomic(self._path, point="note") as part:
            part.write_bytes(json_bytes(content))

    def remove_if_done(self) -> bool:
        """Remove a log that is mirrored and will not be resumed; return whether it was."""
        done = self.log.is_over and not self.pending
        if done:
            with writing(self.log.path):  # in an order that is safe if a kill interrupts it
                shutil.rmtree(self.log.files, ignore_errors=True)
                self.log.path.unlink(missing_ok=True)
                self._path.unlink(missing_ok=True)
                remove_parts(self._path.parent, self._path.name)
        return done


def digest(event: Event) -> str:
    """A short digest of an event."""
    return hashlib.sha256(json.dumps(event, sort_keys=True).encode()).hexdigest()[:16]
