"""Clocks for the stages' own code: seconds per unit of work, and per step of a training that is then cut short."""

import itertools
import resource
import time
from collections.abc import Callable
from contextlib import suppress
from statistics import median

import torch

from googlenet.pipeline.resume import Resume

BUDGET_S = 0.3  # per rate
LONG_S = 1.5  # anything that takes longer is run only once
STEPS_AT_MOST = 100_000  # of a training, which is stopped long before


def now() -> float:
    """CPU seconds of this process and its children on one thread; wall-clock seconds with more threads or a GPU."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.synchronize()
    elif torch.get_num_threads() == 1:
        used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(one.ru_utime + one.ru_stime for one in used)
    return time.perf_counter()


def seconds_of(work: Callable[[], float], budget_s: float = BUDGET_S) -> float:
    """Median seconds per unit over several rounds; `work` runs a round and returns its number of units."""
    start = now()
    units = work()
    first = now() - start
    if first > LONG_S:  # otherwise discard the first round, in which kernels are chosen
        return first / units
    times: list[float] = []
    start = now()
    while not times or now() - start < budget_s:
        before = now()
        units = work()
        times.append((now() - before) / units)
    return median(times)


class Enough(Exception):
    """Raised to end a training once enough of its steps are timed."""


class StepClock(Resume):
    """Replaces a training's checkpointing: records when each step ends, and ends the training after enough steps."""

    def __init__(self, warm_up: int):
        super().__init__()
        self.warm_up, self.times = warm_up, [now()]

    def step(self, state: Callable[[], object]) -> None:
        self.times.append(now())
        counted = self.times[self.warm_up :]
        if len(counted) > 1 and counted[-1] - counted[0] > BUDGET_S:
            raise Enough


def step_seconds(train: Callable[[Resume], object], warm_up: int) -> float:
    """Seconds per step of a training, including loading, after some warm-up steps."""
    clock = StepClock(warm_up)
    with suppress(Enough):
        train(clock)
    return median(after - before for before, after in itertools.pairwise(clock.times[warm_up:]))
