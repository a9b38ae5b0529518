"""Detect the format of a weight file by its content, and check it against its origin's."""

from collections.abc import Mapping
from pathlib import Path

from googlenet.config.schema.shared import Format, Origin
from googlenet.errors import UserError
from googlenet.storage.checkpoint import METADATA_KEY

HEAD = 1 << 16  # bytes examined
Kind = tuple[str, tuple[Format, ...], str]  # what a file is, the formats that read it, the remedy if none does
TORCH: Kind = ("a file of torch.save (.pth)", ("torchvision",), "")
KINDS: dict[bytes, Kind] = {  # by a file's first bytes
    b"PK": TORCH,
    b"\x80": TORCH,
    b"\x89HDF": ("HDF5 (Keras, or Caffe's .h5)", (), "save it in Caffe's or torchvision's own format"),
    b"\x1f\x8b": ("a gzip archive", (), "unpack it"),
    b"version https://git-lfs": ("a pointer of Git LFS", (), "run `git lfs pull` where it comes from"),
}
DEFINITION: Kind = ("a network's definition (.prototxt)", (), "give the .caffemodel with its weights")
OTHER: Kind = ("a file", (), "")
FOLDER: Format = "raw_float32"


def kind_of(path: Path) -> Kind:
    """Return the kind of a file or folder; OTHER if its content does not show it."""
    if path.is_dir():
        return "a folder", (FOLDER,), ""
    with path.open("rb") as file:
        head = file.read(HEAD)
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < path.stat().st_size:
        if f'"{METADATA_KEY}":'.encode() in head:  # the key: as a value it may be any file's
            return "a checkpoint of this project", ("checkpoint",), ""
        return "a safetensors file", ("torchvision", "checkpoint"), ""
    if path.suffix == ".prototxt":
        return DEFINITION
    return next((kind for start, kind in KINDS.items() if head.startswith(start)), OTHER)


def check_format(path: Path, origin: Origin, where: str, origins: Mapping[str, Origin] | None = None) -> None:
    """Raise UserError, beginning with `where`, if a file's format is not its origin's.

    `origins`: candidates, of which the remedy names those that fit.
    """
    kind = kind_of(path)
    what, formats, remedy = kind
    if origin.format in formats or (kind == OTHER and origin.format != FOLDER):
        return
    fits = [
        name
        for name, each in (origins or {}).items()
        if each.format in formats or (kind == OTHER and each.format != FOLDER)
    ]
    remedy = remedy or f"give the right origin{': ' if fits else ''}{' or '.join(fits)}"
    raise UserError(f"{where}{what}, which the format {origin.format} is not; {remedy}")
