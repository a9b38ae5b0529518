"""Index of a tar archive: names, offsets and sizes, read from the headers alone. Nothing is unpacked.

Absolute names, "..", links, devices, sparse files and duplicate names raise a UserError: no official archive contains
any, so the file is not one. Nothing is followed or written.
"""

import gzip
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, NamedTuple, cast

from googlenet.errors import UserError

BLOCK = 512
END = bytes(2 * BLOCK)  # two blocks of zeros
LONGEST_HEADER = 1 << 20  # bytes; a longer "name" is meant to exhaust memory
LARGEST_MEMBER = 256 << 20  # bytes, in a compressed archive, whose members are loaded into memory
LARGEST_UNPACKED = 8 << 30  # bytes; ILSVRC's boxes and development kits take less than a tenth of this
GZIP, XZ = b"\x1f\x8b", b"\xfd7zXZ"
MOST_MEMORY = 256 << 20  # bytes that decompressing xz may take
PACKED = (GZIP, b"BZh", XZ, b"PK\x03\x04")
AGAIN = "fetch it again"
# On damaged headers the library raises more than its own error.
DAMAGED = (tarfile.TarError, zlib.error, gzip.BadGzipFile, lzma.LZMAError, ValueError, LookupError, RecursionError)
KINDS = {tarfile.LNKTYPE: "a hard link", tarfile.SYMTYPE: "a symbolic link", tarfile.FIFOTYPE: "a pipe"}
KINDS |= dict.fromkeys((tarfile.CHRTYPE, tarfile.BLKTYPE), "a device")


Source = IO[bytes] | gzip.GzipFile | lzma.LZMAFile


class Member(NamedTuple):
    """A file in an archive. Its name is relative; its bytes start at `offset` in the archive file."""

    name: str
    offset: int
    size: int


def members(path: Path, start: int = 0, size: int | None = None, label: str = "") -> Iterator[Member]:
    """Yield the files of an uncompressed tar, or of the tar in `size` bytes of `path` from `start`, in archive order.

    Raises UserError, naming `label` (the archive), if it is truncated, damaged or has a member that no data set needs.
    """
    label = label or path.name
    with _translate_errors(label), open(path, "rb", buffering=0) as file:
        length = path.stat().st_size if size is None else size
        for member in _walk(_Window(file, label, start, length), length, strict=size is None):
            yield member._replace(offset=member.offset + start)


def contents(
    path: Path, wanted: Callable[[str], bool] = bool, most_bytes: int = LARGEST_UNPACKED
) -> Iterator[tuple[str, bytes]]:
    """Yield names and bytes of the wanted files of a small archive (plain, gzip or xz) in one pass.

    Raises UserError as `members` does, and if it unpacks to more than `most_bytes`.
    """
    label = path.name
    with _translate_errors(label), open(path, "rb") as file:
        head = file.read(BLOCK)
        file.seek(0)
        source: Source = file
        if head.startswith(GZIP):
            source = gzip.GzipFile(fileobj=file)
        elif head.startswith(XZ):
            lzma.LZMADecompressor(memlimit=MOST_MEMORY).decompress(head, max_length=1)  # raises above the limit
            source = lzma.LZMAFile(file)  # noqa: SIM115  # `file` is closed above
        window = _Window(source, label, 0, most_bytes)
        for member in _walk(window, path.stat().st_size if source is file else None):
            if member.size > LARGEST_MEMBER or member.offset + member.size > most_bytes:
                where = f"{label}: unpacks to far more than it should, at '{member.name}'"
                raise UserError(f"{where}; {AGAIN}, or take that out")
            if wanted(member.name):
                yield member.name, window.data(member)


def check_archive(path: Path) -> None:
    """Check that a file begins and ends as an uncompressed tar; any folder passes. Raises UserError with the fix."""
    if path.is_dir():
        return
    with _translate_errors(path.name), open(path, "rb") as file:
        head = file.read(BLOCK)
        if head.startswith(PACKED):
            result = f"(gunzip, bunzip2, unxz: it becomes {path.name.removesuffix('.gz').removesuffix('.tgz')})"
            reason = "is compressed, so no single image can be read from it"
            raise UserError(f"{path}: {reason}; unpack that layer once {result}")
        try:
            tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise UserError(f"{path}: not a tar archive ({error}); {AGAIN}") from None
        size = path.stat().st_size
        file.seek(max(size - len(END), 0))
        if size % BLOCK or file.read() != END:
            raise UserError(f"{path}: stops after {size:,} bytes without the end that a tar has; {AGAIN}")


