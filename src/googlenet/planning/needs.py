"""The memory and time that jobs request from Snakemake: figures of an earlier plan, scaled to the job's settings.

A plan imports torch and takes many seconds, too slow for every start of Snakemake. So `googlenet plan --needs` writes a
plan's figures for each stage to a file, which is only read and scaled here. No result depends on it.
"""

from collections.abc import Iterator
from math import ceil
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from googlenet.config.schema.base import Settings, StageSettings
from googlenet.config.schema.classification import TrainAblation
from googlenet.config.schema.shared import Execution, Model, Optimisation
from googlenet.config.schema.structure import DeriveStructure
from googlenet.errors import UserError
from googlenet.pipeline.experiment import Experiment, Job
from googlenet.pipeline.job_file import read_job_file
from googlenet.pipeline.registry import STAGES
from googlenet.storage.files import read_json, write_json

SHIPPED = Path(__file__).with_name("needs.json")  # of the experiments in conf/, from the machines in machines/
OWN = Path(".googlenet/needs.json")  # of the experiments that were planned in this clone
# The stage whose figures stand in for a stage that a plan left out.
AS = dict.fromkeys(("train_ablation", "train_structure", "derive_structure"), "train_classifier")
UNPLANNED_MB = 1000  # of a job of a stage that no plan has
TIME_MARGIN, LEAST_MIN = 4, 10  # generous, since exceeding the time limit kills a job
LEAST_UNPLANNED_MIN = 240  # without a plan of the experiment: its data may be much larger than those of the planned one
RAY_MB, REPLICA_MB = 1200, 400  # Ray's own processes and two shards; a real replica, without its network
MEMORY_MARGIN = 1.33  # where memory is a limit too: a plan may be wrong by a third
UNPLANNED_MARGIN = 3  # without a plan of the experiment: Tiny ImageNet took four times the demo's, and a retry asks six
ENGINE_MB = 250  # where memory is a limit, it includes Snakemake beside the job: two processes of 100 MB under Slurm
CLEARLY_LESS = 0.5  # of the planned memory
PAPER_PX = 224  # the paper's input
MEMINFO, CGROUP = Path("/proc/meminfo"), Path("/sys/fs/cgroup")  # cgroup version 2: a container sees its own


class Load(NamedTuple):
    """A job's cost according to its settings, in images of the paper's network: per pass (size) and in total (work).

    replicas: processes that compute gradients besides the job's own (`train_classifier.update: asynchronous_ray`)."""

    size: float
    work: float
    replicas: int = 0


class Figures(Settings):
    """The plan of a stage's largest job. scaled_mb, scaled_s: the parts proportional to its size and work (`Load`)."""

    fixed_mb: float
    scaled_mb: float
    fixed_s: float
    scaled_s: float
    size: float
    work: float

    def seconds(self, load: Load) -> float:
        """The seconds of a job with this load."""
        return self.fixed_s + self.scaled_s * load.work / self.work


class Need(NamedTuple):
    """Megabytes of memory, and minutes until a scheduler may kill the job."""

    mem_mb: int
    runtime: int


class Request(NamedTuple):
    """A job's resource request to a cluster, per node. planned_mb: the memory that it needs; partition: as Slurm lists
    them, "" for the default."""

    job: Job
    mem_mb: int
    threads: int
    gpus: int
    planned_mb: int
    partition: str = ""
    nodes: int = 1
    runtime: int = 0

    def check_memory(self) -> None:
        """Raise UserError for less memory than the job certainly needs, because a cluster would kill it."""
        if self.mem_mb < CLEARLY_LESS * self.planned_mb:
            needed = f"it needs {self.planned_mb} MB as planned, and the cluster would end it"
            where = f"{self.job.stage} {self.job.name}"
            raise UserError(f"{where}: mem_mb={self.mem_mb} is too little: {needed}; leave mem_mb to the plan")


def load_of(experiment: Experiment, job: Job, settings: StageSettings) -> Load:
    """The load of a job with these settings."""
    if isinstance(settings, TrainAblation):
        settings = settings.training
    model = getattr(settings, "model", None) or experiment.of(Model)
    per, name = STAGES[job.stage].per, job.name
    if per == "detector":
        name = experiment.detectors[name].init_from
    member = getattr(settings, "member", None) or experiment.members.get(name)
    width = model.width * (member.width if member else 1.0)
    one = width * (getattr(settings, "input_px", model.input_px) / PAPER_PX) ** 2
    regions = getattr(settings, "positives", 0) + getattr(settings, "negatives", 0)
    size = one * (getattr(settings, "batch_size", 0) or regions or 1)
    if isinstance(settings, DeriveStructure):  # short trainings of all parts, for each seed: at most this many epochs
        return Load(size, len(settings.seeds) * (settings.stem_epochs + settings.module_epochs) * one)
    if not isinstance(settings, Optimisation):
        return Load(size, one)
    steps = getattr(settings, "batches_per_epoch", 0)
    return Load(size, settings.epochs * (steps * size if steps else one), getattr(settings, "real_replicas", 0))


