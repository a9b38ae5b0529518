"""Pack pieces in parallel worker processes, which live no longer than the process that started them.

A worker stops within one image, and discards its shard, on SIGTERM and when its parent is gone, even by kill -9.
Workers are spawned, not forked, because OpenCV and Arrow have threads of their own.
"""

import multiprocessing
import os
import signal
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection, wait

import cv2

from googlenet.data.pack import NoteHead, Piece, Task, pack_shard
from googlenet.errors import Stopped, UserError

REPORT_EVERY_S, SAY_EVERY_S = 1.0, 10.0
ENDS_WITHIN_S = 30
STOPPED = "told to stop; the shards that are done are kept, and the same command goes on"
GONE = (EOFError, BrokenPipeError, ConnectionResetError)  # raised by a pipe whose other end is closed


class Progress:
    """Counts images; every ten seconds reports split, done of total, images per second and the time left."""

    def __init__(self, pieces: list[Piece], say: Callable[[str], object], clock: Callable[[], float] = time.monotonic):
        self._say, self._clock = say, clock
        self._left = {piece.name: len(piece.candidates) for piece in pieces}
        self._total = Counter(piece.split for piece in pieces for _ in piece.candidates)
        self._done: Counter[str] = Counter()
        self._fresh, self._started = 0, clock()
        self._last = self._started

    def add(self, piece: Piece, count: int, before: bool = False) -> None:
        """Count images of a piece; `before`: an earlier run packed them, so they do not count towards the speed."""
        self._left[piece.name] -= count
        self._done[piece.split] += count
        self._fresh += 0 if before else count
        now = self._clock()
        if now - self._last >= SAY_EVERY_S:
            self._last = now
            self._say(self._line(piece.split))

    def end(self, piece: Piece, before: bool) -> None:
        """Count the rest of a piece: all of it if it was packed before."""
        self.add(piece, self._left[piece.name], before)

    def _line(self, split: str) -> str:
        done, total = self._done.total(), self._total.total()
        rate = self._fresh / max(self._clock() - self._started, 1e-9)
        seconds = (total - done) / rate if rate else 0.0
        hours, minutes = divmod(round(seconds / 60), 60)
        left = f"{hours} h {minutes:02d} min left" if hours else f"{minutes} min left"
        if seconds < 60:
            left = f"{seconds:.0f} s left" if rate else "time left unknown"
        here = f"{split}: {self._done[split]:,} of {self._total[split]:,}"
        return f"{here}; all: {done:,} of {total:,} images, {rate:,.0f} a second, {left}"


def pack_all(
    pieces: list[Piece], task: Task, count: int, stop: Callable[[], bool], progress: Progress
) -> Iterator[tuple[int, NoteHead]]:
    """Pack all pieces with `count` workers; yield (index, note header) of each piece when done, in any order.

    A single worker is this process. All end with the iterator. Raises a worker's error, Stopped, UserError if killed.
    """

    def on_image(piece: Piece) -> None:
        if stop():
            raise Stopped(STOPPED)
        progress.add(piece, 1)

    if (count := min(count, len(pieces))) <= 1:
        for place, piece in enumerate(pieces):
            head = pack_shard(piece, task, partial(on_image, piece))
            progress.end(piece, head.kept)
            yield place, head
        return
    waiting, workers = iter(enumerate(pieces)), [_Worker(task) for _ in range(count)]
    try:
        busy = {worker: worker.send(*next(waiting)) for worker in workers}
        while busy:
            if stop():
                raise Stopped(STOPPED)
            ready = wait([worker.connection for worker in busy], timeout=REPORT_EVERY_S)
            for worker in [worker for worker in busy if worker.connection in ready]:
                place, piece = busy[worker]
                message = worker.receive()
                if isinstance(message, int):
                    progress.add(piece, message)
                    continue
                progress.end(piece, message.kept)
                del busy[worker]
                if following := next(waiting, None):
                    busy[worker] = worker.send(*following)
                yield place, message
    finally:
        for worker in workers:
            worker.connection.close()
            worker.process.terminate()
        for worker in workers:  # each first discards its current shard
            worker.process.join(ENDS_WITHIN_S)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()


class _Worker:
    """A process that packs the pieces sent to it, and our end of the pipe to it."""

    def __init__(self, task: Task):
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, task), daemon=True)
        self.process.start()
        theirs.close()  # otherwise the worker's exit would go unnoticed

    def send(self, place: int, piece: Piece) -> tuple[int, Piece]:
        """Send a piece to the worker; return it with its index."""
        try:
            self.connection.send(piece)
        except GONE:
            raise self._killed() from None
        return place, piece

    def receive(self) -> int | NoteHead:
        """Return the count of images newly done, or the note header of a finished piece. Raises a worker's error."""
        try:
            message: int | NoteHead | Exception = self.connection.recv()
        except GONE:
            raise self._killed() from None
        if isinstance(message, Exception):
            raise message
        return message

    def _killed(self) -> UserError:
        self.process.join(ENDS_WITHIN_S)
        what = f"a worker was killed (exit code {self.process.exitcode}), maybe for want of memory"
        return UserError(f"execution.prepare_workers: {what}; lower the key, and the same command goes on")


def _serve(connection: Connection, task: Task) -> None:
    """Main loop of a worker: pack the pieces received until the pipe closes or it is told to stop."""
    ended: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: ended.append(number))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole process group; the parent decides
    cv2.setNumThreads(1)
    parent = os.getppid()
    with suppress(Stopped, *GONE):
        while not ended:
            piece: Piece = connection.recv()
            answer: NoteHead | Exception
            try:
                answer = pack_shard(piece, task, _reporter(connection, parent, ended))
            except (Stopped, BrokenPipeError, ConnectionResetError):
                raise
            except (UserError, OSError) as error:
                answer = error
            except Exception:
                answer = RuntimeError(f"a worker failed at {piece.name}:\n{traceback.format_exc()}")
            connection.send(answer)


def _reporter(connection: Connection, parent: int, ended: list[int]) -> Callable[[], None]:
    """Return a callback that sends the parent image counts once a second, and stops if the parent is gone or asks."""
    count, last = 0, time.monotonic()

    def on_image() -> None:
        nonlocal count, last
        if ended or os.getppid() != parent:
            raise Stopped(STOPPED)
        count += 1
        if time.monotonic() - last >= REPORT_EVERY_S:
            connection.send(count)
            count, last = 0, time.monotonic()

    return on_image
