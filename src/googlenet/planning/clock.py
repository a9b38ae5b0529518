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
STEPS_AT_MOST = 100_000  # of a training that is stopped long before


def now() -> float:
    """CPU seconds of this process and its children if one thread does all; wall-clock seconds with more or a GPU."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.synchronize()
    elif torch.get_num_threads() == 1:
        used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(one.ru_utime + one.ru_stime for one in used)
    return time.perf_counter()


def seconds_of(work: Callable[[], float], budget_s: float = BUDGET_S) -> float:
    """Seconds per unit, the median over rounds; work returns the number of units in a round."""
    start = now()
    units = work()
    first = now() - start
    if first > LONG_S:  # otherwise it does not count, since kernels are chosen in it
        return first / units
    times: list[float] = []
    start = now()
    while not times or now() - start < budget_s:
        before = now()
        units = work()
        times.append((now() - before) / units)
    return median(times)


class Enough(Exception):
    """Raised once the training has shown how long its steps take."""


class StepClock(Resume):
    """In place of a training's checkpoints: note when each step ends, and end the training after enough of them."""

    def __init__(self, warm_up: int):
        super().__init__()
        self.warm_up, self.times = warm_up, [now()]

    def step(self, state: Callable[[], object]) -> None:
        self.times.append(now())
        counted = self.times[self.warm_up :]
        if len(counted) > 1 and counted[-1] - counted[0] > BUDGET_S:
            raise Enough


def step_seconds(train: Callable[[Resume], object], warm_up: int) -> float:
    """Seconds per step of a training, including what it loads, after some steps that do not count."""
    clock = StepClock(warm_up)
    with suppress(Enough):
        train(clock)
    return median(after - before for before, after in itertools.pairwise(clock.times[warm_up:]))