class Needs:
    """What the jobs of an experiment need, from the plan of this experiment or of the most similar one."""

    def __init__(self, experiment: Experiment):
        """Raises UserError for a damaged file of figures."""
        self.experiment, self._loads = experiment, dict[Job, Load]()
        execution = experiment.of(Execution)
        self.processes = execution.processes_per_training // execution.nodes_per_training  # on each node
        # By experiment and stage: this clone's figures, then the shipped ones.
        self.planned = [read(path) for path in (experiment.root / OWN, SHIPPED) if path.is_file()]

    def of(self, stage: str, name: str, attempt: int = 1, limit: bool = False) -> Need:
        """The need of a job, more at each attempt. limit: exceeding the memory kills it, so a margin is added, and what
        Snakemake takes beside it."""
        margin, least_min = (
            (MEMORY_MARGIN, LEAST_MIN) if self.is_planned(stage) else (UNPLANNED_MARGIN, LEAST_UNPLANNED_MIN)
        )
        megabytes, seconds = self.alone(Job(stage, name))
        asked_mb = ceil(megabytes * margin + ENGINE_MB if limit else megabytes)
        return Need(asked_mb * attempt, max(least_min, ceil(seconds * TIME_MARGIN / 60)) * attempt)

    def alone(self, job: Job) -> tuple[float, float]:
        """Megabytes and seconds of a job itself, without a margin."""
        found = self.found(job)
        if found is None:
            return UNPLANNED_MB, 0.0
        row, load = found
        scaled_mb = row.scaled_mb * load.size / row.size
        megabytes = row.fixed_mb + scaled_mb
        if STAGES[job.stage].shared:
            megabytes *= self.processes
        if load.replicas:
            megabytes += RAY_MB + load.replicas * (REPLICA_MB + scaled_mb)
        return megabytes, row.seconds(load)

    def seconds(self, job: Job) -> float | None:
        """A job's planned seconds, without a margin; None if no plan has its stage."""
        found = self.found(job)
        return found and found[0].seconds(found[1])

    def is_planned(self, stage: str) -> bool:
        """Whether a plan of this experiment has the stage or the one that stands in for it, or no plan at all has it, as with
        tables and pages. The figures of a similar experiment may be those of much smaller data."""
        own = [known[self.experiment.name] for known in self.planned if self.experiment.name in known]
        either = {stage, AS.get(stage, stage)}
        return any(not either.isdisjoint(stages) for stages in own) or (bool(own) and not any(self.rows(stage)))

    def found(self, job: Job) -> tuple[Figures, Load] | None:
        """The figures closest to a job's size, and the job's load; None if no plan has its stage."""
        rows = list(self.rows(job.stage)) or list(self.rows(AS.get(job.stage, job.stage)))
        if not rows:
            return None
        load = self.load(job)
        return min(rows, key=lambda row: abs(row.size - load.size)), load  # the first of equals: this experiment's own

    def load(self, job: Job) -> Load:
        """The load of a job, from its file, which is read only once."""
        if job not in self._loads:
            path = self.experiment.root / self.experiment.config_path(*job)
            settings = read_job_file(path, STAGES[job.stage].settings).settings
            self._loads[job] = load_of(self.experiment, job, settings)
        return self._loads[job]

    def rows(self, stage: str) -> Iterator[Figures]:
        """A stage's figures: only this experiment's if it was planned, else those of all others."""
        name = self.experiment.name
        for known in self.planned:
            if stage in known.get(name, {}):
                yield known[name][stage]
                return
        for known in self.planned:
            yield from (stages[stage] for stages in known.values() if stage in stages)


def free_memory_mb() -> float:
    """Megabytes that jobs can use here: Linux's available memory, or what a container's limit leaves if less."""
    free = next(int(line.split()[1]) for line in MEMINFO.read_text().splitlines() if line.startswith("MemAvailable"))
    limit = CGROUP / "memory.max"
    if limit.is_file() and (most := limit.read_text().strip()).isdigit():
        counts = dict(line.split() for line in (CGROUP / "memory.stat").read_text().splitlines())
        free = min(free, max(0, int(most) - int(counts["anon"])) // 1024)  # its page cache can be reclaimed
    return free * 1024 / 1e6


def read(path: Path) -> dict[str, dict[str, Figures]]:
    """The figures in a file, by experiment and stage. Raises UserError for a damaged file."""
    try:
        return {
            name: {stage: Figures.model_validate(row) for stage, row in stages.items()}
            for name, stages in read_json(path).items()
        }
    except (ValueError, AttributeError, ValidationError):
        raise UserError(f"{path}: not what `googlenet plan --needs` writes; delete it, and run that again") from None


def write(path: Path, experiment: str, figures: dict[str, Figures]) -> None:
    """Write an experiment's figures to a file, replacing its former ones."""
    known = (read(path) if path.is_file() else {}) | {experiment: figures}
    write_json(
        path, {name: {stage: row.model_dump() for stage, row in rows.items()} for name, rows in sorted(known.items())}
    )
