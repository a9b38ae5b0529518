"""Region proposals of a data set's splits as a few arrays, cut into parts that separate jobs make.

Part i of n holds pictures i, i + n, i + 2n, ... of every split.
"""

from collections.abc import Mapping, Sequence

import numpy as np


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


def joined(parts: Sequence[Mapping[str, np.ndarray]], split: str) -> list[np.ndarray]:
    """The boxes of every picture of a split, in the split's order, from all parts."""
    lists = [unpack(part, split) for part in parts]
    total = sum(map(len, lists))
    return [lists[i % len(lists)][i // len(lists)] for i in range(total)]
