"""Predictions kept crop by crop, of a sample of pictures: what choices among the 144 crops are studied on.

Kept as float32: half precision rounds probabilities below 6e-8 to 0, which a geometric mean must not have. 500 pictures of
144 crops and 1,000 classes are 288 MB.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from googlenet.classification.error_rates import ranges
from googlenet.metrics.bootstrap import generator
from googlenet.storage.rows import Ranges

WORKING_MB = 128


def sample(pictures: int, wanted: int, seed: int) -> np.ndarray:
    """Numbers of the sampled pictures, in order: `wanted` of them, or all when there are no more."""
    return np.sort(generator(seed).permutation(pictures)[:wanted])


class Keeper:
    """Gathers the crops of some pictures while they are predicted, in any order of calls that follows theirs."""

    def __init__(self, pictures: np.ndarray, crops: Sequence[int], classes: int):
        self.pictures, self.crops = pictures.astype(np.int64), np.array(crops, np.int64)
        self._wanted = set(self.pictures.tolist())
        self._scores: list[np.ndarray] = [np.empty((0, classes), np.float32)]
        self._index: list[np.ndarray] = []
        self._rows = 0

    def wants(self, picture: int) -> bool:
        """Whether a picture is sampled."""
        return picture in self._wanted

    def add(self, picture: int, scores: np.ndarray, index: np.ndarray) -> None:
        """Keep a picture's distinct crops [distinct, classes] and which one stands for each crop, if it is sampled."""
        if self.wants(picture):
            self._scores.append(scores)
            self._index.append(index + self._rows)
            self._rows += len(scores)

    def arrays(self, split: str) -> dict[str, np.ndarray]:
        """What is stored: softmax of all distinct crops, the row of each picture's crops in it, and both's numbers."""
        return {
            f"{split}_softmax": np.concatenate(self._scores),
            f"{split}_index": np.array(self._index, np.int64).reshape(len(self.pictures), len(self.crops)),
            f"{split}_pictures": self.pictures,
            f"{split}_crops": self.crops,
        }


@dataclass(frozen=True)
class KeptCrops:
    """The kept crops of one member and split, as stored."""

    softmax: Ranges  # [rows, classes]
    index: np.ndarray  # [pictures, crops]: rows of softmax
    pictures: np.ndarray  # their numbers in the split
    crops: np.ndarray  # their numbers among the 144

    @classmethod
    def of(cls, arrays: Mapping[str, Ranges], split: str) -> "KeptCrops":
        """From stored arrays."""
        index, pictures, crops = (arrays[f"{split}_{name}"][:] for name in ("index", "pictures", "crops"))
        return cls(arrays[f"{split}_softmax"], index, pictures, crops)

    def of_pictures(self, some: slice) -> np.ndarray:
        """Every crop of some of the pictures, those that coincide repeated: float32 [pictures, crops, classes]."""
        index = self.index[some]
        first, last = index.min(), index.max()
        return np.asarray(self.softmax[first : last + 1][index - first])

    @property
    def distinct(self) -> np.ndarray:
        """The index from 0 within each picture: equal columns are crops that coincide in every picture."""
        return np.asarray(self.index - self.index.min(1, keepdims=True))


def in_parts(kept: Mapping[str, KeptCrops], rows: int = 0) -> Iterator[tuple[slice, np.ndarray]]:
    """All members' crops, as many pictures at a time as fit in memory: which, and float32 [members, pictures, crops,
    classes]. rows: how many further arrays [pictures, classes] the caller makes of them."""
    first = next(iter(kept.values()))
    classes = first.softmax[0:1].shape[1]
    each = 8 * classes * (len(kept) * len(first.crops) + rows)
    for some in ranges(len(first.pictures), max(1, int(WORKING_MB * 1e6 / each))):
        yield some, np.stack([one.of_pictures(some) for one in kept.values()])
