"""What an experiment's stages do, counted: from the settings, the sizes of the data, and rates that are asked for."""

import ast
from collections.abc import Mapping
from functools import cache, cached_property
from math import ceil
from typing import NamedTuple, TypeVar

from googlenet.classification.predict import CENTRE_BATCH
from googlenet.config.schema.base import StageSettings, replaced
from googlenet.config.schema.classification import PredictCrops
from googlenet.config.schema.dataset import Kind
from googlenet.config.schema.shared import Compute, Execution, Model
from googlenet.pipeline import code
from googlenet.pipeline.experiment import Experiment, Job
from googlenet.pipeline.registry import STAGES
from googlenet.planning import networks
from googlenet.planning.machine import Machine
from googlenet.planning.measure import Decode, EmptyJob
from googlenet.planning.measure_classification import CutCrops, Forward
from googlenet.planning.networks import NetworkShape
from googlenet.planning.rates import Rates
from googlenet.planning.schedule import JobPlan, StagePlan
from googlenet.planning.sizes import DataSize

# Seconds of what is not timed here, as the demo's jobs took on two cores of an EPYC (docs/results.md).
UNTIMED_S = {
    "train_baseline": 3.0,
    "analyse_units": 1.0,
    "study_proposals": 1.5,
    "measure_cost": 0.12,  # a forward pass of a network
    "make_report": 5.0,
    "fit_region_heads": 10.0,  # as photos' of 24,000 regions; fewer take less
    "import_weights": 1.0,
    "compare_ablations": 5.0,
}
ORDER_BYTES = 8  # of an image, in the order of one epoch
OUTCOME_ARRAYS = 4  # of each split: averaged and last weights, top-1 and top-5, a byte an image
WRITING = 3  # an array that is written stands in memory beside its bytes and those of the file
KERNELS_MB = 200  # buffers and kernels of torch on a CPU, which an empty job has not asked for
WORKER_MB = 60  # what a loader process has of its own
RECORDS_MB = 5  # a job's log, metrics, run and their copy in MLflow
SettingsT = TypeVar("SettingsT", bound=StageSettings)


class Target(NamedTuple):
    """The machine that is planned for, and how much of it. name: "" for this one."""

    machine: Machine
    name: str
    cores: int
    gpus: int

    @classmethod
    def of(cls, machine: Machine, name: str = "", cores: int = 0, gpus: int | None = None) -> "Target":
        """cores, gpus: 0 and None for all that the machine has."""
        return cls(machine, name, cores or machine.cores, machine.gpus if gpus is None else gpus)


class Context:
    """What all counts share. compute: on the CPU where the machine has no GPU."""

    def __init__(self, experiment: Experiment, sizes: Mapping[Kind, DataSize], ask: Rates, target: Target):
        self.experiment, self.sizes, self.ask, self.target = experiment, sizes, ask, target
        self.execution, wanted = experiment.of(Execution), experiment.of(Compute)
        self.compute = wanted if target.machine.gpus else replaced(wanted, device="cpu")
        self.on_gpu, self.threads = self.compute.device == "cuda", self.compute.numeric_threads

    @cached_property
    def workers(self) -> int:
        """Loader processes that one training really has: on a GPU machine they share its cores."""
        wanted = self.execution.loader_workers
        share = max(1, self.target.cores // max(1, self.target.gpus)) if self.on_gpu else wanted
        return min(wanted, share)

    def settings(self, stage: str, kind: type[SettingsT], name: str = "all") -> SettingsT:
        """The settings of a job."""
        return self.experiment.settings(Job(stage, name), kind)

    def member(self, name: str, classes: int) -> NetworkShape:
        """The network of a member."""
        row, kind = self.experiment.members[name], self.experiment.network_of(name)
        return NetworkShape.of(self.experiment.of(Model), row, classes, kind)

    def start(self, stage: str, name: str = "all") -> JobPlan:
        """A job with what every job costs."""
        empty = self.ask(EmptyJob(network=runs_network(stage)))
        job = JobPlan(name, start_s=empty.seconds, recorded_s=empty.recorded_s, disk_mb=RECORDS_MB)
        job.cpu(empty.seconds)
        job.memory_mb["process"] = empty.memory_mb
        return job

    def start_all(self, stage: str) -> list[JobPlan]:
        """All jobs of a stage, so far with what every job costs."""
        return [self.start(*job) for job in self.experiment.jobs(stage)]

    def decode_s(self, kind: Kind) -> float:
        """Seconds to decode an image."""
        return self.ask(Decode(image=self.sizes[kind].image)).seconds

    def run(self, job: JobPlan, seconds: float) -> None:
        """Add work of the network alone."""
        job.network(seconds, self.threads, self.on_gpu)

    def train(self, job: JobPlan, network_s: float, load_s: float) -> None:
        """Add training, with loading that goes on beside the network where there are loader processes."""
        job.train(network_s, load_s, self.workers, self.threads, self.on_gpu)

    def forward_s(self, network: NetworkShape, batch: int) -> float:
        """Seconds of one crop in a forward pass."""
        return self.ask(Forward(network=network, batch_size=batch, compute=self.compute)).seconds

    def centre_crops(
        self, job: JobPlan, network: NetworkShape, times: float, images: int, decoded: float
    ) -> None:
        """Add predictions on one crop an image, in batches that are filled up; decoded: images that are not in memory."""
        filled = ceil(images / CENTRE_BATCH) * CENTRE_BATCH
        image = self.sizes["classification"].image
        centre = CutCrops(policies=(1,), px=network.input_px, mirror=True, image=image)
        job.cpu(times * images * self.ask(centre).seconds + decoded * self.decode_s("classification"))
        batch = self.experiment.of(PredictCrops).batch_size
        self.run(job, times * filled * self.forward_s(network, batch))

    def kept_share(self, kind: Kind, images: int, limit_mb: float) -> float:
        """Share of some images that stays decoded in memory."""
        return min(1.0, limit_mb / (images * self.sizes[kind].decoded_mb)) if images else 0.0

    def network_memory(self, job: JobPlan, network: NetworkShape, training: bool, kept_mb: float) -> None:
        """Add weights, for training also gradients, momentum and average, and what the passes keep."""
        memory = job.gpu_memory_mb if self.on_gpu else job.memory_mb
        name = "weights, gradients, momentum, average" if training else "weights"
        memory[name] = networks.weights_mb(network) * (4 if training else 1)
        memory["activations"] = kept_mb
        if not self.on_gpu:
            memory["buffers and kernels"] = KERNELS_MB

    def loader_memory(self, job: JobPlan, cache_mb: float) -> None:
        """Add decoded images; each loader process keeps its own."""
        processes = self.execution.loader_workers
        if cache_mb >= 1:
            job.memory_mb["decoded pictures"] = cache_mb * max(1, processes)
        if processes:
            job.memory_mb["loader processes"] = WORKER_MB * processes


@cache
def runs_network(stage: str) -> bool:
    """Whether a stage's code, as far as it reaches, imports torch."""
    return any(imports_torch(module) for module in code.reached(STAGES[stage].module))


def imports_torch(module: str) -> bool:
    """Whether a module of ours imports torch at its top."""
    for node in code.tree_of(module).body:
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if "torch" in {name.split(".")[0] for name in names}:
            return True
    return False


def not_estimated(context: Context, stage: str) -> StagePlan:
    """A stage that this planner knows nothing of: its jobs with what every job costs."""
    return StagePlan(stage, context.start_all(stage), "", "not estimated")


def times(count: float, word: str) -> str:
    """A count with its word: 1,280 crops."""
    return f"{count:,.0f} {word}"
