"""The plan of an experiment: its stages and what they need, totalled for a machine."""

import configparser
import shutil
from collections.abc import Collection
from dataclasses import asdict
from typing import Any, NamedTuple

from googlenet.config.schema.shared import Inference
from googlenet.pipeline.experiment import Experiment, Job
from googlenet.pipeline.registry import STAGES
from googlenet.planning import schedule, work_classification, work_detection
from googlenet.planning.cluster import Cluster, Node
from googlenet.planning.needs import Figures, free_memory_mb, load_of
from googlenet.planning.schedule import StagePlan
from googlenet.planning.work import NETWORK_PARTS, Context, Work

# Functions named after the stages.
WORK: dict[str, Work] = {
    name: work
    for module in (work_classification, work_detection)
    for name, work in vars(module).items()
    if name in STAGES
}
LINKS = {"reflink", "hardlink", "symlink"}
USABLE = 0.95  # usable share of memory; the system needs the rest


class Place(NamedTuple):
    """Where data and results would be stored, and free disk and memory in megabytes; None for another machine."""

    path: str
    disk_free_mb: float | None
    memory_free_mb: float | None


class Plan(NamedTuple):
    """All that is printed. after: the stages that each one waits for; dvc_copies: whether DVC's cache holds a copy."""

    context: Context
    stages: list[StagePlan]
    after: dict[str, list[str]]
    place: Place
    dvc_copies: bool

    @property
    def disk_mb(self) -> float:
        """Megabytes that all stages write."""
        return sum(stage.total("disk_mb") for stage in self.stages)

    def least_wall_of(self, *stages: StagePlan) -> float:
        """Lower bound, in seconds, on the time of some stages."""
        return schedule.least_wall(stages, self.context.target.cores, self.context.target.gpus)

    @property
    def cluster(self) -> Cluster:
        """All jobs, and nodes like the target to run them on."""
        target = self.context.target
        node = Node(target.cores, target.gpus, int(target.machine.memory_gb * 1000 * USABLE))
        return Cluster(self.context.experiment, self.stages, self.after, node)

    @property
    def least_wall(self) -> tuple[float, list[Job]]:
        """Lower bound, in seconds, on the total time, and the chain of jobs if that sets the bound."""
        cluster, whole = self.cluster, self.least_wall_of(*self.stages)
        return (cluster.chain_s, cluster.chain) if cluster.chain_s >= whole else (whole, [])

    def as_json(self) -> dict[str, Any]:
        """The plan as plain values."""
        target, data = self.context.target, {kind: size._asdict() for kind, size in self.context.sizes.items()}
        for size in data.values():
            del size["sample"]
        return {
            "experiment": self.context.experiment.name,
            **target._asdict(),
            "machine": target.machine.model_dump(),
            "device": self.context.compute.device,
            "data": data,
            "stages": [asdict(stage) | {"least_wall_s": self.least_wall_of(stage)} for stage in self.stages],
            "disk_mb": self.disk_mb,
            "least_wall_s": self.least_wall[0],
            "place": self.place._asdict(),
            "verdict": verdict(self),
        }


def stages_of(experiment: Experiment, targets: Collection[str] = ()) -> list[str]:
    """The stages of the target `all`, and of these other targets, that have jobs."""
    names = [name for name in experiment.stages if STAGES[name].target in ("all", *targets)]
    return list(filter(experiment.jobs, names))


