"""The networks of peers.py as modules: GoogLeNet, its alternatives, and those of others."""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from googlenet.models.googlenet import GoogLeNet
from googlenet.models.inception import LocalResponseNorm
from googlenet.models.peers import (
    PEERS,
    VARIANT_PX,
    VARIANTS,
    AveragePool,
    Conv,
    Dense,
    Layer,
    Lrn,
    MaxPool,
    Peer,
)

DROPOUT = 0.5


class WholeMapMean(nn.Module):
    """[n, channels, h, w] to the mean over the map, [n, channels]."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


def network(name: str, wider: float, deeper: Sequence[str], num_classes: int = 1000) -> tuple[nn.Module, int]:
    """One of peers.NAMES in evaluation mode, with torch's default weights, and its input size in pixels.

    wider: the width factor of the wider GoogLeNets. deeper: the modules that the deeper ones repeat. The
    auxiliary heads are left out, as at inference.
    """
    if name in PEERS:
        return peer(PEERS[name], num_classes).eval(), PEERS[name].input_px
    options = {
        "wider": {"width": wider},
        "deeper": {"repeat_modules": deeper},
        "fully_connected": {"classifier": "fully_connected"},
        "naive": {"inception": "naive"},
    }
    given = {key: value for option in VARIANTS[name][1] for key, value in options[option].items()}
    return GoogLeNet(num_classes, input_px=VARIANT_PX, aux_heads=(), **given).eval(), VARIANT_PX


def peer(described: Peer, num_classes: int = 1000) -> nn.Sequential:
    """Build a network from its layers; a last layer of 1,000 outputs gets `num_classes`."""
    layers, channels, px = OrderedDict(), 3, described.input_px
    last = [layer for layer in described.layers if isinstance(layer, Conv | Dense)][-1]
    for layer in described.layers:
        if layer is last:
            layer = layer._replace(**{"units" if isinstance(layer, Dense) else "channels": num_classes})
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
    """`network` without memory for its weights: enough to count, and VGG-16 costs nothing."""
    with torch.device("meta"):
        return network(name, wider, deeper)
