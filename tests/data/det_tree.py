"""A small copy of ILSVRC's detection data, with its lists by class, and the settings that read it."""

from pathlib import Path
from typing import Any

from data.datasets import SPLITS, detection, jpeg, put, xml
from googlenet.config.schema.dataset import DetectionSource

CAT, DOG, FOX = "n02000002", "n02000001", "n02000003"  # sorted: dog, cat, fox
TABLE = f"{CAT} 1 cat\n{DOG} 2 domestic_dog\n{FOX} 3 fox\n"
BOXES = {CAT: (CAT, 0, 0, 9, 9), DOG: (DOG, 3, 3, 31, 23), FOX: (FOX, 5, 5, 20, 20)}


def tree(root: Path) -> Path:
    """Four training images with boxes and two without any; val and test with one image for each class."""
    top = root / "ILSVRC"
    put(top / "devkit/data/map_det.txt", TABLE)
    train = {"a/0": [CAT], "a/1": [CAT, DOG], "b/2": [DOG], "b/3": [FOX], "extra/4": None, "extra/5": []}
    lists = {
        1: "a/0 1\na/1 0\nb/2 -1\nextra/4 -1\nextra/5 -1\n",
        2: "a/1 1\nb/2 1\nextra/5 -1\n",
        3: "b/3 1\nextra/5 -1\n",
    }
    for number, text in lists.items():
        put(top / f"ImageSets/DET/train_{number}.txt", text)
    for split in ("val", "test"):
        items = {f"{split}_{i}": [key] for i, key in enumerate((CAT, DOG, FOX))}
        image(top, split, items)
        put(top / f"ImageSets/DET/{split}.txt", "".join(f"{item} {i}\n" for i, item in enumerate(items, start=1)))
    image(top, "train", train)
    return top


def image(top: Path, split: str, objects_of: dict[str, list | None]) -> None:
    """Images with their XML; none for None."""
    for item, objects in objects_of.items():
        put(top / f"Data/DET/{split}/{item}.JPEG", jpeg())
        if objects is not None:
            put(top / f"Annotations/DET/{split}/{item}.xml", xml(*(BOXES.get(name, name) for name in objects)))


def settings(root: Path, **changes: Any) -> DetectionSource:
    """Settings that read it."""
    splits = SPLITS | {"validation": "val"}
    return detection("ilsvrc", root, **({"splits": splits, "box_origin": 0} | changes))
