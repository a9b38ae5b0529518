"""Metrics of compare_structures. Separate, so that a change to other comparisons re-derives and retrains nothing."""

from googlenet.metrics.base import StageMetrics
from googlenet.metrics.classification_studies import AblationErrors, HeldOut


class StructureResult(HeldOut[AblationErrors]):
    """A kind of structure, over the seeds: its errors, and their difference from GoogLeNet's at the same cost."""

    row: str
    macs: float  # mean over the seeds, like the parameters
    parameters: float
    stalled: int  # number of its trainings that stalled


class StructureComparison(StageMetrics):
    """metrics.json of compare_structures. random: the mean of the random structures of each seed."""

    classes: int
    confidence_percent: float
    seeds: tuple[int, ...]
    random_structures: int  # per seed, each with its own widths
    images: HeldOut[int]
    budget_macs: int
    googlenet: StructureResult
    derived: StructureResult
    random: StructureResult
    each_random: tuple[StructureResult, ...]
    derived_less_random: HeldOut[AblationErrors]  # errors of the derived structures
