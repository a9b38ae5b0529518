"""GoogLeNet's cost beside the others': counts of every network, times of those that are asked for, in one run."""

from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

import torch

from googlenet.models.cost import cost, totals
from googlenet.models.forward import forward_times, peak_bytes
from googlenet.models.networks import network, on_meta
from googlenet.models.peers import NAMES, PEERS, VARIANTS


def compared(settings: dict, compute: dict) -> list[dict[str, Any]]:
    """A row for every network of peers.NAMES, with 1,000 classes, without auxiliary heads.

    Each: network, title, year (of a network of others), input_px, layers (with parameters, on the longest way),
    parameters, macs, weights_mb and activations_mb (see forward.peak_bytes, at the timed batch and precision);
    of the timed ones also forward_ms (median over the repeats, of the whole batch) and times_googlenet {median,
    min, max} over the repeats, each against GoogLeNet's pass of the same turn.
    settings: conf/measure_cost.yaml. compute: {device, precision}.
    """
    times = timed(settings, compute)
    rows = []
    for name in NAMES:
        model, px = on_meta(name, settings["wider"], settings["deeper"])
        layers = cost(model, px)
        held = peak_bytes(model.to(numbers(compute)), px, settings["peer_batch_size"])
        row = {
            "network": name,
            "title": PEERS[name].title if name in PEERS else VARIANTS[name][0],
            "year": PEERS[name].year if name in PEERS else None,
            "input_px": px,
            "layers": sum(layer["depth"] for layer in layers),
            **{key: value for key, value in totals(layers, []).items() if key in ("parameters", "macs")},
            **{f"{what}_mb": size / 1e6 for what, size in held.items()},
        }
        rows.append(row | against_googlenet(times, name))
    return rows


def numbers(compute: dict) -> torch.dtype:
    """The type of numbers of weights and activations: the networks are timed with both converted."""
    return torch.bfloat16 if compute["precision"] == "bf16" else torch.float32


@contextmanager
def made_of(dtype: torch.dtype) -> Iterator[None]:
    """Let new networks have weights of this type at once: all of them are held together, which is much memory."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def timed(settings: dict, compute: dict) -> dict[str, list[float]]:
    """Seconds of the forward passes of the networks in `timed`, one list of repeats each."""
    models = {}
    for name in settings["timed"]:
        with made_of(numbers(compute)):
            model, px = network(name, settings["wider"], settings["deeper"])
        models[name] = (model.to(compute["device"], numbers(compute), memory_format=torch.channels_last), px)
    return forward_times(models, settings["peer_batch_size"], settings["peer_repeats"])


def against_googlenet(times: dict[str, list[float]], name: str) -> dict[str, Any]:
    """The measured part of a network's row, or {} when it was not timed."""
    if name not in times:
        return {}
    ratios = [mine / its for mine, its in zip(times[name], times["googlenet"], strict=True)]
    spread = {"median": median(ratios), "min": min(ratios), "max": max(ratios)}
    return {"forward_ms": 1000 * median(times[name]), "times_googlenet": spread}
