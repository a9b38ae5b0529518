"""Confidence intervals, of a figure and of a difference."""

from googlenet.metrics.base import Metrics


class Interval(Metrics):
    """A confidence interval [low, high] in the unit of its quantity."""

    low: float
    high: float
    confidence_percent: float


class Difference(Metrics):
    """A paired difference between two systems on the same images, with its interval; positive: the second is better."""

    difference: float
    interval: Interval