def planned(context: Context, targets: Collection[str] = ()) -> Plan:
    """Plan the target `all`, and these other targets."""
    experiment, root = context.experiment, context.experiment.root
    stages = []
    for name in stages_of(experiment, targets):
        row, work, jobs, words = STAGES[name], WORK.get(name), [], ("", "not estimated")
        for job in experiment.jobs(name):
            jobs.append(context.start(job))
            words = work(context, jobs[-1], experiment.settings(job, row.settings)) if work else words
        stages.append(StagePlan(name, jobs, *words, separate=row.target != "all"))
    place = Place("", None, None)
    if not context.target.name:
        folder = next(path for path in (root / "data", root) if path.exists()).resolve()
        place = Place(str(folder), shutil.disk_usage(folder).free / 1e6, free_memory_mb())
    dvc = configparser.ConfigParser()
    dvc.read([root / ".dvc/config", root / ".dvc/config.local"], encoding="utf-8")
    link = dvc.get("cache", "type", fallback="copy").split(",")[0].strip()  # the first choice
    return Plan(context, stages, schedule.edges(root), place, link not in LINKS)


def figures(plan: Plan) -> dict[str, Figures]:
    """The figures of each stage for Snakemake: its largest job's memory and time, and the load that scales them."""
    rows, experiment = {}, plan.context.experiment
    for stage in plan.stages:
        job = stage.largest
        settings = experiment.settings(Job(stage.stage, job.name), STAGES[stage.stage].settings)
        load = load_of(experiment, Job(stage.stage, job.name), settings)
        scaled_mb = sum(job.memory_mb.get(part, 0.0) for part in NETWORK_PARTS)
        values = {
            "fixed_mb": sum(job.memory_mb.values()) - scaled_mb,
            "scaled_mb": scaled_mb,
            "fixed_s": job.start_s,
            "scaled_s": job.wall_s - job.start_s,
            "size": load.size,
            "work": load.work,
        }
        rows[stage.stage] = Figures(**{name: float(f"{value:.4g}") for name, value in values.items()})
    return rows


def verdict(plan: Plan) -> list[str]:
    """One line for each thing that does not fit, or one line that everything fits as far as is known."""
    lines, context, place, target = [], plan.context, plan.place, plan.context.target
    if context.of(Inference).device == "cuda" and context.compute.device == "cpu":
        lacking = "--gpus leaves it none" if target.machine.gpus else "this machine has none"
        lines.append(f"the experiment asks for a GPU (compute.device: cuda), and {lacking}")
    if place.disk_free_mb is not None and plan.disk_mb > place.disk_free_mb:
        lines.append(f"needs {gb(plan.disk_mb)} of disk, {gb(place.disk_free_mb)} are free on {place.path}")
    available_mb = place.memory_free_mb or target.machine.memory_gb * 1000 * USABLE
    for stage in plan.stages:
        reserved = context.reserved(stage.stage)
        beside = stage.side_by_side(target.cores, target.gpus * context.execution.jobs_per_gpu, reserved)
        one_mb = stage.job_memory_mb
        if one_mb * beside > available_mb:
            jobs = f"{beside} jobs side by side" if beside > 1 else "one job"
            available = f"{gb(available_mb)} {'are free' if place.memory_free_mb else 'are there'}"
            remedy = f"; one alone needs {gb(one_mb)}" if beside > 1 else ""
            if available_mb >= one_mb:
                remedy = f"; at most {int(available_mb // one_mb)} at a time fit"
            lines.append(f"{stage.stage} needs {gb(one_mb * beside)} of memory for {jobs}, {available}{remedy}")
        sharing = min(beside, context.execution.jobs_per_gpu)
        on_gpu_mb = sharing * max(sum(job.gpu_memory_mb.values()) for job in stage.jobs)
        if on_gpu_mb > target.machine.gpu_memory_gb * 1000 * USABLE:
            jobs, there = f" for {sharing} jobs" if sharing > 1 else "", gb(target.machine.gpu_memory_gb * 1000)
            lines.append(f"{stage.stage} needs {gb(on_gpu_mb)} on the GPU{jobs}, which has {there}")
    return lines or ["it fits, as far as is known here"]


def gb(megabytes: float) -> str:
    """Megabytes as gigabytes, with a useful number of digits."""
    value = megabytes / 1000
    return f"{value:,.0f} GB" if value >= 10 else f"{value:.1f} GB" if value >= 0.1 else f"{value:.2f} GB"
