"""Images named on the command line: which files they are, and their pixels as the data set's preparation gives them."""

import glob
import io
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from googlenet.config.schema.dataset import ClassificationSource, DataSource
from googlenet.data.image_files import SUFFIXES, SUFFIXES_OF, is_image
from googlenet.data.images import check_image, decode, shrink
from googlenet.errors import UserError
from googlenet.storage.on_access import OnAccess

STAND_IN = np.zeros((64, 64, 3), np.uint8)  # for an image that cannot be read, so that batches continue


@dataclass(frozen=True)
class Opener:
    """Opens image files as the preparation of a data set does. shorter_side_px: shrink images to it; 0: keep them."""

    min_side_px: int = 1
    shorter_side_px: int = 0

    @classmethod
    def of(cls, source: DataSource) -> "Opener":
        """The opener that matches a data set's preparation."""
        shorter = source.resize_shorter_side_px if isinstance(source, ClassificationSource) else 0
        return cls(source.min_side_px, shorter)

    def pixels(self, image: bytes, name: str) -> np.ndarray:
        """The pixels of a file's bytes, uint8 [h, w, 3] RGB, upright. Raises UserError if it is not an image."""
        info = check_image(image, name)
        if min(info.width, info.height) < self.min_side_px:
            raise UserError(f"{name}: {info.width}x{info.height} px; give one of {self.min_side_px} px or more a side")
        if self.shorter_side_px:
            image, _, _ = shrink(image, self.shorter_side_px, name)
        return decode(image, name)


class Images(OnAccess):
    """Files as images, each read on access and never kept; `faults` has a line for each that could not be read."""

    def __init__(self, paths: Sequence[str], opener: Opener):
        self.paths, self.opener = paths, opener
        self.faults: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self.paths)

    def of(self, number: int) -> np.ndarray:
        """Read an image; STAND_IN, and a line in `faults`, if it cannot be read."""
        path = self.paths[number]
        try:
            return self.opener.pixels(Path(path).read_bytes(), path)
        except OSError as error:
            self.faults[number] = f"{path}: cannot be read ({error.strerror}); left out"
        except UserError as error:
            others = f" (images are {', '.join(SUFFIXES_OF)} files)" if "not an image" in str(error) else ""
            self.faults[number] = f"{error}; left out{others}"
        return STAND_IN


def named(words: Iterable[str]) -> list[str]:
    """The files that command-line arguments stand for: files, folders (recursively), globs, and - for a list of paths
    on standard input. In order, each file once. Raises UserError for an argument without files."""
    return list(dict.fromkeys(path for word in words for path in _meant(word)))


def _meant(word: str) -> Iterator[str]:
    if word == "-":
        yield from _listed()
    elif os.path.isdir(word):  # pathlib's is_dir() would raise an error for a very long word
        below = sorted(str(each) for each in Path(word).rglob("*") if is_image(each))
        if not below:
            raise UserError(f"{word}: no image in this folder; give files that end in {', '.join(sorted(SUFFIXES))}")
        yield from below
    elif os.path.exists(word):
        yield word
    else:
        matches = sorted(each for each in glob.glob(word, recursive=True) if Path(each).is_file())
        if not matches:
            what = "no file matches" if glob.has_magic(word) else "no such file or folder"
            raise UserError(f"{word}: {what}; give an image, a folder, a pattern in quotes, or - for a list")
        yield from matches


def _listed() -> list[str]:
    """The paths on standard input, one a line."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")  # the name of a file need not be UTF-8
    paths = [path for line in sys.stdin if (path := line.rstrip("\r\n"))]
    if not paths:
        raise UserError("-: no path on standard input; give one a line")
    if any("\0" in path for path in paths):
        raise UserError("-: a zero byte on standard input; give one path a line, with find's -print, not -print0")
    return paths
