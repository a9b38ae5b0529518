"""MultiBox's boxes and those of selective search as one set of proposals (section 8)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from googlenet.detection import proposals as packed
from googlenet.detection.nms import nms
from googlenet.metrics.proposals import MergeMetrics
from googlenet.storage.rows import Ranges


class Merged(NamedTuple):
    """One image's proposals: boxes int32 [n, 4], MultiBox's `confidence` float32 [n], 0 for selective search's.

    MultiBox's come first, best first; then selective search's in their own order. `multibox`: how many are MultiBox's.
    """

    boxes: np.ndarray
    confidence: np.ndarray
    multibox: int


def merge(multibox: np.ndarray, confidence: np.ndarray, searched: np.ndarray, duplicate_iou: float) -> Merged:
    """Join MultiBox's boxes [k, 4], best first, and selective search's [n, 4]; drop near-duplicates.

    Of two boxes that overlap above `duplicate_iou` the one that comes first stays: MultiBox's, since it alone has a rank;
    of two of selective search the lower in its sorted order.
    """
    boxes = np.concatenate([multibox.reshape(-1, 4), searched.reshape(-1, 4)]).astype(np.int32)
    kept = np.sort(nms(boxes, -np.arange(len(boxes)), duplicate_iou))
    every = np.concatenate([confidence, np.zeros(len(searched))]).astype(np.float32)
    return Merged(boxes[kept], every[kept], int((kept < len(multibox)).sum()))


def measure(
    merged: Mapping[str, Sequence[Merged]], searched: Mapping[str, Sequence[np.ndarray]], multibox: int
) -> MergeMetrics:
    """Numbers of boxes of every split's images: merged, of selective search, and of MultiBox, of which `multibox` were proposed."""
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
    """What a file of proposals holds beside the boxes: of each split, the confidences and how many are MultiBox's.

    "<split>.confidence" float32 [all boxes], "<split>.multibox" int64 [images].
    """
    arrays = {}
    for split, images in merged.items():
        confidences = [np.zeros(0, np.float32), *(one.confidence for one in images)]
        arrays[f"{split}.confidence"] = np.concatenate(confidences)
        arrays[f"{split}.multibox"] = np.array([one.multibox for one in images], np.int64)
    return arrays


class Unmerged(packed.PerImage[Merged]):
    """What was merged, of every image of a split, in the split's order, from all parts; read when it is asked for."""

    def __init__(self, parts: Sequence[Mapping[str, Ranges]], split: str):
        self.boxes, self.confidences = (packed.joined(parts, split, of) for of in ("boxes", "confidence"))
        self.ranked = [part[f"{split}.multibox"][:] for part in parts]

    def __len__(self) -> int:
        return len(self.boxes)

    def of(self, image: int) -> Merged:
        """The proposals of one image."""
        row, part = divmod(image, len(self.ranked))
        return Merged(self.boxes[image], self.confidences[image], int(self.ranked[part][row]))
