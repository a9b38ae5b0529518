"""GoogLeNet, the network of Table 1 and figure 3 of the paper, with a width factor."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from googlenet.errors import UserError, nearest


class Widths(NamedTuple):
    """Channels of one Inception module, in Table 1's column order."""

    n1x1: int
    n3x3_reduce: int
    n3x3: int
    n5x5_reduce: int
    n5x5: int
    pool_proj: int


INCEPTION = {
    "3a": Widths(64, 96, 128, 16, 32, 32),
    "3b": Widths(128, 128, 192, 32, 96, 64),
    "4a": Widths(192, 96, 208, 16, 48, 64),
    "4b": Widths(160, 112, 224, 24, 64, 64),
    "4c": Widths(128, 128, 256, 24, 64, 64),
    "4d": Widths(112, 144, 288, 32, 64, 64),
    "4e": Widths(256, 160, 320, 32, 128, 128),
    "5a": Widths(256, 160, 320, 32, 128, 128),
    "5b": Widths(384, 192, 384, 48, 128, 128),
}
POOL_BEFORE = {"3a": "pool2", "4a": "pool3", "5a": "pool4"}
AUX_HEADS = ("4a", "4d")
SMALLEST_INPUT_PX = 32  # below it the last maps vanish


class LocalResponseNorm(nn.Module):
    """Local response normalisation across channels: x * (k + alpha / n * sum of squares) ** -0.75.

    The paper prints no constants; these are the Caffe replica's (n 5, alpha 1e-4, beta 0.75, k 1). The sum over
    neighbouring channels is a banded 1x1 convolution and the power two square roots: equal to
    torch.nn.LocalResponseNorm, several times faster, and it has a bf16 kernel on the CPU.
    """

    def __init__(self, channels: int, size: int = 5, alpha: float = 1e-4, k: float = 1.0):
        super().__init__()
        self.k = k
        distance = torch.arange(channels)[:, None] - torch.arange(channels)[None, :]
        band = (distance.abs() <= size // 2).float() * (alpha / size)
        self.register_buffer("band", band[:, :, None, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        d = functional.conv2d(x * x, self.band.to(x.dtype)) + self.k
        return x * torch.rsqrt(d) * torch.rsqrt(torch.sqrt(d))


def convolution(n_in: int, n_out: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """A convolution that keeps the size (but for its stride), followed by ReLU."""
    return nn.Sequential(nn.Conv2d(n_in, n_out, kernel, stride, kernel // 2), nn.ReLU(inplace=True))


def max_pool(stride: int) -> nn.MaxPool2d:
    """3x3 max pooling: ceil mode, no padding for stride 2; size-keeping for stride 1 (inside Inception)."""
    return nn.MaxPool2d(3, stride, padding=0 if stride == 2 else 1, ceil_mode=stride == 2)


class Inception(nn.Module):
    """Inception module with dimension reductions (section 4, figure 2b)."""

    def __init__(self, n_in: int, widths: Widths):
        super().__init__()
        w = widths
        self.branch_1x1 = convolution(n_in, w.n1x1, 1)
        self.branch_3x3 = nn.Sequential(
            convolution(n_in, w.n3x3_reduce, 1), convolution(w.n3x3_reduce, w.n3x3, 3)
        )
        self.branch_5x5 = nn.Sequential(
            convolution(n_in, w.n5x5_reduce, 1), convolution(w.n5x5_reduce, w.n5x5, 5)
        )
        self.branch_pool = nn.Sequential(max_pool(1), convolution(n_in, w.pool_proj, 1))
        self.n_out = w.n1x1 + w.n3x3 + w.n5x5 + w.pool_proj

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.branch_1x1(x), self.branch_3x3(x), self.branch_5x5(x), self.branch_pool(x)], 1)


class AuxiliaryHead(nn.Module):
    """Auxiliary classifier (section 5): 5x5/3 average pooling, 1x1 convolution, fully connected, dropout, linear.

    At inputs below 224 px the map can be smaller than the 5x5 window; the window then is the whole map.
    """

    def __init__(self, n_in: int, map_px: int, num_classes: int, n_conv: int, n_fc: int, dropout: float):
        super().__init__()
        window = min(5, map_px)
        side = (map_px - window) // 3 + 1
        self.pool = nn.AvgPool2d(window, 3)
        self.conv = convolution(n_in, n_conv, 1)
        self.fc = nn.Sequential(nn.Linear(n_conv * side * side, n_fc), nn.ReLU(inplace=True))
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(n_fc, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.dropout(self.fc(self.conv(self.pool(x)).flatten(1))))


def scaled(channels: int, width: float) -> int:
    """Channels at a width factor: rounded, at least one."""
    return max(1, round(channels * width))


class GoogLeNet(nn.Module):
    """The network of Table 1: 22 layers with parameters, 27 with pooling.

    Input: float images [n, 3, input_px, input_px], mean subtracted. `width` scales every layer but the classifiers.
    """

    def __init__(
        self,
        num_classes: int = 1000,
        width: float = 1.0,
        input_px: int = 224,
        dropout: float = 0.4,
        aux_dropout: float = 0.7,
        aux_heads: Sequence[str] = AUX_HEADS,
        lrn: bool = True,
    ):
        super().__init__()
        if input_px < SMALLEST_INPUT_PX:
            raise UserError(f"model.input_px: {input_px} is too small; at least {SMALLEST_INPUT_PX}")
        for name in aux_heads:
            if name not in INCEPTION:
                raise UserError(f"model.aux_heads: no module '{name}'{nearest(name, INCEPTION)}")
        c1, c2 = scaled(64, width), scaled(192, width)
        self.conv1 = convolution(3, c1, 7, stride=2)
        self.pool1 = max_pool(2)
        self.lrn1 = LocalResponseNorm(c1) if lrn else nn.Identity()
        self.conv2_reduce = convolution(c1, c1, 1)
        self.conv2 = convolution(c1, c2, 3)
        self.lrn2 = LocalResponseNorm(c2) if lrn else nn.Identity()
        px = pooled(pooled((input_px - 1) // 2 + 1))  # after conv1 (stride 2, padding 3), pool1, pool2
        n = c2
        for name, row in INCEPTION.items():
            if name in POOL_BEFORE:
                self.add_module(POOL_BEFORE[name], max_pool(2))
                px = pooled(px) if name != "3a" else px
            module = Inception(n, Widths(*(scaled(channels, width) for channels in row)))
            self.add_module(f"inception_{name}", module)
            n = module.n_out
            if name in aux_heads:
                head = AuxiliaryHead(n, px, num_classes, scaled(128, width), scaled(1024, width), aux_dropout)
                self.add_module(f"aux_{name}", head)
        self.aux_heads = tuple(name for name in INCEPTION if name in aux_heads)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(n, num_classes)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the logits [n, classes] and, in training, those of the auxiliary heads (at inference: none)."""
        x = self.lrn1(self.pool1(self.conv1(x)))
        x = self.lrn2(self.conv2(self.conv2_reduce(x)))
        aux = []
        for name in INCEPTION:
            if name in POOL_BEFORE:
                x = self.get_submodule(POOL_BEFORE[name])(x)
            x = self.get_submodule(f"inception_{name}")(x)
            if self.training and name in self.aux_heads:
                aux.append(self.get_submodule(f"aux_{name}")(x))
        x = x.mean((2, 3))  # the 7x7 average pooling at 224 px; at other sizes, likewise, over the whole map
        return self.linear(self.dropout(x)), aux


def pooled(px: int) -> int:
    """Side of a map after 3x3/2 max pooling in ceil mode without padding."""
    return -(-(px - 3) // 2) + 1 if px > 3 else 1


def initialise(model: nn.Module, seed: int) -> None:
    """Give a network the Caffe replica's initial weights: uniform +-sqrt(3 / fan_in); biases 0.2, classifiers 0.

    The paper prints none. (torch's xavier_uniform_ is another distribution.) Same seed, same weights.
    """
    generator = torch.Generator().manual_seed(seed)
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            bound = (3 / module.weight[0].numel()) ** 0.5
            nn.init.uniform_(module.weight, -bound, bound, generator=generator)
            nn.init.constant_(module.bias, 0.0 if name.split(".")[-1] == "linear" else 0.2)
