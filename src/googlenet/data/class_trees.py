"""Folders of images by class: one folder for each, named after it, on disk or packed."""

from googlenet.data.archive_path import AnyPath
from googlenet.data.folders import candidate, inside, is_picture, visible
from googlenet.data.records import Candidate, Refused
from googlenet.errors import UserError, nearest, printable


def class_names(folder: AnyPath, key: str) -> list[str]:
    """The names of a folder's folders, sorted. Raises UserError when there is none or one has no picture."""
    found = [path for path in visible(folder) if path.is_dir()]
    if not found:
        raise UserError(
            f"{key}: {folder} has no class folders; it should hold one folder of pictures per class"
        )
    for path in found:
        if not inside(path.name):
            raise UserError(f"{path}: the name of this class folder is no UTF-8, or too long; rename it")
        if not any(is_picture(item) for item in path.iterdir()):
            raise UserError(f"{path}: class folder without pictures; fill it or remove it")
    return [path.name for path in found]


def pictures_in(folder: AnyPath, split: str, classes: list[str]) -> tuple[list[Candidate], list[Refused]]:
    """Every picture of one split with its class, and the files there that are no pictures.

    A class that training does not have is a UserError: its pictures could only ever count as wrong.
    """
    candidates, refused = [], []
    labels = {name: label for label, name in enumerate(classes)}
    for entry in visible(folder):
        if not entry.is_dir():
            name = printable(entry.name)
            refused.append(Refused(split, name, f"{name}: lies in no class folder"))
            continue
        if entry.name not in labels:
            raise UserError(
                f"{entry}: class '{entry.name}' is not in training{nearest(entry.name, classes)}; add pictures of it"
                " there, or take this folder away"
            )
        for path in visible(entry):
            name = f"{entry.name}/{path.name}"
            if not inside(path.name):
                name = printable(name)
                refused.append(Refused(split, name, f"{name}: its name is no UTF-8, or too long; rename it"))
            elif is_picture(path):
                candidates.append(candidate(split, name, path, labels[entry.name]))
            else:
                refused.append(Refused(split, name, f"{name}: not a picture file"))
    return candidates, refused
