"""Archives read completely, in one pass, as their files cannot be read singly: zips, and tars of any compression.

The bytes of all files are concatenated in one file of a scratch folder. No member's name is ever used as a path.
"""

import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from googlenet.data import tar_index
from googlenet.data.archive_path import ArchivePath, ByteRange, Tree, put
from googlenet.data.image_files import inside
from googlenet.data.tar_index import AGAIN, LARGEST_MEMBER
from googlenet.errors import UserError, printable
from googlenet.tracking.progress import counted

SUFFIXES = (".zip", ".tar", ".tar.xz", ".tar.gz", ".tgz")
ZIP = b"PK\x03\x04"
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError, LookupError)


def unpacked(path: Path, scratch: Path, wanted: Callable[[str], bool], most_bytes: int) -> ArchivePath:
    """Return an archive as the folder that it would unpack to, of the wanted names; its bytes are in `scratch`.

    Raises UserError naming the archive if it is damaged, has unsafe names, or unpacks to more than `most_bytes`.
    """
    top: Tree = {}
    bytes_of = scratch / "archive.bin"
    with open(path, "rb") as file:
        is_zip = file.read(len(ZIP)) == ZIP
    files = _of_zip(path, wanted, most_bytes) if is_zip else tar_index.contents(path, wanted, most_bytes)
    with open(bytes_of, "wb") as out:
        for name, content in counted(files, f"files of {path.name}"):
            put(top, name, ByteRange(bytes_of, out.tell(), len(content)), path.name)
            out.write(content)
    return ArchivePath(path.name, top, path.parent)


def _of_zip(path: Path, wanted: Callable[[str], bool], most_bytes: int) -> Iterator[tuple[str, bytes]]:
    """Yield names and bytes of the wanted files of a zip. UserError as above."""
    total = 0
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if entry.is_dir() or not wanted(entry.filename):
                    continue
                total += entry.file_size
                if not inside(entry.filename) or not entry.filename.isprintable():
                    raise UserError(f"{path.name}: '{printable(entry.filename)}' is not a valid file name; {AGAIN}")
                if entry.file_size > LARGEST_MEMBER or total > most_bytes:
                    where = f"{path.name}: unpacks to far more than it should, at '{entry.filename}'"
                    raise UserError(f"{where}; {AGAIN}, or take that out")
                yield entry.filename, archive.read(entry)  # reads at most the stated size and checks the CRC
    except DAMAGED as error:
        raise UserError(f"{path.name}: damaged archive ({error}); {AGAIN}") from None
