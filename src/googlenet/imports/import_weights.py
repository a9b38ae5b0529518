"""Turn a file of third-party weights into one of our networks and its spec."""

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from googlenet.config.schema.base import Module
from googlenet.config.schema.shared import ImportedMember, Model, Origin
from googlenet.data.wnids import wnids
from googlenet.errors import UserError, nearest
from googlenet.imports import caffemodel, raw_folder, torchvision_state
from googlenet.imports.formats import check_format
from googlenet.metrics.imports import ImportMetrics
from googlenet.storage.files import sha256

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from googlenet.models.network import Network, NetworkSpec

Reader = Callable[[Path], "Mapping[str, np.ndarray | Tensor]"]
READERS: dict[str, tuple[Reader, str]] = {  # format -> its reader and network
    "caffemodel": (caffemodel.read, "paper"),
    "raw_float32": (raw_folder.read, "paper"),
    "torchvision": (torchvision_state.read, "torchvision_bn"),
}
OURS = "checkpoint"  # the format that this project writes: the spec is in the file
CLASSIFIER = {"paper": "linear", "torchvision_bn": "network.fc"}
HEADS: dict[str, dict[Module, str]] = {
    "paper": {"4a": "aux_4a.linear.weight", "4d": "aux_4d.linear.weight"},
    "torchvision_bn": {"4a": "network.aux1.fc2.weight", "4d": "network.aux2.fc2.weight"},
}
CLASSES: dict[str, Callable[[], tuple[str, ...]]] = {"ilsvrc2012": partial(wnids, "classification")}


def check(path: Path, origin: Origin, key: str, origins: Mapping[str, Origin] | None = None) -> None:
    """Check, before any job, that the file exists and fits its origin. Raises UserError naming the key.

    `origins`: all of the experiment's; an error names those that fit.
    """
    if not path.exists():
        raise UserError(f"{key}: no file or folder {path}; fetch the weights or correct the path")
    check_format(path, origin, f"{key}: {path} is ", origins)
    if origin.format != OURS:
        check_network(READERS[origin.format][1], origin, f"{key}: weights in the format {origin.format}")
        classes_of(origin.classes, key)


def check_network(network: str, origin: Origin, what: str) -> None:
    """Raise UserError, beginning with `what`, if the origin names a network other than `network`."""
    if network != origin.network:
        remedy = f"name an origin in conf/origins.yaml with network: {network}, or give other weights"
        raise UserError(f"{what}: the network is {network}, but the origin says {origin.network}; {remedy}")


def imported(path: Path, origin: Origin, model: Model, width: float) -> "Network":
    """Read weights into their network. `model`: what they do not specify (dropout, lrn); `width`: a factor.

    Raises UserError, naming the file, if it is damaged or belongs to another network.
    """
    import torch

    from googlenet.models import bundle
    from googlenet.storage import checkpoint

    if origin.format == OURS:
        tensors, metadata = checkpoint.load(path, "fetch it again")
        check_finite(tensors, path)
        check_network(bundle.read_spec(path, metadata).network, origin, str(path))
        return bundle.load(path)
    read, network = READERS[origin.format]
    check_network(network, origin, str(path))
    check_format(path, origin, f"{path}: ")
    tensors = {name: torch.as_tensor(value) for name, value in read(path).items()}
    check_finite(tensors, path)
    remedy = "the weights are of another network: check the member's origin and width, and the model's keys"
    return bundle.filled(spec_of(path, tensors, origin, model, width), tensors, path, remedy)


def check_finite(tensors: "Mapping[str, Tensor]", path: Path) -> None:
    """Raise UserError, naming the layer, for weights that are NaN or infinite."""
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise UserError(f"{path}: '{name}' contains NaN or infinite values; fetch it again")


def spec_of(path: Path, tensors: "Mapping[str, Tensor]", origin: Origin, model: Model, width: float) -> "NetworkSpec":
    """Return the spec of imported weights: the origin's preprocessing and class order, and the heads present."""
    from googlenet.models.network import Architecture, NetworkSpec

    classifier, paper = CLASSIFIER[origin.network], origin.network == "paper"
    weight = tensors.get(f"{classifier}.weight")
    if weight is None or weight.ndim != 2:
        raise UserError(f"{path}: lacks the classifier '{classifier}.weight'; get the whole network")
    architecture = Architecture(  # torchvision's has neither width nor response normalisation
        width=model.width * width if paper else 1.0,
        input_px=origin.input_px,
        dropout=model.dropout,
        aux_dropout=model.aux_dropout,
        aux_heads=tuple(name for name, layer in HEADS[origin.network].items() if layer in tensors),
        lrn=model.lrn and paper,
    )
    names, count = classes_of(origin.classes, "origins"), len(weight)
    if names is not None and len(names) != count:
        order = f"its origin's class order '{origin.classes}' has {len(names)}"
        raise UserError(f'{path}: has {count} classes, but {order}; give its own order, or "" where it is not known')
    return NetworkSpec(
        classes=("",) * count if names is None else names,
        architecture=architecture,
        input_mean=origin.input_mean,
        input_scale=origin.input_scale,
        channel_order=origin.channel_order,
        network=origin.network,
        initialisation=model.initialisation,
    )


def classes_of(wanted: str, key: str) -> tuple[str, ...] | None:
    """Return a known class order, or the order in a file with one name per line; None for ""."""
    if not wanted:
        return None
    if wanted in CLASSES:
        return CLASSES[wanted]()
    if not (path := Path(wanted).expanduser()).is_file():
        neither = f"its origin's classes '{wanted}' is neither a file of names nor a known order"
        raise UserError(f"{key}: {neither}{nearest(wanted, CLASSES)}")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read as text ({error}); give a UTF-8 text file") from None
    names = tuple(line.strip() for line in lines if line.strip())
    if len(set(names)) < len(names):
        raise UserError(f"{path}: names a class twice; one name on each line, in the order of the outputs")
    return names


def digest(path: Path) -> str:
    """Return the SHA-256 of a file or, for a folder, of its files' names and digests."""
    if path.is_file():
        return sha256(path)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    lines = "".join(f"{file.relative_to(path).as_posix()} {sha256(file)}\n" for file in files)
    return hashlib.sha256(lines.encode()).hexdigest()


def summary(network: "Network", member: ImportedMember, origin: Origin, source: Path) -> ImportMetrics:
    """Return what the report states about an imported network and its file."""
    spec = network.spec
    return ImportMetrics(
        member=member,
        format=origin.format,
        source_sha256=digest(source),
        network=spec.network,
        channel_order=spec.channel_order,
        input_mean=spec.input_mean,
        input_scale=spec.input_scale,
        input_px=spec.input_px,
        aux_heads=spec.architecture.aux_heads,
        classes=len(spec.classes),
        class_names=any(spec.classes),
        parameters=network.parameters,
    )
