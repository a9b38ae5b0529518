"""The networks that GoogLeNet's cost stands beside: its alternatives, and those of others as their authors published them.

Their names are those of `measure_cost.timed` in the schema. All have the 1,000 classes of ILSVRC.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from googlenet.models.googlenet import GoogLeNet
from googlenet.models.inception import LocalResponseNorm, max_pool
from googlenet.models.network import Architecture


class WholeMapMean(nn.Module):
    """[n, channels, h, w] to the mean over the map, [n, channels]: the classifier of Network in Network."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


def conv(n_in: int, n_out: int, kernel: int, stride: int = 1, padding: int = 0, groups: int = 1) -> nn.Module:
    """A convolution, followed by ReLU."""
    layer = nn.Conv2d(n_in, n_out, kernel, stride, padding, groups=groups)
    return nn.Sequential(layer, nn.ReLU(inplace=True))


def dense(n_in: int, n_out: int, hidden: bool = True) -> nn.Module:
    """A fully connected layer on a map or vector; a hidden one is followed by ReLU and dropout."""
    after = [nn.ReLU(inplace=True), nn.Dropout(0.5)] if hidden else []
    return nn.Sequential(nn.Flatten(), nn.Linear(n_in, n_out), *after)


def classifier(n_in: int) -> dict[str, nn.Module]:
    """The three fully connected layers that AlexNet, ZFNet and VGG end in."""
    return {"fc6": dense(n_in, 4096), "fc7": dense(4096, 4096), "fc8": dense(4096, 1000, hidden=False)}


def alexnet() -> dict[str, nn.Module]:
    """Krizhevsky et al. 2012, in Caffe's reference form: two groups, pooling before normalisation."""
    return {
        "conv1": conv(3, 96, 11, stride=4),
        "pool1": max_pool(2),
        "lrn1": LocalResponseNorm(96),
        "conv2": conv(96, 256, 5, padding=2, groups=2),
        "pool2": max_pool(2),
        "lrn2": LocalResponseNorm(256),
        "conv3": conv(256, 384, 3, padding=1),
        "conv4": conv(384, 384, 3, padding=1, groups=2),
        "conv5": conv(384, 256, 3, padding=1, groups=2),
        "pool5": max_pool(2),
        **classifier(256 * 6 * 6),
    }


def zfnet() -> dict[str, nn.Module]:
    """Zeiler and Fergus 2013, figure 3: maps of 110, 55, 26, 13 and 6 px."""
    return {
        "conv1": conv(3, 96, 7, stride=2, padding=1),
        "pool1": max_pool(2),
        "lrn1": LocalResponseNorm(96),
        "conv2": conv(96, 256, 5, stride=2),
        "pool2": max_pool(2),
        "lrn2": LocalResponseNorm(256),
        "conv3": conv(256, 384, 3, padding=1),
        "conv4": conv(384, 384, 3, padding=1),
        "conv5": conv(384, 256, 3, padding=1),
        "pool5": max_pool(2),
        **classifier(256 * 6 * 6),
    }


def network_in_network() -> dict[str, nn.Module]:
    """Lin et al. 2013, their network for ImageNet."""
    return {
        "conv1": conv(3, 96, 11, stride=4),
        "cccp1": conv(96, 96, 1),
        "cccp2": conv(96, 96, 1),
        "pool1": max_pool(2),
        "conv2": conv(96, 256, 5, padding=2),
        "cccp3": conv(256, 256, 1),
        "cccp4": conv(256, 256, 1),
        "pool2": max_pool(2),
        "conv3": conv(256, 384, 3, padding=1),
        "cccp5": conv(384, 384, 1),
        "cccp6": conv(384, 384, 1),
        "pool3": max_pool(2),
        "conv4": conv(384, 1024, 3, padding=1),
        "cccp7": conv(1024, 1024, 1),
        "cccp8": conv(1024, 1000, 1),
        "avg_pool": WholeMapMean(),
    }


def vgg_16() -> dict[str, nn.Module]:
    """Simonyan and Zisserman 2014, configuration D."""
    layers, n_in = dict[str, nn.Module](), 3
    for block, (n_out, copies) in enumerate(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)), start=1):
        for i in range(1, copies + 1):
            layers[f"conv{block}_{i}"] = conv(n_in, n_out, 3, padding=1)
            n_in = n_out
        layers[f"pool{block}"] = nn.MaxPool2d(2, 2, ceil_mode=True)
    return layers | classifier(512 * 7 * 7)


class ReferenceNetwork(NamedTuple):
    """A network of others: its title, the year of its challenge, its input and what makes its layers."""

    title: str
    year: int
    input_px: int
    layers: Callable[[], dict[str, nn.Module]]


REFERENCE_NETWORKS = {
    "alexnet": ReferenceNetwork("AlexNet (2012)", 2012, 227, alexnet),
    "zfnet": ReferenceNetwork("ZFNet (2013)", 2013, 224, zfnet),
    "network_in_network": ReferenceNetwork("Network in Network (2013)", 2013, 224, network_in_network),
    "vgg_16": ReferenceNetwork("VGG-16 (2014)", 2014, 224, vgg_16),
}
VARIANTS = {  # of GoogLeNet; the name says what differs from the paper's, see reference_network
    "googlenet": "GoogLeNet",
    "googlenet_wider": "GoogLeNet, wider",
    "googlenet_deeper": "GoogLeNet, deeper",
    "googlenet_wider_deeper": "GoogLeNet, wider and deeper",
    "googlenet_fully_connected": "GoogLeNet, fully connected",
    "googlenet_naive": "GoogLeNet, naive Inception",
}
NAMES = (*VARIANTS, *REFERENCE_NETWORKS)


def reference_network(name: str, wider: float, deeper: Sequence[str]) -> tuple[nn.Module, int]:
    """One of NAMES in evaluation mode, with torch's default weights, and its input size in pixels.

    wider: the width factor of the wider GoogLeNets. deeper: the modules that the deeper ones repeat. The
    auxiliary heads are left out, as at inference.
    """
    if name in REFERENCE_NETWORKS:
        reference = REFERENCE_NETWORKS[name]
        return nn.Sequential(OrderedDict(reference.layers())).eval(), reference.input_px
    architecture = Architecture(
        width=wider if "wider" in name else 1.0,
        aux_heads=(),
        inception="naive" if "naive" in name else "reduced",
        classifier="fully_connected" if "fully_connected" in name else "average_pool",
        repeat_modules=tuple(deeper) if "deeper" in name else (),
    )
    return GoogLeNet(1000, architecture).eval(), architecture.input_px


def on_meta(name: str, wider: float, deeper: Sequence[str]) -> tuple[nn.Module, int]:
    """`reference_network` without memory for its weights: enough to count, and VGG-16 costs nothing."""
    with torch.device("meta"):
        return reference_network(name, wider, deeper)
