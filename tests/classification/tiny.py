"""A network and images small enough to train in a test."""

import numpy as np

from googlenet.classification.sampling import sample_into
from googlenet.config.schema.shared import Sampling
from googlenet.data.decoded import InMemory
from googlenet.models.network import Network, NetworkSpec
from googlenet.models.runtime import Runtime
from models.small import spec

RUNTIME = Runtime()
AREA = Sampling(
    method="area", area=(0.08, 1.0), aspect=(0.75, 1.333), scales=(256, 256), interpolation="bilinear", photometric=0.0
)
SCALE = AREA.model_copy(update={"method": "scale", "scales": (256, 352)})


def network(described: NetworkSpec | None = None, seed: int = 1) -> Network:
    """A network with initial weights; by default one of three classes."""
    return Network.initialised(described or spec(), seed)


def images(sizes: list[tuple[int, int]], seed: int = 0) -> list[np.ndarray]:
    """Random images of (width, height), uint8 RGB."""
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (height, width, 3), np.uint8) for width, height in sizes]


def crop_of(image: np.ndarray, sampling: Sampling, mirror: bool, px: int, rng: np.random.Generator) -> np.ndarray:
    """One training crop of an image."""
    crop = np.empty((px, px, 3), np.uint8)
    sample_into(crop, InMemory([image]), 0, sampling, mirror, rng)
    return crop
