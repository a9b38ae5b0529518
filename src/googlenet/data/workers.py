"""Pack pieces in parallel worker processes, which never outlive the process that started them.

Workers are spawned, not forked, because OpenCV and Arrow have threads of their own.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from ctypes import Array, c_bool, c_int64
from functools import partial
from threading import Thread
from typing import NamedTuple

import cv2

from googlenet.data.pack import NoteHead, Piece, Task, pack_shard
from googlenet.errors import Stopped, UserError
from googlenet.storage.files import remove_parts
from googlenet.tracking.progress import Progress

POLL_EVERY_S = 1.0
STOPPED = "stopped; finished shards are kept, and the same command goes on"


class PackingProgress:
    """Counts the images of all pieces; pieces packed by an earlier run do not count towards the speed."""

    def __init__(self, pieces: list[Piece]):
        self._left = {piece.name: len(piece.candidates) for piece in pieces}
        self._progress = Progress("images packed", sum(self._left.values()))

    def add(self, piece: Piece, count: int, before: bool = False) -> None:
        """Count images of a piece; `before`: an earlier run packed them."""
        self._left[piece.name] -= count
        self._progress.add(count, before)

    def end(self, piece: Piece, before: bool) -> None:
        """Count the rest of a piece: all of it if it was packed before."""
        self.add(piece, self._left[piece.name], before)


def pack_all(pieces: list[Piece], task: Task, count: int, stop: Callable[[], bool]) -> Iterator[tuple[int, NoteHead]]:
    """Pack all pieces with `count` workers; yield (index, note header) of each piece when done, in any order.

    A single worker is this process. All end with the iterator. Raises a worker's error, Stopped, UserError if killed.
    """
    progress = PackingProgress(pieces)

    def on_image(piece: Piece) -> None:
        if stop():
            raise Stopped(STOPPED)
        progress.add(piece, 1)

    if (count := min(count, len(pieces))) <= 1:
        for index, piece in enumerate(pieces):
            head = pack_shard(piece, task, partial(on_image, piece))
            progress.end(piece, head.kept)
            yield index, head
        return
    context = multiprocessing.get_context("spawn")
    shared = _Shared(task, context.RawArray(c_int64, len(pieces)), context.RawValue(c_bool))
    counted, processes = [0] * len(pieces), []
    pool = ProcessPoolExecutor(count, context, _start, (shared,))
    try:
        running = {pool.submit(_pack, index, piece): index for index, piece in enumerate(pieces)}
        processes = multiprocessing.active_children()
        while running:
            if stop():
                raise Stopped(STOPPED)
            finished, _ = wait(running, POLL_EVERY_S, FIRST_COMPLETED)
            for index in running.values():
                before, counted[index] = counted[index], shared.done[index]
                progress.add(pieces[index], counted[index] - before)
            for future in finished:
                index, head = running.pop(future), future.result()
                progress.end(pieces[index], head.kept)
                yield index, head
    except BrokenProcessPool:
        if stop():  # a signal to the whole process group also ends the workers
            raise Stopped(STOPPED) from None
        pool.shutdown()
        # The pool terminates the other workers when one dies.
        codes = [process.exitcode for process in processes if process.exitcode not in (None, 0, -signal.SIGTERM)]
        what = f"a worker was killed (exit code {codes[0] if codes else -signal.SIGTERM}), maybe for want of memory"
        raise UserError(f"execution.prepare_workers: {what}; lower the key, and the same command goes on") from None
    finally:
        shared.stopping.value = True
        pool.shutdown(cancel_futures=True)
        remove_parts(task.shards)


class _Shared(NamedTuple):
    """A worker's arguments. `done`, the number of images done of each piece, and `stopping` are in shared memory."""

    task: Task
    done: "Array[c_int64]"
    stopping: c_bool


_shared: _Shared  # of this worker


def _start(shared: _Shared) -> None:
    """Prepare a new worker process."""
    global _shared
    _shared = shared
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole process group; the parent decides
    cv2.setNumThreads(1)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this worker when its parent is gone, even after kill -9: otherwise it would wait for work forever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _pack(index: int, piece: Piece) -> NoteHead:
    """Pack one piece in a worker process."""

    def on_image() -> None:
        if _shared.stopping.value:
            raise Stopped(STOPPED)
        _shared.done[index] += 1

    return pack_shard(piece, _shared.task, on_image)
