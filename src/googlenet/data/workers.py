"""Pieces of work done side by side, in processes of their own, for as long as the process that asked for them lives.

A worker ends within a picture when it is told to (SIGTERM), and when its parent is gone, be it by kill -9: it then
drops its shard. It is spawned and not forked, since OpenCV and Arrow have threads of their own.
"""

import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext
from multiprocessing.process import BaseProcess
from typing import NamedTuple

import cv2

from googlenet.data.pack import NoteHead, Task, pack_shard
from googlenet.data.pieces import Piece
from googlenet.errors import Stopped, UserError

REPORT_EVERY_S = 1.0
ENDS_WITHIN_S = 30
STOPPED = "told to stop; the shards that are done are kept, and the same command goes on"

# A piece, how many more images of it are done, and whether an earlier run packed them.
OnProgress = Callable[[Piece, int, bool], None]
Message = int | NoteHead | BaseException  # a count of images, a piece that is done, or what went wrong


def pack_all(
    pieces: list[Piece], task: Task, count: int, stop: Callable[[], bool], on_progress: OnProgress
) -> Iterator[tuple[int, NoteHead]]:
    """Pack all pieces by `count` workers; give (place of the piece, head of its note) as each is done, in any order.

    One worker is this process. Raises what a worker raised, Stopped when `stop()` says so, and UserError for a worker that
    was killed. Workers end with the iterator.
    """
    count = min(count, len(pieces))
    if count <= 1:
        for place, piece in enumerate(pieces):
            progress = _Progress(piece, on_progress)
            head = pack_shard(piece, task, _watched(progress, stop))
            progress.end(head)
            yield place, head
        return
    context = multiprocessing.get_context("spawn")
    waiting, workers = iter(enumerate(pieces)), [_spawn(context, task) for _ in range(count)]
    try:
        busy = {worker: _assign(worker, next(waiting), on_progress) for worker in workers}
        while busy:
            if stop():
                raise Stopped(STOPPED)
            ready = wait([worker.connection for worker in busy], timeout=REPORT_EVERY_S)
            for worker in [worker for worker in busy if worker.connection in ready]:
                message = _received(worker)
                place, progress = busy[worker]
                if isinstance(message, int):
                    progress.add(message)
                    continue
                progress.end(message)
                del busy[worker]
                following = next(waiting, None)
                if following:
                    busy[worker] = _assign(worker, following, on_progress)
                yield place, message
    finally:
        _shutdown(workers)


class _Progress:
    """How many images of a piece were reported."""

    def __init__(self, piece: Piece, on_progress: OnProgress):
        self._piece, self._on_progress, self._left = piece, on_progress, len(piece.candidates)

    def add(self, count: int) -> None:
        self._left -= count
        self._on_progress(self._piece, count, False)

    def end(self, head: NoteHead) -> None:
        """Report the rest, which for a piece that was packed before is all."""
        self._on_progress(self._piece, self._left, head.kept)


class Worker(NamedTuple):
    """A process and our end of the pipe to it."""

    connection: Connection
    process: BaseProcess


def _watched(progress: _Progress, stop: Callable[[], bool]) -> Callable[[], None]:
    """What `pack_shard` calls after each image in this very process."""

    def after() -> None:
        if stop():
            raise Stopped(STOPPED)
        progress.add(1)

    return after


def _spawn(context: SpawnContext, task: Task) -> Worker:
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, task), daemon=True)
    process.start()
    theirs.close()  # or its end would not be noticed
    return Worker(ours, process)


def _assign(worker: Worker, numbered: tuple[int, Piece], on_progress: OnProgress) -> tuple[int, _Progress]:
    """Hand a piece to a worker."""
    place, piece = numbered
    with _alive(worker):
        worker.connection.send(piece)
    return place, _Progress(piece, on_progress)


def _received(worker: Worker) -> int | NoteHead:
    """What a worker sends: a count of images or the head of a note. Raises what it raised."""
    with _alive(worker):
        message: Message = worker.connection.recv()
    if isinstance(message, BaseException):
        raise message
    return message


@contextmanager
def _alive(worker: Worker) -> Iterator[None]:
    """Turn the end of a worker that nobody told to end into one line."""
    try:
        yield
    except (EOFError, BrokenPipeError, ConnectionResetError):
        worker.process.join(ENDS_WITHIN_S)
        raise UserError(
            f"execution.prepare_workers: a worker was killed (exit code {worker.process.exitcode}), maybe for want of"
            " memory; lower the key, and the same command goes on"
        ) from None


def _shutdown(workers: list[Worker]) -> None:
    """End all workers, and wait until they have dropped what they were at."""
    for worker in workers:
        worker.connection.close()
        worker.process.terminate()
    for worker in workers:
        worker.process.join(ENDS_WITHIN_S)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()


def _serve(connection: Connection, task: Task) -> None:
    """A worker's whole life: it packs what comes, until the pipe ends or it is told to."""
    ended: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: ended.append(number))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C goes to the whole group; the parent decides
    cv2.setNumThreads(1)
    parent = os.getppid()
    with suppress(EOFError, BrokenPipeError, ConnectionResetError, Stopped):
        while not ended:
            piece = connection.recv()
            connection.send(_answer(piece, task, _ProgressSender(connection, parent, ended)))


def _answer(piece: Piece, task: Task, on_image: "_ProgressSender") -> NoteHead | BaseException:
    try:
        return pack_shard(piece, task, on_image)
    except (Stopped, BrokenPipeError, ConnectionResetError):
        raise
    except (UserError, OSError) as error:
        return error
    except Exception:
        return RuntimeError(f"a worker failed at {piece.name}:\n{traceback.format_exc()}")


class _ProgressSender:
    """Sends the parent the number of images once a second; ends the work when the parent is gone or says so."""

    def __init__(self, connection: Connection, parent: int, ended: list[int]):
        self._connection, self._parent, self._ended = connection, parent, ended
        self._count, self._last = 0, time.monotonic()

    def __call__(self) -> None:
        if self._ended or os.getppid() != self._parent:
            raise Stopped(STOPPED)
        self._count += 1
        if time.monotonic() - self._last >= REPORT_EVERY_S:
            self._connection.send(self._count)
            self._count, self._last = 0, time.monotonic()
