"""Metrics of training. Separate, so that a change to other metrics retrains no members."""

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
    """Errors of the averaged and of the last weights on one centre crop per image."""

    averaged: TopErrors
    last: TopErrors


class AsynchronousTraining(Metrics):
    """Additional metrics of a training with asynchronous updates.

    real: by actual processes instead of a simulation, so that the training's figures vary between runs."""

    real: bool
    replicas: int
    staleness: tuple[int, ...]  # number of shard updates by staleness
    lost_updates: int  # shard updates missing from gradients of replicas that left
    speed_up: float | None = None  # by the simulated clock: gradients per mean gradient time


class TrainingMetrics(StageMetrics):
    """metrics.json of train_classifier, train_ablation and train_structure; the last two have a variant."""

    member: TrainedMember
    parameters: int
    epochs: tuple[TrainingEpoch, ...]
    images_seen: int
    stalled: bool  # whether the main classifier's loss in the last epoch was no better than chance
    validation: WeightErrors
    test: WeightErrors
    variant: Variant | None = None
    asynchronous: AsynchronousTraining | None = None  # None: the updates were synchronous
