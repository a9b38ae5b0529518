"""Images of a split, decoded on demand and kept in memory up to a limit."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from googlenet.data.jpeg_part import Box, Part
from googlenet.data.records import SPLITS
from googlenet.data.store import Split, open_split
from googlenet.storage.on_access import OnAccess

Labelled = tuple[Sequence[np.ndarray], np.ndarray]  # images (uint8 RGB) and their labels


class PartSource(Protocol):
    """Images of which a part may be decoded."""

    def size(self, index: int) -> tuple[int, int]:
        """Return (width, height) of an image, in px, without decoding it."""
        ...

    def part(self, index: int, box: Box, reduction: int) -> Part:
        """Return a part of an image with a box, perhaps at a fraction of its size (see `images.decode_part`)."""
        ...


class DecodedImages(OnAccess):
    """A split's images, uint8 RGB [h, w, 3]. Decoded once up to the limit; beyond it, on every access."""

    def __init__(self, split: Split, limit_mb: float):
        self.split, self.left_bytes = split, limit_mb * 1e6
        self._kept: dict[tuple[int, int], np.ndarray] = {}  # by index and reduction

    def __len__(self) -> int:
        return len(self.split)

    def of(self, number: int) -> np.ndarray:
        """Return an image."""
        return self.part(number, None, 1).pixels

    def size(self, index: int) -> tuple[int, int]:
        """Return (width, height) of an image, in px, without decoding it."""
        return self.split.size(index)

    def part(self, index: int, box: Box | None, reduction: int) -> Part:
        """Return a part of an image with a box, perhaps at a fraction of its size (see `images.decode_part`).

        Memory and file give the same bits: the limit changes no result.
        """
        key = (index, reduction)
        if key in self._kept:
            return Part(self._kept[key])
        width, height = self.size(index)
        if 3 * width * height / reduction**2 > self.left_bytes:
            return self.split.part(index, box, reduction)
        image = self.split.part(index, None, reduction)
        if image.pixels.nbytes <= self.left_bytes:
            self.left_bytes -= image.pixels.nbytes
            self._kept[key] = image.pixels
        return image


class InMemory:
    """Decoded images as a PartSource."""

    def __init__(self, images: Sequence[np.ndarray]):
        self.images = images

    def size(self, index: int) -> tuple[int, int]:
        """Return (width, height) of an image."""
        height, width = self.images[index].shape[:2]
        return width, height

    def part(self, index: int, box: Box, reduction: int) -> Part:
        """Return the whole image."""
        return Part(self.images[index])


def parts_of(images: Sequence[np.ndarray]) -> PartSource:
    """Return images as a source of parts."""
    return images if isinstance(images, DecodedImages) else InMemory(images)


def labelled(folder: Path, limit_mb: float) -> dict[str, tuple[DecodedImages, np.ndarray]]:
    """Return images and labels of all splits. Half of the memory is for train, half for validation, none for test."""
    shares = {"train": 0.5, "validation": 0.5, "test": 0.0}
    splits = {name: open_split(folder, name) for name in SPLITS}
    return {name: (DecodedImages(split, limit_mb * shares[name]), split.labels) for name, split in splits.items()}
