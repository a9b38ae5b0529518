"""Keys of former versions: a file that still sets one is rejected with the present name."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from googlenet.config.sources import Layer
from googlenet.errors import UserError


def always(value: Any) -> bool:
    """For a key that no longer exists, whatever its value."""
    return True


def is_flag(value: Any) -> bool:
    """For a key that now contains other keys."""
    return isinstance(value, bool)


def is_zero(value: Any) -> bool:
    """For a number that used to switch a part off when zero."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value == 0


RENAMED = "is now '{}'; rename it"
OFF = "no longer switches {} off when 0; set {}.enabled to false"
# Key, a test for values that have the former meaning, what to write instead.
FORMER: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    ("plumbing", always, RENAMED.format("execution")),
    ("detection", is_flag, "now holds keys; write detection: {enabled: true} or detection: {enabled: false}"),
    ("merge_proposals.multibox_boxes", is_zero, OFF.format("MultiBox", "train_multibox")),
    ("predict_crops.per_crop_images", is_zero, OFF.format("study_crops", "study_crops")),
    ("train_classifier.stall.epochs", is_zero, OFF.format("this", "train_classifier.stall")),
    ("train_detector.hard_negatives.share", is_zero, OFF.format("them", "train_detector.hard_negatives")),
    ("analyse_units.pictures", always, RENAMED.format("analyse_units.images")),
    ("dataset.detection.pictures_without_objects", always, RENAMED.format("dataset.detection.images_without_objects")),
    ("measure_cost.peer_batch_size", always, RENAMED.format("measure_cost.reference_batch_size")),
    ("measure_cost.peer_repeats", always, RENAMED.format("measure_cost.reference_repeats")),
)


def check(layers: Sequence[Layer]) -> None:
    """Raise UserError, naming file and key, for the first former key that a file sets."""
    for layer in layers:
        for key, meant, words in FORMER:
            value: Any = layer.content
            for part in key.split("."):
                value = value.get(part) if isinstance(value, Mapping) else None
            if value is not None and meant(value):
                raise UserError(f"{layer.file}: '{key}' {words}")
