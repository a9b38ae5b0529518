"""GoogLeNet, the network of Table 1 and figure 3 of the paper, with a width factor."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from googlenet.errors import UserError, nearest
from googlenet.models.inception import (
    FORMS,
    AuxiliaryHead,
    LocalResponseNorm,
    convolution,
    fully_connected,
    max_pool,
)
from googlenet.models.table_1 import (
    AUX_HEADS,
    HIDDEN_UNITS,
    INCEPTION,
    POOL_BEFORE,
    SMALLEST_INPUT_PX,
    Widths,
    check_modules,
    order_of_modules,
)

CLASSIFIERS = ("average_pool", "fully_connected")


def scaled(channels: int, width: float) -> int:
    """Channels at a width factor: rounded, at least one."""
    return max(1, round(channels * width))


class GoogLeNet(nn.Module):
    """The network of Table 1: 22 layers with parameters, 27 with pooling.

    Input: float images [n, 3, input_px, input_px], mean subtracted. `width` scales every layer but the classifiers.
    The paper's alternatives: `inception` reduced (figure 2b) or naive (figure 2a); `classifier` average_pool, or
    fully_connected on the last map; `repeat_modules`: one more copy of a module at each mention of its name.
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
        inception: str = "reduced",
        classifier: str = "average_pool",
        repeat_modules: Sequence[str] = (),
    ):
        super().__init__()
        if input_px < SMALLEST_INPUT_PX:
            raise UserError(f"model.input_px: {input_px} is too small; at least {SMALLEST_INPUT_PX}")
        for key, value, known in (("inception", inception, FORMS), ("classifier", classifier, CLASSIFIERS)):
            if value not in known:
                raise UserError(f"model.{key}: no '{value}'{nearest(value, known)}")
        check_modules(aux_heads, "model.aux_heads")
        check_modules(repeat_modules, "model.repeat_modules")
        c1, c2 = scaled(64, width), scaled(192, width)
        self.conv1 = convolution(3, c1, 7, stride=2)
        self.pool1 = max_pool(2)
        self.lrn1 = LocalResponseNorm(c1) if lrn else nn.Identity()
        self.conv2_reduce = convolution(c1, c1, 1)
        self.conv2 = convolution(c1, c2, 3)
        self.lrn2 = LocalResponseNorm(c2) if lrn else nn.Identity()
        px = pooled(pooled((input_px - 1) // 2 + 1))  # after conv1 (stride 2, padding 3), pool1, pool2
        n = c2
        hidden = scaled(HIDDEN_UNITS, width)
        self.order = order_of_modules(repeat_modules)
        for name, row in self.order.items():
            if name in POOL_BEFORE:
                self.add_module(POOL_BEFORE[name], max_pool(2))
                px = pooled(px) if name != "3a" else px
            module = FORMS[inception](n, Widths(*(scaled(channels, width) for channels in INCEPTION[row])))
            self.add_module(f"inception_{name}", module)
            n = module.n_out
            if name in aux_heads:
                head = AuxiliaryHead(n, px, num_classes, scaled(128, width), hidden, aux_dropout)
                self.add_module(f"aux_{name}", head)
        self.aux_heads = tuple(name for name in INCEPTION if name in aux_heads)
        self.fc = fully_connected(n * px * px, hidden) if classifier == "fully_connected" else None
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(hidden if self.fc else n, num_classes)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the logits [n, classes] and, in training, those of the auxiliary heads (at inference: none)."""
        x, aux = self.map_after(x)
        return self.linear(self.dropout(self.vector_of(x))), aux

    def map_after(self, x: Tensor, last: str | None = None) -> tuple[Tensor, list[Tensor]]:
        """Return the map [n, channels, h, w] after the last module, or the named one, and the logits of the heads."""
        x = self.lrn1(self.pool1(self.conv1(x)))
        x = self.lrn2(self.conv2(self.conv2_reduce(x)))
        aux = []
        for name in self.order:
            if name in POOL_BEFORE:
                x = self.get_submodule(POOL_BEFORE[name])(x)
            x = self.get_submodule(f"inception_{name}")(x)
            if self.training and name in self.aux_heads:
                aux.append(self.get_submodule(f"aux_{name}")(x))
            if name == last:
                break
        return x, aux

    def vector_of(self, x: Tensor) -> Tensor:
        """Return what the classifier sees of the last map: [n, channels].

        The 7x7 average pooling at 224 px; at other sizes, likewise, over the whole map.
        """
        return self.fc(x.flatten(1)) if self.fc else x.mean((2, 3))


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
