"""The networks of reference_layers.py as modules: GoogLeNet, its alternatives, and those of others."""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from googlenet.models.googlenet import GoogLeNet
from googlenet.models.inception import LocalResponseNorm
from googlenet.models.network import Architecture
from googlenet.models.reference_layers import (
    REFERENCE_NETWORKS,
    VARIANT_PX,
    VARIANTS,
    AveragePool,
    Conv,
    Dense,
    Layer,
    Lrn,
    MaxPool,
    ReferenceNetwork,
)

DROPOUT = 0.5


class WholeMapMean(nn.Module):
    """[n, channels, h, w] to the mean over the map, [n, channels]."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


def reference_network(
    name: str, wider: float, deeper: Sequence[str], num_classes: int = 1000
) -> tuple[nn.Module, int]:
    """One of reference_layers.NAMES in evaluation mode, with torch's default weights, and its input size in pixels.

    wider: the width factor of the wider GoogLeNets. deeper: the modules that the deeper ones repeat. The
    auxiliary heads are left out, as at inference.
    """
    if name in REFERENCE_NETWORKS:
        reference = REFERENCE_NETWORKS[name]
        return in_sequence(reference, num_classes).eval(), reference.input_px
    options = VARIANTS[name].options
    architecture = Architecture(
        width=wider if "wider" in options else 1.0,
        input_px=VARIANT_PX,
        aux_heads=(),
        inception="naive" if "naive" in options else "reduced",
        classifier="fully_connected" if "fully_connected" in options else "average_pool",
        repeat_modules=tuple(deeper) if "deeper" in options else (),
    )
    return GoogLeNet(num_classes, architecture).eval(), VARIANT_PX


def in_sequence(reference: ReferenceNetwork, num_classes: int = 1000) -> nn.Sequential:
    """Build a network from its layers; a last layer of 1,000 outputs gets `num_classes`."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    channels, px = 3, reference.input_px
    last = [layer for layer in reference.layers if isinstance(layer, Conv | Dense)][-1]
    for layer in reference.layers:
        if layer is last:
            layer = layer._replace(units=num_classes) if isinstance(layer, Dense) else layer
            layer = layer._replace(channels=num_classes) if isinstance(layer, Conv) else layer
        layers[layer.name], channels, px = built(layer, channels, px)
    return nn.Sequential(layers)


def built(layer: Layer, channels: int, px: int) -> tuple[nn.Module, int, int]:
    """One layer on a map of `channels` and px x px (0: a vector); returns it with its output's channels and px."""
    match layer:
        case Conv():
            conv = nn.Conv2d(
                channels, layer.channels, layer.kernel, layer.stride, layer.padding, groups=layer.groups
            )
            side = (px + 2 * layer.padding - layer.kernel) // layer.stride + 1
            return nn.Sequential(conv, nn.ReLU(inplace=True)), layer.channels, side
        case MaxPool():
            room = px - layer.kernel + (layer.stride - 1 if layer.ceil else 0)
            pool = nn.MaxPool2d(layer.kernel, layer.stride, ceil_mode=layer.ceil)
            return pool, channels, room // layer.stride + 1
        case Lrn():
            return LocalResponseNorm(channels), channels, px
        case AveragePool():
            return WholeMapMean(), channels, 0
        case Dense():
            dense = nn.Linear(channels * px * px if px else channels, layer.units)
            after = [nn.ReLU(inplace=True), nn.Dropout(DROPOUT)] if layer.hidden else []
            return nn.Sequential(nn.Flatten(), dense, *after), layer.units, 0


def on_meta(name: str, wider: float, deeper: Sequence[str]) -> tuple[nn.Module, int]:
    """`reference_network` without memory for its weights: enough to count, and VGG-16 costs nothing."""
    with torch.device("meta"):
        return reference_network(name, wider, deeper)
