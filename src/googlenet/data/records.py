"""Plain value types exchanged by readers, the store and the stages."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

SPLITS = ("train", "validation", "test")


def read_range(path: Path, offset: int, size: int) -> bytes:
    """Read `size` bytes of a file starting at `offset`. Raises OSError."""
    with open(path, "rb") as file:
        file.seek(offset)
        return file.read(size)


@dataclass(frozen=True)
class Record:
    """One image with its ground truth. Boxes: 0-based inclusive (xmin, ymin, xmax, ymax) px, image upright."""

    name: str
    image: bytes  # encoded, as in the file: JPEG, PNG, ...
    width: int  # of the upright image, after its EXIF orientation
    height: int
    label: int = -1  # the class in classification; -1 in detection
    boxes: np.ndarray = field(default_factory=lambda: np.zeros((0, 4), np.float32))  # float32 [n, 4]
    box_labels: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))  # int64 [n]
    difficult: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))  # bool [n]
    # Classes of which the image may hold objects without a box, int32 [k]: detections of them count neither way.
    partial: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    sha256: bytes = b""  # of `image`, 32 bytes; the store fills it in


@dataclass(frozen=True, slots=True)
class Annotation:
    """The unmodified content of an annotation file: boxes in its own coordinates, whose first pixel is `origin`.

    A box is (xmin, ymin, xmax, ymax); with `exclusive`, xmax and ymax are the first pixels outside it.
    """

    file: str
    names: tuple[str, ...]
    boxes: tuple[tuple[float, float, float, float], ...]
    difficult: tuple[bool, ...]
    size: tuple[int, int]  # (width, height) stated by the file; 0 if it states none
    origin: int
    exclusive: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """An image found by a reader and not opened yet: a file, or a range of an archive's bytes."""

    name: str
    path: Path
    label: int = -1
    annotation: Annotation | None = None
    partial: tuple[int, ...] = ()  # as in Record
    offset: int = 0  # in an archive: the start of its bytes
    size: int = -1  # number of bytes; -1: the whole file

    def read(self) -> bytes:
        """Read the image file's bytes. Raises OSError."""
        return self.path.read_bytes() if self.size < 0 else read_range(self.path, self.offset, self.size)

    @property
    def place(self) -> tuple[Path, int]:
        """A key unique to each image: the file, and the offset in it."""
        return self.path, self.offset


@dataclass(frozen=True)
class Refused:
    """A file that is left out, with the reason in one line."""

    split: str
    name: str
    reason: str


@dataclass(frozen=True)
class Reading:
    """The result of a reader. `keys` are the `classes` as named in annotations. Test may be the only split."""

    classes: list[str]
    keys: list[str]
    splits: dict[str, list[Candidate]]
    refused: list[Refused]
    about: str
    notes: tuple[str, ...] = ()  # remarks for the log
