"""Lists of images with classes, where a split has no class folders: <image> <class> on each line.

The class is a name or, as in Caffe's val.txt, a 0-based index in the order of the classes. Columns are separated by
white space or, as in Tiny ImageNet's val_annotations.txt, by tabs; further columns may follow. The images are in the
list's folder, in a folder of its name (val/ for val.txt), or in a folder `images` beside it.
"""

from googlenet.data.archive_path import AnyPath
from googlenet.data.class_table import lines_of
from googlenet.data.folders import INNER, candidate
from googlenet.data.image_files import ImageFiles
from googlenet.data.records import Candidate, Refused
from googlenet.errors import UserError, nearest


def class_names(path: AnyPath) -> list[str]:
    """Return the classes of a list: in name order or, if all are numbers, in numeric order."""
    names = {class_name for _, _, class_name in _rows(path)}
    return sorted(names, key=int if all(map(str.isdecimal, names)) else None)


def images_in(path: AnyPath, split: str, classes: list[str], refused: list[Refused]) -> list[Candidate]:
    """Return a list's images with classes; add those that do not exist to `refused`. UserError for an unknown class."""
    numbers = {} if any(map(str.isdecimal, classes)) else {str(at): at for at in range(len(classes))}
    labels = numbers | {name: at for at, name in enumerate(classes)}
    places = [ImageFiles(folder) for folder in (path.parent, path.parent / path.stem, path.parent / INNER)]
    candidates: dict[str, Candidate] = {}
    for where, item, class_name in _rows(path):
        if class_name not in labels:
            count = f"; it has {len(classes)} classes, counted from 0"
            known = count if class_name.isdecimal() and numbers else nearest(class_name, classes)
            raise UserError(f"{where}: class '{class_name}' is not in training{known}; correct the line")
        try:
            name, file = next((place for place in places if place.lists(item)), places[0]).find(item)
            found = candidate(name, file, labels[class_name])
        except UserError as error:
            refused.append(Refused(split, item, str(error)))
            continue
        if (first := candidates.setdefault(name, found)) is not found:
            if first.label != found.label:
                raise UserError(
                    f"{where}: {item} is of class '{class_name}', but of another in an earlier line; keep one"
                )
            refused.append(Refused(split, item, f"{item}: listed twice"))
    return list(candidates.values())


def _rows(path: AnyPath) -> list[tuple[str, str, str]]:
    """Return (location for errors, image, class) of each line."""
    rows = []
    for at, line in lines_of(path):
        where = f"{path.name}, line {at}"
        words = line.split("\t") if "\t" in line else line.rsplit(maxsplit=1)
        if len(words) < 2 or not words[1].strip():
            raise UserError(f"{where}: '{line}' is not an image and a class; correct the line")
        rows.append((where, words[0].strip(), words[1].strip()))
    return rows
