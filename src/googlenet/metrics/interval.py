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


class Difference(Metrics):
    """A paired difference between two systems on the same images, with its interval; positive: the second is better."""

    difference: float
    interval: Interval
