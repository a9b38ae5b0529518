"""How the bad weights of bad_input.py are made and given: one function for each section of the table."""

import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import torch

from data.datasets import put
from googlenet.imports import import_weights
from googlenet.models import bundle
from googlenet.storage import checkpoint
from imports import writers
from models import small
from settings import changed, laid_over


def layers() -> dict:
    """The layers of a small network by Caffe's names."""
    return writers.layers_of(writers.small())


def caffe(folder: Path, given: Any) -> None:
    """A .caffemodel: its bytes, or a change of the layers of a right one; with an origin's keys."""
    given, changes = given if isinstance(given, tuple) else (given, {})
    content = given if isinstance(given, bytes) else writers.caffemodel(given(layers()))
    path = put(folder / "w.caffemodel", content)
    import_weights.imported(path, changed(writers.ORIGIN, **changes), writers.MODEL, writers.WIDTH)


def shaped(*sides: int) -> bytes:
    """A .caffemodel with a layer of these sides and no numbers."""
    shape = writers.field(7, writers.field(1, b"".join(map(writers.varint, sides))))
    return writers.caffemodel(layers()) + writers.layer("conv2/3x3", [shape])


def torchs(folder: Path, given: Any) -> None:
    """A .pth: bytes, or what torch.save is given, made by a function of the folder. What a pickle calls must not happen."""
    path = folder / "w.pth"
    content = given if isinstance(given, bytes) else given(folder)
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    try:
        import_weights.imported(path, writers.TORCHVISION, writers.MODEL, 1.0)
    finally:
        assert not (folder / "made").exists()


def compressed(folder: Path) -> bytes:
    """A file of torch.save, zipped again with compression."""
    torch.save({"fc.weight": torch.zeros(9)}, folder / "plain")
    packed = io.BytesIO()
    with ZipFile(folder / "plain") as plain, ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        for name in plain.namelist():
            archive.writestr(name, plain.read(name))
    return packed.getvalue()


def hostile(folder: Path) -> dict:
    """A content whose pickle makes a folder when it is loaded as pickles are."""
    return {"fc.weight": writers.Malicious(folder / "made")}


def own(folder: Path, given: Any) -> None:
    """A checkpoint of ours: bytes, or a change of the tensors and metadata of a right one."""
    path = folder / "w.safetensors"
    bundle.save(path, small.network(), "stamp")
    if isinstance(given, bytes):
        path.write_bytes(given)
    else:
        tensors, metadata = checkpoint.load(path)
        given(tensors, metadata)
        checkpoint.save(path, tensors, metadata)
    import_weights.imported(path, writers.CHECKPOINT, writers.MODEL, 1.0)


def source(folder: Path, given: Any) -> None:
    """An entry of origins with a path below the folder, looked at before any job."""
    put(folder / "there.pth", "x")
    path, changes = given
    import_weights.check(folder / path, changed(writers.TORCHVISION, **changes), "ensemble.members.m1.weights")


def spec(**changes: Any) -> str:
    """The spec of a small network as its file has it, with nested changes."""
    return json.dumps(laid_over(asdict(small.spec()), changes))
