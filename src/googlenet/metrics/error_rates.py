"""Top-1 and top-5 error, and the spread of several values."""

from typing import Generic, Literal, TypeVar

from googlenet.metrics.base import Metrics

TopError = Literal["top1_error_percent", "top5_error_percent"]
ValueT = TypeVar("ValueT")


class TopValues(Metrics, Generic[ValueT]):
    """One value for each of the two errors."""

    top1_error_percent: ValueT
    top5_error_percent: ValueT

    def of(self, error: TopError) -> ValueT:
        """Return the value of one of the errors."""
        return self.top1_error_percent if error == "top1_error_percent" else self.top5_error_percent


class TopErrors(TopValues[float]):
    """Top-1 and top-5 error."""


class Spread(Metrics):
    """Summary of several values: mean, standard deviation (of the values themselves), minimum and maximum."""

    mean: float
    std: float
    min: float
    max: float
