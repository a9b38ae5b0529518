"""Confidence intervals of figures and of differences."""

from typing import Literal

from googlenet.metrics.base import Metrics


class Interval(Metrics):
    """A confidence interval [low, high] in the unit of its quantity."""

    low: float
    high: float
    confidence_percent: float

    @property
    def side(self) -> Literal[-1, 0, 1]:
        """1 if the whole interval is above zero, -1 if it is below, else 0."""
        return 1 if self.low > 0 else -1 if self.high < 0 else 0


def clopper_pearson(hits: int, trials: int, confidence_percent: float) -> Interval:
    """The exact interval of a share, in percent, from the number of hits. Near 0 and 100 % it still has a width."""
    from scipy.special import betaincinv

    tail = (1 - confidence_percent / 100) / 2
    low = float(betaincinv(hits, trials - hits + 1, tail)) if hits else 0.0
    high = float(betaincinv(hits + 1, trials - hits, 1 - tail)) if hits < trials else 1.0
    return Interval(low=100 * low, high=100 * high, confidence_percent=confidence_percent)


class Difference(Metrics):
    """A paired difference between two systems on the same images, with its interval; positive: the second is better."""

    difference: float
    interval: Interval
