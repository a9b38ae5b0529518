"""Lists of images, and blacklists: classes of which an image's objects are not all known. One entry per line.

list         <image> or <image> <number>; a name may contain blanks and end in a file extension
blacklist    <image, or its number> <class>; the official one numbers images as the kit's val.txt does
"""

import re
from collections.abc import Callable, Collection
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from googlenet.data.archive_path import AnyPath
from googlenet.data.class_table import lines_of
from googlenet.data.image_files import inside, split_suffix
from googlenet.errors import UserError

NUMBERED = re.compile(r"(.*\S)\s+(-?\d+)", re.ASCII)
LONGEST_NUMBER = 18  # digits


class ImageList(NamedTuple):
    """A list of images: their names in order, without file extensions, and the index of each by name and by number."""

    file: str
    names: list[str]
    place: dict[str, int]
    by_number: dict[str, int]

    def find(self, name: str) -> int | None:
        """Return the index of an image by name, with or without a file extension; None if it is not listed."""
        return self.place.get(name, self.place.get(without_extension(name)))

    @property
    def numbers(self) -> list[int]:
        """Each image's number, in the order of the names."""
        return [int(number) for number in self.by_number]


class Blacklist(NamedTuple):
    """The entries on images and classes of the set, as (image name, class key); and the number of other entries."""

    pairs: list[tuple[str, str]]
    outside: int


def blacklist_note(file: str, used: int, outside: int) -> tuple[str, ...]:
    """Note how much of a blacklist applied, if some of it concerns images or classes that a data set lacks."""
    if not outside:
        return ()
    return (f"{PurePosixPath(file).name}: {used:,} entries apply; {outside:,} are on images or classes not in the set",)


def without_extension(name: str) -> str:
    """Return a name without the extension of an image or of an annotation, in any case."""
    return name[:-4] if name.lower().endswith(".xml") else split_suffix(name)[0]


def read_list(path: AnyPath, annotations: Path | None = None) -> ImageList:
    """Read a list. Numbers are those that end the lines if all are distinct and >= 1, else line numbers from 1.

    `annotations`: the folder that decides, by the XML in it, whether a number or an extension is part of a name.
    """
    place: dict[str, int] = {}
    last: list[str] = []
    for at, line in lines_of(path):
        name, number = _parsed(line, annotations)
        if name in place:
            raise UserError(f"{path.name}, line {at}: '{name}' is listed twice; remove one of the lines")
        place[name] = len(place)
        last.append(number)
    if not place:
        raise UserError(f"{path.name}: lists no image; give one name in each line")
    given = {int(number) for number in last if number.isdecimal() and len(number) <= LONGEST_NUMBER} - {0}
    numbers = map(int, last) if len(given) == len(last) else range(1, len(last) + 1)
    return ImageList(path.name, list(place), place, {str(number): at for at, number in enumerate(numbers)})


def _parsed(line: str, annotations: Path | None) -> tuple[str, str]:
    """Return a line's name, and the number after it or ""."""
    match = NUMBERED.fullmatch(line)
    name, number = (match[1], match[2]) if match else (line, "")
    choices = [(line, ""), (without_extension(line), ""), (name, number), (without_extension(name), number)]
    for choice, its_number in choices:
        if annotations and inside(choice) and (annotations / f"{choice}.xml").is_file():
            return choice, its_number
    return choices[-1]


def read_blacklist(
    path: AnyPath,
    images: Collection[str],
    numbers: ImageList,
    class_of: Callable[[str, str], str | None],
    remedy: str,
) -> Blacklist:
    """Read a blacklist, which may cover more than the set.

    `images`: names of the set; `numbers`: the list that the blacklist's numbers refer to; `class_of(name, where)`: key
    of a class, None if the set lacks it. Raises UserError, ending in `remedy`, if the numbers are of another list.
    """
    pairs, outside = [], 0
    # Part of a list has gaps in its numbers; a list without gaps is complete, or was renumbered.
    gapless = len(numbers.names) == max(numbers.numbers, default=0)
    for at, line in lines_of(path):
        where = f"{path.name}, line {at}"
        image, name, number = _entry(line, images, numbers, where)
        if gapless and number > len(numbers.names):
            what = f"no image {number}: the {len(numbers.names)} of {numbers.file} have numbers of their own, from 1"
            raise UserError(f"{where}: {what}; {remedy}")
        key = None if image is None else class_of(name, where)
        if image is None or key is None:
            outside += 1
        else:
            pairs.append((image, key))
    return Blacklist(pairs, outside)


def _entry(line: str, images: Collection[str], numbers: ImageList, where: str) -> tuple[str | None, str, int]:
    """Return an entry's image (None if the set lacks it), its class, and the number if the image is given by number."""
    halves = [(line[: gap.start()], line[gap.end() :]) for gap in re.finditer(r"\s+", line)]
    if not halves:
        raise UserError(f"{where}: '{line}' is not the number of an image and a class; correct the line")
    for image, name in reversed(halves):
        for known in (image, without_extension(image)):  # names take precedence over numbers
            if known in images:
                return known, name, 0
    number, name = halves[0]
    if not number.isdecimal() or len(number) > LONGEST_NUMBER:
        return None, name, 0
    at = numbers.by_number.get(str(int(number)))
    image = "" if at is None else numbers.names[at]
    return image if image in images else None, name, int(number)
