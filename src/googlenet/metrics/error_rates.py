"""Top-1 and top-5 error, and how values spread: what trainings, predictions and all evaluations of classification share."""

from typing import Generic, Literal, TypeVar

from googlenet.metrics.base import Metrics

TopError = Literal["top1_error_percent", "top5_error_percent"]
ValueT = TypeVar("ValueT")


class TopValues(Metrics, Generic[ValueT]):
    """One value for each of the two errors."""

    top1_error_percent: ValueT
    top5_error_percent: ValueT

    def of(self, error: TopError) -> ValueT:
        """The value of one of them."""
        return self.top1_error_percent if error == "top1_error_percent" else self.top5_error_percent


class TopErrors(TopValues[float]):
    """Top-1 and top-5 error."""


class Spread(Metrics):
    """Of several values: mean, standard deviation (of the values themselves), least and greatest."""

    mean: float
    std: float
    min: float
    max: float
