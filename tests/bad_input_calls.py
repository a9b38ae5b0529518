"""How each kind of bad input of bad_input.py is made and given: one function for each section of the table."""

import gzip
import io
import json
import shutil
import struct
import tarfile
import zlib
from pathlib import Path
from typing import Any

from PIL import Image

from data import det_tree
from data.datasets import (
    class_tree,
    classification,
    coco_json,
    coco_tree,
    detection,
    jpeg,
    manifest_of,
    noise,
    put,
    voc_tree,
    write_manifest,
    xml,
)
from data.tiny_imagenet_tree import SPLITS as TINY_SPLITS
from data.tiny_imagenet_tree import tiny_imagenet_tree
from googlenet.classification.class_order import Outputs, columns_of, common_outputs
from googlenet.cli.data import faults
from googlenet.cli.score import scored
from googlenet.data.prepare import prepare
from googlenet.data.records import Record
from googlenet.data.store import open_split, write_shard
from googlenet.data.tar_index import check_archive, members
from googlenet.errors import UserError
from googlenet.metrics.data import Manifest
from googlenet.storage.files import read_json

MOST = 0.9  # so large a share may be bad: the reason is then in the manifest


def reasons(manifest: Manifest) -> str:
    """Why the one file of a prepared data set was left out."""
    assert len(manifest.refused) == 1, manifest.refused
    return manifest.refused[0].reason


def png(width: int, height: int) -> bytes:
    """A PNG of black pixels, one bit each: small, whatever it unpacks to."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width + 7) // 8 + 1) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def image(folder: Path, given: Any) -> str:
    """An image file, (name, content), in a class folder; why it is left out. A function makes it itself."""
    name, content = given
    path = class_tree(folder / "raw") / "train/cat" / name
    content(path) if callable(content) else put(path, content)
    return reasons(prepare(classification("class_folders", folder / "raw", max_bad_fraction=MOST),
                           folder / "pets"))  # fmt: skip


def annotation(folder: Path, given: Any) -> str:
    """The XML of a VOC image (None: it is taken away); why the image is left out."""
    path = voc_tree(folder / "raw", 3) / "Annotations/train_0.xml"
    path.unlink() if given is None else put(path, given)
    return reasons(prepare(detection("voc", folder / "raw", max_bad_fraction=MOST), folder / "out"))


def voc(folder: Path, given: Any) -> str:
    """A change of a VOC data set; why an image is left out, or an error."""
    spoil, changes = given if isinstance(given, tuple) else (given, {})
    spoil(voc_tree(folder / "raw", 3))
    settings = detection("voc", folder / "raw", **({"max_bad_fraction": MOST} | changes))
    return reasons(prepare(settings, folder / "out"))


def folders(folder: Path, given: Any) -> None:
    """A change of a tree of class folders, with settings; it stops."""
    spoil, changes = given if isinstance(given, tuple) else (given, {})
    spoil(class_tree(folder / "raw"))
    prepare(classification("class_folders", **({"root": folder / "raw"} | changes)), folder / "pets")


def coco(folder: Path, given: Any) -> str:
    """A COCO file, as text or as a change of a right one; why its image is left out, or an error."""
    right = coco_json(*((f"train_{i}.jpg", [("cat", 0, 0, 9, 9), ("dog", 0, 0, 9, 9)]) for i in range(2)))
    if callable(given):
        given(right)
        given = json.dumps(right)
    put(coco_tree(folder / "raw") / "annotations/instances_train.json", given)
    layout = {"images": "{split}", "annotations": "annotations/instances_{split}.json", "box_origin": 0}
    settings = detection("coco", folder / "raw", max_bad_fraction=MOST, **layout)
    return reasons(prepare(settings, folder / "out"))


def ilsvrc(folder: Path, given: Any) -> None:
    """A file of ILSVRC's detection layout, (path, content); it stops."""
    path, content, *changes = given
    put(det_tree.tree(folder) / path, content)
    prepare(det_tree.settings(folder, **(changes[0] if changes else {})), folder / "out")


def labels(folder: Path, given: Any) -> None:
    """Class names of a network against those of a data set, or the outputs of members against each other."""
    network, classes = given
    if isinstance(network, dict):
        common_outputs({name: Outputs(**outputs) for name, outputs in network.items()})
    columns_of(network, classes, classes, "member m1")


