"""A network whose outputs come in another order: that of a data set whose classes it has, all of them."""

from collections.abc import Sequence

from torch import Tensor, nn


class InOrder(nn.Module):
    """Another network, whose output number columns[i] becomes number i."""

    def __init__(self, network: nn.Module, columns: Sequence[int]):
        super().__init__()
        self.network, self.columns = network, list(columns)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the logits [n, classes] and those of the auxiliary heads, all in the new order."""
        logits, heads = self.network(x)
        return logits[:, self.columns], [head[:, self.columns] for head in heads]
