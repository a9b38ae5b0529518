"""Images that lists name, each with the XML of its objects: the layout of VOC and of ILSVRC's detection."""

from collections.abc import Collection
from pathlib import Path, PurePosixPath

from googlenet.data.annotations import read_annotation
from googlenet.data.archive_path import AnyPath
from googlenet.data.folders import PICTURES, candidate, inside
from googlenet.data.records import Annotation, Candidate, Refused
from googlenet.errors import UserError


def listed(
    split: str,
    items: list[str],
    images: AnyPath,
    annotations: AnyPath,
    origin: int,
    empty: bool = False,
    negatives: Collection[str] = (),
) -> tuple[list[Candidate], list[Refused]]:
    """The picture and annotation of every item of a list; what lacks one of them is refused.

    `empty`: an annotation may name no object. `negatives`: items without objects, which need no annotation.
    """
    candidates, refused = [], []
    for item in items:
        try:
            if not inside(item):
                raise UserError(f"{item}: leads out of its folder, or is no name of a file")
            (name, path), file = _picture(images, item), annotations / f"{item}.xml"
            if item in negatives and not file.is_file():
                annotation = Annotation(file.name, (), (), (), (0, 0), origin)
            else:
                annotation = read_annotation(file, origin, empty or item in negatives)
            candidates.append(candidate(split, name, path, -1, annotation))
        except UserError as error:
            refused.append(Refused(split, item, str(error)))
    return candidates, refused


def drop_repeated(splits: dict[str, list[Candidate]]) -> tuple[dict[str, list[Candidate]], list[Refused]]:
    """Keep each picture once, in the first split that lists it: test must not hold what training has seen."""
    seen: dict[tuple[Path, int], str] = {}
    kept: dict[str, list[Candidate]] = {}
    refused: list[Refused] = []
    for split, candidates in splits.items():
        kept[split] = []
        for item in candidates:
            if item.place in seen:
                reason = f"{item.name}: already listed in {seen[item.place]}"
                refused.append(Refused(split, item.name, reason))
            else:
                seen[item.place] = split
                kept[split].append(item)
    return kept, refused


def class_keys(train: list[Candidate]) -> list[str]:
    """The names of all objects in the training annotations, sorted."""
    return sorted({name for item in train if item.annotation for name in item.annotation.names})


def _picture(images: AnyPath, item: str) -> tuple[str, AnyPath]:
    """Name and place of the picture of a list's item, whose name may or may not have its suffix."""
    for suffix in (".jpg", ".JPEG", "", *(s for s in PICTURES if s != ".jpg")):
        name = PurePosixPath(f"{item}{suffix}")
        path = images / name
        if path.is_file() and not name.is_absolute():
            return name.as_posix(), path
    raise UserError(f"{item}: no picture of that name in {images.name}")
