"""What the studies of classification write: choices among the crops, units of a module, ablations."""

from typing import Generic, Literal, TypeVar

from googlenet.metrics.base import Metrics, StageMetrics
from googlenet.metrics.classification import (
    Effect,
    Effects,
    MeasuredErrors,
    System,
    TopDifferences,
)
from googlenet.metrics.error_rates import Spread, TopErrors, TopValues
from googlenet.metrics.interval import Interval

TopMeasure = Literal["top1", "top5"]
ValueT = TypeVar("ValueT")


# study_crops


class AggregationErrors(MeasuredErrors):
    """Errors of one way to combine crops and models. aggregation: its name in classification/aggregations.py.

    against_mean: falls from the mean of the softmax; None for the mean itself.
    """

    system: System
    aggregation: str
    against_mean: TopDifferences | None


class PolicyErrors(MeasuredErrors):
    """Errors with the paper's 1, 10 or 144 crops. forward_passes: crops of an image that differ, in the mean.

    to_best: falls to the best crops of the same cost; None where none were chosen.
    """

    system: System
    crops: int
    forward_passes: float
    to_best: TopDifferences | None


class SubsetSpread(Spread):
    """The same, with the two quartiles between which the middle half lies."""

    quartiles: tuple[float, float]


class BestCrops(MeasuredErrors):
    """Errors with the crops that validation chose, and falls from random ones of as many and from all."""

    against_random: TopDifferences
    against_all: TopDifferences


class BudgetErrors(Metrics):
    """Errors with a number of crops. random: over random subsets of as many; best: None where none were chosen."""

    system: System
    crops: int
    random: TopValues[SubsetSpread]
    best: BestCrops | None


class CropPlace(Metrics):
    """What one of the 144 crops is. scale_px: the shorter side that the image is resized to, for crops of 224 px."""

    scale_px: int
    square: str
    kind: str
    mirrored: bool


class ChosenCrops(Metrics):
    """Crops in the order in which validation chose them, by number among the 144; first: the first of them, described.

    validation_nll_nats: by budget, as text. preferred_budget: of the least validation loss.
    """

    order: tuple[int, ...]
    first: tuple[CropPlace, ...]
    validation_nll_nats: dict[str, float]
    preferred_budget: int


class GroupEffect(Effect):
    """The effect of a group of crops. crops: how many it has; alone: errors with no others."""

    crops: int
    alone: TopErrors


class GroupEffects(Effects):
    """What leaving out each group of crops changes. without_effect: groups whose crops all coincide with others."""

    overall: tuple[GroupEffect, ...]
    without_effect: tuple[str, ...]


class CropStudyMetrics(StageMetrics):
    """metrics.json of study_crops.

    images, validation_images: whose crops were kept. crops: of the largest policy; candidates: those of them that differ.
    chosen: by member and for the "ensemble"; empty without a validation split.
    """

    images: int
    validation_images: int
    classes: int
    models: int
    confidence_percent: float
    resamples: int
    random_subsets: int
    crops: int
    candidates: int
    aggregations: tuple[AggregationErrors, ...]
    policies: tuple[PolicyErrors, ...]
    budgets: tuple[BudgetErrors, ...]
    chosen: dict[str, ChosenCrops]
    groups: GroupEffects


# analyse_units


class ShownUnits(Metrics):
    """The units of the correlation matrix, in order: cluster, branch (a place in out_of.branches), correlations."""

    cluster: tuple[int, ...]
    branch: tuple[int, ...]
    correlation_percent: tuple[tuple[int, ...], ...]


class UnitCluster(Metrics):
    """A cluster of units. mean_correlation: of pairs; None for a cluster of one unit."""

    units: int
    units_by_branch: tuple[int, ...]
    mean_correlation: float | None


class DistanceCorrelation(Metrics):
    """Mean correlation of two units so many map positions apart, of one cluster and of two; None without such pairs."""

    distance: int
    same_cluster: float | None
    other_clusters: float | None


class BranchTest(Metrics):
    """Whether clusters differ in their branches by more than clusters drawn at random.

    over_chance, beyond: [clusters][branches], the relation to chance and whether it is further from 1 than chance reaches.
    explained: share of the variation among units that lies between clusters, with its mean and 95th percentile by chance.
    """

    branches: tuple[str, ...]
    over_chance: tuple[tuple[float, ...], ...]
    beyond: tuple[tuple[bool, ...], ...]
    explained: float
    explained_by_chance: float
    explained_by_chance_95: float
    p: float


class NetworkUnits(Metrics):
    """The units of one network, trained or not. left_out: how many never vary.

    out_of: the branches that they come out of; feeds: those of the module above that they feed.
    """

    units: int
    left_out: int
    shown: ShownUnits
    clusters: tuple[UnitCluster, ...]
    by_distance: tuple[DistanceCorrelation, ...]
    out_of: BranchTest
    feeds: BranchTest


class UnitMetrics(StageMetrics):
    """metrics.json of analyse_units. above: the module that takes the units; map_px: height and width of their maps."""

    member: str
    module: str
    above: str
    split: str
    images: int
    map_px: tuple[int, int]
    permutations: int
    trained: NetworkUnits
    untrained: NetworkUnits


# compare_ablations


class HeldOut(Metrics, Generic[ValueT]):
    """One value for each split that is not trained on."""

    validation: ValueT
    test: ValueT


class AblationError(Metrics):
    """An error of one row, and its difference to the reference's: above zero the reference is better.

    interval: of the difference, in points, for other seeds and other images. degrees_of_freedom: of its Student's t.
    """

    error_percent: float
    error_percent_by_seed: tuple[float, ...]
    difference_points: float
    difference_points_by_seed: tuple[float, ...]
    interval: Interval
    degrees_of_freedom: float


class AblationErrors(Metrics):
    """Both errors of one row on one split."""

    top1: AblationError
    top5: AblationError

    def of(self, measure: TopMeasure) -> AblationError:
        """One of them."""
        return self.top1 if measure == "top1" else self.top5


class AblationResult(HeldOut[AblationErrors]):
    """A row of the table of ablations, or the reference. sources: <stage>/<job> of the trainings that it is made of, by seed.

    about: in words. changes: to the settings, as in the table. stalled: how many of its trainings did.
    """

    name: str
    about: str
    weights: Literal["averaged", "last"]
    changes: dict[str, object]
    sources: tuple[str, ...]
    stalled: int
    parameters: int


class AblationMetrics(StageMetrics):
    """metrics.json of compare_ablations. images: of each split; trainings: how many different ones there are."""

    classes: int
    confidence_percent: float
    seeds: tuple[int, ...]
    images: HeldOut[int]
    trainings: int
    reference: AblationResult
    rows: tuple[AblationResult, ...]
