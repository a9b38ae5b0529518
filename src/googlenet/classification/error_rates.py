"""Top-1 and top-5 error, the measures of the classification task."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from googlenet.metrics.error_rates import Spread, TopError, TopErrors

TOPS: dict[TopError, int] = {"top1_error_percent": 1, "top5_error_percent": 5}
# A training's results by "test/averaged/top1" and so on: uint8 [images], 1 where wrong.
Outcomes = dict[str, np.ndarray]


def ranks(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Number of classes ranked above the label: scores [..., n, classes], labels [n]; returns [..., n].
    Ties go to the lower class index. Every class is ranked above a label whose score is NaN."""
    labels = np.broadcast_to(labels, scores.shape[:-1])
    of_label = np.take_along_axis(scores, labels[..., None], -1)
    before: np.ndarray = np.count_nonzero(scores > of_label, axis=-1)
    equal = np.count_nonzero(scores == of_label, axis=-1)
    before[equal == 0] = scores.shape[-1]  # NaN
    for at in zip(*np.nonzero(equal > 1), strict=True):
        before[at] += np.count_nonzero(scores[at][: labels[at]] == of_label[at])
    return before


class ErrorMask(NamedTuple):
    """Which images a system gets wrong: two arrays [images] of 0 or 1, or of means over several systems."""

    top1: np.ndarray
    top5: np.ndarray

    @classmethod
    def of(cls, before: np.ndarray) -> "ErrorMask":
        """Build from the number of classes ranked above the label, [images]."""
        return cls(*(before >= top for top in TOPS.values()))

    @classmethod
    def mean_of(cls, systems: Sequence["ErrorMask"]) -> "ErrorMask":
        """Return the mean over several systems, image by image; one system as it is."""
        if len(systems) == 1:
            return systems[0]
        return cls(*(np.mean(each, axis=0) for each in zip(*systems, strict=True)))

    def errors(self) -> TopErrors:
        """Return the errors in percent."""
        top1, top5 = (float(100 * np.mean(each)) for each in self)
        return TopErrors(top1_error_percent=top1, top5_error_percent=top5)


def top_errors(scores: np.ndarray, labels: np.ndarray) -> TopErrors:
    """Top-1 and top-5 error in percent. scores [n, classes], labels [n]; ties go to the lower class index."""
    return ErrorMask.of(ranks(scores, labels)).errors()


def ranges(total: int, size: int) -> Iterator[slice]:
    """Split 0 to `total` into ranges of `size`; the last may be shorter."""
    return (slice(start, min(start + size, total)) for start in range(0, total, size))


def spread(values: list[float]) -> Spread:
    """Return the mean, population standard deviation, minimum and maximum."""
    x = np.array(values)
    return Spread(mean=float(x.mean()), std=float(x.std()), min=float(x.min()), max=float(x.max()))


def sample_std(std: float, values: int) -> float:
    """Return the estimate of the standard deviation of any further value (n - 1) from that of n values themselves; 0 for one."""
    return std * math.sqrt(values / (values - 1)) if values > 1 else 0.0
