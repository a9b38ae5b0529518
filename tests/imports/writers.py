"""Files of weights as others write them, made by hand: protocol buffers of Caffe's layers, and the raw folder."""

import os
import struct
from pathlib import Path

import numpy as np
import torch

from googlenet.config.schema.shared import Model, Origin
from googlenet.imports.caffe_layers import FULLY_CONNECTED, OURS
from googlenet.imports.raw_folder import side_of
from googlenet.models.network import Architecture, Network, NetworkSpec

MODEL = Model(
    network="paper",
    width=1.0,
    input_px=96,
    dropout=0.4,
    aux_dropout=0.7,
    aux_heads=(),
    lrn=True,
    inception="reduced",
    classifier="average_pool",
    repeat_modules=(),
    input_mean=(9.0, 9.0, 9.0),
    input_scale=9.0,
    initialisation="replica",
)
ORIGIN = Origin(
    format="caffemodel",
    network="paper",
    channel_order="bgr",
    input_mean=(104.0, 117.0, 123.0),
    input_scale=(1.0, 1.0, 1.0),
    input_px=224,
    classes="",
)
RAW = ORIGIN.model_copy(update={"format": "raw_float32"})
CHECKPOINT = ORIGIN.model_copy(update={"format": "checkpoint"})
TORCHVISION = Origin(
    format="torchvision",
    network="torchvision_bn",
    channel_order="rgb",
    input_mean=(127.5, 127.5, 127.5),
    input_scale=(1 / 127.5, 1 / 127.5, 1 / 127.5),
    input_px=224,
    classes="",
)
WIDTH = 1 / 32  # of the small networks


def small(heads: tuple[str, ...] = (), classes: int = 7) -> Network:
    """A narrow network at 224 px with initial weights."""
    architecture = Architecture(width=WIDTH, aux_heads=heads)
    spec = NetworkSpec(("c",) * classes, architecture, MODEL.input_mean, MODEL.input_scale)
    network = Network.initialised(spec, 3)
    with torch.no_grad():
        for p in network.model.parameters():  # biases too
            p.add_(torch.rand(p.shape, generator=torch.Generator().manual_seed(p.numel())) * 0.01)
    return network


def layers_of(network: Network) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """A network's layers by Caffe's names: weights and biases as they are."""
    state = {name: value.numpy() for name, value in network.model.state_dict().items()}
    return {
        theirs: (state[f"{ours}.weight"], state[f"{ours}.bias"])
        for theirs, ours in OURS.items()
        if f"{ours}.weight" in state
    }


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def field(number: int, value: bytes | int) -> bytes:
    """One field: a number as varint, bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def blob(array: np.ndarray, old: bool = False, packed: bool = True, double: bool = False) -> bytes:
    """A BlobProto: with a shape, or with the four sides of older files; its numbers packed or one by one."""
    if old:
        sides = (1,) * (4 - array.ndim) + array.shape
        head = b"".join(field(number, side) for number, side in enumerate(sides, start=1))
    else:
        head = field(7, field(1, b"".join(map(varint, array.shape))))
    number, form = (8, "<f8") if double else (5, "<f4")
    if packed:
        return field(number, array.astype(form).tobytes()) + head  # data before its shape, as any order may be
    kind = 1 if double else 5
    values = [struct.pack("<d" if double else "<f", value) for value in array.ravel().tolist()]
    return head + b"".join(varint(number << 3 | kind) + value for value in values)


def layer(name: str, blobs: list[bytes], old: bool = False) -> bytes:
    """A layer of either format, with fields that a reader of weights passes over."""
    if old:
        body = field(2, b"below") + field(3, b"above") + field(4, name.encode()) + field(5, 4)
        return field(2, body + b"".join(field(6, one) for one in blobs) + varint(7 << 3 | 5) + b"\0\0\x80\x3f")
    body = field(1, name.encode()) + field(2, b"Convolution") + field(3, b"below") + field(6, b"\x18\x01")
    return field(100, body + b"".join(field(7, one) for one in blobs))


def caffemodel(layers: dict, old: bool = False, **how) -> bytes:
    """A NetParameter with its name, a layer without weights, and the given layers."""
    made = field(1, b"GoogleNet") + layer("data", [], old) + layer("relu", [], old)
    return made + b"".join(
        layer(name, [blob(part, old, **how) for part in parts], old) for name, parts in layers.items()
    )


def raw_folder(layers: dict, folder: Path) -> Path:
    """The raw float32 folder of some layers."""
    for name, (weight, bias) in layers.items():
        if name in FULLY_CONNECTED:
            side = side_of(name)
            weight = weight.reshape(len(weight), -1, side, side)
        path = folder / "weights" / f"{name}_filter.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(weight.transpose(0, 2, 3, 1).astype("<f4").tobytes())
        path.with_name(path.name.replace("_filter", "_bias")).write_bytes(bias.astype("<f4").tobytes())
    return folder


class Malicious:
    """A pickle that would make a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.path),)
