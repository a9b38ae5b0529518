"""Where and how a job's networks run."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from googlenet.config.schema.shared import Compute
from googlenet.models.processor import precision_of


@dataclass(frozen=True)
class Runtime:
    """Device and precision of the arithmetic, the number of data-loading processes, and the engine of inference.

    rank, processes: this process's rank among those that train one network together (models/processes.py)."""

    device: str = "cpu"  # cpu | cuda
    precision: str = "fp32"  # bf16: autocast | fp32
    loader_workers: int = 0
    engine: str = "eager"  # auto | eager | compile | openvino
    rank: int = 0
    processes: int = 1

    @classmethod
    def of(
        cls, compute: Compute, engine: str = "eager", loader_workers: int = 0, rank: int = 0, processes: int = 1
    ) -> Self:
        """Of a stage's settings, on this machine, to which `precision: auto` refers."""
        return cls(
            compute.device, precision_of(compute.precision, compute.device), loader_workers, engine, rank, processes
        )

    def moved(self, values: Tensor) -> Tensor:
        """Copy to the device; to a GPU, from pinned memory, without waiting for the work that it has yet to do."""
        if self.device == "cpu":
            return values
        return values.pin_memory().to(self.device, non_blocking=True)

    def autocast(self) -> AbstractContextManager[None]:
        """Use bf16 matrix products and convolutions inside the block, if the precision is bf16."""
        return torch.autocast(self.device, torch.bfloat16, enabled=self.precision == "bf16")
