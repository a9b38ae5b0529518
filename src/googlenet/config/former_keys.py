"""Keys that former versions had: a file that still gives one is rejected with the present name."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from googlenet.config.sources import Layer
from googlenet.errors import UserError


def always(value: Any) -> bool:
    """A key that is no more, whatever its value."""
    return True


def is_flag(value: Any) -> bool:
    """A key that now holds keys."""
    return isinstance(value, bool)


def is_zero(value: Any) -> bool:
    """A number whose zero used to switch a part off."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value == 0


# Key, which of its values were meant, what to write instead.
FORMER: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    ("plumbing", always, "is now 'execution'; rename it"),
    ("detection", is_flag, "now holds keys; write detection: {enabled: true} or detection: {enabled: false}"),
    (
        "merge_proposals.multibox_boxes",
        is_zero,
        "no longer switches MultiBox off when 0; set train_multibox.enabled to false",
    ),
    (
        "predict_crops.per_crop_images",
        is_zero,
        "no longer switches study_crops off when 0; set study_crops.enabled to false",
    ),
    (
        "train_classifier.stall.epochs",
        is_zero,
        "no longer switches this off when 0; set train_classifier.stall.enabled to false",
    ),
    (
        "train_detector.hard_negatives.share",
        is_zero,
        "no longer switches them off when 0; set train_detector.hard_negatives.enabled to false",
    ),
    ("analyse_units.pictures", always, "is now 'analyse_units.images'; rename it"),
    (
        "dataset.detection.pictures_without_objects",
        always,
        "is now 'dataset.detection.images_without_objects'; rename it",
    ),
    ("measure_cost.peer_batch_size", always, "is now 'measure_cost.reference_batch_size'; rename it"),
    ("measure_cost.peer_repeats", always, "is now 'measure_cost.reference_repeats'; rename it"),
)


def check(layers: Sequence[Layer]) -> None:
    """Raise UserError, naming file and key, for the first former key that a file gives."""
    for layer in layers:
        for key, meant, words in FORMER:
            value: Any = layer.content
            for part in key.split("."):
                value = value.get(part) if isinstance(value, Mapping) else None
            if value is not None and meant(value):
                raise UserError(f"{layer.file}: '{key}' {words}")
