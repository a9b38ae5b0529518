"""From images to the network's input: one way, used in training and in every evaluation."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def to_input(
    images: np.ndarray,
    mean: Sequence[float],
    scale: float | Sequence[float],
    device: str = "cpu",
    channel_order: str = "rgb",
) -> Tensor:
    """Turn uint8 RGB images [n, h, w, 3] into the network's float input [n, 3, h, w], channels last.

    The paper subtracts a mean; `scale` then brings the values to about unit size (1.0 keeps 0-255). One scale
    serves all channels, or each has its own. mean, scale: in `channel_order`, rgb, or bgr of
    networks that Caffe trained.
    """
    batch = torch.from_numpy(images).to(device, non_blocking=True)
    if channel_order == "bgr":
        batch = batch.flip(3)
    offset, factor = (torch.tensor(value, device=device).view(1, -1, 1, 1) for value in (list(mean), scale))
    return (batch.permute(0, 3, 1, 2).float() - offset).mul_(factor)
