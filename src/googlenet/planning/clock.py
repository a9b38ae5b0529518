"""Clocks for the stages' own code: seconds of a unit of work, and of a step inside a training that is then ended."""

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

BUDGET_S = 0.3  # for one rate
LONG_S = 1.5  # what takes longer is done once
STEPS_AT_MOST = 100_000  # of a training that is ended long before


def now() -> float:
    """Seconds of this process and its children where one thread does all; of the wall with more threads or a GPU."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.synchronize()
    elif torch.get_num_threads() == 1:
        used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(one.ru_utime + one.ru_stime for one in used)
    return time.perf_counter()


def seconds_of(work: Callable[[], float], budget_s: float = BUDGET_S) -> float:
    """Seconds of one unit, the median over rounds; work returns how many units a round was."""
    start = now()
    units = work()
    first = now() - start
    if first > LONG_S:  # else it does not count: kernels are chosen in it
        return first / units
    times: list[float] = []
    start = now()
    while not times or now() - start < budget_s:
        before = now()
        units = work()
        times.append((now() - before) / units)
    return median(times)


class Enough(Exception):
    """The training has shown how long its steps take."""


class Clocked(Sequence[np.ndarray]):
    """Images for a training that note when each step begins to ask for its own, and end it after enough of them."""

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
    """Seconds of a step of a training that is given these images, what it loads included."""
    with suppress(Enough):
        train(clocked)
    return median(after - before for before, after in itertools.pairwise(clocked.times[clocked.warm_up :]))


@contextmanager
def as_in_a_job(compute: Compute) -> Iterator[None]:
    """Threads and determinism as a job has them; afterwards as before."""
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
