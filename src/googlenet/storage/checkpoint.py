"""Tensors on disk: safetensors files whose bytes depend only on their content; never pickle. Errors name the file."""

import json
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open

from googlenet.errors import UserError
from googlenet.storage.files import write_bytes

if TYPE_CHECKING:
    from torch import Tensor, nn

# safetensors orders metadata keys differently in each process, so all metadata are stored under a single key.
METADATA_KEY = "googlenet"
RUN_AGAIN = "delete it and run its stage again"
OTHER_MODEL = "give the config of the model that wrote it, or train again"


def save(path: Path | str, tensors: "Mapping[str, Tensor | np.ndarray]", metadata: Mapping[str, str]) -> None:
    """Write tensors (of torch or numpy, any memory layout or device) and text metadata, atomically."""
    import torch
    from safetensors.torch import save as to_bytes

    # Copy each: safetensors refuses tensors that share memory, and a channels-last tensor has other bytes.
    contiguous = {
        name: torch.as_tensor(value).detach().to("cpu", copy=True, memory_format=torch.contiguous_format).contiguous()
        for name, value in sorted(tensors.items())
    }
    write_bytes(path, to_bytes(contiguous, metadata=metadata_of(path, metadata)), durable=True)


def load(path: Path | str, remedy: str = RUN_AGAIN) -> "tuple[dict[str, Tensor], dict[str, str]]":
    """Read (CPU tensors, metadata). Raises UserError, with the remedy, if the file is missing, truncated or invalid."""
    return read(path, "pt", remedy)


def save_arrays(path: Path | str, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> None:
    """`save` for numpy arrays only; does not import torch. Writes the same bytes as `save`."""
    from safetensors.numpy import save as to_bytes

    # Convert to C order and little-endian, as in the file, because safetensors writes the memory as it is.
    items = sorted(arrays.items())
    contiguous = {name: np.asarray(array, array.dtype.newbyteorder("<"), order="C") for name, array in items}
    write_bytes(path, to_bytes(contiguous, metadata=metadata_of(path, metadata)), durable=True)


def load_arrays(path: Path | str) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """`load` as numpy arrays; does not import torch."""
    return read(path, "np")


def copy_into(model: "nn.Module", tensors: "Mapping[str, Tensor]", path: Path | str, remedy: str) -> None:
    """Copy tensors that were read from `path` into a network, which stays unchanged if they do not fit."""
    check_fit(model.state_dict(), tensors, path, remedy)
    model.load_state_dict(tensors)


def check_fit(wanted: "Mapping[str, Tensor]", tensors: "Mapping[str, Tensor]", path: Path | str, remedy: str) -> None:
    """Raise UserError unless the tensors read from `path` have the names and shapes of a network's state dict."""
    missing, unexpected = sorted(wanted.keys() - tensors.keys()), sorted(tensors.keys() - wanted.keys())
    if missing:
        raise UserError(f"{path}: lacks '{missing[0]}'{_also(missing)}{_near(missing[0], unexpected)}; {remedy}")
    if unexpected:
        reason = f"which the network does not have{_near(unexpected[0], wanted)}"
        raise UserError(f"{path}: has '{unexpected[0]}'{_also(unexpected)}, {reason}; {remedy}")
    for name, tensor in wanted.items():
        if tensor.shape != tensors[name].shape:
            shapes = f"{list(tensors[name].shape)} where the network has {list(tensor.shape)}"
            raise UserError(f"{path}: '{name}' is {shapes}; {remedy}")


def read(
    path: Path | str, framework: str, remedy: str = RUN_AGAIN, lazy: bool = False
) -> tuple[dict[str, Any], dict[str, str]]:
    """Read (values, metadata). lazy: return safetensors slices, which know shape and type without reading the data."""
    try:
        with safe_open(str(path), framework=framework) as file:
            packed = file.metadata() or {}
            get = file.get_slice if lazy else file.get_tensor
            tensors = {name: get(name) for name in sorted(file.keys())}
        return tensors, json.loads(packed[METADATA_KEY]) if METADATA_KEY in packed else dict(packed)
    except FileNotFoundError:
        raise UserError(f"{path}: not found; run the stage that writes it") from None
    except (SafetensorError, OSError, ValueError) as error:
        raise UserError(f"{path}: not a whole safetensors file ({error}); {remedy}") from None


def metadata_of(path: Path | str, metadata: Mapping[str, str]) -> dict[str, str]:
    """Text metadata as the file stores it: under one key, in one order."""
    for key, value in metadata.items():
        if not isinstance(value, str):
            raise TypeError(f"{path}: metadata '{key}' is {type(value).__name__}, not text")
    return {METADATA_KEY: json.dumps(dict(metadata), sort_keys=True, ensure_ascii=False)}


def _also(names: list[str]) -> str:
    return f" and {len(names) - 1} more" if len(names) > 1 else ""


def _near(name: str, choices: Iterable[str]) -> str:
    # Not errors.nearest, which lists every layer if no name is close.
    close = get_close_matches(name, list(choices), n=1, cutoff=0.6)
    return f" (the nearest name is '{close[0]}')" if close else ""
