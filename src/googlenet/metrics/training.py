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


class AsynchronousTraining(Metrics):
    """What asynchronous updates add to the metrics of a training.

    real: by processes of their own, so that none of the training's figures is the same in another run."""

    real: bool
    replicas: int
    staleness: tuple[int, ...]  # by staleness, the number of a shard's updates
    lost_updates: int  # of gradients that replicas had under way when they left
    speed_up: float | None = None  # by the simulated clock: gradients in the mean time of one


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
    asynchronous: AsynchronousTraining | None = None  # None: the updates were synchronous
