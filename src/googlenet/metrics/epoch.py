"""An epoch, as every training reports it."""

from googlenet.metrics.base import Metrics


class Epoch(Metrics):
    """A training epoch: its number from 1, steps done at its end, the last learning rate, the mean loss."""

    epoch: int
    step: int
    learning_rate: float
    train_loss: float