@contextmanager
def _translate_errors(label: str) -> Iterator[None]:
    """Convert errors raised while reading an archive into a UserError that names it."""
    try:
        yield
    except EOFError:
        raise UserError(f"{label}: cut off before its end; {AGAIN}") from None
    except DAMAGED as error:
        raise UserError(f"{label}: damaged archive ({error}); {AGAIN}") from None
    except OSError as error:
        raise UserError(f"{label}: cannot be read ({error.strerror or error}); correct the path") from None


def _walk(window: "_Window", size: int | None, strict: bool = True) -> Iterator[Member]:
    """Yield the files of one tar, checked. `size`: in bytes, if known; `strict`: require the end mark."""
    label, archive = window.label, tarfile.TarFile(fileobj=cast(BinaryIO, window))
    seen: set[str] = set()
    while (entry := archive.next()) is not None:
        archive.members = []  # type: ignore[attr-defined]  # otherwise tarfile would keep all of them
        name = _name(entry, label)
        end = entry.offset_data + entry.size
        if size is not None and end > size:
            raise UserError(f"{label}: stops after {size:,} bytes, within '{name}' of {end:,}; {AGAIN}")
        if entry.isdir():
            continue
        if name in seen:
            raise UserError(f"{label}: two members are called '{name}'; {AGAIN}, or take one out")
        seen.add(name)
        yield Member(name, entry.offset_data, entry.size)
    # tarfile mistakes a damaged header, and truncation between two members, for the end.
    mark = window.last
    if len(mark) < BLOCK and (strict or mark):
        raise UserError(f"{label}: stops after {archive.offset + len(mark):,} bytes without its end; {AGAIN}")
    if mark.strip(b"\0"):
        raise UserError(f"{label}: damaged at byte {archive.offset:,}, where a header should be; {AGAIN}")


def _name(entry: tarfile.TarInfo, label: str) -> str:
    """Return a member's name without "." parts. Raises UserError if it is unsafe, or no plain file or folder."""
    parts = [part for part in entry.name.split("/") if part not in ("", ".")]
    no_name = not entry.name.isprintable() or (not parts and not entry.isdir())
    sparse = entry.issparse() or entry.sparse is not None
    kind = KINDS.get(entry.type, "of a kind that no image is")
    for is_wrong, reason in (
        (entry.name.startswith("/"), "has an absolute name"),
        (".." in parts, "points outside the archive"),
        (no_name, "has a name that no file can have"),
        (sparse, "is a sparse file, whose bytes do not lie in one place"),
        (not (entry.isreg() or entry.isdir()), f"is {kind}"),
        (entry.size < 0, "has a size below 0"),
    ):
        if is_wrong:
            shown = entry.name.encode("utf-8", "backslashreplace").decode()
            raise UserError(f"{label}: '{shown}' {reason}; {AGAIN}, or take that out")
    return "/".join(parts)


class _Window:
    """A byte range presented as a file to `tarfile`, which reads only headers from it."""

    def __init__(self, file: Source, label: str, start: int, size: int):
        self.file, self.label, self.start, self.size = file, label, start, size
        self.at, self.last = 0, b""  # `last`: the bytes read last

    def tell(self) -> int:
        return self.at

    def seek(self, at: int) -> int:
        self.at = at
        return at

    def read(self, count: int) -> bytes:
        """Read at most `count` bytes; fewer only at the end."""
        if not 0 <= count <= LONGEST_HEADER:
            raise UserError(f"{self.label}: a header of {count:,} bytes at byte {self.at:,}; {AGAIN}")
        return self._read(count)

    def data(self, member: Member) -> bytes:
        """Read the bytes of a member."""
        self.at = member.offset
        if len(content := self._read(member.size)) < member.size:
            raise EOFError
        return content

    def _read(self, count: int) -> bytes:
        self.file.seek(self.start + self.at)
        self.last = self.file.read(max(min(count, self.size - self.at), 0))
        self.at += len(self.last)
        return self.last
