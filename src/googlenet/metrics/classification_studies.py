"""Metrics of the classification studies: choice of crops, units of a module, ablations."""

from typing import Generic, Literal, TypeVar

from googlenet.config.schema.shared import System
from googlenet.metrics.base import Metrics, StageMetrics
from googlenet.metrics.classification import Effect, Effects, MeasuredErrors, TopDifferences
from googlenet.metrics.error_rates import Spread, TopErrors, TopValues
from googlenet.metrics.interval import Interval
from googlenet.metrics.training import AsynchronousTraining

TopMeasure = Literal["top1", "top5"]
CropKind = Literal["centre crops", "corners", "whole squares"]
ValueT = TypeVar("ValueT")


class AggregationErrors(MeasuredErrors):
    """Errors of one way to combine crops and models."""

    system: System
    aggregation: str  # its name in classification/aggregations.py
    against_mean: TopDifferences | None  # reduction from the softmax mean; None for that mean itself


class PolicyErrors(MeasuredErrors):
    """Errors with the paper's 1, 10 or 144 crops."""

    system: System
    crops: int
    forward_passes: float  # distinct crops of an image, on average
    to_best: TopDifferences | None  # to the best crops of at most the same cost; None if none were chosen


class SubsetSpread(Spread):
    """A spread with the two quartiles that bound the middle half."""

    quartiles: tuple[float, float]


class BestCrops(MeasuredErrors):
    """Errors with the crops chosen on validation, and reductions from as many random crops and from all crops."""

    against_random: TopDifferences
    against_all: TopDifferences


class BudgetErrors(Metrics):
    system: System
    crops: int
    random: TopValues[SubsetSpread]  # over random subsets of the same size
    best: BestCrops | None  # None if none were chosen


class CropPlace(Metrics):
    """Description of one of the 144 crops."""

    scale_px: int  # the shorter side that the image is resized to, for crops of 224 px
    square: str
    kind: str
    mirrored: bool


class ChosenCrops(Metrics):
    """Crops in the order in which they were chosen on validation."""

    order: tuple[int, ...]  # indices among the 144
    first: tuple[CropPlace, ...]
    validation_nll_nats: dict[str, float]  # by budget, as text
    preferred_budget: int  # the one with the least validation loss


class GroupEffect(Effect):
    """The effect of a group of crops."""

    crops: int
    alone: TopErrors  # with no other crops


class GroupEffects(Effects):
    overall: tuple[GroupEffect, ...]
    without_effect: tuple[str, ...]  # groups whose crops all coincide with others


class TrainingZoom(Metrics):
    """Zoom and magnification of training crops drawn with the members' own sampling. Zoom: the image's shorter side
    divided by the crop's side; magnification: input pixels per image pixel."""

    crops: int  # drawn
    zoom: float  # the median
    quartiles: tuple[float, float]  # of the zoom
    magnification: float  # the median


class ScaleErrors(MeasuredErrors):
    """Errors of one model (the mean over the members) on the crops of one scale and kind alone."""

    scale_px: int | None  # as in CropPlace; None: the whole squares of all scales
    kind: CropKind
    crops: int
    zoom: float  # medians over the test images
    magnification: float
    training_below_percent: float | None  # training crops of a smaller zoom; None if nothing was trained
    against_nearest: (
        TopDifferences | None
    )  # reduction from the row whose zoom is nearest to training's; None for that row
    left_out: TopDifferences | None  # reduction from all crops to all but these; None if none are left


class MatchedCrops(MeasuredErrors):
    """Errors of one model on the crops whose zoom is within the quartiles of training's."""

    crops: int
    scales_px: tuple[int, ...]
    against_all: TopDifferences  # reduction from all crops to these


class ScaleStudy(Metrics):
    """Zoom and magnification of training and test crops, and the errors of test crops by scale and kind."""

    training: TrainingZoom | None  # None if nothing was trained
    rows: tuple[ScaleErrors, ...]
    matched: MatchedCrops | None  # None if there are none


