"""How far the predicted time left was from the truth in a run that has ended: python benchmarks/time_left.py RUN...

RUN: a file of .googlenet/progress/. The run is replayed: from a third of it on, a prediction is right if it is within a quarter of the truth, or 15 s.
JSON keys, of each run: "run_s", "predictions", "right", "worst" (the largest error, in units of what is allowed).
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from googlenet.planning.remaining import remaining
from googlenet.progress.timeline import Event, Timeline, read

EVERY_S = 5.0
FROM = 1 / 3
SHARE, SECONDS = 0.25, 15.0  # allowed error: the larger of this share of the truth and these seconds


class Prediction(NamedTuple):
    """At one moment of a run: predicted seconds left (None if unknown), and the true ones; all in seconds."""

    at: float
    predicted: float | None
    truth: float

    @property
    def error(self) -> float:
        """The error in units of the allowed error."""
        if self.predicted is None:
            return float("inf")
        return abs(self.predicted - self.truth) / max(SHARE * self.truth, SECONDS)


def replayed(events: list[Event]) -> Iterator[Prediction]:
    """Predict the time left of a run every few seconds, from the events up to then."""
    begun = events[0]["time"]
    end = max(event["time"] for event in events if event["do"] == "end")
    timeline, waiting, now = Timeline(), sorted(events, key=lambda event: event["time"]), begun + FROM * (end - begun)
    while now < end:
        due = [event for event in waiting if event["time"] <= now]
        for event in due:
            timeline.apply(event)
        waiting = waiting[len(due) :]
        yield Prediction(now - begun, remaining(timeline.run, now).all_s, end - now)
        now += EVERY_S


def main() -> None:
    """Print a line per run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    for path in parser.parse_args().runs:
        rows = list(replayed(read(path)))
        worst = max(rows, key=lambda row: row.error)
        right = sum(row.error <= 1 for row in rows)
        values = {"run_s": round(rows[-1].at + rows[-1].truth), "predictions": len(rows), "right": right}
        print(json.dumps({"run": str(path), **values, "worst": round(worst.error, 2), "worst_at_s": round(worst.at)}))


if __name__ == "__main__":
    main()
