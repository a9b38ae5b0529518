"""Networks small enough for a test: a sixteenth as wide, for images of 32 px."""

from typing import Any

from googlenet.models.googlenet import GoogLeNet
from googlenet.models.network import Architecture, Network, NetworkSpec


def spec(classes: int = 3, kind: str = "paper", **architecture: Any) -> NetworkSpec:
    """The spec of a small network, with other values of its architecture."""
    return NetworkSpec(
        classes=tuple(f"class {i}" for i in range(classes)),
        architecture=Architecture(**({"width": 1 / 16, "input_px": 32} | architecture)),
        input_mean=(120.0, 120.0, 120.0),
        input_scale=0.04,
        network=kind,
    )


def network(classes: int = 3, kind: str = "paper", seed: int = 1, **architecture: Any) -> Network:
    """A small network with initial weights."""
    return Network.initialised(spec(classes, kind, **architecture), seed)


def googlenet(classes: int, width: float, input_px: int, **architecture: Any) -> GoogLeNet:
    """The modules of a paper network, with the weights that torch gives."""
    return GoogLeNet(classes, Architecture(width=width, input_px=input_px, **architecture))
