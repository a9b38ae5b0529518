"""Predictions kept crop by crop for a sample of images: the data for studying choices among the 144 crops.

Kept as float32: half precision rounds probabilities below 6e-8 to 0, which would break a geometric mean. 500 images
with 144 crops and 1,000 classes take 288 MB.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from googlenet.classification.error_rates import ranges
from googlenet.storage.rows import Ranges

WORKING_MB = 128


def sample(images: int, wanted: int, seed: int) -> np.ndarray:
    """Return the indices of the sampled images, in order: `wanted` of them, or all if there are fewer."""
    return np.sort(np.random.Generator(np.random.Philox(seed)).permutation(images)[:wanted])


class Keeper:
    """Collects the predictions for the crops of some images; calls must be in the order of these images."""

    def __init__(self, images: np.ndarray, crops: Sequence[int], classes: int):
        self.images, self.crops = images.astype(np.int64), np.array(crops, np.int64)
        self._scores: list[np.ndarray] = [np.empty((0, classes), np.float32)]
        self._index: list[np.ndarray] = []
        self._rows = 0

    def add(self, scores: np.ndarray, index: np.ndarray) -> None:
        """Keep the next image's distinct crops [distinct, classes], and each crop's index among them."""
        self._scores.append(scores)
        self._index.append(index + self._rows)
        self._rows += len(scores)

    def arrays(self, split: str) -> dict[str, np.ndarray]:
        """The arrays to store: softmax of all distinct crops, each image's rows in it, image and crop indices."""
        return {
            f"{split}_softmax": np.concatenate(self._scores),
            f"{split}_index": np.array(self._index, np.int64).reshape(len(self.images), len(self.crops)),
            f"{split}_pictures": self.images,
            f"{split}_crops": self.crops,
        }


@dataclass(frozen=True)
class KeptCrops:
    """The kept crops of one member and split, as stored."""

    softmax: Ranges  # [rows, classes]
    index: np.ndarray  # [images, crops]: rows of softmax
    images: np.ndarray  # their indices in the split
    crops: np.ndarray  # indices among the 144

    @classmethod
    def of(cls, arrays: Mapping[str, Ranges], split: str) -> "KeptCrops":
        """From stored arrays."""
        index, images, crops = (arrays[f"{split}_{name}"][:] for name in ("index", "pictures", "crops"))
        return cls(arrays[f"{split}_softmax"], index, images, crops)

    def of_images(self, some: slice) -> np.ndarray:
        """Return every crop of some of the images, repeating those that coincide: float32 [images, crops, classes]."""
        index = self.index[some]
        first, last = index.min(), index.max()
        return np.asarray(self.softmax[first : last + 1][index - first])

    @property
    def distinct(self) -> np.ndarray:
        """The index counted from 0 within each image: equal columns are crops that coincide in every image."""
        return np.asarray(self.index - self.index.min(1, keepdims=True))


def in_parts(kept: Mapping[str, KeptCrops], rows: int = 0) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield all members' crops, as many images at a time as fit in memory: which images, and float32 [members, images,
    crops, classes]. rows: how many further arrays [images, classes] the caller computes from them."""
    first = next(iter(kept.values()))
    classes = first.softmax[0:1].shape[1]
    each = 8 * classes * (len(kept) * len(first.crops) + rows)
    for some in ranges(len(first.images), max(1, int(WORKING_MB * 1e6 / each))):
        yield some, np.stack([one.of_images(some) for one in kept.values()])
