"""Image files by name: the suffixes of supported formats, and the file that an entry of a list or table refers to."""

import re
from pathlib import PurePosixPath

from googlenet.data.archive_path import AnyPath
from googlenet.errors import UserError

LONGEST_NAME = 240  # bytes; file systems allow 255, and a suffix may be added
SUFFIXES_OF = {  # by the format's name in Pillow; case is ignored
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png",),
    "PPM": (".ppm",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
}
SUFFIXES = frozenset(suffix for suffixes in SUFFIXES_OF.values() for suffix in suffixes)


def split_suffix(name: str) -> tuple[str, str]:
    """Split a name into its stem and an image's suffix in lower case; "" if it has no such suffix."""
    stem, dot, suffix = name.rpartition(".")
    is_suffix = bool(stem) and f"{dot}{suffix}".lower() in SUFFIXES
    return (stem, f".{suffix}".lower()) if is_suffix else (name, "")


def is_image(path: AnyPath) -> bool:
    """Whether this is a file with the suffix of an image."""
    return bool(split_suffix(path.name)[1]) and path.is_file()


def inside(name: str) -> bool:
    """Whether a listed name refers to a file below its folder: relative, without "..", UTF-8."""
    path = PurePosixPath(name)
    try:
        longest = max((len(part.encode()) for part in path.parts), default=0)
    except UnicodeEncodeError:
        return False
    unsafe = path.is_absolute() or ".." in path.parts or "\0" in name
    return not unsafe and 0 < longest <= LONGEST_NAME


class ImageFiles:
    """The images below a folder, found by name: with a suffix, in any case, or without one."""

    def __init__(self, top: AnyPath):
        self._top = top
        self._names: dict[PurePosixPath, dict[str, list[str]]] = {}  # by folder, then by name without suffix

    def find(self, item: str) -> tuple[str, AnyPath]:
        """Return the image's name below the folder, and its path. Raises UserError unless it is one file."""
        if "\\" in item and not self.lists(item):  # written on Windows
            item = item.replace("\\", "/")
        if not inside(item):
            raise UserError(f"{item}: points outside {self._top.name}, or is not a valid file name")
        if len(names := self._matches(item)) > 1:
            raise UserError(f"{item}: may be {' or '.join(names)}; list it with its suffix")
        if names and (path := self._top / names[0]).is_file():
            return names[0], path
        reason = "not an image file" if (self._top / item).is_file() else f"no image of that name in {self._top.name}"
        raise UserError(f"{item}: {reason}")

    def lists(self, item: str) -> bool:
        """Whether there is an image of this name."""
        return inside(item) and bool(self._matches(item))

    def _matches(self, item: str) -> list[str]:
        path = PurePosixPath(item)
        if path.parent not in self._names:
            self._names[path.parent] = self._in(path.parent)
        names = self._names[path.parent]
        stem, suffix = split_suffix(path.name)
        alike = [name for name in names.get(stem, ()) if split_suffix(name)[1] == suffix]
        exact = [name for name in alike if name == path.name]
        return [(path.parent / name).as_posix() for name in exact or alike or names.get(path.name, [])]

    def _in(self, parent: PurePosixPath) -> dict[str, list[str]]:
        names: dict[str, list[str]] = {}
        folder = self._top / parent
        for path in folder.iterdir() if folder.is_dir() else ():
            stem, suffix = split_suffix(path.name)
            if suffix:
                names.setdefault(stem, []).append(path.name)
        return {stem: sorted(alike) for stem, alike in names.items()}


def names_in(lines: list[str], images: ImageFiles, column: re.Pattern[str]) -> list[str]:
    """Return the image named by each line of a list: the whole line, or what precedes the list's second column.

    A list has that column if each line ends with it and no whole line names an image: names may contain blanks. Some
    tools (CVAT, datumaro) put such names into double quotes.
    """
    shorter = [column.sub("", line) for line in lines]
    has_column = all(map(str.__ne__, shorter, lines)) and not any(map(images.lists, lines))
    names = shorter if has_column else lines
    return [name if images.lists(name) else re.sub(r'^"(.+)"$', r"\1", name) for name in names]
