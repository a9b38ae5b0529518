"""GoogLeNet, the network of Table 1 and figure 3 of the paper, with a width factor."""

from torch import Tensor, nn

from googlenet.models import table_1
from googlenet.models.inception import (
    FORMS,
    AuxiliaryHead,
    Convolution,
    LocalResponseNorm,
    convolution,
    max_pool,
    scaled,
)
from googlenet.models.network import Architecture

PAPER = Architecture()


class GoogLeNet(nn.Module):
    """The network of Table 1: 22 layers with parameters, 27 with pooling; or a variant, see Architecture.
    Input: float images [n, 3, input_px, input_px], mean subtracted."""

    def __init__(self, num_classes: int = 1000, shape: Architecture = PAPER, convolution: Convolution = convolution):
        super().__init__()
        width = shape.width
        c1, c2 = scaled(64, width), scaled(192, width)
        conv1 = convolution(3, c1, 7, stride=2)
        # ReLU after pooling, on a quarter of the values: the order changes no bit of the outputs or the gradients.
        self.conv1, self.pool1 = conv1[:-1], nn.Sequential(max_pool(2), conv1[-1])
        self.lrn1 = LocalResponseNorm(c1) if shape.lrn else nn.Identity()
        self.conv2_reduce = convolution(c1, c1, 1)
        self.conv2 = convolution(c1, c2, 3)
        self.lrn2 = LocalResponseNorm(c2) if shape.lrn else nn.Identity()
        px = pooled(pooled((shape.input_px - 1) // 2 + 1))  # after conv1 (stride 2, padding 3), pool1, pool2
        n, hidden = c2, scaled(table_1.HIDDEN_UNITS, width)
        self.order = table_1.order_of_modules(shape.repeat_modules)
        for name, row in self.order.items():
            if name in table_1.POOL_BEFORE:
                self.add_module(table_1.POOL_BEFORE[name], max_pool(2))
                px = pooled(px) if name != "3a" else px
            widths = table_1.Widths(*(scaled(channels, width) for channels in table_1.INCEPTION[row]))
            module = FORMS[shape.inception](n, widths, convolution)
            self.add_module(f"inception_{name}", module)
            n = module.n_out
            if name in shape.aux_heads:
                head = AuxiliaryHead(n, px, num_classes, width, shape.aux_dropout, convolution)
                self.add_module(f"aux_{name}", head)
        self.aux_heads = tuple(name for name in table_1.INCEPTION if name in shape.aux_heads)
        fully_connected = shape.classifier == "fully_connected"
        self.fc = nn.Sequential(nn.Linear(n * px * px, hidden), nn.ReLU(inplace=True)) if fully_connected else None
        self.dropout = nn.Dropout(shape.dropout)
        self.linear: nn.Module = nn.Linear(hidden if self.fc else n, num_classes)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the logits [n, classes] and, in training, those of the auxiliary heads (at inference: none)."""
        x, aux = self.map_after(x)
        return self.logits_of(self.vector_of(x)), aux

    def map_after(self, x: Tensor, last: str | None = None) -> tuple[Tensor, list[Tensor]]:
        """Return the map [n, channels, h, w] after the last module, or the named one, and the logits of the heads."""
        x = self.lrn1(self.pool1(self.conv1(x)))
        x = self.lrn2(self.conv2(self.conv2_reduce(x)))
        aux = []
        for name in self.order:
            if name in table_1.POOL_BEFORE:
                x = self.get_submodule(table_1.POOL_BEFORE[name])(x)
            x = self.get_submodule(f"inception_{name}")(x)
            if self.training and name in self.aux_heads:
                aux.append(self.get_submodule(f"aux_{name}")(x))
            if name == last:
                break
        return x, aux

    def vector_of(self, x: Tensor) -> Tensor:
        """Return the classifier's input, [n, channels]: the mean of the last map, which is 7x7 at 224 px."""
        vectors: Tensor = self.fc(x.flatten(1)) if self.fc else x.mean((2, 3))
        return vectors

    def logits_of(self, vectors: Tensor) -> Tensor:
        """Return the logits [n, classes] for such vectors."""
        logits: Tensor = self.linear(self.dropout(vectors))
        return logits

    def cut_after(self, last: str) -> None:
        """Remove the modules after `last` and the classifier, leaving a trunk."""
        order = list(self.order)
        for name in order[order.index(last) + 1 :]:
            setattr(self, f"inception_{name}", nn.Identity())
        self.linear = nn.Identity()


def pooled(px: int) -> int:
    """Side of a map after 3x3/2 max pooling in ceil mode without padding."""
    return -(-(px - 3) // 2) + 1 if px > 3 else 1
