"""GoogLeNet's cost beside the others': counts of every network, times of those that are asked for, in one run."""

from statistics import median

import torch
from torch import nn

from googlenet.config.schema.classification import MeasureCost
from googlenet.metrics.cost import Comparison, NetworkCost, TimesRatio
from googlenet.models.cost import cost
from googlenet.models.forward import forward_times, peak_bytes
from googlenet.models.reference_networks import (
    NAMES,
    REFERENCE_NETWORKS,
    VARIANTS,
    on_meta,
    reference_network,
)
from googlenet.models.runtime import Runtime

Times = dict[str, list[float]]  # seconds of each network's forward passes, one a turn


def compared(settings: MeasureCost, runtime: Runtime) -> Comparison:
    """A row for every network of reference_networks.NAMES, with 1,000 classes, without auxiliary heads.

    Memory is counted (see forward.peak_bytes) at the timed batch and precision. Times are of the whole batch: the median over
    the repeats, and in relation to GoogLeNet's pass of the same turn.
    """
    times = timed(settings, runtime)
    return Comparison(
        device=runtime.device,
        precision=runtime.precision,
        threads=settings.compute.numeric_threads,
        batch=settings.reference_batch_size,
        repeats=settings.reference_repeats,
        wider=settings.wider,
        deeper=settings.deeper,
        networks=tuple(row(name, settings, runtime, times) for name in NAMES),
    )


def row(name: str, settings: MeasureCost, runtime: Runtime, times: Times) -> NetworkCost:
    """What one network costs."""
    model, px = on_meta(name, settings.wider, settings.deeper)
    counted = cost(model, px)
    memory = peak_bytes(model.to(number_type(runtime)), px, settings.reference_batch_size)
    reference = REFERENCE_NETWORKS.get(name)
    return NetworkCost(
        network=name,
        title=reference.title if reference else VARIANTS[name],
        year=reference.year if reference else None,
        input_px=px,
        layers=sum(layer.depth for layer in counted.layers),
        parameters=counted.totals.parameters,
        macs=counted.totals.macs,
        weights_mb=memory.weights / 1e6,
        activations_mb=memory.activations / 1e6,
        forward_ms=1000 * median(times[name]) if name in times else None,
        times_googlenet=against_googlenet(times, name) if name in times else None,
    )


def number_type(runtime: Runtime) -> torch.dtype:
    """The type of numbers of weights and activations: the networks are timed with both converted."""
    return torch.bfloat16 if runtime.precision == "bf16" else torch.float32


def timed(settings: MeasureCost, runtime: Runtime) -> Times:
    """Time the forward passes of the networks in `timed`, `reference_repeats` turns."""
    models: dict[str, tuple[nn.Module, int]] = {}
    before, dtype = torch.get_default_dtype(), number_type(runtime)
    torch.set_default_dtype(
        dtype
    )  # new weights have it at once: all networks are held together, which is much memory
    try:
        for name in settings.timed:
            model, px = reference_network(name, settings.wider, settings.deeper)
            models[name] = model.to(runtime.device, dtype).to(memory_format=torch.channels_last), px
    finally:
        torch.set_default_dtype(before)
    return forward_times(models, settings.reference_batch_size, settings.reference_repeats)


def against_googlenet(times: Times, name: str) -> TimesRatio:
    """A timed network's passes over GoogLeNet's of the same turn."""
    ratios = [its / googlenet for its, googlenet in zip(times[name], times["googlenet"], strict=True)]
    return TimesRatio(median=median(ratios), min=min(ratios), max=max(ratios))
