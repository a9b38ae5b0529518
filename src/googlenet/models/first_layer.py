"""The filters of a trained network's first convolution, read from its file without torch."""

import json
from pathlib import Path

import numpy as np

from googlenet.storage import checkpoint


def first_filters(path: Path) -> np.ndarray | None:
    """Return the weights of conv1, float32 [n, 3 (RGB), h, w]; None for a network without such a first layer."""
    tensors, metadata = checkpoint.read(path, "np", lazy=True)
    shapes = {name: tensor.get_shape() for name, tensor in tensors.items() if name.startswith("conv1")}
    name = next((name for name, shape in shapes.items() if len(shape) == 4 and shape[1] == 3), None)
    if name is None:
        return None
    filters: np.ndarray = tensors[name][:]
    bgr = json.loads(metadata.get("spec", "{}")).get("channel_order") == "bgr"
    return filters[:, ::-1] if bgr else filters
