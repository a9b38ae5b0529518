"""An epoch, as reported by every training."""

from googlenet.metrics.base import Metrics


class Epoch(Metrics):
    """A training epoch: its number from 1, steps done by its end, last learning rate, mean loss."""

    epoch: int
    step: int
    learning_rate: float
    train_loss: float
