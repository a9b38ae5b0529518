"""Reader of `.caffemodel`: the weights of Caffe's bvlc_googlenet, in either layer format.

The file is a serialised NetParameter protocol buffer. The fields read, with their numbers in caffe.proto:

    NetParameter      layers 2 (the older V1LayerParameter), layer 100 (LayerParameter)
    V1LayerParameter  layer 1 (V0, older still), name 4, blobs 6
    LayerParameter    name 1, blobs 7
    BlobProto         num 1, channels 2, height 3, width 4 (older files), data 5, shape 7, double_data 8
    BlobShape         dim 1

Values of a repeated field may be stored singly or packed; both are read.
"""

from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import NamedTuple

import numpy as np

from googlenet.errors import UserError
from googlenet.imports.caffe_layers import FULLY_CONNECTED, state_of

VARINT, FIXED_64, BYTES, FIXED_32 = 0, 1, 2, 5  # wire types; 3 and 4, groups, are in no Caffe file
LONGEST_VARINT = 10  # bytes
MOST_SIDES, LONGEST_SIDE = 32, 2**31 - 1  # of a blob, as in Caffe; one without data could claim more
NAME_AND_BLOBS = {2: (4, 6), 100: (1, 7)}  # by field number in NetParameter


class Malformed(Exception):
    """The bytes are not a complete NetParameter; the message gives the reason."""


class Field(NamedTuple):
    """A field of a message: its number, its wire type, and its bytes or, for a VARINT, its value."""

    number: int
    kind: int
    content: memoryview
    value: int


def read(path: Path) -> dict[str, np.ndarray]:
    """Read the file. Raises UserError if it is truncated, not Caffe's, or of another network."""
    try:
        blobs_by_layer = blobs_of(path.read_bytes())
    except Malformed as error:
        raise UserError(f"{path}: not a whole .caffemodel ({error}); fetch it again") from None
    if not blobs_by_layer:
        raise UserError(f"{path}: not a .caffemodel with weights (no layer holds any); fetch it again")
    layers = {}
    for name, blobs in blobs_by_layer.items():
        if len(blobs) != 2:
            what = f"has {len(blobs)} blobs, not weights and biases"
            raise UserError(f"{path}: layer '{name}' {what}; get bvlc_googlenet itself")
        weight, bias = blobs
        if not weight.ndim or not weight.size:
            raise UserError(f"{path}: layer '{name}' has no weights; get the whole bvlc_googlenet")
        if name in FULLY_CONNECTED and weight.shape[:2] == (1, 1):  # older files have shapes with leading ones
            weight = weight[0, 0]
        layers[name] = weight, bias.reshape(-1)
    return state_of(layers, path)


def blobs_of(content: bytes) -> dict[str, list[np.ndarray]]:
    """Return the blobs of every layer that has any, by layer name: float32 arrays of their declared shapes."""
    layers: dict[str, list[np.ndarray]] = {}
    for field in fields(memoryview(content)):
        if field.number not in NAME_AND_BLOBS or field.kind != BYTES:
            continue
        name, blobs = layer_of(field.content, *NAME_AND_BLOBS[field.number])
        if blobs and name in layers:
            raise Malformed(f"has two layers '{name}'")
        if blobs:
            layers[name] = blobs
    return layers


def layer_of(message: memoryview, name_field: int, blobs_field: int) -> tuple[str, list[np.ndarray]]:
    """Return the name and the blobs of one layer."""
    name, blobs = "", []
    for number, kind, content, _ in fields(message):
        if number == name_field and kind == BYTES:
            try:
                name = str(content, "utf-8")
            except UnicodeDecodeError:
                raise Malformed("holds a name that is not text") from None
        elif number == blobs_field and kind == BYTES:
            blobs.append(blob_of(content, name))
        elif number == 1 and name_field == 4 and kind == BYTES:
            raise Malformed("has layers of Caffe's first format; upgrade it with upgrade_net_proto_binary")
    return name, blobs


def blob_of(message: memoryview, layer: str) -> np.ndarray:
    """Return one blob as float32 in its declared shape."""
    parts, sides, shape = [], {1: 0, 2: 0, 3: 0, 4: 0}, None
    for field in fields(message):
        if field.number == 5:
            parts.append(floats(field, "<f4"))
        elif field.number == 8:
            parts.append(floats(field, "<f8"))
        elif field.number == 7 and field.kind == BYTES:
            shape = dimensions(field.content)
        elif field.number in sides and field.kind == VARINT:
            sides[field.number] = field.value
    values = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    shape = tuple(sides.values()) if shape is None else shape
    if prod(shape) != len(values) or len(shape) > MOST_SIDES or max(shape, default=0) > LONGEST_SIDE:
        raise Malformed(f"layer '{layer}' has {len(values)} numbers for the shape {list(shape)}")
    return values.astype(np.float32).reshape(shape)


def dimensions(message: memoryview) -> tuple[int, ...]:
    """Return the dimensions of a BlobShape."""
    sides: list[int] = []
    for number, kind, content, value in fields(message):
        if number == 1 and kind == BYTES:
            place = 0
            while place < len(content):
                side, place = varint(content, place)
                sides.append(side)
        elif number == 1 and kind == VARINT:
            sides.append(value)
    return tuple(sides)


def floats(field: Field, form: str) -> np.ndarray:
    """Return the values of a repeated field: packed, or a single one."""
    if field.kind not in (BYTES, FIXED_32, FIXED_64) or len(field.content) % np.dtype(form).itemsize:
        raise Malformed("holds a blob that is not a list of numbers")
    return np.frombuffer(field.content, form)


def fields(message: memoryview) -> Iterator[Field]:
    """Yield every field of a message."""
    place = 0
    while place < len(message):
        key, place = varint(message, place)
        number, kind = key >> 3, key & 7
        if number == 0 or kind not in (VARINT, FIXED_64, BYTES, FIXED_32):
            raise Malformed(f"byte {place} begins no field")
        size, value = {FIXED_64: 8, FIXED_32: 4}.get(kind, 0), 0
        if kind == VARINT:
            value, place = varint(message, place)
        elif kind == BYTES:
            size, place = varint(message, place)
        if size > len(message) - place:
            raise Malformed(f"ends early: a field of {size} bytes, {len(message) - place} left")
        yield Field(number, kind, message[place : place + size], value)
        place += size


def varint(message: memoryview, place: int) -> tuple[int, int]:
    """Decode an integer stored in groups of seven bits; return it and the offset of what follows."""
    value = 0
    for count, byte in enumerate(message[place : place + LONGEST_VARINT]):
        value |= (byte & 127) << (7 * count)
        if byte < 128:
            return value, place + count + 1
    raise Malformed("ends early" if len(message) - place < LONGEST_VARINT else "holds an endless number")
