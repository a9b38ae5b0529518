"""Files of weights: torch's, in both of its forms, our own, Caffe's in both of its forms, and the raw folder."""

import io
import json
import struct
import zipfile
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
from hypothesis import strategies as st

from fuzz.child import Files, Format
from fuzz.mutations import damaged, one_of_files, restructured
from fuzz.reading import tree
from googlenet.imports.import_weights import imported
from googlenet.models import bundle
from googlenet.models.network import Architecture, Network, NetworkSpec
from imports import writers
from models import small

DIMENSIONS = (0, 1, 2, 3, 7, 224, 2**31, 2**32, 2**62, 2**63, 2**64 - 1, 2**70)


@cache
def torchvision() -> dict[str, torch.Tensor]:
    """torchvision's state dict, without heads and in 8 bits: as small as it can be."""
    spec = NetworkSpec(("",) * 11, Architecture(width=1.0, aux_heads=()), (0.0,) * 3, 1.0, network="torchvision_bn")
    state = Network.build(spec).model.state_dict()
    return {
        name.removeprefix("network."): (value * 100).to(torch.uint8) if value.dim() else value
        for name, value in state.items()
    }


@cache
def pth(as_zip: bool) -> Files:
    """A file of torch.save."""
    buffer = io.BytesIO()
    torch.save(torchvision(), buffer, _use_new_zipfile_serialization=as_zip)
    return {"w.pth": buffer.getvalue()}


@cache
def own() -> Files:
    """A checkpoint of ours."""
    return tree(lambda folder: bundle.save(folder / "w.safetensors", small.network(), "stamp"))


@cache
def layers() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The layers of a narrow network by Caffe's names."""
    return writers.layers_of(writers.small())


@cache
def caffe(old: bool) -> Files:
    """A .caffemodel."""
    return {"w.caffemodel": writers.caffemodel(layers(), old=old)}


@cache
def raw() -> Files:
    """A folder of raw float32."""
    return tree(lambda folder: writers.raw_folder(layers(), folder))


@st.composite
def rezipped(draw, content: bytes) -> bytes:
    """torch's zip with a member that is changed, left out, renamed or compressed."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    chosen = draw(st.sampled_from([name for name in members if name.endswith("data.pkl")] * 20 + list(members)))
    edit = draw(st.sampled_from(("damage",) * 6 + ("leave out", "rename", "stretch")))
    old = members.pop(chosen)
    if edit == "damage":
        members[chosen] = draw(damaged(old))
    elif edit == "rename":
        members[draw(st.sampled_from(("archive/data.pkl", "../../x", "x/constants.pkl", " ")))] = old
    elif edit == "stretch":
        members[chosen] = old + bytes(draw(st.sampled_from((1, 1000, 10**7))))
    packed, form = io.BytesIO(), draw(st.sampled_from((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))
    with zipfile.ZipFile(packed, "w", form, compresslevel=1) as archive:
        for name, inner in members.items():
            archive.writestr(name, inner)
    return packed.getvalue()


def safetensors(content: bytes) -> st.SearchStrategy[bytes]:
    """A safetensors file whose header is changed, as JSON, or its bytes."""
    (size,) = struct.unpack_from("<Q", content)
    header, rest = content[8 : 8 + size], content[8 + size :]
    resized = restructured(header).map(lambda made: struct.pack("<Q", len(made)) + made + rest)
    return resized | respecified(json.loads(header), rest) | damaged(content)


def respecified(header: dict, rest: bytes) -> st.SearchStrategy[bytes]:
    """A checkpoint of ours whose description of the network is changed."""
    metadata = json.loads(header["__metadata__"]["googlenet"])

    def packed(spec: bytes) -> bytes:
        inner = json.dumps(metadata | {"spec": spec.decode()})
        made = json.dumps(header | {"__metadata__": {"googlenet": inner}}).encode()
        return struct.pack("<Q", len(made)) + made + rest

    return restructured(metadata["spec"].encode()).map(packed)


@st.composite
def reshaped(draw, old: bool, content: bytes) -> bytes:
    """A .caffemodel in which a layer states another shape."""
    name = draw(st.sampled_from(sorted(layers())))
    sides = draw(st.lists(st.sampled_from(DIMENSIONS), max_size=5) | st.just([1] * 70))
    values = writers.field(5, layers()[name][0].tobytes() if draw(st.booleans()) else b"")
    if old:
        shape = b"".join(writers.field(number, side) for number, side in enumerate(sides[:4], start=1))
    else:
        shape = writers.field(7, writers.field(1, b"".join(map(writers.varint, sides))))
    blobs = [values + shape, writers.blob(layers()[name][1], old)]
    others = writers.caffemodel({key: value for key, value in layers().items() if key != name}, old=old)
    return others + writers.layer(name, blobs, old)


def of_caffe(old: bool, files: Files) -> st.SearchStrategy[Files]:
    """A .caffemodel whose shapes or bytes are changed."""
    return one_of_files(files, damaged) | one_of_files(files, partial(reshaped, old))


def of_zip(files: Files) -> st.SearchStrategy[Files]:
    return one_of_files(files, rezipped) | one_of_files(files, damaged)


def some_of_raw(files: Files) -> st.SearchStrategy[Files]:
    """A file of the raw folder."""
    return one_of_files(dict(sorted(files.items(), key=lambda item: len(item[1]))[:20]), damaged)


def read(name: str, origin, width: float, folder: Path) -> list[str]:
    imported(folder / name, origin, writers.MODEL, width)
    return []


read_pth = partial(read, "w.pth", writers.TORCHVISION, 1.0)
read_caffe = partial(read, "w.caffemodel", writers.ORIGIN, writers.WIDTH)
FORMATS = (
    Format(".pth, a zip", partial(pth, True), of_zip, read_pth),
    Format(".pth, a pickle", partial(pth, False), partial(one_of_files, change=damaged), read_pth),
    Format(
        "our checkpoint",
        own,
        partial(one_of_files, change=safetensors),
        partial(read, "w.safetensors", writers.CHECKPOINT, 1.0),
    ),
    Format(".caffemodel", partial(caffe, False), partial(of_caffe, False), read_caffe),
    Format("older .caffemodel", partial(caffe, True), partial(of_caffe, True), read_caffe),
    Format("raw float32", raw, some_of_raw, partial(read, "", writers.RAW, writers.WIDTH)),
)
