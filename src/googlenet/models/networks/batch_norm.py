"""The paper's network with batch normalisation (Ioffe and Szegedy 2015) after every convolution, before its ReLU; no
response normalisation, and no bias where normalisation cancels it."""

from dataclasses import replace

from torch import nn

from googlenet.models.googlenet import GoogLeNet
from googlenet.models.inception import initialise
from googlenet.models.network import Kind, NetworkSpec


def convolution(n_in: int, n_out: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Return a convolution that keeps the size (except for its stride), batch normalisation, ReLU."""
    conv = nn.Conv2d(n_in, n_out, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(n_out), nn.ReLU(inplace=True))


def build(spec: NetworkSpec) -> GoogLeNet:
    """Build GoogLeNet as the spec describes it, with batch normalisation instead of response normalisation."""
    return GoogLeNet(len(spec.classes), replace(spec.architecture, lrn=False), convolution)


KIND = Kind(build, initialise, trunk=True)
