"""The plan of an experiment: its stages with what they need, added up for a machine."""

import configparser
import shutil
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

from googlenet.config.schema.dataset import Kind
from googlenet.config.schema.shared import Compute
from googlenet.pipeline.experiment import Experiment
from googlenet.pipeline.registry import STAGES
from googlenet.planning import schedule, work_classification, work_detection
from googlenet.planning.rates import Rates
from googlenet.planning.schedule import StagePlan
from googlenet.planning.sizes import DataSize
from googlenet.planning.work import Context, Target, not_estimated

WORK = work_classification.STAGES | work_detection.STAGES
LINKS = {"reflink", "hardlink", "symlink"}
ROOM = 0.95  # of a memory: the rest is the system's


class Place(NamedTuple):
    """Where data and results would lie: megabytes free there, and memory that is free now; None on a machine that is not this one."""

    path: str
    disk_free_mb: float | None
    memory_free_mb: float | None


class Plan(NamedTuple):
    """All that is printed. after: of every stage, those that it waits for."""

    experiment: str
    target: Target
    device: str
    asked_device: str
    threads: int
    sizes: dict[Kind, DataSize]
    stages: list[StagePlan]
    after: dict[str, list[str]]
    place: Place
    dvc_copies: bool
    commit_limit_gb: float

    @property
    def disk_mb(self) -> float:
        """What all stages write."""
        return sum(stage.total("disk_mb") for stage in self.stages)

    def memory_mb(self, stage: StagePlan) -> float:
        """Memory of the jobs of a stage that run side by side."""
        return sum(stage.largest.memory_mb.values()) * self.side_by_side(stage)

    def gpu_memory_mb(self, stage: StagePlan) -> float:
        """Memory of a GPU, which has one of the jobs at a time."""
        return max(sum(job.gpu_memory_mb.values()) for job in stage.jobs)

    def side_by_side(self, stage: StagePlan) -> int:
        """How many jobs of a stage run at once."""
        return schedule.side_by_side(stage, self.target.cores, self.target.gpus, self.threads)

    def least_wall_of(self, *stages: StagePlan) -> float:
        """Seconds below which some stages cannot end."""
        return schedule.least_wall(stages, self.target.cores, self.target.gpus)

    @property
    def least_wall(self) -> tuple[float, list[str]]:
        """Seconds that the whole cannot go below, and the chain of stages if that is what decides."""
        path, chain = schedule.critical_path(self.stages, self.after)
        whole = self.least_wall_of(*self.stages)
        return (path, chain) if path >= whole else (whole, [])

    def as_json(self) -> dict[str, Any]:
        """The plan as plain values."""
        return {
            "experiment": self.experiment,
            "machine": self.target.machine.model_dump(),
            "name": self.target.name,
            "cores": self.target.cores,
            "gpus": self.target.gpus,
            "device": self.device,
            "data": {kind: size.to_json() for kind, size in self.sizes.items()},
            "stages": [asdict(stage) | {"least_wall_s": self.least_wall_of(stage)} for stage in self.stages],
            "disk_mb": self.disk_mb,
            "least_wall_s": self.least_wall[0],
            "place": self.place._asdict(),
            "verdict": verdict(self),
        }


def planned(
    experiment: Experiment,
    sizes: Mapping[Kind, DataSize],
    rates: Rates,
    target: Target,
    ablations: bool = False,
) -> Plan:
    """Count the work of all stages; ablations: also of the target `ablations`."""
    context, root = Context(experiment, sizes, rates, target), experiment.root
    names = [name for name in experiment.stages if ablations or STAGES[name].group != "ablations"]
    return Plan(
        experiment.name,
        target,
        context.compute.device,
        experiment.of(Compute).device,
        context.threads,
        dict(sizes),
        [stage_plan(context, name) for name in names if experiment.jobs(name)],
        schedule.edges(root),
        place_of(root, bool(target.name)),
        dvc_copies(root),
        context.execution.commit_limit_gb,
    )


def stage_plan(context: Context, name: str) -> StagePlan:
    """Count the work of a stage; of one that has no function for it, what every job costs."""
    made = WORK[name](context, name) if name in WORK else not_estimated(context, name)
    return replace(made, separate=STAGES[name].group == "ablations")


def place_of(root: Path, elsewhere: bool) -> Place:
    """What is free where data/ and results/ would lie."""
    if elsewhere:
        return Place("", None, None)
    folder = next(path for path in (root / "data", root) if path.exists()).resolve()
    lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
    free = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    return Place(str(folder), shutil.disk_usage(folder).free / 1e6, free * 1024 / 1e6)


def dvc_copies(root: Path) -> bool:
    """Whether DVC's cache holds a second copy: unless the first kind of link that is asked for is one."""
    parser = configparser.ConfigParser()
    parser.read([root / ".dvc/config", root / ".dvc/config.local"], encoding="utf-8")
    kinds = parser.get("cache", "type", fallback="copy").replace(" ", "").split(",")
    return kinds[0] not in LINKS


def verdict(plan: Plan) -> list[str]:
    """What does not fit, a line each; one line that all does, as far as is known."""
    found = []
    machine = plan.target.machine
    if plan.asked_device == "cuda" and plan.device == "cpu":
        found.append("the experiment asks for a GPU (compute.device: cuda), and this machine has none")
    free = plan.place.disk_free_mb
    if free is not None and plan.disk_mb > free:
        found.append(f"needs {gb(plan.disk_mb)} of disk, {gb(free)} are free on {plan.place.path}")
    room = plan.place.memory_free_mb or machine.memory_gb * 1000 * ROOM
    word = "are free" if plan.place.memory_free_mb else "are there"
    for stage in plan.stages:
        beside = plan.side_by_side(stage)
        needs, one = plan.memory_mb(stage), sum(stage.largest.memory_mb.values())
        if needs > room:
            jobs = f"{beside} jobs side by side" if beside > 1 else "one job"
            fit = int(room // one)
            alone = f"; one alone needs {gb(one)}" if beside > 1 else ""
            mend = f"; at most {fit} at a time fit" if fit else alone
            found.append(f"{stage.stage} needs {gb(needs)} of memory for {jobs}, {gb(room)} {word}{mend}")
        on_gpu = plan.gpu_memory_mb(stage)
        if on_gpu > machine.gpu_memory_gb * 1000 * ROOM:
            found.append(
                f"{stage.stage} needs {gb(on_gpu)} on the GPU, which has {gb(machine.gpu_memory_gb * 1000)}"
            )
    return found or ["it fits, as far as is known here"]


def gb(megabytes: float) -> str:
    """Megabytes as gigabytes, with as many digits as are of use."""
    value = megabytes / 1000
    return f"{value:,.0f} GB" if value >= 10 else f"{value:.1f} GB" if value >= 0.1 else f"{value:.2f} GB"
