"""Region proposals of a data set's splits as a few arrays, cut into parts that separate jobs make.

Part i of n holds pictures i, i + n, i + 2n, ... of every split.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from googlenet.rows import Ranges


def pack(by_split: Mapping[str, Sequence[np.ndarray]]) -> dict[str, np.ndarray]:
    """Boxes per picture -> {"<split>.boxes": int32 [all boxes, 4], "<split>.counts": int64 [pictures]}."""
    arrays = {}
    for split, boxes in by_split.items():
        arrays[f"{split}.boxes"] = np.concatenate([np.zeros((0, 4), np.int32), *boxes]).astype(np.int32)
        arrays[f"{split}.counts"] = np.array([len(b) for b in boxes], np.int64)
    return arrays


def unpack(arrays: Mapping[str, np.ndarray], split: str) -> list[np.ndarray]:
    """One split's boxes per picture, int32 [n, 4] each."""
    ends = np.cumsum(arrays[f"{split}.counts"])
    return np.split(arrays[f"{split}.boxes"], ends[:-1]) if len(ends) else []


class Joined(Sequence[np.ndarray]):
    """What every picture of a split has, in the split's order, from all parts; read when it is asked for.

    rows: of each part; counts: of each part, how many rows each picture has.
    """

    def __init__(self, rows: Sequence[Ranges], counts: Sequence[Ranges]):
        self.rows = rows
        self.counts = np.empty(sum(map(len, counts)), np.int64)  # of all pictures
        for part, each in enumerate(counts):
            self.counts[part :: len(counts)] = each[:]
        self.ends = [np.cumsum([0, *self.counts[part :: len(counts)]]) for part in range(len(counts))]

    def __len__(self) -> int:
        return len(self.counts)

    def __getitem__(self, picture: int) -> np.ndarray:
        if not 0 <= picture < len(self):
            raise IndexError(f"picture {picture} of {len(self)}")
        row, part = divmod(int(picture), len(self.rows))
        return self.rows[part][self.ends[part][row] : self.ends[part][row + 1]]


def counts_of(boxes: Sequence[np.ndarray]) -> np.ndarray:
    """How many rows each picture has, int64 [pictures]; none is read where that is known."""
    known = getattr(boxes, "counts", None)
    return np.array([len(mine) for mine in boxes], np.int64) if known is None else known


def joined(parts: Sequence[Mapping[str, Ranges]], split: str, of: str = "boxes") -> Joined:
    """The boxes of every picture of a split, or what else has a row for each box; parts: as packed, or as opened."""
    return Joined(*([part[f"{split}.{name}"] for part in parts] for name in (of, "counts")))
