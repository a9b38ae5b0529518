"""Which part helps which class: the change in error when a part (a member, some crops) is left out.

Each change has an exact sign test. Of many, some look large by chance; Holm's correction tells which are significant.
"""

from collections.abc import Mapping, Sequence
from math import comb
from typing import NamedTuple

import numpy as np

from googlenet.classification.error_rates import ErrorMask
from googlenet.metrics.bootstrap import Bounds
from googlenet.metrics.classification import ClassEffects, Effect, Effects, TopIntervals
from googlenet.metrics.interval import Interval, clopper_pearson


def sign_test(gained: int, lost: int) -> float:
    """Exact two-sided probability of a split at least this uneven, if each changed image goes either way by chance."""
    changed = gained + lost
    ways = sum(comb(changed, i) for i in range(min(gained, lost) + 1))  # whole numbers, so that nothing is rounded
    return min(1.0, 2 * ways / (1 << changed))


def holm(probabilities: Sequence[float], confidence_percent: float) -> list[bool]:
    """Return which tests are significant after Holm's correction, which bounds the chance of any false positive."""
    left, significant = len(probabilities), [False] * len(probabilities)
    for i in sorted(range(left), key=lambda i: probabilities[i]):
        if probabilities[i] > (1 - confidence_percent / 100) / left:
            break
        significant[i], left = True, left - 1
    return significant


class Change(NamedTuple):
    """The effect of leaving a part out on the images of one class, or on all (None); see Effect."""

    left_out: str
    class_name: str | None
    without: np.ndarray  # bool or 0 and 1 [images]: which are wrong without the part
    whole: np.ndarray  # the same with all parts
    gained: int
    lost: int
    p_value: float

    @classmethod
    def of(cls, left_out: str, class_name: str | None, without: np.ndarray, whole: np.ndarray) -> "Change":
        """From the images that are wrong without the part, and with all parts."""
        change = np.asarray(without, np.int8) - np.asarray(whole, np.int8)
        gained, lost = int((change > 0).sum()), int((change < 0).sum())
        return cls(left_out, class_name, without, whole, gained, lost, sign_test(gained, lost))

    def effect(self, stands: bool, bounds: Bounds) -> Effect:
        """Return the change as an Effect, with its interval."""
        fields = self._asdict()
        fall = bounds.difference(fields.pop("without"), fields.pop("whole"))
        return Effect(**dict(fall), **fields, images=len(self.whole), stands=stands)


def effects_of_leaving_out(
    without: Mapping[str, np.ndarray],
    whole: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    bounds: Bounds,
    shown: int,
) -> Effects:
    """Changes in top-1 error when each part is left out: over all images, and the `shown` most certain ones by class.
    without: which images [images] are wrong without a part; whole: which are wrong with all parts."""
    confidence = bounds.confidence_percent
    of_class = [(name, i) for index, name in enumerate(classes) if len(i := np.flatnonzero(labels == index))]
    overall = [Change.of(part, None, wrong, whole) for part, wrong in without.items()]
    cells = [Change.of(part, name, wrong[i], whole[i]) for part, wrong in without.items() for name, i in of_class]
    over_all, by_class = (holm([one.p_value for one in changes], confidence) for changes in (overall, cells))
    changing = [(one, stands) for one, stands in zip(cells, by_class, strict=True) if one.gained or one.lost]
    changing.sort(key=lambda pair: (pair[0].p_value, -abs(pair[0].gained - pair[0].lost) / len(pair[0].whole)))
    return Effects(
        confidence_percent=confidence,
        overall=tuple(one.effect(stands, bounds) for one, stands in zip(overall, over_all, strict=True)),
        by_class=ClassEffects(
            comparisons=len(cells),
            alone_significant=sum(one.p_value <= 1 - confidence / 100 for one in cells),
            standing=sum(by_class),
            largest=tuple(one.effect(stands, bounds) for one, stands in changing[:shown]),
        ),
    )


def intervals_of(wrong: ErrorMask, bounds: Bounds) -> TopIntervals:
    """Return the confidence intervals of a system's errors."""
    return TopIntervals(
        top1_error_percent=_interval(wrong.top1, bounds), top5_error_percent=_interval(wrong.top5, bounds)
    )


def _interval(wrong: np.ndarray, bounds: Bounds) -> Interval:
    """The interval of one error: exact for a network or an ensemble (bool), as a bootstrap's is too short and too low where few
    images are wrong; the bootstrap's for the mean over members, whose errors on an image are shares."""
    if wrong.dtype == bool:
        return clopper_pearson(int(wrong.sum()), len(wrong), bounds.confidence_percent)
    return bounds.of(wrong)
