"""What train_classifier and train_ablation write. Apart, so that no change to other metrics trains members again."""

from googlenet.config.schema.classification import Variant
from googlenet.config.schema.shared import TrainedMember
from googlenet.metrics.base import Metrics, StageMetrics
from googlenet.metrics.error_rates import TopErrors


class TrainingEpoch(Metrics):
    """An epoch of a training: mean training loss, and the averaged weights' errors on validation."""

    epoch: int
    step: int  # how many were done at its end
    learning_rate: float  # of its last step
    train_loss: float
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
    stalled: bool  # whether the loss of the last epoch was no better than chance
    validation: WeightErrors
    test: WeightErrors
    variant: Variant | None = None
