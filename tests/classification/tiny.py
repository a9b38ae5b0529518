"""A network and images small enough to train in a test."""

import numpy as np

from googlenet.config.schema.shared import Sampling
from googlenet.models.network import Architecture, Network, NetworkSpec
from googlenet.models.runtime import Runtime

RUNTIME = Runtime()
AREA = Sampling(
    method="area", area=(0.08, 1.0), aspect=(0.75, 1.333), scales=(256, 256), interpolation="bilinear", photometric=0.0
)
SCALE = AREA.model_copy(update={"method": "scale", "scales": (256, 352)})


def spec(classes: int = 3) -> NetworkSpec:
    """The paper's network, a sixteenth as wide, at 32 px."""
    return NetworkSpec(
        classes=tuple(f"class {i}" for i in range(classes)),
        architecture=Architecture(width=1 / 16, input_px=32),
        input_mean=(120.0, 120.0, 120.0),
        input_scale=0.04,
    )


def network(described: NetworkSpec | None = None, seed: int = 1) -> Network:
    """A network with initial weights; `spec()` by default."""
    return Network.initialised(described or spec(), seed)


def images(sizes: list[tuple[int, int]], seed: int = 0) -> list[np.ndarray]:
    """Random images of (width, height), uint8 RGB."""
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (height, width, 3), np.uint8) for width, height in sizes]
