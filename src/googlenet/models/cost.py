"""What a network costs: parameters and multiply-adds by layer, by row of Table 1 for GoogLeNet, counted as it runs."""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from googlenet.metrics.cost import LayerCost, Totals
from googlenet.models.forward import images_for

Hook = Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]
ROW_OF = {"conv2_reduce": "conv2"}  # children that share a row of Table 1; else a child is a row
AVERAGE_POOL, AUXILIARY = "avg pool", "auxiliary head"
KINDS = {  # how a child's name begins -> (type, depth: layers with parameters on the way through one child)
    "conv": ("convolution", 1),
    "pool": ("max pool", 0),
    "maxpool": ("max pool", 0),  # torchvision's names, here and below
    "inception": ("inception", 2),
    "avg_pool": (AVERAGE_POOL, 0),
    "avgpool": (AVERAGE_POOL, 0),
    "dropout": ("dropout", 0),
    "linear": ("linear", 1),
    "fc": ("fully connected", 1),
    "cccp": ("1x1 convolution", 1),  # Network in Network's name
    "aux": (AUXILIARY, 3),
}  # normalisation has no row: at most a layer's own scale and shift, which the paper does not count


class Cost(NamedTuple):
    """The rows of Table 1 for a network; `auxiliary`: those of the heads, which inference discards (section 5)."""

    layers: tuple[LayerCost, ...]
    auxiliary: tuple[LayerCost, ...]

    @property
    def totals(self) -> Totals:
        """Sums over the layers; the parameters also with the auxiliary heads."""
        parameters = total(self.layers, "parameters")
        return Totals(
            parameters=parameters,
            weights=total(self.layers, "weights"),
            macs=total(self.layers, "macs"),
            parameters_with_aux=parameters + total(self.auxiliary, "parameters"),
        )


@dataclass
class Row:
    """A row that is being counted, over all children that share it; see LayerCost."""

    layer: str
    type: str
    output: tuple[int, int, int] = (0, 0, 0)
    depth: int = 0
    parameters: int = 0
    weights: int = 0
    macs: int = 0


def cost(model: nn.Module, input_px: int) -> Cost:
    """Count a network, one image of `input_px` at a time: rows of Table 1, or of its own layers for another network.

    Parameters: with biases and normalisation's scales and shifts. Section 4 of the paper.
    """
    layers = [LayerCost(**vars(row)) for row in _rows(model, input_px)]
    return Cost(
        tuple(row for row in layers if row.type != AUXILIARY),
        tuple(row for row in layers if row.type == AUXILIARY),
    )


def total(rows: Sequence[LayerCost], key: str) -> int:
    """A column's sum."""
    return sum(getattr(row, key) for row in rows)


def _rows(model: nn.Module, input_px: int) -> Iterator[Row]:
    """Run one image through a copy of the network, heads included, and note each child as it ends."""
    probe = copy.deepcopy(model).train()  # in training, for the heads; a copy, so that no state or hook stays
    for module in probe.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()  # in training it refuses a single value for each channel
    rows: dict[str, Row] = {}
    for name, child in _children(probe):
        kind = _kind(name)
        if kind is None:
            continue
        entry = partial(_entry, rows, ROW_OF.get(name, name), kind[0])
        child.register_forward_hook(_noting(entry, getattr(child, "depth", kind[1])))
        for leaf in _counted(child):
            leaf.register_forward_hook(_counting(entry))
    # Dropout draws random numbers, which must not move the caller's.
    with torch.inference_mode(), torch.random.fork_rng():
        probe(images_for(probe, 1, input_px))
    return _with_average_pool(rows)


def _children(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """A network's children by name; of one that is another inside a wrapper, the other's."""
    children = list(model.named_children())
    wrapper = len(children) == 1 and _kind(children[0][0]) is None
    return _children(children[0][1]) if wrapper else children


def _kind(name: str) -> tuple[str, int] | None:
    """A child's type and depth by its name; None for one that has no row."""
    return next((KINDS[start] for start in KINDS if name.startswith(start)), None)


def _counted(module: nn.Module) -> list[nn.Conv2d | nn.Linear]:
    """The layers whose weights and multiply-adds count."""
    return [leaf for leaf in module.modules() if isinstance(leaf, nn.Conv2d | nn.Linear)]


def _entry(rows: dict[str, Row], layer: str, kind: str) -> Row:
    """The row of a layer, which takes its place among the others when its first child runs."""
    return rows.setdefault(layer, Row(layer, kind))


def _noting(entry: Callable[[], Row], depth: int) -> Hook:
    def note(child: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        row = entry()
        row.depth += depth
        row.output = _shape(output)
        row.weights += sum(leaf.weight.numel() for leaf in _counted(child))
        row.parameters += sum(p.numel() for p in child.parameters())

    return note


def _counting(entry: Callable[[], Row]) -> Hook:
    def count(leaf: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        # A value of the output is a sum over one weight[i]: channels of its group x kernel, or features.
        entry().macs += output[0].numel() * leaf.get_parameter("weight")[0].numel()

    return count


def _with_average_pool(rows: dict[str, Row]) -> Iterator[Row]:
    """The rows in the order in which they ran; a network that averages in its forward gets its row here."""
    for name, row in rows.items():
        if name == "dropout" and not rows.keys() & {"avg_pool", "avgpool", "fc"}:
            yield replace(row, layer="avg_pool", type=AVERAGE_POOL)
        yield row


def _shape(output: Tensor) -> tuple[int, int, int]:
    """[h, w, channels] of one image; a vector is 1x1, as the table prints it."""
    c, h, w = (*output.shape[1:], 1, 1)[:3]
    return h, w, c
