"""From pictures to the network's input: one way, used in training and in every evaluation."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def to_input(pictures: np.ndarray, mean: Sequence[float], scale: float, device: str = "cpu") -> Tensor:
    """Turn uint8 RGB pictures [n, h, w, 3] into the network's float input [n, 3, h, w], channels last.

    The paper subtracts a mean; `scale` then brings the values to about unit size (1.0 keeps 0-255).
    """
    batch = torch.from_numpy(pictures).to(device, non_blocking=True).permute(0, 3, 1, 2).float()
    offset = torch.tensor(list(mean), device=device).view(1, 3, 1, 1)
    return (batch - offset).mul_(scale)
