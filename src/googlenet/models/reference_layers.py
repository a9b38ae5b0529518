"""The networks that GoogLeNet's cost stands beside, layer by layer as their authors published them: data alone.

What builds them: reference_networks.py. Their names are those of `measure_cost.timed` in the schema.
"""

from typing import Literal, NamedTuple


class Conv(NamedTuple):
    """A convolution, followed by ReLU."""

    name: str
    channels: int
    kernel: int
    stride: int = 1
    padding: int = 0
    groups: int = 1


class MaxPool(NamedTuple):
    """Max pooling without padding; Caffe's keeps a last, partial window (ceil)."""

    name: str
    kernel: int
    stride: int
    ceil: bool = True


class Lrn(NamedTuple):
    """Local response normalisation across channels."""

    name: str


class Dense(NamedTuple):
    """A fully connected layer; a hidden one is followed by ReLU and dropout."""

    name: str
    units: int
    hidden: bool = True


class AveragePool(NamedTuple):
    """The mean over the whole map: the classifier of Network in Network."""

    name: str


Layer = Conv | MaxPool | Lrn | Dense | AveragePool


class ReferenceNetwork(NamedTuple):
    """A network of others: its title, the year of its challenge, its input and its layers."""

    title: str
    year: int
    input_px: int
    layers: tuple[Layer, ...]


CLASSIFIER = (Dense("fc6", 4096), Dense("fc7", 4096), Dense("fc8", 1000, hidden=False))
REFERENCE_NETWORKS = {
    "alexnet": ReferenceNetwork(  # Krizhevsky et al. 2012, in Caffe's reference form: two groups, pooling before normalisation
        "AlexNet (2012)",
        2012,
        227,
        (
            *(Conv("conv1", 96, 11, stride=4), MaxPool("pool1", 3, 2), Lrn("lrn1")),
            *(Conv("conv2", 256, 5, padding=2, groups=2), MaxPool("pool2", 3, 2), Lrn("lrn2")),
            Conv("conv3", 384, 3, padding=1),
            Conv("conv4", 384, 3, padding=1, groups=2),
            *(Conv("conv5", 256, 3, padding=1, groups=2), MaxPool("pool5", 3, 2)),
            *CLASSIFIER,
        ),
    ),
    "zfnet": ReferenceNetwork(  # Zeiler and Fergus 2013, figure 3: maps of 110, 55, 26, 13 and 6 px
        "ZFNet (2013)",
        2013,
        224,
        (
            *(Conv("conv1", 96, 7, stride=2, padding=1), MaxPool("pool1", 3, 2), Lrn("lrn1")),
            *(Conv("conv2", 256, 5, stride=2), MaxPool("pool2", 3, 2), Lrn("lrn2")),
            Conv("conv3", 384, 3, padding=1),
            Conv("conv4", 384, 3, padding=1),
            *(Conv("conv5", 256, 3, padding=1), MaxPool("pool5", 3, 2)),
            *CLASSIFIER,
        ),
    ),
    "network_in_network": ReferenceNetwork(  # Lin et al. 2013, their network for ImageNet
        "Network in Network (2013)",
        2013,
        224,
        (
            *(Conv("conv1", 96, 11, stride=4), Conv("cccp1", 96, 1), Conv("cccp2", 96, 1), MaxPool("pool1", 3, 2)),
            *(Conv("conv2", 256, 5, padding=2), Conv("cccp3", 256, 1), Conv("cccp4", 256, 1), MaxPool("pool2", 3, 2)),
            *(Conv("conv3", 384, 3, padding=1), Conv("cccp5", 384, 1), Conv("cccp6", 384, 1), MaxPool("pool3", 3, 2)),
            *(Conv("conv4", 1024, 3, padding=1), Conv("cccp7", 1024, 1), Conv("cccp8", 1000, 1)),
            AveragePool("avg_pool"),
        ),
    ),
    "vgg_16": ReferenceNetwork(  # Simonyan and Zisserman 2014, configuration D
        "VGG-16 (2014)",
        2014,
        224,
        (
            *(Conv("conv1_1", 64, 3, padding=1), Conv("conv1_2", 64, 3, padding=1), MaxPool("pool1", 2, 2)),
            *(Conv("conv2_1", 128, 3, padding=1), Conv("conv2_2", 128, 3, padding=1), MaxPool("pool2", 2, 2)),
            *(Conv(f"conv3_{i}", 256, 3, padding=1) for i in (1, 2, 3)),
            MaxPool("pool3", 2, 2),
            *(Conv(f"conv4_{i}", 512, 3, padding=1) for i in (1, 2, 3)),
            MaxPool("pool4", 2, 2),
            *(Conv(f"conv5_{i}", 512, 3, padding=1) for i in (1, 2, 3)),
            MaxPool("pool5", 2, 2),
            *CLASSIFIER,
        ),
    ),
}  # fmt: skip


class Variant(NamedTuple):
    """GoogLeNet, or an alternative: its title, and what differs from the default. `wider` and `deeper` are settings."""

    title: str
    options: tuple[Literal["wider", "deeper", "fully_connected", "naive"], ...] = ()


VARIANTS = {
    "googlenet": Variant("GoogLeNet"),
    "googlenet_wider": Variant("GoogLeNet, wider", ("wider",)),
    "googlenet_deeper": Variant("GoogLeNet, deeper", ("deeper",)),
    "googlenet_wider_deeper": Variant("GoogLeNet, wider and deeper", ("wider", "deeper")),
    "googlenet_fully_connected": Variant("GoogLeNet, fully connected", ("fully_connected",)),
    "googlenet_naive": Variant("GoogLeNet, naive Inception", ("naive",)),
}
NAMES = (*VARIANTS, *REFERENCE_NETWORKS)
VARIANT_PX = 224
