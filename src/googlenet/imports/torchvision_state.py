"""Reader of torchvision's GoogLeNet state dict, from a torch.save .pth or safetensors. No pickle can run code.

Training programs wrap state dicts: in checkpoints with the optimiser's state, and with prefixed names (`module.` from
DataParallel and SWA, `_orig_mod.` from torch.compile, `model.` or any other attribute of a Lightning module).
"""

import re
from argparse import Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path
from pickle import UnpicklingError  # what torch raises; no pickle is read here
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

from googlenet.errors import UserError
from googlenet.storage import checkpoint

if TYPE_CHECKING:
    from torch import Tensor

OF_TORCH = (b"PK", b"\x80")  # first bytes of torch's own files: a zip, or in old ones a pickle
INSIDE = (
    "state_dict",
    "model_state_dict",
    "model",
    "net",
    "network",
    "module",
)  # first: the key that identifies a checkpoint
DEEPEST = 3  # nested mappings
LAYER, CLASSIFIER = "inception3a.branch1.conv.weight", "fc.weight"  # they mark where the network's names begin
OURS = re.compile(r"(conv[123]|inception[345][a-e]|aux[12]|fc)\..+")
OBJECTS = {"torchvision.models.": "a whole model", "numpy.": "numpy's values", "pathlib.": "paths"}  # often saved too
STATISTICS, BATCHES = "running_mean", "num_batches_tracked"


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
    content = next(state_dicts(content), content)
    if not isinstance(content, Mapping) or not content:
        raise UserError(f"{path}: holds {type(content).__name__}, not a state dict; save model.state_dict()")
    state = unwrapped({str(name): value for name, value in content.items()}, path)
    for name, value in state.items():  # torch also has tensors that are not plain strided numbers: sparse, quantised
        is_plain = isinstance(value, torch.Tensor) and value.layout == torch.strided and not value.is_quantized
        if not is_plain or value.device.type != "cpu" or value.is_complex():
            raise UserError(f"{path}: '{name}' is not a plain tensor; save model.state_dict() alone")
        if value.nbytes > path.stat().st_size:  # a view can repeat a few stored numbers any number of times
            raise UserError(f"{path}: '{name}' has more numbers than the file; save model.state_dict() alone")
    if LAYER not in state and (other := next((name for name in state if not OURS.fullmatch(name)), None)):
        what = f"it has '{other}', and no '{LAYER}'"
        raise UserError(
            f"{path}: of another network than torchvision's GoogLeNet: {what}; give other weights or origin"
        )
    if len({name[:4] for name in state if name.startswith("aux")}) == 1:  # torchvision has both heads or neither
        state = {name: value for name, value in state.items() if not name.startswith("aux")}
    for name in [name for name in state if name.endswith(STATISTICS)]:  # torch has counted batches since 0.4.1
        state.setdefault(name.removesuffix(STATISTICS) + BATCHES, torch.tensor(0))
    return {f"network.{name}": value for name, value in state.items()}


def state_dicts(content: Any, depth: int = 0) -> "Iterator[Mapping[Any, Any]]":
    """Yield the mappings in a checkpoint that hold an Inception module or a classifier, the usual keys first."""
    if not isinstance(content, Mapping) or depth > DEEPEST:
        return
    if any(f".{name}".endswith((f".{LAYER}", f".{CLASSIFIER}")) for name in content):
        yield content
        return
    for key in (*(key for key in INSIDE if key in content), *(key for key in content if key not in INSIDE)):
        yield from state_dicts(content[key], depth + 1)


def unwrapped(content: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return the network's entries without the wrappers' prefix; entries without the prefix belong to the wrappers."""
    prefixes = {name.removesuffix(LAYER) for name in content if f".{name}".endswith(f".{LAYER}")}
    if len(prefixes) > 1:
        names = " and ".join(f"'{prefix}'" for prefix in sorted(prefixes))
        raise UserError(f"{path}: holds several networks, under {names}; save one network's state_dict() alone")
    prefix = prefixes.pop() if prefixes else ""
    return {name.removeprefix(prefix): value for name, value in content.items() if name.startswith(prefix)}


def of_torch(path: Path) -> Any:
    """Load a torch.save file with the loader that refuses all but tensors, plain values and parsed arguments."""
    import torch

    try:
        check_stored(path)
        with torch.serialization.safe_globals([Namespace]):  # torchvision's training script stores its arguments
            return torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        named = re.search(r"GLOBAL (\S+)", str(error))
        reason = f"it would run code ({named[1]})" if named else "it holds more than tensors, or is cut short"
        for start, what in OBJECTS.items():
            if named and named[1].startswith(start):
                reason = f"it holds {what} ({named[1]}), which only code can build"
        raise UserError(f"{path}: refused, not read: {reason}; save model.state_dict() alone") from None
    except UserError:
        raise
    except Exception as error:  # on damaged bytes torch raises anything from IndexError to RuntimeError
        reason = str(error).split(". ")[0] or "it ends early"  # torch's own messages are pages long
        raise UserError(f"{path}: not a whole file of torch.save ({reason}); fetch it again") from None


def check_stored(path: Path) -> None:
    """Raise UserError for TorchScript, and for compressed members, which may be huge and torch.save never writes."""
    with path.open("rb") as file:
        members = ZipFile(file).infolist() if file.read(2) == b"PK" else []
        if any(member.filename.endswith("/constants.pkl") for member in members):
            raise UserError(f"{path}: a TorchScript program; save torch.jit.load(...).state_dict()")
        if any(member.compress_type for member in members):
            raise UserError(f"{path}: is compressed, which torch.save never does; save model.state_dict() again")
