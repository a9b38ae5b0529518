"""The boxes of an image's crops, for drawing them."""

from collections.abc import Sequence

from googlenet.classification.crops import PAPER_INPUT_PX, Crop, crops_144, in_original


def crop_boxes(width: int, height: int, scales: Sequence[int]) -> list[tuple[int, int, int, Sequence[float]]]:
    """The unmirrored crops for an input of the paper's size: (scale, square, kind, box in the image's pixels)."""
    crops = crops_144(width, height, PAPER_INPUT_PX, scales=scales)
    boxes: dict[Crop, tuple[int, int, int, Sequence[float]]] = {}
    for i, crop in enumerate(crops):
        if not crop.mirrored:  # i runs over scale, square, kind, mirror, from slowest to fastest
            scale_px, square, kind = min(crop.resized_w, crop.resized_h), i % 36 // 12, i % 12 // 2
            boxes.setdefault(crop, (scale_px, square, kind, in_original(crop, width, height)))
    return list(boxes.values())
