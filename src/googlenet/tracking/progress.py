"""Progress of long work, as lines in the job's log: how much is done, how fast, and how long the rest will take.

Work counts its items wherever it runs; lines come only within `reporting`, as in a job. No result depends on it: the
package's modules of tracking are in no code digest, and counting an item takes a reading of the clock.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

FIRST_S = 5.0  # after the start of the work
EVERY_S, RAREST_S = 20.0, 300.0  # between two lines: a fiftieth of the time so far, within these bounds
T = TypeVar("T")


class _Reporter(NamedTuple):
    say: Callable[[str], object] | None
    clock: Callable[[], float]


_reporter = _Reporter(None, time.monotonic)


@contextmanager
def reporting(say: Callable[[str], object], clock: Callable[[], float] = time.monotonic) -> Iterator[None]:
    """Within the block, pass lines of progress to `say`. clock: in seconds."""
    global _reporter
    before, _reporter = _reporter, _Reporter(say, clock)
    try:
        yield
    finally:
        _reporter = before


class Progress:
    """Counts the items of one piece of work. what: its name in the lines, such as "images"; total: None if unknown."""

    def __init__(self, what: str, total: int | None, done: int = 0):
        self.what, self.total, self.done = what, total, done
        self._reporter, self._fresh = _reporter, 0
        self._started = self._reporter.clock()
        self._due = self._started + FIRST_S

    def add(self, count: int = 1, before: bool = False) -> None:
        """Count items that are done; `before`: an earlier attempt did them, so they do not count towards the speed."""
        self.done += count
        self._fresh += 0 if before else count
        if self._reporter.say is not None and (now := self._reporter.clock()) >= self._due:
            elapsed = now - self._started
            self._due = now + min(max(EVERY_S, elapsed / 50), RAREST_S)
            self._reporter.say(self._line(elapsed))

    def _line(self, elapsed: float) -> str:
        of = "" if self.total is None else f" of {self.total:,}"
        line = f"{self.what}: {self.done:,}{of}"
        if not self._fresh:
            return f"{line}, time left unknown"
        each = elapsed / self._fresh
        speed = (
            f"{each:.1f} s each"
            if each > 1
            else f"{1 / each:.1f} a second"
            if each > 0.1
            else f"{1 / each:,.0f} a second"
        )
        left = "" if self.total is None else f", {duration((self.total - self.done) * each)} left"
        return f"{line}, {speed}{left}"


def counted(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """Yield the items, and count each as done when the next one is asked for. total: if the items have no length."""
    progress = Progress(what, len(items) if total is None and isinstance(items, Sized) else total)
    for item in items:
        yield item
        progress.add()


def note(line: str) -> None:
    """Report work whose progress cannot be counted, before it starts."""
    if _reporter.say is not None:
        _reporter.say(line)


def duration(seconds: float) -> str:
    """A time as in "40 s", "12 min", "5 h 33 min" or "56 days"."""
    hours, minutes = divmod(round(seconds / 60), 60)
    if seconds < 60:
        return f"{seconds:.0f} s"
    if hours >= 100:
        return f"{hours / 24:.0f} days"
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"
