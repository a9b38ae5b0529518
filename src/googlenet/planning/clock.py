"""Clocks for the stages' own code: seconds per unit of work, and per step of a training that is then cut short."""

import itertools
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from statistics import median

import numpy as np
import torch

from googlenet.config.schema.shared import Compute
from googlenet.models.determinism import prepare_machine

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


class Clocked(Sequence[np.ndarray]):
    """Images for a training: note when each step asks for its first one, and end the training after enough steps."""

    def __init__(self, images: Sequence[np.ndarray], length: int, per_step: int, warm_up: int):
        self.images, self.length, self.per_step, self.warm_up = images, length, per_step, warm_up
        self.asked, self.times = 0, list[float]()

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> np.ndarray:  # type: ignore[override]  # trainings take no slices
        if self.asked % self.per_step == 0:
            self.times.append(now())
            seen = self.times[self.warm_up :]
            if len(seen) > 1 and seen[-1] - seen[0] > BUDGET_S:
                raise Enough
        self.asked += 1
        return self.images[index % len(self.images)]


def step_seconds(train: Callable[[Clocked], object], clocked: Clocked) -> float:
    """Seconds per step of a training on these images, including what it loads."""
    with suppress(Enough):
        train(clocked)
    return median(after - before for before, after in itertools.pairwise(clocked.times[clocked.warm_up :]))


@contextmanager
def as_in_a_job(compute: Compute) -> Iterator[None]:
    """Set threads and determinism as in a job; restore them afterwards."""
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    settings = torch.utils.deterministic
    fill = settings.fill_uninitialized_memory  # type: ignore[attr-defined]  # set at import
    try:
        prepare_machine(compute.numeric_threads, compute.device)
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(deterministic)
        settings.fill_uninitialized_memory = fill  # type: ignore[attr-defined]
