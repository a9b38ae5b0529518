"""Suggest, in error messages, the settings that would read a folder whose layout differs from the given ones."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from googlenet.config.schema.dataset import DataSource, DetectionSource
from googlenet.data.folders import INNER, PLACE, held_out, visible
from googlenet.data.image_files import is_image
from googlenet.data.records import SPLITS
from googlenet.errors import UserError

NAMES = {"train": ("train", "training"), "validation": ("validation", "val", "valid"), "test": ("test", "testing")}
HELD_OUT = {"classification": 10, "detection": 50}  # proposed where there are no validation images
LISTS = ("ImageSets/Main", "ImageSets", ".")
Keys = dict[str, Any]  # settings below dataset.<kind>


@contextmanager
def advised(source: DataSource, root: Path) -> Iterator[None]:
    """Append to a UserError of the block the keys that would read `root` as it is, if there are any."""
    import yaml

    try:
        yield
    except UserError as error:
        present, keys = source.model_dump(), {}
        with suppress(OSError):  # a folder that cannot be read is not advised on
            keys = {key: value for key, value in _keys(source, root).items() if value != present[key]}
        if not keys:
            raise
        text = yaml.safe_dump(keys, default_flow_style=True, sort_keys=False, width=10**6, allow_unicode=True).strip()
        if "lists" in keys and "splits" not in _keys(source, root):
            text += ", and list the names of the images in its train.txt, val.txt and test.txt"
        problem = str(error).rpartition("; ")[0] or str(error)
        raise UserError(f"{problem}; to read the folder as it is, set {source.key}: {text}") from None


def _keys(source: DataSource, root: Path) -> Keys:
    """Return the keys that read `root`, or the only folder in it; none if its layout is unknown."""
    keys = _detection(source, root) if isinstance(source, DetectionSource) else _classification(source, root)
    inner = _folders(root)
    if not keys and len(inner) == 1 and (keys := _keys(source, inner[0])):
        return {"root": str(inner[0])} | keys
    return keys


def _classification(source: DataSource, root: Path) -> Keys:
    return _splits(source, lambda name: _class_folders_or_list(root, name))


def _class_folders_or_list(root: Path, name: str) -> str:
    """Return the folder of class folders with this name or, without one, a list beside it or in it."""
    if any(path.name != INNER for path in _folders(root / name)):
        return name
    lists = (f"{name}.txt", f"{name}/{name}.txt", f"{name}/{name}_annotations.txt")
    return next((path for path in lists if (root / path).is_file()), "")


def _detection(source: DetectionSource, root: Path) -> Keys:
    """Return the keys for VOC's lists, for a folder per split, or for folders without lists."""
    images, annotations = _with(root, is_image, source.images), _with(root, _is_xml, source.annotations)
    for folder in LISTS:
        lists = {path.stem for path in (root / folder).glob("*.txt")}
        if (keys := _splits(source, lambda name: name if name in lists else "")) and images and annotations:  # noqa: B023
            return {"images": images, "annotations": annotations, "lists": folder} | keys
    keys = _splits(source, lambda name: name if _with(root / name, _is_xml) else "")
    if keys and (first := root / keys["splits"]["train"]) and _with(first, is_image):
        inner = {"images": _with(first, is_image), "annotations": _with(first, _is_xml)}
        return {key: f"{PLACE}/{name}".removesuffix("/.") for key, name in inner.items()} | {"lists": ""} | keys
    return {"images": images, "annotations": annotations, "lists": "."} if images and annotations else {}


def _splits(source: DataSource, of_name: Callable[[str], str]) -> Keys:
    """Return `splits` and the number of images to hold out; none without test images. `of_name`: a split's source."""
    names = {split: [spelt for name in NAMES[split] for spelt in (name, name.title())] for split in SPLITS}
    train, validation, test = (next(filter(None, map(of_name, names[split])), "") for split in SPLITS)
    alone = source.kind == "classification" and not train and not (validation and test)
    if not test or alone:
        validation, test = "", test or validation
    if not test or not (train or alone):
        return {}
    key, count = held_out(source)
    held = 0 if validation or alone else count or HELD_OUT[source.kind]
    return {"splits": {"train": train, "validation": validation, "test": test}, key.rpartition(".")[2]: held}


def _with(folder: Path, wanted: Callable[[Path], bool], first: str = ".") -> str:
    """Return the first of `first`, "." and the subfolders' names that contains a `wanted` file; "" for none."""
    places = {first: folder / first, ".": folder} | {path.name: path for path in _folders(folder)}
    return next((name for name, path in places.items() if path.is_dir() and any(map(wanted, path.iterdir()))), "")


def _is_xml(path: Path) -> bool:
    return path.suffix.lower() == ".xml"


def _folders(folder: Path) -> list[Path]:
    return [path for path in visible(folder) if path.is_dir()] if folder.is_dir() else []
