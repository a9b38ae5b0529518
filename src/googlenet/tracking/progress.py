"""Progress of long work, as lines in the job's log and as events in its event log: how much is done, and how fast.

Work counts its items wherever it runs; lines are written only within `reporting`, as in a job, events only within
`recording`. No result depends on it: code digests exclude `tracking/`, and counting an item only reads the clock.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

FIRST_S = 5.0  # from the start of the work to the first line
EVERY_S, RAREST_S = 20.0, 300.0  # between two lines: a fiftieth of the time so far, within these bounds
EVENT_S = 3.0  # as EVERY_S, but between two events, and before the first
T = TypeVar("T")
Record = Callable[[str, int, int | None, float], object]  # arguments: what, done, total, seconds per item


class _Reporter(NamedTuple):
    say: Callable[[str], object] | None
    clock: Callable[[], float]
    record: Record | None = None


_reporter = _Reporter(None, time.monotonic)


@contextmanager
def reporting(say: Callable[[str], object], clock: Callable[[], float] = time.monotonic) -> Iterator[None]:
    """Within the block, pass progress lines to `say`. clock: in seconds."""
    with _reporting(_Reporter(say, clock)):
        yield


@contextmanager
def recording(record: Record) -> Iterator[None]:
    """Within the block, also pass the numbers to `record`: what, done, total (None if unknown), seconds per item."""
    with _reporting(_reporter._replace(record=record)):
        yield


@contextmanager
def _reporting(reporter: _Reporter) -> Iterator[None]:
    global _reporter
    before, _reporter = _reporter, reporter
    try:
        yield
    finally:
        _reporter = before


class Progress:
    """Counts the items of one piece of work. what: the items' name, such as "images"; total: None if unknown."""

    def __init__(self, what: str, total: int | None, done: int = 0):
        self.what, self.total, self.done = what, total, done
        self._reporter, self._fresh = _reporter, 0
        self._started = self._reporter.clock()
        self._due, self._event_due = self._started + FIRST_S, self._started + EVENT_S

    def add(self, count: int = 1, before: bool = False) -> None:
        """Count items that are done; `before`: an earlier attempt did them, so they do not count towards the speed."""
        self.done += count
        self._fresh += 0 if before else count
        if self._reporter.say is None or (now := self._reporter.clock()) < min(self._due, self._event_due):
            return
        elapsed = now - self._started
        if now >= self._due:
            self._due = now + min(max(EVERY_S, elapsed / 50), RAREST_S)
            self._reporter.say(self._line(elapsed))
        if now >= self._event_due:
            self._event_due = now + min(max(EVENT_S, elapsed / 50), RAREST_S)
            if self._reporter.record is not None and self._fresh:
                self._reporter.record(self.what, self.done, self.total, elapsed / self._fresh)

    def _line(self, elapsed: float) -> str:
        of = "" if self.total is None else f" of {self.total:,}"
        line = f"{self.what}: {self.done:,}{of}"
        if not self._fresh:
            return f"{line}, time left unknown"
        each = elapsed / self._fresh
        left = "" if self.total is None else f", {duration((self.total - self.done) * each)} left"
        return f"{line}, {speed(each)}{left}"


def counted(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """Yield the items, and count each as done when the next is requested. total: for items without a length."""
    progress = Progress(what, len(items) if total is None and isinstance(items, Sized) else total)
    for item in items:
        yield item
        progress.add()


def note(line: str) -> None:
    """Report work whose progress cannot be counted, before it starts."""
    if _reporter.say is not None:
        _reporter.say(line)


def speed(each_s: float) -> str:
    """A speed as in "2.5 s each" or "1,200 a second", from the seconds per item."""
    if each_s > 1:
        return f"{each_s:.1f} s each"
    return f"{1 / each_s:.1f} a second" if each_s > 0.1 else f"{1 / each_s:,.0f} a second"


def duration(seconds: float) -> str:
    """A time as in "40 s", "12 min", "5 h 33 min" or "56 days"."""
    hours, minutes = divmod(round(seconds / 60), 60)
    if seconds < 60:
        return f"{seconds:.0f} s"
    if hours >= 100:
        return f"{hours / 24:.0f} days"
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"
