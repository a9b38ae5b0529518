"""What a network costs: parameters and multiply-adds by layer, by row of Table 1 for GoogLeNet, counted as it runs."""

import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from googlenet.models.forward import images_for

ROW_OF = {"conv2_reduce": "conv2"}  # children that share a row of Table 1; else a child is a row
KINDS = {  # how a child's name begins -> (type, depth: layers with parameters on the way through one child)
    "conv": ("convolution", 1),
    "pool": ("max pool", 0),
    "inception": ("inception", 2),
    "avg_pool": ("avg pool", 0),
    "dropout": ("dropout", 0),
    "linear": ("linear", 1),
    "fc": ("fully connected", 1),
    "cccp": ("1x1 convolution", 1),  # Network in Network's name
    "aux": ("auxiliary head", 3),
}  # normalisation has no row: no parameters, and the paper does not count it


def cost(model: nn.Module, input_px: int) -> list[dict[str, Any]]:
    """The rows of Table 1 for this network, without its auxiliary heads; a row per layer for a network of others.

    Each row: layer, type, output [h, w, channels], depth, parameters (with biases), weights (without), macs
    (multiply-adds of convolutions and linear layers, for one image). Section 4 of the paper.
    """
    return [row for row in _rows(model, input_px) if row["type"] != "auxiliary head"]


def auxiliary_cost(model: nn.Module, input_px: int) -> list[dict[str, Any]]:
    """The same rows for the auxiliary heads, which inference discards (section 5 of the paper)."""
    return [row for row in _rows(model, input_px) if row["type"] == "auxiliary head"]


def totals(rows: list[dict[str, Any]], auxiliary: list[dict[str, Any]]) -> dict[str, int]:
    """Sums over the rows: parameters, weights, macs at inference; parameters with the auxiliary heads."""
    sums = {key: sum(row[key] for row in rows) for key in ("parameters", "weights", "macs")}
    return sums | {"parameters_with_aux": sums["parameters"] + sum(row["parameters"] for row in auxiliary)}


def _rows(model: nn.Module, input_px: int) -> list[dict[str, Any]]:
    """Run one image through a copy of the network, heads included, and note each child as it ends."""
    probe = copy.deepcopy(model).train()  # in training, for the heads; a copy, so that no state or hook stays
    rows: dict[str, dict[str, Any]] = {}
    for name, child in probe.named_children():
        kind = next((KINDS[start] for start in KINDS if name.startswith(start)), None)
        if kind is None:
            continue
        depth = getattr(child, "depth", kind[1])
        row = {"layer": ROW_OF.get(name, name), "type": kind[0], "depth": depth}
        child.register_forward_hook(_noting(rows, row))
        for leaf in child.modules():
            if isinstance(leaf, nn.Conv2d | nn.Linear):
                leaf.register_forward_hook(_counting(rows, row))
    # Dropout draws random numbers, which must not move the caller's.
    with torch.inference_mode(), torch.random.fork_rng():
        probe(images_for(probe, 1, input_px))
    return list(_with_average_pool(rows))


def _noting(rows: dict[str, dict[str, Any]], row: dict[str, Any]) -> Any:
    def note(child: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        entry = _entry(rows, row)
        entry["depth"] += row["depth"]
        entry["output"] = _shape(output)
        layers = [leaf for leaf in child.modules() if isinstance(leaf, nn.Conv2d | nn.Linear)]
        entry["weights"] += sum(leaf.weight.numel() for leaf in layers)
        entry["parameters"] += sum(p.numel() for p in child.parameters())

    return note


def _counting(rows: dict[str, dict[str, Any]], row: dict[str, Any]) -> Any:
    def count(leaf: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        # A value of the output is a sum over one weight[i]: channels of its group x kernel, or features.
        _entry(rows, row)["macs"] += output[0].numel() * leaf.weight[0].numel()

    return count


def _entry(rows: dict[str, dict[str, Any]], row: dict[str, Any]) -> dict[str, Any]:
    new = row | {"depth": 0, "output": None, "parameters": 0, "weights": 0, "macs": 0}
    return rows.setdefault(row["layer"], new)


def _with_average_pool(rows: dict[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The rows in the order in which they ran; a network that averages in its forward gets its row here."""
    for name, row in rows.items():
        if name == "dropout" and not rows.keys() & {"avg_pool", "fc"}:
            yield row | {"layer": "avg_pool", "type": KINDS["avg_pool"][0]}
        yield row


def _shape(output: Tensor) -> list[int]:
    """[h, w, channels] of one image; a vector is 1x1, as the table prints it."""
    c, h, w = (*output.shape[1:], 1, 1)[:3]
    return [h, w, c]
