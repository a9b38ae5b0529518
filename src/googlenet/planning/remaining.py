"""How much longer a running DAG will take: pure arithmetic on the plan, on what has happened, and on the time.

A job's expected seconds, except for its start, are scaled by this run's ratio of actual to expected seconds, of its
stage's jobs and of all jobs. A job that counts its steps corrects its own estimate. The rest is laid out on the cores.
"""

import heapq
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from googlenet.pipeline.registry import STAGES
from googlenet.planning.needs import AS

DOMINANT = ("steps", "epochs")  # work that takes most of its job's time; other work is one part of several
OVERDUE = 0.05  # of a job's expected time: the least time left while it runs
LATER = 0.5  # of the time by which a job has exceeded what was expected: the later it is, the longer it may still take
START_S = 5.0  # of a job, before its work: imports and files, which take as long as expected even if the work is slow
LEAST_WORK = 0.3  # of a job's expected time
PLANNED_S = 10.0  # prior: each run is assumed to have done this much work at the expected speed
MOST = 8.0  # of the ratio of all jobs: a larger one means that a stage's plan is wrong, not that the machine is slow
OF_ALL = 0.2  # weight of the ratio of all jobs in that of a stage, in jobs of the stage
SURE_S = 30.0  # of a job, after which the estimate from its counted work has the same weight as the expected time
DVC_STAGE_S = 4.0  # from the last job of a stage to the first of the next: DVC, and a start of Snakemake


@dataclass(frozen=True)
class Planned:
    """A job to run. name: as in train_classifier/m1; after: the jobs that it waits for; log: its log file."""

    name: str
    after: tuple[str, ...] = ()
    threads: int = 1
    priority: int = 0
    gpu: int = 0
    log: str = ""

    @property
    def stage(self) -> str:
        """The job's stage."""
        return stage_of(self.name)


@dataclass(frozen=True)
class Work:
    """How many items (`what`) a job has done at a time (`at`), and seconds per item. epoch: those done, of epochs."""

    at: float
    what: str = ""
    done: int = 0
    total: int | None = None
    each_s: float = 0.0
    epoch: int = 0
    epochs: int = 0

    def left_s(self, now: float) -> float | None:
        """Seconds until the work is done; None if its total or speed is unknown."""
        if self.total is None or not self.each_s:
            return None
        return max(0.0, (self.total - self.done) * self.each_s - (now - self.at))


@dataclass
class State:
    """What has happened to a job; times in seconds."""

    started: float
    ended: float | None = None
    failed: bool = False
    work: Work | None = None


@dataclass
class Run:
    """A run of the DAG so far. expected: seconds by job. later: under DVC, all jobs of the remaining stages, by stage;
    None if they are not known (yet). gpus: None if jobs share none."""

    planned: dict[str, Planned] = field(default_factory=dict)
    states: dict[str, State] = field(default_factory=dict)
    expected: dict[str, float] = field(default_factory=dict)
    later: Mapping[str, Sequence[str]] | None = None
    cores: int = 1
    gpus: int | None = None

    @property
    def running(self) -> dict[str, State]:
        """The running jobs."""
        return {name: state for name, state in self.states.items() if state.ended is None}

    def ended(self, failed: bool) -> list[str]:
        """The jobs that failed, or those that succeeded."""
        return [name for name, state in self.states.items() if state.ended is not None and state.failed == failed]

    @property
    def blocked(self) -> set[str]:
        """Jobs that will not run because one that they wait for failed."""
        lost = set(self.ended(failed=True))
        waiting = [job for job in self.planned.values() if job.name not in self.states]
        while more := {job.name for job in waiting if lost & {*job.after} and job.name not in lost}:
            lost |= more
        return lost - self.states.keys()


@dataclass(frozen=True)
class Left:
    """Seconds left, of the run and of each running job; None if unknown."""

    all_s: float | None
    jobs: Mapping[str, float | None]


def stage_of(name: str) -> str:
    """The stage in a job's name."""
    return name.partition("/")[0]


def remaining(run: Run, now: float) -> Left:
    """What is left of a run at a moment."""
    pace = Pace(run, now)
    running = {name: job_left(state, pace.seconds(name), now) for name, state in run.running.items()}
    blocked = run.blocked
    to_start = [job for job in run.planned.values() if job.name not in run.states and job.name not in blocked]
    whole = {job.name: pace.seconds(job.name) for job in to_start}
    later = {stage: [pace.seconds(name) for name in names] for stage, names in (run.later or {}).items()}
    seconds = [*running.values(), *whole.values(), *(each for stage in later.values() for each in stage)]
    if None in seconds:
        return Left(None, running)
    left = laid_out(run, {name: value or 0.0 for name, value in (running | whole).items()}, to_start)
    for stage, jobs in later.items():
        slots = run.gpus if run.gpus and STAGES[stage].gpu else run.cores
        left += DVC_STAGE_S + makespan([each or 0.0 for each in jobs], slots)
    return Left(left, running)


