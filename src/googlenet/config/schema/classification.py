"""Settings of the stages of classification, of the cost of the networks, and of the report."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, Strict, model_validator

from googlenet.config.schema import shared
from googlenet.config.schema.base import (
    DISTINCT,
    ONE_OF_NUMBERS,
    Modules,
    Name,
    Selects,
    Settings,
    Split,
    StageSettings,
    is_reference,
    wrong,
)
from googlenet.config.schema.shared import Confidence, Count, NonNegative, OpenFraction, Positive, Seed, Whole

MOST_SCALE = 2240  # a crop of a tenth of the shorter side


def _ascending(scales: tuple[int, ...]) -> tuple[int, ...]:
    """Reject scales at which an image is smaller than its crops, and scales that are not in ascending order."""
    if not 224 <= scales[0] <= scales[1] <= scales[2] <= scales[3] <= MOST_SCALE:
        raise wrong(f"four whole numbers of 224 to {MOST_SCALE}, none below the one before it")
    return scales


def _different(seeds: tuple[int, ...]) -> tuple[int, ...]:
    """Reject duplicate seeds."""
    if len(set(seeds)) < len(seeds):
        raise wrong("two or more different whole numbers")
    return seeds


Policies = Annotated[
    tuple[Annotated[Literal[1, 10, 144], ONE_OF_NUMBERS], ...], Field(strict=False, min_length=1), DISTINCT
]
Counts = Annotated[tuple[Count, ...], Field(strict=False, min_length=1), DISTINCT]
Scales = Annotated[tuple[int, int, int, int], Strict(False), AfterValidator(_ascending)]
Seeds = Annotated[tuple[Seed, ...], Field(strict=False, min_length=2), AfterValidator(_different)]
UPDATES = Selects("googlenet.models.updates")
REFERENCE_NETWORKS = Literal[
    "googlenet", "googlenet_wider", "googlenet_deeper", "googlenet_wider_deeper", "googlenet_fully_connected",
    "googlenet_naive", "alexnet", "zfnet", "network_in_network", "vgg_16",
]  # fmt: skip
ExportFormats = Annotated[
    tuple[Literal["exported_program", "onnx", "onnx_int8", "openvino", "openvino_bf16"], ...],
    Field(strict=False, min_length=1), DISTINCT,
]  # fmt: skip
Timed = Annotated[tuple[REFERENCE_NETWORKS, ...], Strict(False), DISTINCT]


class Stall(Settings):
    """When to stop a training that does not leave its first plateau."""

    enabled: bool = Field(description="false never stops it")
    epochs: Count = Field(description="Epochs after which a training without progress is stopped")
    margin: OpenFraction = Field(
        description="Progress: a loss of the main classifier below (1 - margin) x chance in some epoch"
    )


class Absence(Settings):
    """A replica that leaves and comes back."""

    replica: Count = Field(description="Its number; the first, 0, always stays")
    from_step: Whole = Field(description="It leaves before this step, and what it has under way is lost")
    to_step: Whole = Field(description="It comes back before this one")


class Replicas(Settings):
    """Asynchronous updates (DistBelief's Downpour SGD): the replicas, and in what order a simulation's gradients arrive."""

    count: Count = Field(description="Model replicas, each of which computes the gradients of whole batches")
    shards: Count = Field(description="Shards of the parameter server, each updated separately")
    spread: NonNegative = Field(
        description="Simulated: standard deviation of the logarithm of the time of a gradient; its median is 1"
    )
    transfer: NonNegative = Field(
        description="Simulated: mean time until a gradient reaches a shard, as a multiple of that median"
    )
    schedule_seed: Seed = Field(description="Seed of the simulated times")
    absences: Annotated[tuple[Absence, ...], Field(strict=False)] = Field(
        description="Replicas that leave and come back"
    )

    @model_validator(mode="after")
    def _absences(self) -> "Replicas":
        for number, row in enumerate(self.absences if isinstance(self.absences, tuple) else ()):
            if row.replica >= self.count:
                raise wrong("the number of a replica, below count", "absences", number, "replica")
            if row.to_step <= row.from_step:
                raise wrong("a step after from_step", "absences", number, "to_step")
        return self


class TrainClassifier(shared.Computes, shared.Optimisation):
    """One member of the ensemble, trained as in section 6."""

    batch_size: Count = Field(description="Images per step")
    micro_batches: Count = Field(
        description="Parts of a batch whose gradients are computed separately, then summed; a power of two, and the most processes that can train"
    )
    update: Annotated[Literal["synchronous", "asynchronous", "asynchronous_ray"], UPDATES] = Field(
        description="synchronous: each gradient is of the newest weights | asynchronous: of those that a replica fetched earlier, simulated | asynchronous_ray: the same with real processes, not reproducible"
    )
    replicas: Replicas = Field(description="Settings of asynchronous updates")
    aux_weight: NonNegative = Field(description="Weight of each auxiliary loss (the paper: 0.3)")
    stall: Stall = Field(description="When to stop a training that does not leave its first plateau")
    member: shared.TrainedMember = Field(description="The member's row")
    model: shared.Model = Field(description="The network")
    sampling: shared.Sampling = Field(description="The member's sampling method")
    mirror: bool = Field(description="Whether every second crop is mirrored")

    @property
    def most_processes(self) -> int:
        """One process for each part of a batch."""
        return self.micro_batches

    @property
    def real_replicas(self) -> int:
        """The number of replicas that are separate processes."""
        return self.replicas.count if self.update == "asynchronous_ray" else 0

    @model_validator(mode="after")
    def _parts(self) -> "TrainClassifier":
        parts = self.micro_batches
        if is_reference(parts) or is_reference(self.batch_size):
            return self
        if parts & (parts - 1) or parts > self.batch_size:
            raise wrong("a power of two (1, 2, 4, ...) that is at most batch_size", "micro_batches")
        whole = isinstance(self.model, shared.Model) and self.model.network == "batch_norm"
        if parts > 1 and whole:
            raise wrong(
                "1 with model.network: batch_norm, which needs the statistics of a whole batch", "micro_batches"
            )
        if self.update == "synchronous":
            return self
        if parts > 1:
            raise wrong(f"1 with update: {self.update}, whose replicas compute whole batches", "micro_batches")
        device = self.compute.device if isinstance(self.compute, shared.Compute) else "cpu"
        if self.update == "asynchronous_ray" and device != "cpu":
            raise wrong(
                "synchronous or asynchronous with compute.device: cuda; Ray's replicas use processors", "update"
            )
        if whole:
            raise wrong("synchronous with model.network: batch_norm, whose statistics no gradient changes", "update")
        return self


class ImportWeights(StageSettings):
    """Weights that others trained, read from a file into the format of our checkpoints."""

    member: shared.ImportedMember = Field(description="The member's row")
    origin: shared.Origin = Field(description="The entry of conf/origins.yaml that the row names")
    model: shared.Model = Field(
        description="The network; used for what the weights do not say: its width, dropout in later fine-tuning"
    )


class PredictCrops(shared.Infers):
    """Class probabilities of one member on the test images, for every policy in one pass (section 7)."""

    policies: Policies = Field(description="Crops per image")
    scales: Scales = Field(
        description="Shorter sides of the resized image, px for each 224 px of input; 1 and 10 crops take the first"
    )
    batch_size: Count = Field(description="Crops per forward pass")
    keep_crops: bool = Field(description="Whether single crops are kept for study_crops")
    per_crop_images: Count = Field(description="Images of test and of validation whose crops are kept one by one")
    per_crop_seed: Seed = Field(description="Seed of the choice of these images")
    mirror: bool = Field(description="false: each mirrored crop is the unmirrored one again")


class TrainBaseline(shared.Computes):
    """A logistic regression on pixels (scikit-learn): the baseline that the network must beat."""

    enabled: bool = Field(description="false leaves it out")
    side_px: Count = Field(description="Side to which images are shrunk, px")
    grey: bool = Field(description="Whether colour is left out")
    inverse_regularisation: Positive = Field(description="C of the logistic regression")
    max_iterations: Count = Field(description="Most iterations of its solver")

    @property
    def values(self) -> int:
        """Values of an image."""
        return self.side_px**2 * (1 if self.grey else 3)


class Calibration(Settings):
    """How well probabilities are calibrated."""

    bins: Count = Field(description="Number of confidence bins")
    binning: Literal["equal_width", "equal_mass"] = Field(description="How the bins are cut")


class EvaluateEnsemble(StageSettings, shared.Bootstrap):
    """Tables 2 and 3: errors of single members and of every subset, with intervals; what each member adds; calibration."""

    effects_shown: Count = Field(description="Effects of a member left out, by class: the most certain ones")
    examples: Count = Field(description="Images that averaging corrects, and mistakes, each drawn in the report")
    calibration: Calibration = Field(description="How well probabilities are calibrated")


class CropChoices(shared.Bootstrap):
    """What the study of crops compares."""

    enabled: bool = Field(description="false leaves it out, and keeps no crops")
    budgets: Counts = Field(description="Numbers of crops; the cost of each policy is added")
    random_subsets: Count = Field(
        description="Random subsets of crops per budget, with which the chosen crops are compared"
    )
    effects_shown: Count = Field(description="Effects of a group of crops left out, by class: the most certain ones")


class StudyCrops(StageSettings, CropChoices):
    """Section 7: aggregations, how many crops are worth their time, which crops help which classes, at which scale."""

    seed: Seed = Field(description="Seed of the resamples, the random subsets and the drawn training crops")
    training_crops: Count = Field(description="Drawn to compare how large training and test crops show an image")
    samplings: dict[str, shared.Sampling] = Field(description="The sampling method of every member that is trained")
    input_px: shared.InputSide = Field(description="Side of the networks' input, px")
    scales: Scales = Field(description="Scales of the predictions, as in predict_crops")

    @property
    def choices(self) -> CropChoices:
        """The settings that the study's time depends on."""
        return CropChoices(**{name: getattr(self, name) for name in CropChoices.model_fields})


class AnalyseUnits(shared.RunsNetwork):
    """Clusters of correlated units of a trained member, and the branches that they come out of and feed (sections 3 and 4)."""

    enabled: bool = Field(description="false leaves it out")
    of_member: str = Field(description='"" is the first by name')
    module: str = Field(description="Whose output units are clustered; the module after it is the one that they feed")
    split: Split = Field(description="Split whose images are used")
    images: Annotated[int, Field(ge=4)] = Field(
        description="Most images; half of them choose the clusters, half test them"
    )
    clusters: Annotated[int, Field(ge=2)] = Field(description="Number of clusters of units")
    permutations: Annotated[int, Field(ge=100)] = Field(
        description="Random reassignments of units to clusters, which show what chance alone gives"
    )
    seed: Seed = Field(description="Seed of the permutations")
    untrained_seed: Seed = Field(description="Initial weights of the same network without training, for comparison")


class MeasureCost(shared.Computes):
    """Table 1, the rate of this experiment's own network, and GoogLeNet beside other networks."""

    model: shared.Model = Field(description="This experiment's network")
    batch_size: Count = Field(description="Images per forward pass of this experiment's own network")
    repeats: Count = Field(description="Timed forward passes of it")
    wider: Positive = Field(description="Width of the wider GoogLeNet: that of member m7")
    deeper: Annotated[Modules, Field(min_length=1)] = Field(description="Modules that the deeper GoogLeNet repeats")
    timed: Timed = Field(description="Networks whose forward pass is timed, in relation to googlenet's")
    reference_batch_size: Count = Field(description="Images per forward pass of the networks in timed")
    reference_repeats: Count = Field(description="Turns; in each, every network runs once")

    @model_validator(mode="after")
    def _names_googlenet(self) -> "MeasureCost":
        if isinstance(self.timed, tuple) and self.timed and "googlenet" not in self.timed:
            raise wrong("names that include googlenet, to which the others' times are set in relation", "timed")
        return self


class Variant(Settings):
    """A variant of the table of ablations: one row trained with one seed."""

    name: str = Field(description="<row>_<seed>")
    row: str = Field(description="The row's name")
    seed: Seed = Field(description="Order seed and sampling seed")

    @classmethod
    def of(cls, row: str, seed: int) -> "Variant":
        """The variant of a row and a seed, named after both."""
        return cls(name=f"{row}_{seed}", row=row, seed=seed)


class TrainAblation(shared.Computes):
    """One variant of the table of ablations."""

    variant: Variant = Field(description="The row and the seed")
    training: TrainClassifier = Field(description="train_classifier's settings with the row's changes and the seed")

    @property
    def most_processes(self) -> int:
        """As many as for the training itself."""
        return self.training.most_processes


class AblationRow(Settings):
    """A row of the table of ablations: one thing changed in the reference."""

    name: Name = Field(description="Name of the row")
    about: str = Field(description="Its words in the report")
    weights: Literal["averaged", "last"] = Field(description="Which weights are evaluated; both come from one training")
    changes: dict[str, object] = Field(
        description="Changed keys of model, member (keys of member_defaults) and train_classifier"
    )


class Ablations(Settings):
    """The table of ablations: a row and a seed make one training."""

    seeds: Seeds = Field(description="Two or more different ones: order seed and sampling seed of one training a row")
    rows: Annotated[tuple[AblationRow, ...], Field(strict=False)] = Field(description="One thing changed a row")

    @model_validator(mode="after")
    def _different(self) -> "Ablations":
        names = ["reference", *(row.name for row in self.rows)]
        for number, name in enumerate(names):
            if name in names[:number]:
                raise wrong("a name that neither the reference nor another row has", "rows", number - 1, "name")
        return self


class CompareAblations(StageSettings):
    """Each row of the table of ablations against the reference: differences paired over seeds and images."""

    confidence_percent: Confidence = Field(description="Confidence level of every interval, percent")
    about: str = Field(description="One line for the head of the page")
    seeds: Annotated[tuple[Whole, ...], Strict(False)] = Field(description="Seeds, as in ablations")
    rows: Annotated[tuple[AblationRow, ...], Field(strict=False)] = Field(description="Rows, as in ablations")
    sources: dict[str, str] = Field(description="For each variant, the <stage>/<job> whose results it uses")


class MeasureExport(StageSettings, shared.Bootstrap):
    """The formats of `googlenet export`: size, time of one image, and error on test, each beside the network's own."""

    of_member: str = Field(description='"" is the first by name')
    formats: ExportFormats = Field(description="Formats to export, with the precision of the weights if it is not fp32")
    calibration_images: Count = Field(description="Most validation images from which int8 takes its ranges")
    warm_up: Whole = Field(description="Passes of one image before those that are timed")
    repeats: Annotated[int, Field(ge=2)] = Field(description="Timed passes of one image")
    scales: Scales = Field(description="Scales of the predictions, of which the first is used")
    about: str = Field(description="One line for the head of the page")
    network: shared.Network = Field(description="The member's network")


class MakeReport(StageSettings):
    """The report: one HTML page and the same as Markdown."""

    title: str = Field(description="Title of the page")
    about: str = Field(description="One line for the head of the report")
    scales: Scales = Field(description="Scales of the predictions, used to draw the crops")
