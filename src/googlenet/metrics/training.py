"""Metrics of training. Kept apart, so that a change to other metrics retrains no members."""

from googlenet.config.schema.classification import Variant
from googlenet.config.schema.shared import TrainedMember
from googlenet.metrics.base import Metrics, StageMetrics
from googlenet.metrics.epoch import Epoch
from googlenet.metrics.error_rates import TopErrors


class TrainingEpoch(Epoch):
    """An epoch of a member, with the averaged weights' errors on validation."""

    validation_top1_error_percent: float
    validation_top5_error_percent: float


class WeightErrors(Metrics):
    """Errors of the averaged and of the last weights, on one centre crop of each image."""

    averaged: TopErrors
    last: TopErrors


class TrainingMetrics(StageMetrics):
    """metrics.json of train_classifier and of train_ablation, which alone has a variant."""

    member: TrainedMember
    parameters: int
    epochs: tuple[TrainingEpoch, ...]
    images_seen: int
    stalled: bool  # whether the main classifier's loss in the last epoch was no better than chance
    validation: WeightErrors
    test: WeightErrors
    variant: Variant | None = None
    staleness: tuple[int, ...] | None = None  # of asynchronous training: by staleness, the number of a shard's updates
