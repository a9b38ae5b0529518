"""The plan of an experiment: its stages with what they need, added up for a machine."""

import configparser
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from googlenet.config import Settings
from googlenet.planning import schedule, work, work_classification, work_detection
from googlenet.planning.machine import Machine, Rate
from googlenet.planning.schedule import StagePlan
from googlenet.planning.sizes import DataSize

STAGES = work_classification.STAGES | work_detection.STAGES
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
    machine: Machine
    name: str
    cores: int
    gpus: int
    device: str
    asked_device: str
    threads: int
    sizes: dict[str, DataSize]
    stages: list[StagePlan]
    after: dict[str, list[str]]
    place: Place
    dvc_copies: bool
    commit_limit_gb: float

    @property
    def disk_mb(self) -> float:
        """What all stages write."""
        return sum(stage.total("disk_mb") for stage in self.stages)

    def memory_mb(self, stage: StagePlan, which: str = "memory_mb") -> float:
        """Memory of the jobs of a stage that run side by side."""
        largest = max(sum(getattr(job, which).values()) for job in stage.jobs)
        if which == "gpu_memory_mb":
            return largest  # a GPU has one of them at a time
        return largest * schedule.side_by_side(stage, self.cores, self.gpus, self.threads)

    @property
    def least_wall(self) -> tuple[float, list[str]]:
        """Seconds that the whole cannot go below, and the chain of stages if that is what decides."""
        path, chain = schedule.critical_path(self.stages, self.after)
        whole = schedule.least_wall(self.stages, self.cores, self.gpus)
        return (path, chain) if path >= whole else (whole, [])

    def as_json(self) -> dict[str, Any]:
        """The plan as plain values."""
        stages = [
            asdict(stage) | {"least_wall_s": schedule.least_wall([stage], self.cores, self.gpus)}
            for stage in self.stages
        ]
        sizes = {
            kind: {key: value for key, value in size._asdict().items() if key != "sample"}
            for kind, size in self.sizes.items()
        }
        head = {"experiment": self.experiment, "machine": self.machine._asdict(), "name": self.name}
        head |= {
            "cores": self.cores,
            "gpus": self.gpus,
            "device": self.device,
            "data": sizes,
            "stages": stages,
        }
        total = {"disk_mb": self.disk_mb, "least_wall_s": self.least_wall[0], "place": self.place._asdict()}
        return head | total | {"verdict": verdict(self)}


def planned(
    settings: Settings,
    sizes: Mapping[str, DataSize],
    rate: Rate,
    machine: Machine,
    name: str = "",
    cores: int = 0,
    gpus: int | None = None,
    ablations: bool = False,
) -> Plan:
    """Count the work of all stages. name: of a machine that is not this one; cores, gpus: 0 and None for all that it has."""
    cores, gpus = cores or machine.cores, machine.gpus if gpus is None else gpus
    context = work.Context(settings, sizes, rate, machine, cores, gpus)
    stages = [STAGES[stage](context, stage) for stage in work.planned_stages(settings, ablations)]
    return Plan(
        settings.experiment,
        machine,
        name,
        cores,
        gpus,
        context.device,
        settings.tree.compute.device,
        context.threads,
        dict(sizes),
        stages,
        schedule.edges(settings.root),
        place_of(settings.root, bool(name)),
        dvc_copies(settings.root),
        settings.tree.plumbing.commit_limit_gb,
    )


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
    if plan.asked_device == "cuda" and plan.device == "cpu":
        found.append("the experiment asks for a GPU (compute.device: cuda), and this machine has none")
    free = plan.place.disk_free_mb
    if free is not None and plan.disk_mb > free:
        found.append(f"needs {gb(plan.disk_mb)} of disk, {gb(free)} are free on {plan.place.path}")
    room = plan.place.memory_free_mb or plan.machine.memory_gb * 1000 * ROOM
    word = "are free" if plan.place.memory_free_mb else "are there"
    for stage in plan.stages:
        beside = schedule.side_by_side(stage, plan.cores, plan.gpus, plan.threads)
        needs, one = plan.memory_mb(stage), sum(stage.largest.memory_mb.values())
        if needs > room:
            jobs = f"{beside} jobs side by side" if beside > 1 else "one job"
            fit = int(room // one)
            mend = (
                f"; at most {fit} at a time fit"
                if fit
                else f"; one alone needs {gb(one)}"
                if beside > 1
                else ""
            )
            found.append(f"{stage.stage} needs {gb(needs)} of memory for {jobs}, {gb(room)} {word}{mend}")
        on_gpu = plan.memory_mb(stage, "gpu_memory_mb")
        if on_gpu > plan.machine.gpu_memory_gb * 1000 * ROOM:
            found.append(
                f"{stage.stage} needs {gb(on_gpu)} on the GPU, which has {gb(plan.machine.gpu_memory_gb * 1000)}"
            )
    return found or ["it fits, as far as is known here"]


def gb(megabytes: float) -> str:
    """Megabytes as gigabytes, with as many digits as are of use."""
    value = megabytes / 1000
    return f"{value:,.0f} GB" if value >= 10 else f"{value:.1f} GB" if value >= 0.1 else f"{value:.2f} GB"