class CropStudyMetrics(StageMetrics):
    """metrics.json of study_crops. images, validation_images: those whose crops were kept."""

    images: int
    validation_images: int
    classes: int
    models: int
    confidence_percent: float
    resamples: int
    random_subsets: int
    crops: int  # of the largest policy
    candidates: int  # the distinct ones among them
    aggregations: tuple[AggregationErrors, ...]
    policies: tuple[PolicyErrors, ...]
    budgets: tuple[BudgetErrors, ...]
    chosen: dict[str, ChosenCrops]  # by member and for the "ensemble"; empty without a validation split
    groups: GroupEffects
    scales: ScaleStudy


class ShownUnits(Metrics):
    """The units of the correlation matrix, in order."""

    cluster: tuple[int, ...]
    branch: tuple[int, ...]  # indices into out_of.branches
    correlation_percent: tuple[tuple[int, ...], ...]


class UnitCluster(Metrics):
    units: int
    units_by_branch: tuple[int, ...]
    mean_correlation: float | None  # of pairs; None for a cluster of one unit


class DistanceCorrelation(Metrics):
    """Mean correlation of two units at a distance on the map, in one cluster or in two; None without such pairs."""

    distance: int
    same_cluster: float | None
    other_clusters: float | None


class BranchTest(Metrics):
    """Whether clusters differ in their branches by more than random clusters."""

    branches: tuple[str, ...]
    over_chance: tuple[tuple[float, ...], ...]  # [clusters][branches]
    beyond: tuple[tuple[bool, ...], ...]  # whether it is further from 1 than by chance
    explained: float  # share of the units' variation between clusters
    explained_by_chance: float  # its mean by chance
    explained_by_chance_95: float  # and its 95th percentile
    p: float


class NetworkUnits(Metrics):
    """The units of one network, trained or not."""

    units: int
    left_out: int  # units that never vary
    shown: ShownUnits
    clusters: tuple[UnitCluster, ...]
    by_distance: tuple[DistanceCorrelation, ...]
    out_of: BranchTest  # the branches that the units come from
    feeds: BranchTest  # the branches of the module above that they feed


class UnitMetrics(StageMetrics):
    """metrics.json of analyse_units."""

    member: str
    module: str
    above: str  # the module that takes the units
    split: str
    images: int
    map_px: tuple[int, int]  # height, width
    permutations: int
    trained: NetworkUnits
    untrained: NetworkUnits


class HeldOut(Metrics, Generic[ValueT]):
    """One value for each split not used for training."""

    validation: ValueT
    test: ValueT


class AblationError(Metrics):
    """One error of a row, and its difference from the reference's; positive: the reference is better."""

    error_percent: float
    error_percent_by_seed: tuple[float, ...]
    difference_points: float
    difference_points_by_seed: tuple[float, ...]
    interval: Interval  # of the difference, in points, for other seeds and other images
    degrees_of_freedom: float  # of its Student's t


class AblationErrors(Metrics):
    top1: AblationError
    top5: AblationError

    def of(self, measure: TopMeasure) -> AblationError:
        return self.top1 if measure == "top1" else self.top5


class AblationResult(HeldOut[AblationErrors]):
    """A row of the table of ablations, or the reference."""

    name: str
    about: str  # in words
    weights: Literal["averaged", "last"]
    changes: dict[str, object]  # to the settings, as in the table
    sources: tuple[str, ...]  # <stage>/<job> of its trainings, by seed
    stalled: int  # number of its trainings that stalled
    parameters: int
    asynchronous: tuple[AsynchronousTraining, ...] = ()  # by seed, if its updates were asynchronous


class AblationMetrics(StageMetrics):
    """metrics.json of compare_ablations."""

    classes: int
    confidence_percent: float
    seeds: tuple[int, ...]
    images: HeldOut[int]
    trainings: int  # number of distinct ones
    reference: AblationResult
    rows: tuple[AblationResult, ...]
