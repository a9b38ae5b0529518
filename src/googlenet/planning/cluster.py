"""An experiment on several nodes: when each stage starts and ends, how long the whole takes, the cheapest layout."""

import heapq
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

from googlenet.config.schema.detection import TrainMultibox
from googlenet.pipeline.experiment import Experiment, Job
from googlenet.pipeline.registry import STAGES
from googlenet.planning.schedule import JobPlan, StagePlan

LAYOUTS = (1, 2, 4, 8, 16, 32, 64)  # nodes
MOST = 64  # GPUs, or nodes if none has one
Graph = dict[Job, list[Job]]  # the jobs that each job waits for


class Node(NamedTuple):
    """The resources of one node."""

    cores: int
    gpus: int
    memory_mb: int


class Task(NamedTuple):
    """What a job occupies, and for how long."""

    seconds: float
    cores: int
    gpus: int
    memory_mb: int

    @classmethod
    def of(cls, job: JobPlan, node: Node) -> "Task":
        """A job as it runs alone on a node: if it needs more of a resource than there is, it takes all of it."""
        cores = min(node.cores, max(1, ceil(job.cpu_s / job.wall_s))) if job.wall_s else 1
        memory_mb = min(node.memory_mb, ceil(sum(job.memory_mb.values())))  # an integer, so that sums are exact
        return cls(job.wall_s, cores, min(node.gpus, int(job.gpu_s > 0)), memory_mb)


@dataclass
class Simulation:
    """A simulated run: the first start and last end of each stage, and the seconds for which GPUs were busy."""

    nodes: int
    node: Node
    makespan_s: float
    stages: dict[str, tuple[float, float]]
    gpu_s: float

    @property
    def gpus(self) -> int:
        """GPUs of all nodes."""
        return self.nodes * self.node.gpus

    @property
    def cost_h(self) -> float:
        """GPU hours occupied, or node hours if the nodes have no GPU."""
        return self.makespan_s / 3600 * (self.gpus or self.nodes)


def graph(experiment: Experiment, stages: Sequence[StagePlan], after: Mapping[str, Sequence[str]]) -> Graph:
    """The jobs that each job waits for: of each stage before it, those that `needed` selects."""
    names = {stage.stage: [job.name for job in stage.jobs] for stage in stages}
    waits: Graph = {}
    for stage, jobs in names.items():
        for name in jobs:
            waits[Job(stage, name)] = [
                Job(before, other)
                for before in after.get(stage, ())
                for other in names.get(before, ())
                if other == needed(experiment, Job(stage, name), before, other)
            ]
    return waits


def needed(experiment: Experiment, job: Job, before: str, other: str) -> str:
    """The name of the job of an earlier stage that a job needs: `other` itself if it needs all of them; "" if none."""
    per, wanted = STAGES[before].per, STAGES[job.stage].per
    if per == wanted and per in ("member", "detector"):
        return job.name
    if per == wanted == "part" and job.stage == "merge_proposals":
        return job.name
    if per == "member" and wanted == "detector":
        return experiment.detectors[job.name].init_from
    if per == "member" and job.stage == "train_multibox":
        return experiment.of(TrainMultibox).init_from
    if per == "member" and job.stage == "analyse_units":
        return experiment.analysed_member
    if per == "member" and job.stage == "measure_export":
        return experiment.exported_member
    if per == "member" and job.stage == "compare_ablations":
        return other if (before, other) in experiment.ablation_sources.values() else ""
    return other


def remaining(tasks: Mapping[Job, Task], waits: Graph) -> dict[Job, float]:
    """Seconds of the longest chain that starts with each job."""
    followers: Graph = defaultdict(list)
    for job, before in waits.items():
        for one in before:
            followers[one].append(job)
    known: dict[Job, float] = {}
    for job in reversed(in_order(waits)):
        known[job] = tasks[job].seconds + max((known[one] for one in followers[job]), default=0.0)
    return known


