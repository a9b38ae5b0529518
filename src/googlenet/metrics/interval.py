"""Intervals: two bounds with the confidence that they were made at."""

from googlenet.metrics.base import Metrics


class Interval(Metrics):
    """A confidence interval [low, high] in the unit of what it is of."""

    low: float
    high: float
    confidence_percent: float


class Difference(Metrics):
    """A paired difference between two systems on the same images, with its interval; above zero the second is better."""

    difference: float
    interval: Interval
