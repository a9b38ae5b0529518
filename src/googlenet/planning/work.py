"""What an experiment's stages do, counted: from the settings, the sizes of the data, and rates that are asked for."""

import ast
from collections.abc import Mapping
from functools import cache, cached_property
from math import ceil

from googlenet import code
from googlenet.classification.predict import CENTRE_BATCH
from googlenet.config import ABLATION_STAGES, Job, Settings, plain
from googlenet.planning import networks
from googlenet.planning.machine import Machine, Rate
from googlenet.planning.schedule import JobPlan
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
ORDER_BYTES = 8  # of a picture, in the order of one epoch
OUTCOME_ARRAYS = 4  # of each split: averaged and last weights, top-1 and top-5, a byte a picture
WRITING = 3  # an array that is written stands in memory beside its bytes and those of the file
KERNELS_MB = 200  # buffers and kernels of torch on a CPU, which an empty job has not asked for
WORKER_MB = 60  # what a loader process has of its own
RECORDS_MB = 5  # a job's log, metrics, run and their copy in MLflow


class Context:
    """What all counts share. gpus, cores: of the machine that is planned for, to share the loader processes out."""

    def __init__(
        self,
        settings: Settings,
        sizes: Mapping[str, DataSize],
        rate: Rate,
        machine: Machine,
        cores: int,
        gpus: int,
    ):
        self.settings, self.sizes, self.ask, self.tree = settings, sizes, rate, plain_sections(settings)
        self.cores, self.gpus = cores, gpus
        self.device = machine.device(self.tree["compute"]["device"])
        self.compute = self.tree["compute"] | {"device": self.device}
        self.on_gpu, self.threads = self.device == "cuda", self.compute["numeric_threads"]

    @cached_property
    def workers(self) -> int:
        """Loader processes that one training really has: on a GPU machine they share its cores."""
        asked = self.tree["plumbing"]["loader_workers"]
        share = max(1, self.cores // max(1, self.gpus)) if self.on_gpu else asked
        return min(asked, share)

    def config(self, job: Job) -> dict:
        """A job's resolved settings."""
        return self.settings.resolved(job)

    def member(self, name: str, classes: int) -> dict:
        """The network of a member."""
        row = self.settings.rows("member")[name]
        return networks.of_member(self.tree["model"], row, classes, self.tree["origins"])

    def start(self, job: Job) -> JobPlan:
        """A job with what every job costs."""
        found = self.ask("job", {"network": runs_network(job.stage)})
        plan = JobPlan(job.name, start_s=found["seconds"], recorded_s=found["recorded_s"], disk_mb=RECORDS_MB)
        plan.cpu(found["seconds"])
        plan.memory_mb["process"] = found["memory_mb"]
        return plan

    def decode_s(self, kind: str) -> float:
        """Seconds to decode a picture."""
        return self.ask("decode", {"picture": self.sizes[kind].picture})["seconds"]

    def forward_s(self, network: dict, batch: int | None = None) -> float:
        """Seconds of one crop in a forward pass."""
        batch = batch or self.tree["predict_crops"]["batch_size"]
        asked = {"network": network, "batch_size": batch, "compute": self.compute}
        return self.ask("forward", asked)["seconds"]

    def cut(self, policies: list[int], px: int, mirror: bool) -> float:
        """Seconds to cut a picture's crops."""
        asked = {"policies": policies, "px": px, "mirror": mirror}
        return self.ask("cut_crops", asked | {"picture": self.sizes["classification"].picture})["seconds"]

    def centre_crops(self, job: JobPlan, network: dict, times: float, pictures: int, decoded: float) -> None:
        """Add predictions on one crop a picture, in batches that are filled up; decoded: pictures that are not in memory."""
        filled = ceil(pictures / CENTRE_BATCH) * CENTRE_BATCH
        px = network["input_px"]
        job.cpu(times * pictures * self.cut([1], px, True) + decoded * self.decode_s("classification"))
        job.network(times * filled * self.forward_s(network), self.threads, self.on_gpu)

    def kept_share(self, kind: str, pictures: int, limit_mb: float) -> float:
        """Share of some pictures that stays decoded in memory."""
        return min(1.0, limit_mb / (pictures * self.sizes[kind].decoded_mb)) if pictures else 0.0

    def network_memory(self, job: JobPlan, network: dict, training: bool, kept_mb: float) -> None:
        """Add weights, for training also gradients, momentum and average, and what the passes keep."""
        memory = job.gpu_memory_mb if self.on_gpu else job.memory_mb
        name = "weights, gradients, momentum, average" if training else "weights"
        memory[name] = networks.weights_mb(network) * (4 if training else 1)
        memory["activations"] = kept_mb
        if not self.on_gpu:
            memory["buffers and kernels"] = KERNELS_MB

    def loader_memory(self, job: JobPlan, cache_mb: float) -> None:
        """Add decoded pictures; each loader process keeps its own."""
        processes = self.tree["plumbing"]["loader_workers"]
        if cache_mb >= 1:
            job.memory_mb["decoded pictures"] = cache_mb * max(1, processes)
        if processes:
            job.memory_mb["loader processes"] = WORKER_MB * processes


@cache
def runs_network(stage: str) -> bool:
    """Whether a stage's code, as far as it reaches, imports torch."""
    reached = code.reached(f"googlenet.stages.{stage}")
    return any(imports_torch(module) for module in reached)


def imports_torch(module: str) -> bool:
    """Whether a module of ours imports torch at its top."""
    for node in code.tree_of(module).body:
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if "torch" in {name.split(".")[0] for name in names}:
            return True
    return False


def plain_sections(settings: Settings) -> dict:
    """The sections that no row of a table is needed for, as plain values."""
    names = ("compute", "plumbing", "model", "origins", "predict_crops", "train_multibox", "merge_proposals")
    names += ("propose_regions", "score_regions", "ablations", "ensemble")
    return {name: plain(settings.tree[name]) for name in names}


def planned_stages(settings: Settings, ablations: bool) -> list[str]:
    """The stages that have jobs; those of the target `ablations` where they are asked for."""
    return [
        stage
        for stage in settings.stages
        if settings.jobs(stage) and (ablations or stage not in ABLATION_STAGES)
    ]


def times(count: float, word: str) -> str:
    """A count with its word: 1,280 crops."""
    return f"{count:,.0f} {word}"
