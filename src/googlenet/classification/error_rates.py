"""Top-1 and top-5 error, the measures of the classification task."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

TOPS = {"top1_error_percent": 1, "top5_error_percent": 5}


def ranks(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """How many classes stand before the label: scores [..., n, classes], labels [n]; returns [..., n].

    Ties go to the lower class index. Every class stands before a label whose score is not a number.
    """
    labels = np.broadcast_to(labels, scores.shape[:-1])
    own = np.take_along_axis(scores, labels[..., None], -1)
    before, equal = np.count_nonzero(scores > own, axis=-1), np.count_nonzero(scores == own, axis=-1)
    before[equal == 0] = scores.shape[-1]  # not a number
    for at in zip(*np.nonzero(equal > 1), strict=True):
        before[at] += np.count_nonzero(scores[at][: labels[at]] == own[at])
    return before


class Wrong(NamedTuple):
    """Which pictures a system has wrong: two arrays [pictures], 0 or 1, or a mean of several systems' in between."""

    top1: np.ndarray
    top5: np.ndarray

    @classmethod
    def of(cls, before: np.ndarray) -> "Wrong":
        """From how many classes stand before the label, [pictures]."""
        return cls(*(before >= top for top in TOPS.values()))

    @classmethod
    def mean_of(cls, systems: Sequence["Wrong"]) -> "Wrong":
        """The mean over several systems, picture by picture."""
        return cls(*(np.mean(each, axis=0) for each in zip(*systems, strict=True)))

    def errors(self) -> dict[str, float]:
        """Errors in percent."""
        return {key: float(100 * np.mean(each)) for key, each in zip(TOPS, self, strict=True)}


def top_errors(scores: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Top-1 and top-5 error in percent. scores [n, classes], labels [n]; ties go to the lower class index."""
    return Wrong.of(ranks(scores, labels)).errors()


def ranges(total: int, size: int) -> Iterator[slice]:
    """Cut 0 to `total` into ranges of `size`; the last may be shorter."""
    for start in range(0, total, size):
        yield slice(start, min(start + size, total))


def spread(values: list[float]) -> dict[str, float]:
    """Mean, standard deviation (of the values themselves), least and greatest."""
    x = np.array(values)
    return {"mean": float(x.mean()), "std": float(x.std()), "min": float(x.min()), "max": float(x.max())}
