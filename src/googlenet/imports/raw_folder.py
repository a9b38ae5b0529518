"""Reader of a folder of raw float32: bvlc_googlenet as `<layer>_filter.bin` and `<layer>_bias.bin`.

Numbers are little-endian; a filter is stored as (out, y, x, in), with the last index varying fastest.
"""

import re
from pathlib import Path

import numpy as np

from googlenet.errors import UserError
from googlenet.imports.caffe_layers import OURS, state_of

SIDES = {"fc": 4}  # side of the input map of the heads' first fully connected layer; for others: in the name, or 1


def read(path: Path) -> dict[str, np.ndarray]:
    """Read the folder, or `weights` in it. Raises UserError for files that are missing or of an impossible size."""
    folder = path / "weights" if (path / "weights").is_dir() else path
    if not folder.is_dir():
        raise UserError(f"{path}: not a folder; the raw float32 format is a folder of .bin files")
    layers = {}
    for name in OURS:
        filters, biases = (folder / f"{name}_{part}.bin" for part in ("filter", "bias"))
        missing = [file for file in (filters, biases) if not file.is_file()]
        if len(missing) == 1:
            raise UserError(f"{missing[0]}: not found, though its neighbour is; complete the folder")
        if not missing:
            layers[name] = layer_of(filters, biases, side_of(name))
    return state_of(layers, path)


def side_of(name: str) -> int:
    """Return the side of a layer's kernel in pixels, from its name: 7 for conv1/7x7_s2, 1 for conv2/3x3_reduce."""
    leaf = name.split("/")[1]
    sides = re.match(r"(\d+)x\d+(?!.*_reduce)", leaf)
    return int(sides[1]) if sides else SIDES.get(leaf, 1)


def layer_of(filters: Path, biases: Path, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Read weights [out, in, side, side] and biases [out] from two files."""
    bias, weight = numbers(biases), numbers(filters)
    if not len(bias) or not len(weight) or len(weight) % (len(bias) * side * side):
        what = f"{len(weight)} numbers do not divide into {len(bias)} kernels of {side}x{side}"
        raise UserError(f"{filters}: {what}; cut short, or of another layer")
    kernels = weight.reshape(len(bias), side, side, -1)
    return np.ascontiguousarray(kernels.transpose(0, 3, 1, 2)), bias


def numbers(path: Path) -> np.ndarray:
    """Read a file of little-endian float32."""
    content = path.read_bytes()
    if len(content) % 4:
        raise UserError(f"{path}: {len(content)} bytes are not whole float32 numbers; fetch it again")
    return np.frombuffer(content, "<f4").astype(np.float32)
