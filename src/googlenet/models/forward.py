"""Cost of a forward pass on this machine: its time, and the memory of its tensors."""

import time
from collections.abc import Container, Mapping
from statistics import median
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode

from googlenet.tracking.progress import counted


class PeakBytes(NamedTuple):
    """Memory of a forward pass at inference, in bytes."""

    weights: int
    activations: int


def forward_rate(model: nn.Module, input_px: int, batch: int, repeats: int) -> float:
    """Images per second at inference: the median over `repeats` batches, after one warm-up batch."""
    training = model.training
    times = forward_times({"it": (model.eval(), input_px)}, batch, repeats)["it"]
    model.train(training)
    return batch / median(times)


def forward_times(models: Mapping[str, tuple[nn.Module, int]], batch: int, repeats: int) -> dict[str, list[float]]:
    """Seconds per forward pass of `batch` images, `repeats` times each, for networks and their input sizes. They take
    turns, so that other load on the machine affects all alike; the first turn, which selects kernels, is dropped."""
    images = {name: images_for(model, batch, px) for name, (model, px) in models.items()}
    times: dict[str, list[float]] = {name: [] for name in models}
    for _ in counted(range(repeats + 1), "rounds of forward passes"):
        for name, (model, _) in models.items():
            _wait(images[name])
            start = time.perf_counter()
            with torch.inference_mode():
                model(images[name])
            _wait(images[name])
            times[name].append(time.perf_counter() - start)
    return {name: turns[1:] for name, turns in times.items()}


def images_for(model: nn.Module, batch: int, input_px: int) -> Tensor:
    """Return black images on a network's device, in its dtype."""
    weight = next(model.parameters())
    return torch.zeros(batch, 3, input_px, input_px, device=weight.device, dtype=weight.dtype)


def _wait(images: Tensor) -> None:
    if images.is_cuda:  # GPU work is asynchronous: without this the timer would stop too early
        torch.cuda.synchronize(images.device)


def peak_bytes(model: nn.Module, input_px: int, batch: int) -> PeakBytes:
    """Memory of a forward pass at inference; the same on every device, even on meta, where nothing is computed.
    Activations: the peak of the pass's tensors and the images, without the kernels' workspace."""
    images = images_for(model, batch, input_px)
    storages = [tensor.untyped_storage() for tensor in (*model.parameters(), *model.buffers())]
    held = {storage._cdata: storage.nbytes() for storage in storages}
    with torch.inference_mode(), LiveTensors(images, held) as live:
        model(images)
    return PeakBytes(sum(held.values()), live.peak)


class LiveTensors(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch has no types for these, here and below
    """Watches every operation and records in `peak` the most bytes that the created tensors held at once."""

    def __init__(self, images: Tensor, weights: Container[int]):
        super().__init__()  # type: ignore[no-untyped-call]
        self.weights = weights  # storages that exist before the pass and remain
        self.live: dict[int, tuple[StorageWeakRef, int]] = {}
        self.peak = 0
        self._take(images)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        self.live = {key: held for key, held in self.live.items() if not held[0].expired()}  # type: ignore[no-untyped-call]
        for tensor in output if isinstance(output, tuple | list) else (output,):
            self._take(tensor)
        self.peak = max(self.peak, sum(size for _, size in self.live.values()))
        return output

    def _take(self, value: Any) -> None:
        if isinstance(value, Tensor) and value.untyped_storage()._cdata not in self.weights:
            storage = value.untyped_storage()
            self.live[storage._cdata] = (StorageWeakRef(storage), storage.nbytes())  # type: ignore[no-untyped-call]
