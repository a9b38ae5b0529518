"""Reader of VOC's layout: pictures, one XML of boxes for each, and a list of names per split."""

from collections.abc import Collection
from pathlib import Path, PurePosixPath

from googlenet.data.annotations import read_annotation
from googlenet.data.class_table import lines_of
from googlenet.data.folders import PICTURES, candidate, check_splits, empty_kept, inside, require, root_of
from googlenet.data.packed import Packed
from googlenet.data.records import SPLITS, Annotation, Candidate, Reading, Refused
from googlenet.errors import UserError


def check(kind: str, settings: dict) -> None:
    """See that the folders and lists exist. Raises UserError naming the key."""
    root = root_of(kind, settings)
    check_splits(kind, settings)
    if settings["box_origin"] not in (0, 1):
        raise UserError(
            f"dataset.{kind}.box_origin: {settings['box_origin']}; the first pixel is 0 or 1 (VOC: 1)"
        )
    for key in ("images", "annotations", "lists"):
        require(root / settings[key], f"dataset.{kind}.{key}")
    empty_kept(kind, settings)
    for split in SPLITS:
        require(_list(root, settings, split), f"dataset.{kind}.splits.{split}", folder=False)


def read(kind: str, settings: dict, scratch: Path | None = None) -> Reading:
    """Read lists and annotations. Classes: `classes` if given, else those of the training XML, sorted."""
    check(kind, settings)
    root = root_of(kind, settings)
    images, annotations = root / settings["images"], root / settings["annotations"]
    splits, refused = {}, []
    for split in SPLITS:
        items = [line.split()[0] for line in lines_of(_list(root, settings, split)) if line]
        splits[split], bad = listed(
            split, items, images, annotations, settings["box_origin"], empty_kept(kind, settings)
        )
        refused += bad
    splits, twice = drop_repeated(splits)
    keys = list(settings["classes"]) or class_keys(splits["train"])
    return Reading(keys, keys, splits, refused + twice, "pictures with VOC boxes")


def listed(
    split: str,
    items: list[str],
    images: Path | Packed,
    annotations: Path | Packed,
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
    kept, refused = {}, []
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
    return sorted({name for item in train for name in item.annotation.names})


def _list(root: Path, settings: dict, split: str) -> Path:
    return root / settings["lists"] / f"{settings['splits'][split]}.txt"


def _picture(images: Path | Packed, item: str) -> tuple[str, Path | Packed]:
    """Name and place of the picture of a list's item, whose name may or may not have its suffix."""
    for suffix in (".jpg", ".JPEG", "", *(s for s in PICTURES if s != ".jpg")):
        name = PurePosixPath(f"{item}{suffix}")
        path = images / name
        if path.is_file() and not name.is_absolute():
            return name.as_posix(), path
    raise UserError(f"{item}: no picture of that name in {images.name}")
