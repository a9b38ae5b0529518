"""The plain values that readers, the store and the stages hand to one another."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

SPLITS = ("train", "validation", "test")


def read_range(path: Path, offset: int, size: int) -> bytes:
    """`size` bytes of a file from `offset` on. Raises OSError."""
    with open(path, "rb") as file:
        file.seek(offset)
        return file.read(size)


@dataclass(frozen=True)
class Record:
    """One picture with its truth. Boxes: 0-based inclusive (xmin, ymin, xmax, ymax) px, picture upright."""

    name: str
    image: bytes  # as in the file: JPEG, PNG, ...
    width: int  # of the upright picture, after its EXIF orientation
    height: int
    label: int = -1  # the class in classification; -1 in detection
    boxes: np.ndarray = field(default_factory=lambda: np.zeros((0, 4), np.float32))  # float32 [n, 4]
    box_labels: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))  # int64 [n]
    difficult: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))  # bool [n]
    # Classes of which it may hold objects without a box, int32 [k]: their detections are neither right nor wrong.
    partial: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    sha256: bytes = b""  # of `image`, 32 bytes; the store fills it in


@dataclass(frozen=True, slots=True)
class Annotation:
    """What one file says of a picture, unchanged: boxes in its own coordinates, whose first pixel is `origin`.

    A box is (xmin, ymin, xmax, ymax); with `exclusive`, xmax and ymax are the first pixels that it leaves out.
    """

    file: str
    names: tuple[str, ...]
    boxes: tuple[tuple[float, float, float, float], ...]
    difficult: tuple[bool, ...]
    size: tuple[int, int]  # (width, height) that the file claims; 0 where it claims none
    origin: int
    exclusive: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """An image that a reader found; nobody has opened it yet. It is a file, or a range of an archive's bytes."""

    name: str
    path: Path
    label: int = -1
    annotation: Annotation | None = None
    partial: tuple[int, ...] = ()  # as in Record
    offset: int = 0  # in an archive: where its bytes begin,
    size: int = -1  # and how many they are; -1: the whole file

    def read(self) -> bytes:
        """Its bytes. Raises OSError."""
        return self.path.read_bytes() if self.size < 0 else read_range(self.path, self.offset, self.size)

    @property
    def place(self) -> tuple[Path, int]:
        """What no two pictures share: the file, and where in it."""
        return self.path, self.offset


@dataclass(frozen=True)
class Refused:
    """A file that is left out, and why, in one line."""

    split: str
    name: str
    reason: str


@dataclass(frozen=True)
class Reading:
    """All that a reader found. `keys` are `classes` as annotations name them. Test may be the only split."""

    classes: list[str]
    keys: list[str]
    splits: dict[str, list[Candidate]]
    refused: list[Refused]
    about: str
