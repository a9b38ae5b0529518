"""Reader of torchvision's GoogLeNet state dict: a .pth of torch.save, or safetensors. No pickle may run code."""

import re
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError  # what torch raises; no pickle is read here
from typing import TYPE_CHECKING, Any

from googlenet.errors import UserError
from googlenet.storage import checkpoint

if TYPE_CHECKING:
    from torch import Tensor

OF_TORCH = (b"PK", b"\x80")  # first bytes of torch's own files: a zip, or in old ones a pickle
INSIDE = ("state_dict", "model")  # where training scripts store it, beside the optimiser's


def read(path: Path) -> "dict[str, Tensor]":
    """Read the file. Raises UserError if it is damaged, would run code, or holds no tensors."""
    import torch

    with path.open("rb") as file:
        head = file.read(9)
    content: Any
    if head[8:] == b"{":  # safetensors: after the length of the header, whose first byte may be any
        content = checkpoint.load(path, "fetch it again")[0]
    elif head.startswith(OF_TORCH):
        content = of_torch(path)
    else:
        raise UserError(f"{path}: neither a file of torch.save (.pth) nor safetensors; fetch it again")
    for key in INSIDE:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not content:
        raise UserError(f"{path}: holds {type(content).__name__}, not a state dict; save model.state_dict()")
    for name, value in content.items():  # torch also has tensors that are not plain strided numbers: sparse, quantised
        is_plain = isinstance(value, torch.Tensor) and value.layout == torch.strided and not value.is_quantized
        if not is_plain or value.device.type != "cpu" or value.is_complex():
            raise UserError(f"{path}: '{name}' is no plain tensor; save model.state_dict() alone")
    # Some trainers' wrappers prefix every name with `module.`.
    return {f"network.{str(name).removeprefix('module.')}": value for name, value in content.items()}


def of_torch(path: Path) -> Any:
    """Load a file of torch.save with the reader that refuses all but tensors and plain values."""
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        named = re.search(r"GLOBAL (\S+)", str(error))
        reason = f"it would run code ({named[1]})" if named else "it holds more than tensors, or is cut short"
        raise UserError(f"{path}: refused, not read: {reason}; save model.state_dict() alone") from None
    except (RuntimeError, OSError, EOFError, ValueError, KeyError, AttributeError) as error:
        reason = str(error).split(". ")[0] or "it ends early"  # torch's own messages are pages long
        raise UserError(f"{path}: not a whole file of torch.save ({reason}); fetch it again") from None
