"""Training steps in micro-batches, divided among any number of processes without changing a bit of the result.

A batch is split into `micro_batches` parts. The gradient of each is computed separately, and the gradients are summed
pairwise in a tree, whose order depends on the number of parts and not on which process computes them. So one, two and
four processes give the same weights. A single part is an ordinary step of a single process.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from googlenet.models.processes import added
from googlenet.models.runtime import Runtime
from googlenet.models.training import forget_gradients, gradient_of


class MicroBatches:
    """The parts of each batch that this process computes, and the sum of the gradients of all parts.

    rows: the rows of a batch in these parts, the only ones that this process needs to load."""

    def __init__(self, model: nn.Module, parts: int, batch_size: int, runtime: Runtime):
        """parts: a power of two, and a multiple of the number of processes. Replaces the dropout layers of `model`."""
        self.model, self.parts, self.batch_size, self.runtime = model, parts, batch_size, runtime
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        each = parts // runtime.processes
        bounds = [batch_size * part // parts for part in range(parts + 1)]
        own = bounds[runtime.rank * each : (runtime.rank + 1) * each + 1]
        self.rows = slice(own[0], own[-1])
        self._own = [slice(start, end) for start, end in pairwise(own)]
        self.part = self._own[0]
        self._sums: list[tuple[int, Tensor]] = []  # of 1, 2, 4, ... parts, largest first
        if parts > 1:
            self._share_dropout()

    def of(self, crops: np.ndarray, labels: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield crops and labels of each part, given those of `rows`. All parts start from the batch's random state;
        only the last one advances it."""
        devices = [torch.cuda.current_device()] if self.runtime.device == "cuda" else []
        for part in self._own:
            self.part = part
            inside = slice(part.start - self.rows.start, part.stop - self.rows.start)
            with torch.random.fork_rng(devices, enabled=part is not self._own[-1]):
                yield crops[inside], labels[inside]

    def add(self, loss: Tensor, *others: Tensor) -> None:
        """Add the gradient of a part's mean loss; and, for `total`, the loss itself and other means over the part."""
        forget_gradients(self.parameters)
        if self.parts == 1:
            loss.backward()  # type: ignore[no-untyped-call]  # torch has no types for it, here and below
            self._sums = [(1, torch.stack([loss.detach(), *others]))]
            return
        share = (self.part.stop - self.part.start) / self.batch_size
        (loss * share).backward()  # type: ignore[no-untyped-call]
        means = torch.stack([loss.detach(), *others]) * share
        count, values = 1, torch.cat([*(gradient_of(p).flatten() for p in self.parameters), means])
        while self._sums and self._sums[-1][0] == count:
            values = self._sums.pop()[1].add_(values)
            count *= 2
        self._sums.append((count, values))

    def total(self) -> Sequence[Tensor]:
        """Leave the gradient of the batch's mean loss in the parameters; return that loss, and the others' means."""
        ((_, values),) = self._sums
        self._sums = []
        if self.parts == 1:
            return values.unbind()
        if self.runtime.processes > 1:
            values = added(values, self.runtime.processes)
        sizes = [p.numel() for p in self.parameters]
        *gradients, means = values.split_with_sizes([*sizes, len(values) - sum(sizes)])
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            gradient_of(parameter).copy_(gradient.view_as(parameter))
        return means.clone().unbind()  # a view would keep the whole batch's gradient as long as its losses are kept

    def _share_dropout(self) -> None:
        """Make each part drop the units that the whole batch would drop in its rows."""
        for module in list(self.model.modules()):
            for name, child in module.named_children():
                if type(child) is nn.Dropout:
                    setattr(module, name, PartDropout(child.p, self))


class PartDropout(nn.Dropout):
    """Dropout on a part of a batch: applies its rows of the whole batch's mask."""

    def __init__(self, p: float, parts: MicroBatches):
        super().__init__(p)
        self._parts = parts

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        ones = torch.ones(self._parts.batch_size, *x.shape[1:], dtype=x.dtype, device=x.device)
        return x * nn.functional.dropout(ones, self.p)[self._parts.part]
