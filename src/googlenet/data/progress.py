"""How far a preparation is: a line every ten seconds."""

import time
from collections.abc import Callable

from googlenet.data.pieces import Piece

EVERY_S = 10.0


class Progress:
    """Counts pictures; says split, done of total, pictures a second and the time left. Called with what is done."""

    def __init__(
        self, pieces: list[Piece], say: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ):
        self._say, self._clock = say, clock
        self._total: dict[str, int] = {}
        for piece in pieces:
            self._total[piece.split] = self._total.get(piece.split, 0) + len(piece.candidates)
        self._done = dict.fromkeys(self._total, 0)
        self._fresh, self._started = 0, clock()
        self._last = self._started

    def __call__(self, piece: Piece, count: int, before: bool) -> None:
        """Count pictures of a piece; `before`: an earlier run packed them, so that they say nothing of the speed."""
        self._done[piece.split] += count
        self._fresh += 0 if before else count
        now = self._clock()
        if now - self._last >= EVERY_S:
            self._last = now
            self._say(self.line(piece.split))

    def line(self, split: str) -> str:
        """Where it stands, at work on a split."""
        done, total = sum(self._done.values()), sum(self._total.values())
        rate = self._fresh / max(self._clock() - self._started, 1e-9)
        left = f"{_time((total - done) / rate)} left" if rate else "time left unknown"
        return (
            f"{split}: {self._done[split]:,} of {self._total[split]:,}; all: {done:,} of {total:,} pictures, "
            f"{rate:,.0f} a second, {left}"
        )


def _time(seconds: float) -> str:
    """Such as "2 h 05 min", "3 min", "20 s"."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"