def in_order(waits: Graph) -> list[Job]:
    """The jobs in topological order."""
    ordered: dict[Job, None] = {}

    def place(job: Job) -> None:
        if job not in ordered:
            for before in waits[job]:
                place(before)
            ordered[job] = None

    for job in waits:
        place(job)
    return list(ordered)


def simulate(tasks: Mapping[Job, Task], waits: Graph, nodes: int, node: Node) -> Simulation:
    """Simulate a run: of the ready jobs, the one with the longest chain after it starts first, where it fits."""
    chain, open_jobs = remaining(tasks, waits), {job: len(before) for job, before in waits.items()}
    followers: Graph = defaultdict(list)
    for job, before in waits.items():
        for one in before:
            followers[one].append(job)
    free = [[node.cores, node.gpus, node.memory_mb] for _ in range(nodes)]
    ready = sorted((job for job, count in open_jobs.items() if not count), key=lambda job: -chain[job])
    running: list[tuple[float, Job, int]] = []
    spans: dict[str, tuple[float, float]] = {}
    now = 0.0
    while ready or running:
        waiting = []
        for job in ready:
            task = tasks[job]
            asked = (task.cores, task.gpus, task.memory_mb)
            at = next((i for i, has in enumerate(free) if all(a <= b for a, b in zip(asked, has, strict=True))), None)
            if at is None:
                waiting.append(job)
                continue
            free[at] = [has - taken for has, taken in zip(free[at], asked, strict=True)]
            heapq.heappush(running, (now + task.seconds, job, at))
            begin, _ = spans.get(job.stage, (now, 0.0))
            spans[job.stage] = (begin, now + task.seconds)
        now, job, at = heapq.heappop(running)
        task = tasks[job]
        free[at] = [has + taken for has, taken in zip(free[at], (task.cores, task.gpus, task.memory_mb), strict=True)]
        spans[job.stage] = (spans[job.stage][0], max(now, spans[job.stage][1]))
        for follower in followers[job]:
            open_jobs[follower] -= 1
            if not open_jobs[follower]:
                waiting.append(follower)
        ready = sorted(waiting, key=lambda job: -chain[job])
    return Simulation(nodes, node, now, spans, sum(task.seconds * task.gpus for task in tasks.values()))


class Cluster:
    """An experiment's jobs, and nodes of one kind to run them on."""

    def __init__(
        self, experiment: Experiment, stages: Sequence[StagePlan], after: Mapping[str, Sequence[str]], node: Node
    ):
        self.node, self.waits = node, graph(experiment, stages, after)
        self.tasks = {Job(stage.stage, job.name): Task.of(job, node) for stage in stages for job in stage.jobs}

    def on(self, nodes: int) -> Simulation:
        """The run on this many nodes."""
        return simulate(self.tasks, self.waits, nodes, self.node)

    @property
    def layouts(self) -> list[Simulation]:
        """The runs on one node and on twice as many each time, up to 64 GPUs."""
        each = max(1, self.node.gpus)
        return [self.on(nodes) for nodes in LAYOUTS if nodes == 1 or nodes * each <= MOST]

    @property
    def chain_s(self) -> float:
        """Seconds of the longest chain of jobs, one after another."""
        return max(remaining(self.tasks, self.waits).values())

    @property
    def chain(self) -> list[Job]:
        """The longest chain of jobs, which bounds the time on any number of nodes."""
        known = remaining(self.tasks, self.waits)
        job = max(known, key=known.__getitem__)
        chain = [job]
        while followers := [one for one, before in self.waits.items() if chain[-1] in before]:
            chain.append(max(followers, key=known.__getitem__))
        return chain


def cheapest(layouts: Sequence[Simulation], deadline_s: float) -> Simulation | None:
    """The layout with the fewest GPU (or node) hours that meets the deadline; of equals, the fastest."""
    in_time = [layout for layout in layouts if layout.makespan_s <= deadline_s]
    return min(in_time, key=lambda layout: (layout.cost_h, layout.makespan_s), default=None)
