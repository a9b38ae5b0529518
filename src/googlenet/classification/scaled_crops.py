"""The 144 crops at scales of one's own. At the paper's they are those of crops.py, which every training imports: it would run again
for a change there."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from googlenet.classification.crops import PAPER_INPUT_PX, SCALES, Crop, cut, distinct, resized
from googlenet.classification.predict import Cropping


def crops_at(scales: Sequence[int], width: int, height: int, input_px: int, mirror: bool = True) -> list[Crop]:
    """Return all 144 crops of an image, in the order of `crops_144`. scales: the four shorter sides, for an input of 224 px.
    Where two of them are equal their crops coincide."""
    crops = []
    for scale in scales:
        shorter = max(input_px, round(scale * input_px / PAPER_INPUT_PX))
        (w, h), spare = resized(width, height, shorter), shorter - input_px
        corners = [(0, 0), (spare, 0), (0, spare), (spare, spare)]
        for along in (0, 1, 2):  # the first, the middle and the last square of the longer side
            left, top = (w - shorter) * along // 2, (h - shorter) * along // 2
            places = [(left + x, top + y, input_px) for x, y in (*corners, (spare // 2, spare // 2))]
            places.append((left, top, shorter))
            crops += [Crop(w, h, *place, mirrored) for place in places for mirrored in (False, mirror)]
    return crops


@dataclass(frozen=True)
class ScaledCropping(Cropping):
    """Which crops of each image are predicted, at which scales: by default the paper's."""

    scales: tuple[int, ...] = SCALES

    def every(self, width: int, height: int, px: int) -> list[Crop]:
        """All 144 crops of an image of this size."""
        return crops_at(self.scales, width, height, px, self.mirror)

    def of(self, image: np.ndarray, px: int) -> tuple[np.ndarray, np.ndarray]:
        """An image's distinct crops, uint8 [distinct, px, px, 3], and each number's index among them."""
        every = self.every(image.shape[1], image.shape[0], px)
        chosen, index = distinct([every[number] for number in self.numbers])
        return cut(image, chosen, px), index
