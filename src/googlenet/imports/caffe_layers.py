"""The layers of Caffe's `bvlc_googlenet` under our names, for any file format that holds them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from googlenet.errors import UserError, nearest
from googlenet.models.table_1 import INCEPTION

Layers = Mapping[str, tuple[np.ndarray, np.ndarray]]  # by Caffe's name: weights [out, in, h, w], biases [out]
IN_INCEPTION = {
    "1x1": "branch_1x1.0",
    "3x3_reduce": "branch_3x3.0.0",
    "3x3": "branch_3x3.1.0",
    "5x5_reduce": "branch_5x5.0.0",
    "5x5": "branch_5x5.1.0",
    "pool_proj": "branch_pool.1.0",
}
IN_HEAD = {"conv": "conv.0", "fc": "fc.0", "classifier": "linear"}
TRUNK = {"conv1/7x7_s2": "conv1.0", "conv2/3x3_reduce": "conv2_reduce.0", "conv2/3x3": "conv2.0"}
for name in INCEPTION:
    TRUNK |= {f"inception_{name}/{theirs}": f"inception_{name}.{ours}" for theirs, ours in IN_INCEPTION.items()}
TRUNK |= {"loss3/classifier": "linear"}
OURS = dict(TRUNK)
for loss, name in (("loss1", "4a"), ("loss2", "4d")):
    OURS |= {f"{loss}/{theirs}": f"aux_{name}.{ours}" for theirs, ours in IN_HEAD.items()}
FULLY_CONNECTED = {name for name in OURS if name.endswith(("/fc", "/classifier"))}


def state_of(layers: Layers, path: Path) -> dict[str, np.ndarray]:
    """Return Caffe's layers, with any heads present, in BGR, under our names. UserError for missing or unknown ones."""
    if unknown := sorted(layers.keys() - OURS.keys()):
        raise UserError(f"{path}: has a layer '{unknown[0]}', which bvlc_googlenet does not{nearest(unknown[0], OURS)}")
    parts = {name.split("/")[0] for name in layers}
    wanted = [name for name in OURS if name in TRUNK or name.split("/")[0] in parts]
    if missing := [name for name in wanted if name not in layers]:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise UserError(f"{path}: lacks the layer '{missing[0]}'{more}; get the whole bvlc_googlenet")
    state = {}
    for name in wanted:
        weight, bias = layers[name]
        # Caffe's fully connected layers order their inputs by channel, then row, then column, as ours do.
        state[f"{OURS[name]}.weight"] = weight.reshape(len(weight), -1) if name in FULLY_CONNECTED else weight
        state[f"{OURS[name]}.bias"] = bias
    return state
