"""Merge the boxes of MultiBox and selective search into one set of proposals (section 8)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from googlenet.detection import proposals as packed
from googlenet.detection.nms import nms
from googlenet.metrics.proposals import MergeMetrics
from googlenet.storage.rows import Ranges


class Merged(NamedTuple):
    """An image's boxes int32 [n, 4], MultiBox's `multibox` first, best first; confidence float32 [n], 0 for others."""

    boxes: np.ndarray
    confidence: np.ndarray
    multibox: int


def merge(multibox: np.ndarray, confidence: np.ndarray, searched: np.ndarray, duplicate_iou: float) -> Merged:
    """Join MultiBox's boxes [k, 4], best first, and selective search's [n, 4]; the first of near-duplicates is kept."""
    boxes = np.concatenate([multibox.reshape(-1, 4), searched.reshape(-1, 4)]).astype(np.int32)
    kept = np.sort(nms(boxes, -np.arange(len(boxes)), duplicate_iou))
    all_confidence = np.concatenate([confidence, np.zeros(len(searched))]).astype(np.float32)
    return Merged(boxes[kept], all_confidence[kept], int((kept < len(multibox)).sum()))


def measure(
    merged: Mapping[str, Sequence[Merged]], searched: Mapping[str, Sequence[np.ndarray]], multibox: int
) -> MergeMetrics:
    """Count the boxes of every split's images; multibox: the number that MultiBox proposed."""
    images = [one for of_split in merged.values() for one in of_split]
    boxes = sum(len(one.boxes) for one in images)
    return MergeMetrics(
        multibox=multibox,
        selective_search=sum(len(boxes) for of_split in searched.values() for boxes in of_split),
        boxes=boxes,
        images=len(images),
        boxes_per_image=boxes / max(1, len(images)),
    )


def sources(merged: Mapping[str, Sequence[Merged]]) -> dict[str, np.ndarray]:
    """Arrays stored with the boxes: "<split>.confidence" float32 [all boxes], "<split>.multibox" int64 [images]."""
    arrays, none = {}, np.zeros(0, np.float32)
    for split, images in merged.items():
        arrays[f"{split}.confidence"] = np.concatenate([none, *(one.confidence for one in images)])
        arrays[f"{split}.multibox"] = np.array([one.multibox for one in images], np.int64)
    return arrays


def read_merged(parts: Sequence[Mapping[str, Ranges]], split: str, images: Iterable[int]) -> list[Merged]:
    """Read the merged boxes of some images of a split, by index, from all parts, and no others."""
    boxes, confidence = (packed.joined(parts, split, of) for of in ("boxes", "confidence"))
    ranked = [part[f"{split}.multibox"][:] for part in parts]
    return [Merged(boxes[i], confidence[i], int(ranked[i % len(parts)][i // len(parts)])) for i in images]
