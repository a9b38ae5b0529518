"""A system's errors with their intervals, and the difference between two systems' errors."""

from typing import Any

from googlenet.classification.effects import intervals_of
from googlenet.classification.error_rates import TOPS, ErrorMask
from googlenet.metrics.bootstrap import Bounds
from googlenet.metrics.classification import TopDifferences


def differences(before: ErrorMask, after: ErrorMask, bounds: Bounds) -> TopDifferences:
    """Return the reduction in both errors from one system to another, in points, with paired intervals."""
    falls = map(bounds.difference, before, after)
    return TopDifferences(**dict(zip(TOPS, falls, strict=True)))


def with_intervals(wrong: ErrorMask, bounds: Bounds) -> dict[str, Any]:
    """Return both errors in percent and their intervals: the fields of MeasuredErrors."""
    return {**dict(wrong.errors()), "intervals": intervals_of(wrong, bounds)}
