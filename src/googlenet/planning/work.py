"""Count the work of an experiment's stages, from the settings, the sizes of the data, and rates."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from googlenet.config.schema.base import replaced
from googlenet.config.schema.dataset import Kind
from googlenet.config.schema.shared import Compute, Execution, Inference, Model
from googlenet.errors import UserError
from googlenet.models.processor import precision_of
from googlenet.pipeline.experiment import Experiment, Job
from googlenet.pipeline.registry import STAGES
from googlenet.planning.machine import Machine
from googlenet.planning.measure import Decode, EmptyJob
from googlenet.planning.rates import NetworkShape, Rates, weights_mb
from googlenet.planning.schedule import JobPlan
from googlenet.planning.sizes import DataSize

WRITING = 3  # copies in memory while an array is written: the array, its bytes, and the file's bytes
KERNELS_MB = 200  # torch's buffers and kernels on a CPU, which an empty job does not allocate
CUDA_MB = 2500  # libraries and context of a process that uses a GPU; assumed, not measured
WORKER_MB = 60  # private to a loader process
NETWORK_PARTS = TRAINED, WEIGHTS, ACTIVATIONS = "weights, gradients, momentum, average", "weights", "activations"
RECORDS_MB = 5  # a job's log, metrics and run.json, and their copies in MLflow

# Stages whose rules reserve a thread for each loader process, or for each process or thread that prepares data.
LOADING = "predict_crops", "train_multibox", "train_detector", *(name for name, row in STAGES.items() if row.shared)
PREPARING = "prepare_classification", "prepare_detection", "propose_regions"


class Target(NamedTuple):
    """The machine to plan for, and how much of it to use. name: "" for this one."""

    machine: Machine
    name: str
    cores: int
    gpus: int

    @classmethod
    def of(cls, machine: Machine, name: str = "", cores: int = 0, gpus: int | None = None) -> "Target":
        """cores, gpus: 0 and None mean all that the machine has. Raises UserError for GPUs of a machine without any."""
        if gpus and not machine.gpus:
            raise UserError(
                f"--gpus: {name or 'this machine'} has no GPU; leave it out, or name a --machine that has one"
            )
        return cls(machine, name, cores or machine.cores, machine.gpus if gpus is None else gpus)


class Context:
    """What work functions share. compute: on the CPU without a GPU, in the target's precision. workers: with GPUs,
    at most cores per GPU."""

    def __init__(self, experiment: Experiment, sizes: Mapping[Kind, DataSize], ask: Rates, target: Target):
        self.experiment, self.sizes, self.ask, self.target = experiment, sizes, ask, target
        self.of, self.execution = experiment.of, experiment.of(Execution)
        wanted = Compute.model_validate(experiment.of(Inference).model_dump())  # rates are for the eager engine
        device = wanted.device if target.gpus else "cpu"
        self.compute = replaced(
            wanted, device=device, precision=precision_of(wanted.precision, device, target.machine.cpu)
        )
        self.on_gpu, self.threads = self.compute.device == "cuda", self.compute.numeric_threads
        self.workers = self.execution.loader_workers
        if self.on_gpu:
            self.workers = min(self.workers, max(1, target.cores // max(1, target.gpus)))

    @property
    def classification(self) -> DataSize:
        """The size of the classification set."""
        return self.sizes["classification"]

    @property
    def detection(self) -> DataSize:
        """The size of the detection set."""
        return self.sizes["detection"]

    def member(self, name: str, classes: int = 0) -> NetworkShape:
        """The network of a member; classes: number of outputs, by default that of the classification set."""
        row, kind = self.experiment.members[name], self.experiment.network_of(name)
        return NetworkShape.of(self.of(Model), row, classes or self.classification.classes, kind)

    def start(self, job: Job) -> JobPlan:
        """A job with the costs that every job has."""
        empty = self.ask(EmptyJob(network=STAGES[job.stage].runs_network))
        plan = JobPlan(job.name, start_s=empty.seconds, recorded_s=empty.recorded_s, disk_mb=RECORDS_MB)
        plan.cpu(empty.seconds)
        plan.memory_mb["process"] = empty.memory_mb
        if self.on_gpu and STAGES[job.stage].gpu:
            plan.memory_mb["CUDA"] = CUDA_MB
        return plan

    def reserved(self, stage: str) -> int:
        """The threads that Snakemake reserves for a job of a stage; for real replicas, it reserves more."""
        each = self.execution
        workers = each.loader_workers if stage in LOADING else each.prepare_workers if stage in PREPARING else 0
        processes = each.processes_per_training // each.nodes_per_training if STAGES[stage].shared else 1
        return max(self.threads, workers) * processes

    def decode_s(self, size: DataSize) -> float:
        """Seconds to decode an image."""
        return self.ask(Decode(image=size.image)).seconds

    def prepare(self, job: JobPlan, seconds: float, least_s: float = 0.0) -> None:
        """Add work on images that `prepare_workers` processes or threads share; least_s: of what cannot be shared."""
        job.cpu_s += seconds
        job.wall_s += max(seconds / min(self.execution.prepare_workers, self.target.cores), least_s)

    def run(self, job: JobPlan, network_s: float, load_s: float = 0.0) -> None:
        """Add work of the network, with loading in parallel if there are loader processes or threads."""
        job.network(network_s, load_s, self.workers, self.threads, self.on_gpu)

    def network_memory(
        self, job: JobPlan, network: NetworkShape, training: bool, kept_mb: float, kernels_mb: float = KERNELS_MB
    ) -> None:
        """Add weights, for training also gradients, momentum and average, and activations (`kept_mb`)."""
        memory = job.gpu_memory_mb if self.on_gpu else job.memory_mb
        memory[TRAINED if training else WEIGHTS] = weights_mb(network) * (4 if training else 1)
        memory[ACTIVATIONS] = kept_mb
        if not self.on_gpu:
            memory["buffers and kernels"] = kernels_mb

    def loader_memory(self, job: JobPlan, decoded_mb: float) -> None:
        """Add decoded images; each loader process has its own."""
        processes = self.execution.loader_workers
        if decoded_mb >= 1:
            job.memory_mb["decoded images"] = decoded_mb * max(1, processes)
        if processes:
            job.memory_mb["loader processes"] = WORKER_MB * processes


Words = tuple[str, str]  # a stage's passes over the data, and its units of work
Work = Callable[[Context, JobPlan, Any], Words]  # adds the work of one job of a stage, with that job's settings
