"""torchvision's variant, which is not the paper's network; for weights that were trained in it."""

from torch import nn

from googlenet.models.network import Kind, NetworkSpec


def build(spec: NetworkSpec) -> nn.Module:
    """torchvision's module as the spec describes it."""
    from googlenet.models.torchvision_bn import TorchvisionGoogLeNet  # torchvision takes a second to import

    shape = spec.architecture
    return TorchvisionGoogLeNet(len(spec.classes), shape.dropout, shape.aux_dropout, bool(shape.aux_heads))


KIND = Kind(build, None, trunk=False)
