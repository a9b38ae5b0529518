"""Images of a split, decoded on demand and kept in memory up to a limit."""

from collections.abc import Sequence
from pathlib import Path
from typing import overload

import numpy as np

from googlenet.data.records import SPLITS
from googlenet.data.store import Split, open_split


class DecodedImages(Sequence[np.ndarray]):
    """A split's images, uint8 RGB [h, w, 3] each. Small sets are decoded once; images over the limit, each time."""

    def __init__(self, split: Split, limit_mb: float):
        self.split, self.left_bytes = split, limit_mb * 1e6
        self._kept: dict[int, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self.split)

    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, index: slice) -> list[np.ndarray]: ...
    def __getitem__(self, index: int | slice) -> np.ndarray | list[np.ndarray]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        if index in self._kept:
            return self._kept[index]
        image = self.split.image(index)
        if image.nbytes <= self.left_bytes:
            self.left_bytes -= image.nbytes
            self._kept[index] = image
        return image


def labelled(folder: Path, limit_mb: float) -> dict[str, tuple[DecodedImages, np.ndarray]]:
    """Return images and labels of all splits. Half of the memory is for train, half for validation, none for test."""
    shares = {"train": 0.5, "validation": 0.5, "test": 0.0}
    splits = {name: open_split(folder, name) for name in SPLITS}
    return {name: (DecodedImages(split, limit_mb * shares[name]), split.labels) for name, split in splits.items()}
