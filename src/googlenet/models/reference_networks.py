"""The networks that GoogLeNet's cost is compared with (its variants and published networks), and their costs.
Names are those of the schema's `measure_cost.timed`; all have the 1,000 classes of ILSVRC."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from statistics import median
from typing import NamedTuple

import torch
from torch import Tensor, nn

from googlenet.config.schema.base import Module
from googlenet.config.schema.classification import MeasureCost
from googlenet.metrics.cost import Comparison, NetworkCost, TimesRatio
from googlenet.models.cost import cost
from googlenet.models.forward import forward_times, peak_bytes
from googlenet.models.googlenet import GoogLeNet
from googlenet.models.inception import LocalResponseNorm, max_pool
from googlenet.models.network import Architecture
from googlenet.models.runtime import Runtime

Times = dict[str, list[float]]  # seconds of each network's forward passes, one per turn


class WholeMapMean(nn.Module):
    """Global average pooling, [n, channels, h, w] to [n, channels]: the classifier of Network in Network."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


def conv(n_in: int, n_out: int, kernel: int, stride: int = 1, padding: int = 0, groups: int = 1) -> nn.Module:
    """Return a convolution, followed by ReLU."""
    return nn.Sequential(nn.Conv2d(n_in, n_out, kernel, stride, padding, groups=groups), nn.ReLU(inplace=True))


def dense(n_in: int, n_out: int, hidden: bool = True) -> nn.Module:
    """Return a fully connected layer on a map or vector; a hidden one is followed by ReLU and dropout."""
    after = [nn.ReLU(inplace=True), nn.Dropout(0.5)] if hidden else []
    return nn.Sequential(nn.Flatten(), nn.Linear(n_in, n_out), *after)


def classifier(n_in: int) -> dict[str, nn.Module]:
    """Return the three fully connected layers that AlexNet, ZFNet and VGG end in."""
    return {"fc6": dense(n_in, 4096), "fc7": dense(4096, 4096), "fc8": dense(4096, 1000, hidden=False)}


def five_convolutions(conv1: nn.Module, conv2: nn.Module, groups: int) -> dict[str, nn.Module]:
    """Build AlexNet or ZFNet, which differ in their first two layers and in the groups of the others."""
    return {
        "conv1": conv1,
        "pool1": max_pool(2),
        "lrn1": LocalResponseNorm(96),
        "conv2": conv2,
        "pool2": max_pool(2),
        "lrn2": LocalResponseNorm(256),
        "conv3": conv(256, 384, 3, padding=1),
        "conv4": conv(384, 384, 3, padding=1, groups=groups),
        "conv5": conv(384, 256, 3, padding=1, groups=groups),
        "pool5": max_pool(2),
        **classifier(256 * 6 * 6),
    }


def alexnet() -> dict[str, nn.Module]:
    """Krizhevsky et al. 2012, in Caffe's reference form: two groups, pooling before normalisation."""
    return five_convolutions(conv(3, 96, 11, stride=4), conv(96, 256, 5, padding=2, groups=2), groups=2)


def zfnet() -> dict[str, nn.Module]:
    """Zeiler and Fergus 2013, figure 3: maps of 110, 55, 26, 13 and 6 px."""
    return five_convolutions(conv(3, 96, 7, stride=2, padding=1), conv(96, 256, 5, stride=2), groups=1)


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
    """Another group's network: its title, the year of its challenge, its input size and the builder of its layers."""

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
VARIANTS = {  # of GoogLeNet, named after what differs from the paper's; see reference_network
    "googlenet": "GoogLeNet",
    "googlenet_wider": "GoogLeNet, wider",
    "googlenet_deeper": "GoogLeNet, deeper",
    "googlenet_wider_deeper": "GoogLeNet, wider and deeper",
    "googlenet_fully_connected": "GoogLeNet, fully connected",
    "googlenet_naive": "GoogLeNet, naive Inception",
}
NAMES = (*VARIANTS, *REFERENCE_NETWORKS)


def reference_network(name: str, wider: float, deeper: Sequence[Module]) -> tuple[nn.Module, int]:
    """One of NAMES in evaluation mode, with torch's default weights and no auxiliary heads; and its input size in px.
    wider: the width factor of the wider GoogLeNets. deeper: the modules that the deeper ones repeat."""
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


def on_meta(name: str, wider: float, deeper: Sequence[Module]) -> tuple[nn.Module, int]:
    """Build `reference_network` on the meta device: enough for counting, without memory even for VGG-16's weights."""
    with torch.device("meta"):
        return reference_network(name, wider, deeper)


def compare(settings: MeasureCost, runtime: Runtime) -> Comparison:
    """Return a row for each of NAMES; memory is counted at the timed batch and precision."""
    times = timed(settings, runtime)
    return Comparison(
        device=runtime.device,
        precision=runtime.precision,
        threads=settings.compute.numeric_threads,
        batch=settings.reference_batch_size,
        repeats=settings.reference_repeats,
        wider=settings.wider,
        deeper=settings.deeper,
        networks=tuple(row(name, settings, runtime, times) for name in NAMES),
    )


def row(name: str, settings: MeasureCost, runtime: Runtime, times: Times) -> NetworkCost:
    """Return the cost of one network."""
    model, px = on_meta(name, settings.wider, settings.deeper)
    counted = cost(model, px)
    memory = peak_bytes(model.to(number_type(runtime)), px, settings.reference_batch_size)
    reference = REFERENCE_NETWORKS.get(name)
    return NetworkCost(
        network=name,
        title=reference.title if reference else VARIANTS[name],
        year=reference.year if reference else None,
        input_px=px,
        layers=sum(layer.depth for layer in counted.layers),
        parameters=counted.totals.parameters,
        macs=counted.totals.macs,
        weights_mb=memory.weights / 1e6,
        activations_mb=memory.activations / 1e6,
        forward_ms=1000 * median(times[name]) if name in times else None,
        times_googlenet=against_googlenet(times, name) if name in times else None,
    )


def number_type(runtime: Runtime) -> torch.dtype:
    """Return the dtype of weights and activations: both are converted for timing."""
    return torch.bfloat16 if runtime.precision == "bf16" else torch.float32


def timed(settings: MeasureCost, runtime: Runtime) -> Times:
    """Time the forward passes of the networks in `timed`, for `reference_repeats` turns."""
    models: dict[str, tuple[nn.Module, int]] = {}
    for name in settings.timed:
        model, px = on_meta(name, settings.wider, settings.deeper)
        # Random weights would take longer than the passes, which take as long with any that neither vanish nor overflow.
        model = model.to(number_type(runtime)).to_empty(device=runtime.device).to(memory_format=torch.channels_last)
        for tensor in (*model.parameters(), *model.buffers()):
            nn.init.constant_(tensor, len(tensor) / tensor.numel())  # a mean of the inputs, and a bias of 1
        models[name] = model, px
    return forward_times(models, settings.reference_batch_size, settings.reference_repeats)


def against_googlenet(times: Times, name: str) -> TimesRatio:
    """Return the ratio of a network's forward times to GoogLeNet's in the same turns."""
    ratios = [its / googlenet for its, googlenet in zip(times[name], times["googlenet"], strict=True)]
    return TimesRatio(median=median(ratios), min=min(ratios), max=max(ratios))
