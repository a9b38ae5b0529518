"""A network and pictures small enough to train in a test."""

import numpy as np

from googlenet import trained
from googlenet.models.googlenet import GoogLeNet, initialise

COMPUTE = {"device": "cpu", "precision": "fp32", "loader_workers": 0}
AREA = {
    "method": "area",
    "area": [0.08, 1.0],
    "aspect": [0.75, 1.333],
    "scales": [256, 256],
    "interpolation": "bilinear",
    "photometric": 0.0,
}
SCALE = AREA | {"method": "scale", "scales": [256, 352]}


def description(classes: int = 3) -> trained.Description:
    """The paper's network, a sixteenth as wide, at 32 px."""
    return trained.Description(
        classes=[f"class {i}" for i in range(classes)],
        width=1 / 16,
        input_px=32,
        dropout=0.4,
        aux_dropout=0.7,
        aux_heads=["4a", "4d"],
        lrn=True,
        input_mean=[120.0, 120.0, 120.0],
        input_scale=0.04,
    )


def network(described: trained.Description, seed: int = 1) -> GoogLeNet:
    """A network with initial weights."""
    model = trained.build(described)
    initialise(model, seed)
    return model


def pictures(sizes: list[tuple[int, int]], seed: int = 0) -> list[np.ndarray]:
    """Random pictures of (width, height), uint8 RGB."""
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (height, width, 3), np.uint8) for width, height in sizes]
