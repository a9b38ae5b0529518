"""A trained network as one file: its weights and its spec."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from googlenet.errors import UserError
from googlenet.models.network import Network, NetworkSpec
from googlenet.storage import checkpoint

SPEC = TypeAdapter(NetworkSpec)
WIDEST = 8  # times the paper's width


def save(path: Path, network: Network, stamp: str) -> None:
    """Write a trained network, with the stamp of the job that made it."""
    metadata = {"spec": json.dumps(asdict(network.spec), sort_keys=True), "stamp": stamp}
    checkpoint.save(path, network.model.state_dict(), metadata)


def load(path: Path, device: str = "cpu", kind: str = "") -> Network:
    """Load a trained network in evaluation mode, channels last. kind: the required kind, if the settings name one."""
    tensors, metadata = checkpoint.load(path)
    spec = read_spec(path, metadata)
    check_kind(path, spec, kind)
    network = filled(spec, tensors, path, checkpoint.OTHER_MODEL)
    network.model.eval()
    return network.on(device)


def filled(spec: NetworkSpec, tensors: Mapping[str, Tensor], path: Path, remedy: str) -> Network:
    """Build the described network with tensors read from `path`. Raises UserError if they belong to another network."""
    with torch.device("meta"):  # takes no memory: the spec may ask for more than is available
        outline = Network.build(spec).model.state_dict()
    checkpoint.check_fit(outline, tensors, path, remedy)
    network = Network.build(spec)
    checkpoint.copy_into(network.model, tensors, path, remedy)
    return network


def check_kind(path: Path, spec: NetworkSpec, kind: str) -> None:
    """Raise UserError for a kind of network other than the settings': the job's digest covers only theirs."""
    if kind and spec.network != kind:
        raise UserError(
            f"{path}: weights of the network {spec.network}, where the settings name {kind}; train or import them again"
        )


def read_spec(path: Path, metadata: Mapping[str, str]) -> NetworkSpec:
    """Return the spec in a weight file's metadata. Raises UserError when it is missing or describes no network."""
    if "spec" not in metadata:
        raise UserError(f"{path}: weights without a description of their network; train them again")
    with suppress(ValidationError):
        spec = SPEC.validate_json(metadata["spec"], strict=True)
        if plausible(spec):
            return spec
    raise UserError(f"{path}: it does not describe a valid network; train the weights again, or fetch the file again")


def plausible(spec: NetworkSpec) -> bool:
    """Return whether a spec read from a file has sensible numbers and does not require an absurd amount of memory."""
    shape, scale = spec.architecture, spec.input_scale
    scales = scale if isinstance(scale, tuple) else (scale,)
    return (
        all(abs(value) < 1e6 for value in (*spec.input_mean, *scales))  # false for NaN
        and all(0 <= value <= 1 for value in (shape.dropout, shape.aux_dropout))
        and 32 <= shape.input_px <= 4096
        and 0 < shape.width <= WIDEST
        and bool(spec.classes)
    )
