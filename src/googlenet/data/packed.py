"""Folders that are not on disk: what lies in archives, with the few methods of `pathlib.Path` that readers use.

A `Packed` is a place in a tree. The tree is a dict from names to: another dict (a folder); a `Stretch` (a file, its bytes
somewhere in an archive); a `Packing` (a tar inside a tar, a folder too, listed when somebody looks); bytes (a small file,
deflated); or a Path (a file or folder on disk). So parts of a data set may be packed or not, each as it came.
"""

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath, PurePosixPath
from typing import NamedTuple, Union

from googlenet.data import tar_index
from googlenet.errors import UserError
from googlenet.files import stretch

TAR = ".tar"


class Stretch(NamedTuple):
    """The bytes of a file within an archive's file."""

    archive: Path
    offset: int
    size: int


class Packing(NamedTuple):
    """A tar within an archive's file, or the whole of it (size None)."""

    archive: Path
    offset: int
    size: int | None
    called: str


Tree = dict[str, Union["Tree", Stretch, Packing, bytes, Path]]


class Packed:
    """A file or folder of a tree, or a name where there is none."""

    __slots__ = ("above", "name", "what")

    def __init__(self, name: str, what: object, above: "Packed | Path"):
        self.name, self.what, self.above = name, what, above

    def __truediv__(self, names: str | PurePath) -> "Packed | Path":
        given = PurePosixPath(names)
        if given.is_absolute():
            return Path(given)
        here: Packed | Path = self
        for name in given.parts:
            here = here._child(name) if isinstance(here, Packed) else here / name
        return here

    def __str__(self) -> str:
        return f"{self.above}/{self.name}"

    @property
    def parent(self) -> "Packed | Path":
        return self.above

    @property
    def stem(self) -> str:
        return PurePosixPath(self.name).stem

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.name).suffix

    def is_dir(self) -> bool:
        return isinstance(self.what, dict | Packing)

    def is_file(self) -> bool:
        return isinstance(self.what, Stretch | bytes)

    def iterdir(self) -> Iterator["Packed | Path"]:
        """What lies in a folder. A tar inside a tar is read through as it is asked, and not kept."""
        if isinstance(self.what, Packing):
            yield from self._passing(self.what)
        elif isinstance(self.what, dict):
            yield from (self._child(name) for name in self.what)
        else:
            raise NotADirectoryError(f"{self}: no folder")

    def read_bytes(self) -> bytes:
        """The bytes of a file. Raises OSError."""
        if isinstance(self.what, bytes):
            return zlib.decompress(self.what)
        if not isinstance(self.what, Stretch):
            raise FileNotFoundError(f"{self}: no such file")
        return stretch(*self.what)

    def read_text(self, encoding: str) -> str:
        return self.read_bytes().decode(encoding)

    def _child(self, name: str) -> "Packed | Path":
        if isinstance(self.what, Packing):  # somebody looks for single names in it: now its listing is kept
            self.what = tree_of(*self.what)
            if isinstance(self.above, Packed) and isinstance(self.above.what, dict):
                self.above.what[self.name] = self.what
        what = self.what.get(name) if isinstance(self.what, dict) else None
        return what if isinstance(what, Path) else Packed(name, what, self)

    def _passing(self, packing: Packing) -> Iterator["Packed | Path"]:
        """The files of a tar, one after another; its folders, if it has any, after them."""
        folders = False
        for name, offset, size in tar_index.members(*packing):
            if "/" in name or name.endswith(TAR):
                folders = True
            else:
                yield Packed(name, Stretch(packing.archive, offset, size), self)
        if folders:
            whole = Packed(self.name, tree_of(*packing), self.above)
            yield from (child for child in whole.iterdir() if not child.is_file())


def tree_of(
    archive: Path,
    offset: int = 0,
    size: int | None = None,
    called: str = "",
    wanted: Callable[[str], bool] = lambda name: True,
) -> Tree:
    """The tree of an uncompressed archive. Raises UserError as `tar_index.members` does."""
    called = called or archive.name
    top: Tree = {}
    for member in tar_index.members(archive, offset, size, called):
        if not wanted(member.name):
            continue
        if member.name.endswith(TAR):
            inner = f"{member.name} in {called}"
            put(
                top,
                member.name.removesuffix(TAR),
                Packing(archive, member.offset, member.size, inner),
                called,
            )
        else:
            put(top, member.name, Stretch(archive, member.offset, member.size), called)
    return top


def put(top: Tree, name: str, what: object, called: str) -> None:
    """Put a file or folder into a tree. Raises UserError when there is one of the name, or a file where a folder should be."""
    *folders, last = name.split("/")
    for folder in folders:
        top = top.setdefault(folder, {})
        if not isinstance(top, dict):
            raise UserError(f"{called}: '{folder}' of '{name}' is a file and a folder; {tar_index.AGAIN}")
    if last in top:
        raise UserError(f"{called}: '{name}' is there twice; {tar_index.AGAIN}, or take one out")
    top[last] = what


def opened(path: Path) -> Packed | Path:
    """A folder as it is; a tar as the folder that it would become."""
    return (
        path
        if path.is_dir()
        else Packed(path.name.removesuffix(TAR), Packing(path, 0, None, path.name), path.parent)
    )


def opened_small(path: Path, wanted: Callable[[str], bool] = lambda name: True) -> Packed | Path:
    """A folder as it is; a small archive, compressed or not, as a folder whose files are in memory, deflated."""
    if path.is_dir():
        return path
    top: Tree = {}
    for name, content in tar_index.contents(path, wanted):
        put(top, name, zlib.compress(content, 1), path.name)
    return Packed(path.name, top, path.parent)


def node(path: Path | Packed) -> object:
    """What stands in a tree for a file or folder, so that it may be put into another."""
    return path.what if isinstance(path, Packed) else path


def files_below(folder: Path | Packed) -> Iterator[Path | Packed]:
    """The files of a folder, of the folders in it, and of tars in it, in the order of their names; no dot files."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.startswith("."):
            continue
        inner = opened(entry) if isinstance(entry, Path) and entry.suffix == TAR else entry
        if inner.is_dir():
            yield from files_below(inner)
        else:
            yield inner
