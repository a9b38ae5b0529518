"""Checkpointing for long jobs: a kill costs a minute of work, and changes no bit of the result.

A job's state is in .googlenet/resume/, not among its outputs, which Snakemake deletes when a job fails. A state is
valid only for one stamp (configuration and inputs), one set of library versions and one precision; images' results
also for one engine.
"""

import json
import os
import platform
import shutil
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from googlenet.errors import Stopped, UserError
from googlenet.models.determinism import return_freed_memory
from googlenet.storage import checkpoint, faults
from googlenet.storage.files import locked
from googlenet.tracking.processes import started
from googlenet.tracking.progress import Progress

if TYPE_CHECKING:
    from torch import Tensor

Arrays = Mapping[str, np.ndarray]
FOLDER = Path(".googlenet/resume")
LAUNCHER = "GOOGLENET_LAUNCHER"  # in one of several processes of a job: the one that started them, <pid>@<machine>
PIECE_MB = 64
WATCH_S = 1.0
LOCK_TIMEOUT_S = 60  # enough for a job that survived a killed engine to notice (within WATCH_S), save and exit

_stop_requested = threading.Event()
_signalled = threading.Event()  # this process got a signal; _stop_requested is also set if another of its team did


class Resume:
    """Saves and loads one job's state; without a folder it saves nothing, and the job is never asked to stop."""

    def __init__(
        self,
        folder: Path | None = None,
        every_s: float = 60.0,
        saves: bool = True,
        agreed: Callable[[bool], bool] = bool,
    ):
        """saves: false if another process of the same job saves the state. agreed: maps whether this process was asked
        to stop to whether any process was, with the same answer in all of them at the same step."""
        self.folder, self.every_s, self.used, self.resumed = folder, every_s, False, False
        self._saved, self._saves, self._agreed, self._by = time.monotonic(), saves, agreed, ""

    def only_by(self, engine: str) -> None:
        """Have `items` reuse only what this engine computed; another machine may not have the former one."""
        self._by = f"-{engine}"

    def load(self) -> "tuple[dict[str, Tensor], Any] | None":
        """The last saved state: tensors on the CPU, and the rest. None if there is none."""
        self.used = True
        if self.folder is None or not (path := self._path("state")).exists():
            return None
        tensors, metadata = checkpoint.load(path)
        self.resumed = True
        print(f"resuming from {path}", flush=True)
        return tensors, json.loads(metadata["rest"])

    def step(self, state: "Callable[[], tuple[Mapping[str, Tensor], Any]]") -> None:
        """Call after every step: saves `state()` when it is due. Raises Stopped if the job was asked to stop."""
        faults.reached("batch")
        if self._agreed(_stop_requested.is_set()):
            _stop_requested.set()
        if self._due():
            self._write(state)
            if _stop_requested.is_set():
                self._agreed(True)  # a barrier: the first to exit ends the others, so none may before the save
            self._after_save()

    def save(self, state: "Callable[[], tuple[Mapping[str, Tensor], Any]]") -> None:
        """Save `state()` now: before work that keeps no state of its own, so that a restart repeats that work alone."""
        if self.folder is not None:
            self._write(state)
        self._agreed(False)  # a barrier: the first to exit ends the others, so none may go on before the save

    def check(self) -> None:
        """Raise Stopped if the job was asked to stop: within such work."""
        if self.folder is not None and _stop_requested.is_set():
            raise saved_and_stopped()

    def items(self, total: int, compute: Callable[[int], Iterator[Arrays]], name: str = "piece") -> Iterator[Arrays]:
        """The arrays of items 0 to total - 1, in order: those of an earlier attempt, then those from compute(start).

        An item is an image, and has at least one array. `name` distinguishes the lists of one job. Raises Stopped,
        between items, if asked to stop.
        """
        progress = Progress("images", total)
        if self.folder is None:
            for arrays in compute(0) if total else ():
                yield arrays
                progress.add()
            return
        self.used = True
        done = 0
        while (path := self._path(f"{name}{self._by}-{done:09d}")).exists():
            kept = unpacked(checkpoint.load_arrays(path)[0])
            yield from kept
            done += len(kept)
        progress.add(done, before=True)
        if done:
            self.resumed = True
            print(f"resuming after {done} of {total}", flush=True)
        waiting, size_mb = [], 0.0
        for arrays in compute(done) if done < total else ():
            waiting.append(arrays)
            size_mb += sum(array.nbytes for array in arrays.values()) / 1e6
            faults.reached("piece")
            yield arrays
            progress.add()
            if self._due() or size_mb > PIECE_MB:
                checkpoint.save_arrays(self._path(f"{name}{self._by}-{done:09d}"), packed(waiting), {})
                return_freed_memory()
                done += len(waiting)
                waiting, size_mb = [], 0.0
                self._after_save()

    def stop_requested(self) -> bool:
        """Whether the job was asked to stop; the caller must then save its own progress and raise Stopped promptly."""
        self.used = True
        return _stop_requested.is_set()

    def clear(self) -> None:
        """Delete the state: the job is done."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _write(self, state: "Callable[[], tuple[Mapping[str, Tensor], Any]]") -> None:
        if self._saves:
            tensors, rest = state()
            checkpoint.save(self._path("state"), tensors, {"rest": json.dumps(rest)})

    def _path(self, name: str) -> Path:
        assert self.folder is not None  # nothing is saved without a folder
        return self.folder / f"{name}.safetensors"

    def _due(self) -> bool:
        return self.folder is not None and (time.monotonic() - self._saved >= self.every_s or _stop_requested.is_set())

    def _after_save(self) -> None:
        self._saved = time.monotonic()
        if _stop_requested.is_set():
            raise saved_and_stopped()


def saved_and_stopped() -> Stopped:
    """The error of a job that was asked to stop and has saved its progress."""
    return Stopped("asked to stop; the progress is saved, and the same command resumes the job")


NOWHERE = Resume()


def packed(items: list[Arrays]) -> dict[str, np.ndarray]:
    """Items as one dict of arrays, with keys "<number of the item> <name>"."""
    return {f"{at:06d} {name}": array for at, item in enumerate(items) for name, array in item.items()}


def unpacked(arrays: Arrays) -> list[dict[str, np.ndarray]]:
    """The inverse of `packed`. Each item has at least one array."""
    items: dict[str, dict[str, np.ndarray]] = defaultdict(dict)
    for key in sorted(arrays):
        at, name = key.split(" ", 1)
        items[at][name] = arrays[key]
    return list(items.values())


@contextmanager
def opened(root: Path, job: Path, key: str, every_s: float, agreed: Callable[[bool], bool] = bool) -> Iterator[Resume]:
    """The state of a job, <experiment>/<stage>/<job>, locked while it runs; deletes other configurations' states first,
    and its own when the job succeeds. Raises UserError if another process holds the lock for LOCK_TIMEOUT_S.
    """
    home = root / FOLDER / job
    busy = UserError(f"{home}/lock: another process runs this job; end it, then run the same command again")
    with locked(home / "lock", LOCK_TIMEOUT_S, busy):
        for path in home.iterdir():
            if path.is_dir() and path.name != key:
                shutil.rmtree(path)
        kept = Resume(home / key, every_s, agreed=agreed)
        yield kept
        kept.clear()


def followed(root: Path, job: Path, key: str, agreed: Callable[[bool], bool]) -> Resume:
    """The state of a job that another of its processes has opened: this one only loads it, and stops after a save."""
    return Resume(root / FOLDER / job / key, float("inf"), saves=False, agreed=agreed)


@contextmanager
def listening(resume: Resume) -> Iterator[None]:
    """Within the block, the first SIGTERM or Ctrl-C lets a job that saves its state do so, and ends others at once. A second
    one ends it while it saves, but not one of several processes: a cluster signals these beside their launcher, which
    passes its own signal on, and kills them if they take too long."""
    insistent = LAUNCHER not in os.environ

    def on_signal(*_: Any) -> None:
        if not resume.used:
            raise Stopped("asked to stop; the same command starts this job again from its beginning")
        if _signalled.is_set() and insistent:
            raise Stopped(
                "asked twice to stop; the same command resumes the job from the last state that it saved, if any"
            )
        _signalled.set()
        _stop_requested.set()

    _stop_requested.clear()
    _signalled.clear()
    before = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    watch_engine()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def watch_engine() -> None:
    """Stop this process when the engine, or the launcher, that started it has exited."""
    engine, _, machine = os.environ.get(LAUNCHER, os.environ.get(faults.ENGINE, "")).partition("@")
    if engine and machine == platform.node():  # a cluster's node does not see the processes of the head node
        threading.Thread(target=_watch, args=(int(engine),), daemon=True).start()


def _watch(engine: int) -> None:
    """Stop this job when the engine that started it has exited, because nothing would use the result."""
    began = started(engine)
    while began and started(engine) == began:
        time.sleep(WATCH_S)
    if began or started(os.getpid()):  # without /proc, it is unknown whether the engine runs
        os.kill(os.getpid(), signal.SIGTERM)
