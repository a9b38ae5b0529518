"""Parts of GoogLeNet: convolutions, response normalisation, both Inception modules, heads; initial weights."""

from typing import Any, Protocol, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from googlenet.config.schema.shared import Initialisation
from googlenet.models.table_1 import HIDDEN_UNITS, Widths


def scaled(channels: int, width: float) -> int:
    """Return the channels at a width factor: rounded, at least one."""
    return max(1, round(channels * width))


class LocalResponseNorm(nn.Module):
    """Local response normalisation across channels: x / (k + alpha / n * sum of squares) ** 0.75.

    The paper gives no constants; these are the Caffe replica's (n 5, alpha 1e-4, beta 0.75, k 1). Sum by a banded 1x1
    convolution, power by two square roots: as torch.nn.LocalResponseNorm, several times faster, with bf16 on CPU.
    """

    band: Tensor
    k: Tensor

    def __init__(self, channels: int, size: int = 5, alpha: float = 1e-4, k: float = 1.0):
        super().__init__()
        near = np.tri(channels, k=size // 2) - np.tri(channels, k=-(size // 2) - 1)  # torch's own, on the device meta,
        band = torch.tensor(near * (alpha / size), dtype=torch.float32)  # imports its compiler: a second and a half
        self.register_buffer("band", band[:, :, None, None], persistent=False)
        self.register_buffer("k", torch.full((channels,), k), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        band, k = self.band.to(x.dtype), self.k.to(x.dtype)
        if x.requires_grad and not traced():
            y: Tensor = ResponseNorm.apply(x, band, k)
            return y
        d = functional.conv2d(x * x, band, k)
        return x / torch.sqrt(d * torch.sqrt(d))  # torch.rsqrt takes longer in bf16 on CPU


def traced() -> bool:
    """Return whether a compiler, an exporter or a tracer is recording operations: they accept only standard ones."""
    tracing: bool = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]  # torch has no types for it
    return tracing or torch.compiler.is_compiling()


class ResponseNorm(torch.autograd.Function):
    """Local response normalisation with its own gradient: y = x / d ** 0.75, dx = g / d ** 0.75 - 1.5 x band(g y / d).

    It makes a third of the passes over the maps that autograd would, and keeps two maps besides x and y instead of six.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, band: Tensor, k: Tensor) -> Tensor:
        power = x * x
        d = functional.conv2d(power, band, k)
        y = x / torch.sqrt(d, out=power).mul_(d).sqrt_()
        ctx.save_for_backward(x, y, d, power, band)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None]:
        x, y, d, power, band = ctx.saved_tensors
        dx = (g * y).div_(d)
        summed = functional.conv2d(dx, band)
        return torch.div(g, power, out=dx).addcmul_(x, summed, value=-1.5), None, None


class Convolution(Protocol):
    """Builds a network's convolutions, each with the layers that follow it, of which the last is ReLU."""

    def __call__(self, n_in: int, n_out: int, kernel: int, stride: int = 1) -> nn.Sequential: ...


def convolution(n_in: int, n_out: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Return a convolution with same padding, followed by ReLU."""
    return nn.Sequential(nn.Conv2d(n_in, n_out, kernel, stride, kernel // 2), nn.ReLU(inplace=True))


def max_pool(stride: int) -> nn.MaxPool2d:
    """3x3 max pooling: ceil mode, no padding for stride 2; size-keeping for stride 1 (inside Inception)."""
    return nn.MaxPool2d(3, stride, padding=0 if stride == 2 else 1, ceil_mode=stride == 2)


class Inception(nn.Module):
    """Inception module with dimension reductions (section 4, figure 2b)."""

    depth = 2  # layers with parameters on the longest path through

    def __init__(self, n_in: int, widths: Widths, convolution: Convolution = convolution):
        super().__init__()
        w = widths
        self.branch_1x1 = convolution(n_in, w.n1x1, 1)
        self.branch_3x3 = nn.Sequential(convolution(n_in, w.n3x3_reduce, 1), convolution(w.n3x3_reduce, w.n3x3, 3))
        self.branch_5x5 = nn.Sequential(convolution(n_in, w.n5x5_reduce, 1), convolution(w.n5x5_reduce, w.n5x5, 5))
        self.branch_pool = nn.Sequential(max_pool(1), convolution(n_in, w.pool_proj, 1))
        self.n_out = w.n1x1 + w.n3x3 + w.n5x5 + w.pool_proj

    def forward(self, x: Tensor) -> Tensor:
        if x.requires_grad and len(self.branch_1x1) == 2:  # nothing but a ReLU follows the convolution
            return self._differentiable(x)
        return torch.cat([self.branch_1x1(x), self.branch_3x3(x), self.branch_5x5(x), self.branch_pool(x)], 1)

    def _differentiable(self, x: Tensor) -> Tensor:
        """The same maps, with a training step a tenth shorter: the three 1x1 convolutions of x are one matrix product,
        whose backward pass reads x once, and one ReLU follows all branches, which changes no bit."""
        layers = (self.branch_1x1, *self.branch_3x3, *self.branch_5x5, self.branch_pool[1])
        convolutions = [cast(nn.Conv2d, cast(nn.Sequential, layer)[0]) for layer in layers]
        conv_1x1, reduce_3x3, conv_3x3, reduce_5x5, conv_5x5, projection = convolutions
        n1x1, n3x3, n5x5 = (layer.out_channels for layer in (conv_1x1, reduce_3x3, reduce_5x5))
        maps = pointwise(x, conv_1x1, reduce_3x3, reduce_5x5)
        direct, reduced = maps.split_with_sizes([n1x1, n3x3 + n5x5], 1)
        before_3x3, before_5x5 = functional.relu(reduced).split_with_sizes([n3x3, n5x5], 1)
        projected = pointwise(self.branch_pool[0](x), projection)
        return functional.relu_(torch.cat([direct, conv_3x3(before_3x3), conv_5x5(before_5x5), projected], 1))


def pointwise(x: Tensor, *convolutions: nn.Conv2d) -> Tensor:
    """Return the concatenated maps of several 1x1 convolutions of x, computed as one matrix product over positions."""
    weight = torch.cat([layer.weight for layer in convolutions])
    bias = torch.cat([layer.bias for layer in convolutions if layer.bias is not None])
    return functional.linear(x.permute(0, 2, 3, 1), weight.flatten(1), bias).permute(0, 3, 1, 2)


class NaiveInception(nn.Module):
    """Inception module without reductions (section 4, figure 2a): pooled input is not projected, so channels grow."""

    depth = 1

    def __init__(self, n_in: int, widths: Widths, convolution: Convolution = convolution):
        super().__init__()
        self.branch_1x1 = convolution(n_in, widths.n1x1, 1)
        self.branch_3x3 = convolution(n_in, widths.n3x3, 3)
        self.branch_5x5 = convolution(n_in, widths.n5x5, 5)
        self.branch_pool = max_pool(1)
        self.n_out = widths.n1x1 + widths.n3x3 + widths.n5x5 + n_in

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.branch_1x1(x), self.branch_3x3(x), self.branch_5x5(x), self.branch_pool(x)], 1)


FORMS: dict[str, type[Inception | NaiveInception]] = {"reduced": Inception, "naive": NaiveInception}


class AuxiliaryHead(nn.Module):
    """Auxiliary classifier (section 5): 5x5/3 average pooling (global on a smaller map), 1x1 convolution, fully
    connected, dropout, linear. width: the factor on the paper's 128 channels and 1024 units."""

    def __init__(
        self, n_in: int, map_px: int, num_classes: int, width: float, dropout: float, convolution: Convolution
    ):
        super().__init__()
        n_conv, n_fc, window = scaled(128, width), scaled(HIDDEN_UNITS, width), min(5, map_px)
        side = (map_px - window) // 3 + 1
        self.pool = nn.AvgPool2d(window, 3)
        self.conv = convolution(n_in, n_conv, 1)
        self.fc = nn.Sequential(nn.Linear(n_conv * side * side, n_fc), nn.ReLU(inplace=True))
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(n_fc, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.linear(self.dropout(self.fc(self.conv(self.pool(x)).flatten(1))))
        return logits


def initialise(model: nn.Module, seed: int, form: Initialisation) -> None:
    """Set initial weights; the paper specifies none. The same seed and memory layout give the same weights.

    replica: the Caffe replica's, uniform +-sqrt(3 / fan_in), which is not torch's xavier_uniform_; biases 0.2,
    classifiers' 0. he (He et al. 2015): +-sqrt(6 / fan_in) before a ReLU, which halves the variance; all biases 0.
    """
    generator = torch.Generator().manual_seed(seed)
    before_relu = (3, 0.2) if form == "replica" else (6, 0.0)
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            spread, bias = (3, 0.0) if name.split(".")[-1] == "linear" else before_relu
            bound = (spread / module.weight[0].numel()) ** 0.5
            nn.init.uniform_(module.weight, -bound, bound, generator=generator)
            if module.bias is not None:
                nn.init.constant_(module.bias, bias)
        elif isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.reset_parameters()  # scale 1, shift 0, no statistics; uses no random numbers
