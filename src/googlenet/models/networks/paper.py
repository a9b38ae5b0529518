"""The network of Table 1, with response normalisation."""

from googlenet.models.googlenet import GoogLeNet
from googlenet.models.inception import initialise
from googlenet.models.network import Kind, NetworkSpec


def build(spec: NetworkSpec) -> GoogLeNet:
    """Build GoogLeNet as the spec describes it."""
    return GoogLeNet(len(spec.classes), spec.architecture)


KIND = Kind(build, initialise, trunk=True)