def job_left(state: State, whole_s: float | None, now: float) -> float | None:
    """Seconds left of a running job, which is expected to take `whole_s`."""
    elapsed, work = now - state.started, state.work
    counted = work.left_s(now) if work else None
    if whole_s is None:
        return counted
    expected = max(whole_s - elapsed, OVERDUE * whole_s, LATER * (elapsed - whole_s))
    if work is None or counted is None:
        return expected
    if work.what in DOMINANT:
        weight = sureness(elapsed)
        return weight * counted + (1 - weight) * expected
    return max(counted, expected)


class Pace:
    """How long jobs take in this run: a job's expected work is scaled by the ratio observed for its stage's jobs, or,
    while few of these are known, for all jobs."""

    def __init__(self, run: Run, now: float):
        self._expected = run.expected
        self._taken: dict[str, list[float]] = defaultdict(list)
        # By stage: the seconds that its jobs' work took, and the seconds expected of it.
        self._work: dict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
        for name, state in run.states.items():
            taken, weight = taken_s(state, now)
            if state.failed or not weight:
                continue
            stage = stage_of(name)
            self._taken[stage].append(taken)
            if expected := run.expected.get(name):
                work, (done, planned) = work_s(expected), self._work[stage]
                took = max(0.0, taken - (expected - work))
                self._work[stage] = done + weight * took, planned + weight * work
        rows = [(PLANNED_S, PLANNED_S), *self._work.values()]
        self._of_all = min(sum(done for done, _ in rows) / sum(planned for _, planned in rows), MOST)

    def seconds(self, name: str) -> float | None:
        """The estimated seconds of a job; None if nothing is known."""
        stage = stage_of(name)
        if not (expected := self._expected.get(name)):
            known = self._taken.get(stage) or self._taken.get(AS.get(stage, ""))
            known = known or [fmean(each) for each in self._taken.values()]
            return fmean(known) if known else None
        work, (done, planned) = work_s(expected), self._work.get(stage, (0.0, 0.0))
        few = OF_ALL * work
        return expected - work + work * (done + few * self._of_all) / (planned + few)


def work_s(expected: float) -> float:
    """The part of a job's expected seconds that is its work."""
    return max(expected - START_S, LEAST_WORK * expected)


def taken_s(state: State, now: float) -> tuple[float, float]:
    """Seconds of a finished job, and 1; for a running one, the estimate from its counted work, and its weight."""
    if state.ended is not None:
        return state.ended - state.started, 1.0
    work = state.work
    left = work.left_s(now) if work and work.what in DOMINANT else None
    return (0.0, 0.0) if left is None else (now - state.started + left, sureness(now - state.started))


def sureness(elapsed: float) -> float:
    """The weight, from 0 to 1, of the estimate from a job's counted work after it has run this long."""
    return elapsed / (elapsed + SURE_S)


def makespan(seconds: Sequence[float], slots: int) -> float:
    """Seconds that independent jobs take on a number of slots, the longest first."""
    ends = [0.0] * max(1, min(slots, len(seconds)))
    for each in sorted(seconds, reverse=True):
        heapq.heapreplace(ends, ends[0] + each)
    return max(ends)


def laid_out(run: Run, seconds: Mapping[str, float], to_start: Sequence[Planned]) -> float:
    """Seconds until all jobs are done, each starting by priority as soon as its predecessors, cores and GPUs allow."""
    ends = [(seconds[name], name) for name in run.running]
    heapq.heapify(ends)
    unmet = {job.name: len({*job.after} & seconds.keys()) for job in to_start}
    following: dict[str, list[Planned]] = defaultdict(list)
    for job in to_start:
        for name in job.after:
            following[name].append(job)
    place = {job.name: number for number, job in enumerate(to_start)}
    ready = [(-job.priority, place[job.name], job) for job in to_start if not unmet[job.name]]
    heapq.heapify(ready)
    free = run.cores, run.gpus or 0
    for _, name in ends:
        free = _taken(run, free, name, -1)
    clock = 0.0
    while ends or ready:
        left_out = []
        while ready and free[0] > 0:
            _, _, job = first = heapq.heappop(ready)
            after = _taken(run, free, job.name, -1)
            if min(after) < 0 and ends:
                left_out.append(first)
                continue
            free = after
            heapq.heappush(ends, (clock + seconds[job.name], job.name))
        for first in left_out:
            heapq.heappush(ready, first)
        clock, name = heapq.heappop(ends)
        free = _taken(run, free, name, 1)
        for job in following[name]:
            unmet[job.name] -= 1
            if not unmet[job.name]:
                heapq.heappush(ready, (-job.priority, place[job.name], job))
    return clock


def _taken(run: Run, free: tuple[int, int], name: str, sign: int) -> tuple[int, int]:
    """Free cores and GPUs after a job takes (-1) or releases (1) its own."""
    job = run.planned.get(name, Planned(name))
    return free[0] + sign * min(job.threads, run.cores), free[1] + sign * (job.gpu if run.gpus else 0)