def scoring(folder: Path, given: Any) -> None:
    """One file of the scoring command, (name, content), in place of the right one."""
    name, content = given
    files = {"d.txt": "1 1 0.9 0 0 9 9\n", "d.csv": "", "d.json": "", "list.txt": "a 1\nb 2\n", "black.txt": "1 cat\n"}
    files |= {"classes.txt": "n02000001 1 cat\nn02000002 2 dog\n"}
    files |= {f"xml/{name}.xml": xml(("n02000001", 0, 0, 9, 9), size=None) for name in "ab"}
    for path, text in (files | {name: content}).items():
        put(folder / path, text)
    detections = folder / (name if name.startswith("d.") else "d.txt")
    kinds = {"list": "list.txt", "classes": "classes.txt", "blacklist": "black.txt"}
    scored(detections, folder / "xml", **{kind: folder / file for kind, file in kinds.items()})


def shard(folder: Path, spoil: Any) -> None:
    """A prepared split, one of whose files is spoilt; it is verified, then read."""
    records = [Record(f"r{i}", jpeg(seed=i), 32, 24, 0) for i in range(3)]
    rows = [write_shard(folder / "train-00000.arrow", records)]
    write_manifest(folder, manifest_of({"train": rows}))
    spoil(folder / "train-00000.arrow")
    open_split(folder, "train")
    for fault in faults(folder):
        raise UserError(f"{fault}; prepare the data set again")


def archive(folder: Path, given: Any) -> None:
    """A tar of one image and of what `given(tar)` adds, whose bytes `given(path)` may spoil; it is checked and read."""
    path, (add, spoil) = folder / "a.tar", given
    with tarfile.open(path, "w") as tar:
        entry = tarfile.TarInfo("n1/a.JPEG")
        entry.size = 1000
        tar.addfile(entry, io.BytesIO(bytes(1000)))
        add(tar)
    spoil(path)
    check_archive(path)
    list(members(path))


def member(name: str, kind: bytes = tarfile.REGTYPE, leads_to: str = "") -> Any:
    """What adds a member of that name and kind to a tar."""

    def add(tar: tarfile.TarFile) -> None:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = kind, leads_to
        tar.addfile(entry)

    return add


def tiny_imagenet(folder: Path, given: Any) -> None:
    """Tiny ImageNet, spoilt by `spoil(its folder)`, read for one kind of data; with other settings of its source."""
    kind, spoil, *changes = given
    top = tiny_imagenet_tree(folder)
    spoil(top)
    make, held = (
        (classification, "validation_per_class") if kind == "classification" else (detection, "validation_images")
    )
    values = {"root": top, "splits": TINY_SPLITS, held: 1, "box_origin": 0} | (changes[0] if changes else {})
    if kind == "classification":
        del values["box_origin"]
    prepare(make("tiny_imagenet", **values), folder / "set")


def nothing(_: Any) -> None:
    """Leave it as it is."""


def compressed(path: Path) -> None:
    """Compress a file in its place."""
    path.write_bytes(gzip.compress(path.read_bytes()))


def cut(path: Path) -> None:
    """Take a file's last bytes."""
    path.write_bytes(path.read_bytes()[:-7])


def changed_byte(path: Path) -> None:
    """Change a byte in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def results(folder: Path, content: Any) -> None:
    """A JSON file of ours that a person has edited. A function makes it itself."""
    path = folder / "metrics.json"
    content(path) if callable(content) else put(path, content)
    read_json(path)


def rgb(side: int = 64) -> Image.Image:
    """An image of noise."""
    return Image.fromarray(noise(side, side))


def emptied(folder: Path) -> None:
    """Take the files of a folder away."""
    shutil.rmtree(folder)
    folder.mkdir()


BOX = ("cat", 1, 1, 9, 9)


def xml_of(body: str) -> str:
    """An annotation with one object of this content."""
    return f"<annotation><object>{body}</object></annotation>"


def corners(text: str) -> str:
    """A cat's object with these corners."""
    return xml_of(f"<name>cat</name><bndbox>{text}</bndbox>")


BOMB = '<!DOCTYPE a [<!ENTITY l "lol"><!ENTITY m "&l;&l;&l;&l;&l;&l;&l;&l;&l;&l;">]><annotation>&m;</annotation>'
OUTSIDE = '<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]><annotation>&f;</annotation>'
