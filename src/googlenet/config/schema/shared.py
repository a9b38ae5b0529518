"""What stages share: kinds of numbers, how things are computed, the network, the tables of members and methods."""

import math
from typing import Annotated, Literal, get_args

from pydantic import Field, Strict, model_validator

from googlenet.config.schema.base import (
    DISTINCT,
    Modules,
    Named,
    NetworkName,
    Selects,
    Settings,
    StageSettings,
    is_reference,
    wrong,
)

Fraction = Annotated[float, Field(ge=0, le=1)]
OpenFraction = Annotated[float, Field(ge=0, lt=1)]
Iou = Annotated[float, Field(gt=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Confidence = Annotated[float, Field(ge=50, lt=100)]
Count = Annotated[int, Field(ge=1)]
Whole = Annotated[int, Field(ge=0)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]  # the range that every library accepts
System = Literal["single", "ensemble"]  # of results: the mean over single rows of a table, and all of them together
MOST_MEMBERS = 12  # whose 4,095 subsets take seconds; 20 would take tens of GB
InputSide = Annotated[int, Field(ge=32)]
Pair = Annotated[tuple[float, float], Strict(False)]
IntPair = Annotated[tuple[int, int], Strict(False)]
Triple = Annotated[tuple[float, float, float], Strict(False)]
NETWORKS = Selects("googlenet.models.networks")
Network = Annotated[NetworkName, NETWORKS]
Classifier = Literal["average_pool", "fully_connected"]
Initialisation = Literal["replica", "he"]
Format = Literal["caffemodel", "raw_float32", "torchvision", "checkpoint"]
EngineName = Literal["auto", "eager", "compile", "openvino"]
MANY = 10**9  # drops of the rate, at most
LEAST_RATE = 1e-12  # share of the learning rate below which it counts as zero
Interpolation = Literal["bilinear", "area", "nearest", "cubic", "random", "antialias"]


class Compute(Settings):
    """Where and how numbers are computed. Another device, precision or number of threads gives other bits."""

    device: Literal["cpu", "cuda"] = Field(description="Where networks run; cuda takes one GPU for each job")
    precision: Literal["auto", "bf16", "fp32"] = Field(
        description="bf16: autocast of matrix products and convolutions; auto: bf16 on a GPU, and on a processor with amx_bf16 or avx512_bf16, else fp32"
    )
    numeric_threads: Count = Field(description="Threads of each job; jobs run side by side")

    @model_validator(mode="before")
    @classmethod
    def _without_engine(cls, given: object) -> object:
        """Drop the section's `engine` where it does not apply, so that changing it re-runs no training."""
        if cls is Compute and isinstance(given, dict) and given.get("engine") in get_args(EngineName):
            return {key: value for key, value in given.items() if key != "engine"}
        return given


class Inference(Compute):
    """Where and how outputs of trained networks are computed. Trainings have no choice of engine: they are eager."""

    engine: EngineName = Field(
        description="auto: the fastest for the machine and the work | eager: torch's kernels | compile: Inductor | openvino"
    )


class Computes(StageSettings):
    """The settings of a stage that computes on a device."""

    compute: Compute = Field(description="Where numbers are computed")


class RunsNetwork(Computes):
    """The settings of a stage that runs the network of a member, or one that started from it."""

    network: Network = Field(description="The member's network")


class Infers(RunsNetwork):
    """The settings of a stage that computes a trained network's outputs in an engine."""

    compute: Inference = Field(description="Where outputs are computed, and in which engine")


class Execution(Settings):
    """What changes no result, and therefore re-runs nothing: jobs read it, but it is no part of their settings."""

    loader_workers: Whole = Field(
        description="Processes that decode and crop for a training, threads for predict_crops; no more than --cores"
    )
    processes_per_training: Count = Field(
        description="Processes, each with a GPU if device is cuda, that share out the micro_batches of one training; a power of two"
    )
    nodes_per_training: Count = Field(description="Nodes over which these processes are spread evenly")
    jobs_per_gpu: Count = Field(description="Jobs that share a GPU; Snakemake's --resources gpu=N counts jobs")
    prepare_workers: Count = Field(
        description="Processes of a preparation, about 200 MB each, and threads of a search for proposals; no more than --cores"
    )
    decoded_cache_mb: Whole = Field(
        description="Images kept decoded in memory, MB for each process that decodes: a job's own, or each of its loader_workers"
    )
    commit_limit_gb: NonNegative = Field(description="GB of results above which `dvc commit` is left to `make sync`")
    save_every_s: NonNegative = Field(description="Seconds between two states that a long job saves")
    system_metrics_every_s: NonNegative = Field(
        description="Seconds to a job's first sample of CPU, memory and GPU for MLflow, later more between two; 0: none"
    )

    @model_validator(mode="after")
    def _nodes(self) -> "Execution":
        if is_reference(self.processes_per_training) or is_reference(self.nodes_per_training):
            return self
        if self.processes_per_training & (self.processes_per_training - 1):
            raise wrong("a power of two (1, 2, 4, ...)", "processes_per_training")
        if self.processes_per_training % self.nodes_per_training:
            raise wrong("a divisor of processes_per_training", "nodes_per_training")
        return self


class Enabled(Settings):
    """A part of the pipeline that can be left out."""

    enabled: bool = Field(description="false leaves it out")


class Model(Settings):
    """The network (Table 1) and how images become its input. Constants that the paper does not print are the Caffe replica's."""

    network: Annotated[Literal["paper", "batch_norm"], NETWORKS] = Field(
        description="paper: Table 1, with response normalisation | batch_norm: with batch normalisation (Ioffe, Szegedy 2015)"
    )
    width: Positive = Field(description="Factor on all channels but the classifiers'; a member's own multiplies it")
    input_px: InputSide = Field(description="Side of the square input, px")
    dropout: OpenFraction = Field(description="Share dropped before the classifier")
    aux_dropout: OpenFraction = Field(description="Share dropped in the auxiliary heads")
    aux_heads: Annotated[Modules, DISTINCT] = Field(description="Modules that carry an auxiliary classifier")
    lrn: bool = Field(description="Response normalisation after the first two convolutions (network: paper only)")
    inception: Literal["reduced", "naive"] = Field(description="reduced: figure 2b | naive: 2a, without 1x1 reductions")
    classifier: Classifier = Field(
        description="The last layer sees the last map's mean | 1024 units that see all of it"
    )
    repeat_modules: Modules = Field(description="One more copy of a module at each mention: a deeper network")
    initialisation: Initialisation = Field(
        description="replica: Caffe's, biases 0.2 | he: He's gain before every ReLU, biases 0; starts with many classes too"
    )
    input_mean: Triple = Field(description="Subtracted from each channel, RGB, 0-255")
    input_scale: Positive = Field(description="Factor after the subtraction; 1.0 keeps 0-255, as in Caffe")


class Sampling(Settings):
    """How a training crop is drawn from an image (section 6)."""

    method: Literal["area", "scale"] = Field(
        description="area: a share of the image's area | scale: a square of 224/scale of the shorter side"
    )
    area: Pair = Field(description="Range of the crop's share of the image's area")
    aspect: Pair = Field(description="Range of the crop's aspect ratio, width by height")
    scales: Pair = Field(description="Range of the shorter side, px for each 224 px of input")
    interpolation: Interpolation = Field(
        description="How the crop is resized; random draws one of the first four for each crop; antialias is Pillow's bilinear"
    )
    photometric: Fraction = Field(description="Probability of Howard's photometric distortions")

    @model_validator(mode="after")
    def _ranges(self) -> "Sampling":
        for key in ("area", "aspect", "scales"):
            low, high = getattr(self, key)
            if not 0 < low <= high:
                raise wrong("two numbers above 0, the lower first", key)
        if self.area[1] > 1:
            raise wrong("two numbers of at most 1, the lower first", "area")
        if self.scales[0] < 224:
            raise wrong("two numbers of at least 224, the lower first", "scales")
        return self


class Origin(Settings):
    """Where weights come from: how the file is read, what its network takes, and what its outputs are."""

    format: Format = Field(
        description="How the file is read; checkpoint: one of this project's, which contains the other keys' values"
    )
    network: Network = Field(description="The network that the weights are of")
    channel_order: Literal["rgb", "bgr"] = Field(description="Order of the input's channels")
    input_mean: Triple = Field(description="Subtracted from each channel, in channel_order, 0-255")
    input_scale: Triple = Field(description="Factor of each channel after the subtraction, in channel_order")
    input_px: InputSide = Field(description="Side of the square input, px")
    classes: str = Field(description='ilsvrc2012 (wnids, sorted), a file with a name a line, or "" if nobody knows')


class TrainedMember(Named):
    """A member of the ensemble that is trained here: a row of the table of members (section 7)."""

    init_seed: Seed = Field(description="Seed of the initial weights, which the paper's seven share")
    order_seed: Seed = Field(description="Seed of the order of the images, and of dropout")
    sampling_seed: Seed = Field(description="Seed of the crops")
    sampling: str = Field(description="An entry of conf/sampling.yaml")
    width: Positive = Field(description="Factor on the model's width")
    repeat_modules: Modules = Field(description="Modules to repeat, besides the model's")


class ImportedMember(Named):
    """A member whose weights are read from a file."""

    weights: str = Field(description="File or folder")
    origin: str = Field(description="An entry of conf/origins.yaml")
    width: Positive = Field(description="Factor on the model's width")


class MemberRow(TrainedMember):
    """A row of the table of members: trained, or imported where it names weights."""

    weights: str = Field(description='"": trained here; else the file or folder that is imported')
    origin: str = Field(description="An entry of conf/origins.yaml; read where the row names weights")

    @property
    def imported(self) -> bool:
        """Whether the row names weights."""
        return bool(self.weights)


class Detector(Named):
    """A row of the table of detectors: each is fine-tuned from a member (section 8)."""

    init_from: str = Field(description="The member that the detector starts from")
    order_seed: Seed = Field(description="Seed of the batches, the new last layers and dropout")


class Ensemble(Settings):
    """The tables of members and detectors. An eighth model is one more row."""

    members: Annotated[tuple[MemberRow, ...], Field(strict=False, min_length=1, description="One row, one model")]
    detectors: Annotated[tuple[Detector, ...], Field(strict=False, min_length=1, description="One row, one detector")]

    @model_validator(mode="after")
    def _names(self) -> "Ensemble":
        if len(self.members) > MOST_MEMBERS:
            words = f"one of at most {MOST_MEMBERS}, since every subset of them is evaluated"
            raise wrong(words, "members", MOST_MEMBERS, "name")
        for table in ("members", "detectors"):
            names = [row.name for row in getattr(self, table)]
            for number, name in enumerate(names):
                if name in names[:number]:
                    raise wrong("a name that no other row has", table, number, "name")
                if name in get_args(System):
                    raise wrong("another name; the results name one and all of a table so", table, number, "name")
        return self


class Part(Named):
    """A part of the images: index, index + parts, ..."""

    index: Whole = Field(description="The first image's number")


class Averaging(Settings):
    """Polyak averaging of the weights (section 6; the paper does not print the form)."""

    form: Literal["exponential", "equal"] = Field(description="exponential | equal: mean of all from start_epoch on")
    decay: OpenFraction = Field(description="Decay of the exponential form; lower in the first steps")
    start_epoch: Whole = Field(description="First epoch of the equal form")


class Optimisation(Settings):
    """Stochastic gradient descent with momentum, its schedule, and averaging (section 6)."""

    epochs: Count = Field(description="Passes through the training data, or through batches_per_epoch batches")
    learning_rate: Positive = Field(description="At the start, after the warm-up")
    bias_rate_factor: Positive = Field(description="Factor on the rate of biases (the replica: 2)")
    warmup_steps: Whole = Field(description="Steps in which the rate rises linearly")
    schedule: Literal["steps", "poly", "cosine"] = Field(
        description="steps: a drop every drop_every_epochs | poly: the share left to the power poly_power | cosine: to zero"
    )
    drop_every_epochs: Count = Field(description="Epochs between two drops (the paper: 8)")
    drop_factor: Annotated[float, Field(gt=0, le=1)] = Field(description="Factor of a drop (the paper: 0.96)")
    poly_power: Positive = Field(description="Exponent of schedule poly (the replica: 0.5, a square root)")
    momentum: OpenFraction = Field(description="Momentum coefficient (the paper: 0.9)")
    weight_decay: NonNegative = Field(description="Weight decay, on weights and not on biases")
    averaging: Averaging = Field(description="Polyak averaging")

    @model_validator(mode="after")
    def _averages(self) -> "Optimisation":
        """Reject an equal average that begins after the last epoch."""
        late = not is_reference(self.epochs) and self.averaging.start_epoch >= self.epochs
        if self.averaging.form == "equal" and late:
            raise wrong(f"less than epochs ({self.epochs}), or no weights are averaged", "averaging", "start_epoch")
        return self

    @model_validator(mode="after")
    def _lasts(self) -> "Optimisation":
        """Reject a schedule whose rate is practically zero when the last epoch begins (a cosine's never is)."""
        key = {"steps": "drop_factor", "poly": "poly_power"}.get(self.schedule, "")
        values = (self.epochs, self.drop_every_epochs, self.drop_factor, self.poly_power)
        if not key or any(isinstance(value, str) for value in values):  # or a reference
            return self
        drops = min((self.epochs - 1) // self.drop_every_epochs, MANY)
        left = drops * math.log(self.drop_factor) if key == "drop_factor" else -self.poly_power * math.log(self.epochs)
        if left < math.log(LEAST_RATE):  # compare logarithms, which cannot underflow
            side = "smaller" if key == "poly_power" else "larger"
            raise wrong(f"{side}, or epochs fewer (the rate is zero before the last of {self.epochs} epochs)", key)
        return self


class Bootstrap(Settings):
    """Intervals by resampling the test images."""

    resamples: Count = Field(description="Bootstrap resamples")
    confidence_percent: Confidence = Field(description="Confidence level of every interval, percent")
    seed: Seed = Field(description="Seed of the resamples")
