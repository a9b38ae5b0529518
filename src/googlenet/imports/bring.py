"""From a file of others' weights to one of our networks and its description."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from googlenet.errors import UserError, nearest
from googlenet.files import sha256
from googlenet.imports import caffemodel, raw_folder, torchvision_state
from googlenet.imports.ilsvrc2012 import wnids

if TYPE_CHECKING:
    from torch import Tensor, nn

    from googlenet.trained import Description

READERS: dict[str, tuple[ModuleType, str]] = {  # format -> its reader, whose network it is
    "caffemodel": (caffemodel, "paper"),
    "raw_float32": (raw_folder, "paper"),
    "torchvision": (torchvision_state, "torchvision_bn"),
}
OURS = "checkpoint"  # the format of what this project wrote: its description lies in the file
FORMATS = (*READERS, OURS)
CLASSIFIER = {"paper": "linear", "torchvision_bn": "network.fc"}
HEADS = {
    "paper": {name: f"aux_{name}.linear.weight" for name in ("4a", "4d")},
    "torchvision_bn": {"4a": "network.aux1.fc2.weight", "4d": "network.aux2.fc2.weight"},
}
CLASSES: dict[str, Callable[[], tuple[str, ...]]] = {"ilsvrc2012": wnids}


def check(path: Path, origin: dict, key: str) -> None:
    """See, before any job, that the file is there and its origin makes sense. UserErrors name the key.

    origin: {format, channel_order, input_mean, input_scale, input_px, classes}, see conf/origins.yaml.
    """
    kind = origin["format"]
    if kind not in FORMATS:
        raise UserError(f"{key}: its origin has no format '{kind}'{nearest(kind, FORMATS)}")
    if not path.exists():
        raise UserError(f"{key}: no file or folder {path}; fetch the weights or correct the path")
    if path.is_dir() != (kind == "raw_float32"):
        words = "a folder" if path.is_dir() else "a file"
        raise UserError(f"{key}: {path} is {words}, which the format {kind} is not; give the right origin")
    if kind == OURS:
        return
    if origin["channel_order"] not in ("rgb", "bgr"):
        raise UserError(
            f"{key}: its origin's channel_order is '{origin['channel_order']}'; must be rgb or bgr"
        )
    for name in ("input_mean", "input_scale"):
        numbers = [value for value in origin[name] if isinstance(value, int | float)]
        if len(numbers) != 3 or len(origin[name]) != 3:
            raise UserError(
                f"{key}: its origin's {name} is {origin[name]}; needs three numbers, one a channel"
            )
    classes_of(origin["classes"], key)


def imported(path: Path, origin: dict, model: dict, width: float) -> "tuple[nn.Module, Description]":
    """Read weights into the network that they are of; its description keeps what belongs to them.

    model: the `model` section of a configuration, for what the weights do not say (dropout, lrn). width: the
    member's own factor. Raises UserError, naming the file, for what is damaged or of another network.
    """
    import torch

    from googlenet import checkpoint, trained

    if origin["format"] == OURS:
        check_finite(checkpoint.load(path, "fetch it again")[0], path)
        return trained.load(path)
    reader, network = READERS[origin["format"]]
    tensors = {name: torch.as_tensor(value) for name, value in reader.read(path).items()}
    check_finite(tensors, path)
    description = described(path, tensors, network, origin, model, width)
    built = trained.build(description)
    mend = "the weights are of another network: check the member's origin and width, and the model's keys"
    checkpoint.copy_into(built, tensors, path, mend)
    return built, description


def check_finite(tensors: "Mapping[str, Tensor]", path: Path) -> None:
    """Raise UserError, naming the layer, for weights that are no numbers."""
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise UserError(f"{path}: '{name}' holds numbers that are none (NaN or infinite); fetch it again")


def described(
    path: Path, tensors: "Mapping[str, Tensor]", network: str, origin: dict, model: dict, width: float
) -> "Description":
    """The description of imported weights: preprocessing and class order of their origin, heads that are there."""
    from googlenet.trained import Description

    weight = tensors.get(f"{CLASSIFIER[network]}.weight")
    if weight is None or weight.ndim != 2:
        raise UserError(f"{path}: lacks the classifier '{CLASSIFIER[network]}.weight'; get the whole network")
    classes = class_names(origin["classes"], len(weight), path)
    keys = {name: origin[name] for name in ("channel_order", "input_mean", "input_scale", "input_px")}
    keys |= {"network": network, "aux_heads": [name for name, at in HEADS[network].items() if at in tensors]}
    keys |= {
        "inception": "reduced",
        "classifier": "average_pool",
        "repeat_modules": [],
    }  # all that formats know
    if network != "paper":  # keys of the paper's network alone
        model, width = model | {"width": 1.0, "lrn": False}, 1.0
    return Description.of(model | keys, classes, width)


def class_names(wanted: str, count: int, path: Path) -> list[str]:
    """The names of a network's outputs in their order; "" for each where the origin does not name them."""
    names = classes_of(wanted, "origins")
    if names is None:
        return [""] * count
    if len(names) != count:
        raise UserError(
            f"{path}: has {count} classes, but its origin's class order '{wanted}' has {len(names)};"
            ' give its own order, or "" where it is not known'
        )
    return list(names)


def classes_of(wanted: str, key: str) -> tuple[str, ...] | None:
    """A known order of classes, one of a file with a name on each line, or None for ""."""
    if not wanted:
        return None
    if wanted in CLASSES:
        return CLASSES[wanted]()
    path = Path(wanted).expanduser()
    if not path.is_file():
        raise UserError(
            f"{key}: its origin's classes '{wanted}' is neither a file of names nor a known order"
            f"{nearest(wanted, CLASSES)}"
        )
    names = tuple(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    if len(set(names)) < len(names):
        raise UserError(f"{path}: names a class twice; one name on each line, in the order of the outputs")
    return names


def digest(path: Path) -> str:
    """SHA-256 of a file; of the names and digests of a folder's files."""
    if path.is_file():
        return sha256(path)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    lines = "".join(f"{file.relative_to(path).as_posix()} {sha256(file)}\n" for file in files)
    return hashlib.sha256(lines.encode()).hexdigest()


def summary(network: "nn.Module", description: "Description") -> dict[str, Any]:
    """What the report says of an imported network."""
    kept = ("network", "channel_order", "input_mean", "input_scale", "input_px", "aux_heads")
    return {name: getattr(description, name) for name in kept} | {
        "classes": len(description.classes),
        "class_names": any(description.classes),
        "parameters": sum(p.numel() for p in network.parameters()),
    }
