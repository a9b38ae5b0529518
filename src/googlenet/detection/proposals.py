"""Region proposals of a data set's splits in a few arrays; part i of n holds images i, i + n, ... of every split."""

from collections.abc import Mapping, Sequence

import numpy as np

from googlenet.detection import Boxes
from googlenet.storage.on_access import OnAccess
from googlenet.storage.rows import Ranges


class PerImage(OnAccess):
    """One array per image, created on access by image index; counts: the number of rows of each."""

    counts: np.ndarray

    def __len__(self) -> int:
        return len(self.counts)


def pack(by_split: Mapping[str, Sequence[np.ndarray]]) -> dict[str, np.ndarray]:
    """Pack boxes per image: {"<split>.boxes": int32 [all boxes, 4], "<split>.counts": int64 [images]}."""
    none = np.zeros((0, 4), np.int32)
    arrays = {f"{split}.boxes": np.concatenate([none, *boxes]).astype(np.int32) for split, boxes in by_split.items()}
    return arrays | {f"{split}.counts": counts_of(boxes) for split, boxes in by_split.items()}


class Joined(PerImage):
    """The rows of every image of a split, in the split's order, from all parts; read on access."""

    def __init__(self, rows: Sequence[Ranges], counts: Sequence[Ranges]):
        self.rows = rows
        self.counts = np.empty(sum(map(len, counts)), np.int64)
        for part, each in enumerate(counts):
            self.counts[part :: len(counts)] = each[:]
        self.ends = [np.cumsum([0, *self.counts[part :: len(counts)]]) for part in range(len(counts))]

    def of(self, image: int) -> np.ndarray:
        """Return the rows of one image."""
        if not 0 <= image < len(self):
            raise IndexError(f"image {image} of {len(self)}")
        row, part = divmod(int(image), len(self.rows))
        return self.rows[part][self.ends[part][row] : self.ends[part][row + 1]]


def counts_of(boxes: Boxes) -> np.ndarray:
    """Return the number of rows of each image, int64 [images], without reading them if the counts are known."""
    return boxes.counts if isinstance(boxes, PerImage) else np.array([len(one) for one in boxes], np.int64)


def joined(parts: Sequence[Mapping[str, Ranges]], split: str, of: str = "boxes") -> Joined:
    """The boxes of every image of a split, or another array with a row per box; parts: as packed, or as opened."""
    return Joined(*([part[f"{split}.{name}"] for part in parts] for name in (of, "counts")))
