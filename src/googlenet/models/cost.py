"""Cost of a network: parameters and multiply-adds by layer (for GoogLeNet, by row of Table 1), counted as it runs."""

import copy
from collections import Counter
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from googlenet.metrics.cost import LayerCost, Totals
from googlenet.models.forward import images_for

ROW_OF = {"conv2_reduce": "conv2"}  # children that share a row of Table 1; any other child is its own row
AVERAGE_POOL, AUXILIARY = "avg pool", "auxiliary head"
KINDS = {  # start of a child's name -> (type, depth: layers with parameters on the path through one child)
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
        parameters = sum(row.parameters for row in self.layers)
        return Totals(
            parameters=parameters,
            weights=sum(row.weights for row in self.layers),
            macs=sum(row.macs for row in self.layers),
            parameters_with_aux=parameters + sum(row.parameters for row in self.auxiliary),
        )


def cost(model: nn.Module, input_px: int) -> Cost:
    """Count the cost of one image of `input_px`, by row of Table 1 or by another network's layer. Parameters include
    biases and the scales and shifts of normalisation (section 4)."""
    # Run one image through a copy of the network, heads included, and record each child as it finishes.
    probe = copy.deepcopy(model).train()  # in training mode, for the heads; a copy, so that no state or hook remains
    for module in probe.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()  # in training mode it rejects a single value per channel
    rows: dict[str, LayerCost] = {}
    macs = Counter[nn.Module]()

    def count(leaf: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        macs[leaf] += _macs(leaf, output)

    def note(name: str, kind: tuple[str, int], child: nn.Module, inputs: object, output: Tensor) -> None:
        if name == "dropout" and not rows.keys() & {"avg_pool", "avgpool", "fc"}:  # average pooling is in forward()
            rows["avg_pool"] = _row("avg_pool", AVERAGE_POOL, output)
        row = _row(ROW_OF.get(name, name), kind[0], output)
        before, leaves = rows.get(row.layer, row), _counted(child)
        sums = {
            "depth": before.depth + getattr(child, "depth", kind[1]),
            "parameters": before.parameters + sum(p.numel() for p in child.parameters()),
            "weights": before.weights + sum(leaf.weight.numel() for leaf in leaves),
            "macs": before.macs + sum(macs[leaf] for leaf in leaves),
        }
        rows[row.layer] = row.model_copy(update=sums)

    for name, child in _children(probe):
        kind = _kind(name)
        if kind is not None:
            for leaf in _counted(child):
                leaf.register_forward_hook(count)  # runs before the hook of the child that contains it
            child.register_forward_hook(partial(note, name, kind))
    # Dropout draws random numbers, which must not advance the caller's generator.
    with torch.inference_mode(), torch.random.fork_rng():
        probe(images_for(probe, 1, input_px))
    auxiliary = tuple(row for row in rows.values() if row.type == AUXILIARY)
    return Cost(tuple(row for row in rows.values() if row.type != AUXILIARY), auxiliary)


def multiply_adds(model: nn.Module, input_px: int) -> int:
    """Count the multiply-adds of one image of `input_px` in a network's layers with weights, in its current mode."""
    counted: list[int] = []
    hooks = [
        leaf.register_forward_hook(lambda leaf, inputs, output: counted.append(_macs(leaf, output)))
        for leaf in _counted(model)
    ]
    with torch.inference_mode():
        model(images_for(model, 1, input_px))
    for hook in hooks:
        hook.remove()
    return sum(counted)


def _macs(leaf: nn.Module, output: Tensor) -> int:
    # Each output value is a sum over one weight[i]: channels of its group x kernel, or features.
    return output[0].numel() * leaf.get_parameter("weight")[0].numel()


def _children(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """Return a network's children by name; for a wrapped network, those of the inner one."""
    children = list(model.named_children())
    wrapper = len(children) == 1 and _kind(children[0][0]) is None
    return _children(children[0][1]) if wrapper else children


def _kind(name: str) -> tuple[str, int] | None:
    """Return a child's type and depth by its name; None if it has no row."""
    return next((KINDS[start] for start in KINDS if name.startswith(start)), None)


def _counted(module: nn.Module) -> list[nn.Conv2d | nn.Linear]:
    """Return the layers whose weights and multiply-adds are counted."""
    return [leaf for leaf in module.modules() if isinstance(leaf, nn.Conv2d | nn.Linear)]


def _row(layer: str, kind: str, output: Tensor) -> LayerCost:
    """A row without counts. Its output is [h, w, channels] for one image; a vector is 1x1, as in the paper's table."""
    c, h, w = (*output.shape[1:], 1, 1)[:3]
    return LayerCost(layer=layer, type=kind, output=(h, w, c), depth=0, parameters=0, weights=0, macs=0)
