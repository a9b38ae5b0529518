"""Reader of `.caffemodel`: the weights of Caffe's bvlc_googlenet, of either format of layers."""

from pathlib import Path

import numpy as np

from googlenet.errors import UserError
from googlenet.imports.caffe_layers import FULLY_CONNECTED, state_of
from googlenet.imports.caffe_wire import Malformed, blobs_of


def read(path: Path) -> dict[str, np.ndarray]:
    """Read the file. Raises UserError when it is cut short, not Caffe's, or another network's."""
    try:
        blobs_by_layer = blobs_of(path.read_bytes())
    except Malformed as error:
        raise UserError(f"{path}: not a whole .caffemodel ({error}); fetch it again") from None
    if not blobs_by_layer:
        raise UserError(f"{path}: not a .caffemodel with weights (no layer holds any); fetch it again")
    layers = {name: pair(name, blobs, path) for name, blobs in blobs_by_layer.items()}
    return state_of(layers, path)


def pair(name: str, blobs: list[np.ndarray], path: Path) -> tuple[np.ndarray, np.ndarray]:
    """A layer's weights and biases; older files pad their shapes with ones in front."""
    if len(blobs) != 2:
        raise UserError(
            f"{path}: layer '{name}' has {len(blobs)} blobs, not weights and biases; get bvlc_googlenet itself"
        )
    weight, bias = blobs
    if not weight.ndim or not weight.size:
        raise UserError(f"{path}: layer '{name}' has no weights; get the whole bvlc_googlenet")
    if name in FULLY_CONNECTED and weight.shape[:2] == (1, 1):
        weight = weight[0, 0]
    return weight, bias.reshape(-1)
