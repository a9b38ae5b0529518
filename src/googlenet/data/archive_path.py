"""Files and folders inside archives, with the few methods of `pathlib.Path` that readers use.

An `ArchivePath` is a node of a tree, a dict from names to: another dict (a folder); a `ByteRange` (a file in an
archive); a `NestedTar` (a tar inside a tar, listed on first access); bytes (a small file, deflated); or a Path (on
disk). So each part of a data set may be packed or unpacked.
"""

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath, PurePosixPath
from typing import NamedTuple

from googlenet.data import tar_index
from googlenet.data.records import read_range
from googlenet.errors import UserError
from googlenet.tracking.progress import counted

TAR = ".tar"
LARGEST_FILE = 8 << 20  # bytes of a kit's text or XML; parsed lines take a hundred times as much, and real files half


class ByteRange(NamedTuple):
    """The byte range of a file within an archive."""

    archive: Path
    offset: int
    size: int


class NestedTar(NamedTuple):
    """A tar within an archive, or the whole archive (size None)."""

    archive: Path
    offset: int
    size: int | None
    label: str


Tree = dict[str, "Node"]
Node = Tree | ByteRange | NestedTar | bytes | Path


class ArchivePath:
    """A file or folder of a tree, or a name that does not exist (`node` is None)."""

    __slots__ = ("name", "node", "parent")

    def __init__(self, name: str, node: Node | None, parent: "AnyPath"):
        self.name, self.node, self.parent = name, node, parent

    def __truediv__(self, names: str | PurePath) -> "AnyPath":
        path = PurePosixPath(names)
        if path.is_absolute():
            return Path(path)
        child: AnyPath = self
        for name in path.parts:
            child = child._child(name) if isinstance(child, ArchivePath) else child / name
        return child

    def __str__(self) -> str:
        return f"{self.parent}/{self.name}"

    @property
    def stem(self) -> str:
        return PurePosixPath(self.name).stem

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.name).suffix

    def is_dir(self) -> bool:
        return isinstance(self.node, dict | NestedTar)

    def is_file(self) -> bool:
        return isinstance(self.node, ByteRange | bytes)

    def iterdir(self) -> Iterator["AnyPath"]:
        """Yield a folder's entries. The listing of a tar inside a tar is read lazily and not kept."""
        if isinstance(tar := self.node, NestedTar):
            has_folders = False
            for name, offset, size in tar_index.members(*tar):
                if "/" in name or name.endswith(TAR):
                    has_folders = True
                else:
                    yield ArchivePath(name, ByteRange(tar.archive, offset, size), self)
            if has_folders:  # after the files
                folder = ArchivePath(self.name, tree_of(*tar), self.parent)
                yield from (child for child in folder.iterdir() if not child.is_file())
        elif isinstance(self.node, dict):
            yield from (self._child(name) for name in self.node)
        else:
            raise NotADirectoryError(f"{self}: no folder")

    def read_bytes(self) -> bytes:
        """Read the bytes of a file. Raises OSError."""
        if isinstance(self.node, bytes):
            content = zlib.decompressobj().decompress(self.node, LARGEST_FILE + 1)
            if len(content) > LARGEST_FILE:
                raise OSError(f"unpacks to more than {LARGEST_FILE >> 20} MB")
            return content
        if not isinstance(self.node, ByteRange):
            raise FileNotFoundError(f"{self}: no such file")
        return read_range(*self.node)

    def read_text(self, encoding: str) -> str:
        return self.read_bytes().decode(encoding)

    def _child(self, name: str) -> "AnyPath":
        if isinstance(self.node, NestedTar):  # looked up by name: keep its listing from now on
            self.node = tree_of(*self.node)
            if isinstance(self.parent, ArchivePath) and isinstance(self.parent.node, dict):
                self.parent.node[self.name] = self.node
        node = self.node.get(name) if isinstance(self.node, dict) else None
        return node if isinstance(node, Path) else ArchivePath(name, node, self)


AnyPath = Path | ArchivePath


def tree_of(
    archive: Path, offset: int = 0, size: int | None = None, label: str = "", wanted: Callable[[str], bool] = bool
) -> Tree:
    """Build the tree of an uncompressed archive. Raises UserError as `tar_index.members` does."""
    label = label or archive.name
    top: Tree = {}
    for member in counted(tar_index.members(archive, offset, size, label), f"files of {label}"):
        if wanted(member.name):
            node: Node = ByteRange(archive, member.offset, member.size)
            if member.name.endswith(TAR):
                node = NestedTar(archive, member.offset, member.size, f"{member.name} in {label}")
            put(top, member.name.removesuffix(TAR), node, label)
    return top


def put(top: Tree, name: str, node: Node, label: str) -> None:
    """Put a file or folder into a tree. Raises UserError if the name is taken, or a file is where a folder belongs."""
    *folders, last = name.split("/")
    for folder in folders:
        inner = top.setdefault(folder, {})
        if not isinstance(inner, dict):
            raise UserError(f"{label}: '{folder}' of '{name}' is a file and a folder; {tar_index.AGAIN}")
        top = inner
    if last in top:
        raise UserError(f"{label}: '{name}' is there twice; {tar_index.AGAIN}, or take one out")
    top[last] = node


def opened(path: Path) -> AnyPath:
    """Return a folder unchanged; a tar as the folder that it would unpack to."""
    if path.is_dir():
        return path
    return ArchivePath(path.name.removesuffix(TAR), NestedTar(path, 0, None, path.name), path.parent)


def opened_small(path: Path) -> AnyPath:
    """Return a folder unchanged; a small archive, compressed or not, as a folder of deflated files in memory."""
    if path.is_dir():
        return path
    top: Tree = {}
    for name, content in tar_index.contents(path):
        put(top, name, zlib.compress(content, 1), path.name)
    return ArchivePath(path.name, top, path.parent)


def node_of(path: AnyPath) -> Node:
    """Return the tree node of an existing file or folder, so that it can be put into another tree."""
    if isinstance(path, Path):
        return path
    if path.node is None:
        raise FileNotFoundError(f"{path}: no such file or folder")
    return path.node


def files_below(folder: AnyPath) -> Iterator[AnyPath]:
    """Yield the files of a folder, of its subfolders and of the tars in it, in name order; no dot files."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        inner = opened(entry) if isinstance(entry, Path) and entry.suffix == TAR else entry
        if not entry.name.startswith("."):
            yield from files_below(inner) if inner.is_dir() else (inner,)
