"""A job's time from its parts, and lower bounds on the time that a machine needs for all jobs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from googlenet.storage.files import load_yaml

MEMBERS = ["import_weights", "prepare_classification", "train_classifier"]
# The stages that those of other targets wait for. Their DVC files are not shipped.
APART = {
    "train_ablation": ["prepare_classification"],
    "compare_ablations": [*MEMBERS, "train_ablation"],
    "measure_export": MEMBERS,
    "derive_structure": ["prepare_classification"],
    "train_structure": ["derive_structure", "prepare_classification"],
    "compare_structures": ["derive_structure", "prepare_classification", "train_structure"],
}


@dataclass
class JobPlan:
    """One job: seconds of wall-clock time, of a core and of a GPU; memory by purpose and data written, in MB."""

    name: str
    wall_s: float = 0.0
    cpu_s: float = 0.0
    gpu_s: float = 0.0
    start_s: float = 0.0  # part of wall_s: the time of a job that does nothing,
    recorded_s: float = 0.0  # and the time that such a job's run.json records
    memory_mb: dict[str, float] = field(default_factory=dict)
    gpu_memory_mb: dict[str, float] = field(default_factory=dict)
    disk_mb: float = 0.0

    def cpu(self, seconds: float) -> None:
        """Add work of one core that overlaps with nothing else."""
        self.wall_s += seconds
        self.cpu_s += seconds

    def network(self, network_s: float, load_s: float, workers: int, threads: int, on_gpu: bool) -> None:
        """Add a network's work, all of which occupies the GPU; with workers, `load_s` of loading runs in parallel."""
        wall = max(network_s, load_s / workers) if workers else network_s + load_s
        self.wall_s += wall
        self.cpu_s += load_s + (0 if on_gpu else network_s * threads)
        self.gpu_s += wall if on_gpu else 0


@dataclass
class StagePlan:
    """One stage: its jobs, and a description of its work. separate: not part of the target `all`."""

    stage: str
    jobs: list[JobPlan]
    passes: str
    units: str
    separate: bool = False

    @property
    def longest_s(self) -> float:
        """Seconds of the longest job."""
        return max(job.wall_s for job in self.jobs)

    @property
    def largest(self) -> JobPlan:
        """The job that needs the most memory."""
        return max(self.jobs, key=lambda job: sum(job.memory_mb.values()))

    @property
    def job_memory_mb(self) -> float:
        """Memory of the job that needs the most."""
        return sum(self.largest.memory_mb.values())

    def total(self, what: Literal["wall_s", "cpu_s", "gpu_s", "disk_mb"]) -> float:
        """The sum of a field over all jobs."""
        return sum(float(getattr(job, what)) for job in self.jobs)

    def side_by_side(self, cores: int, gpus: int, threads: int) -> int:
        """The number of jobs that run at once. gpus: jobs that may use one at once; threads: reserved for each."""
        slots = [cores // threads, *([gpus] if self.total("gpu_s") else [])]
        return max(1, min(len(self.jobs), *slots))


def least_wall(stages: Sequence[StagePlan], cores: int, gpus: int) -> float:
    """Lower bound, in seconds, on these stages in any order: the longest job, or the work divided by cores or GPUs."""
    longest = max((stage.longest_s for stage in stages), default=0.0)
    cpu = sum(stage.total("cpu_s") for stage in stages) / cores
    gpu = sum(stage.total("gpu_s") for stage in stages) / max(1, gpus)
    return max(longest, cpu, gpu)


def edges(root: Path) -> dict[str, list[str]]:
    """The stages that each one waits for, from dvc.yaml and, for other targets, from APART."""
    stages = load_yaml(root / "dvc.yaml")["stages"]
    made = {out: name for name, row in stages.items() for entry in row.get("outs", []) for out in entry}
    after = dict(APART)
    for name, row in stages.items():
        paths = [entry if isinstance(entry, str) else next(iter(entry)) for entry in row.get("deps", [])]
        after[name] = sorted({made[path] for path in paths if path in made} - {name})
    return after
