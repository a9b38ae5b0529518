"""Metrics of training and of import. Kept apart, so that a change to other metrics retrains no members."""

from googlenet.config.schema.classification import Variant
from googlenet.config.schema.shared import ImportedMember, TrainedMember
from googlenet.metrics.base import Epoch, Metrics, StageMetrics, TopErrors


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
    stalled: bool  # whether the loss of the last epoch was no better than chance
    validation: WeightErrors
    test: WeightErrors
    variant: Variant | None = None


class ImportMetrics(StageMetrics):
    """metrics.json of import_weights."""

    member: ImportedMember  # the row of the table
    format: str
    source_sha256: str  # of the file, or of a folder's files
    network: str
    channel_order: str
    input_mean: tuple[float, ...]  # in channel_order, as input_scale
    input_scale: float | tuple[float, ...]
    input_px: int
    aux_heads: tuple[str, ...]
    classes: int
    class_names: bool  # whether class names are known
    parameters: int
