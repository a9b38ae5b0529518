"""Tiny ImageNet's layout with two classes and a few images of 64 px."""

import io
import tarfile
import zipfile
from pathlib import Path

from data.datasets import jpeg, put

CAT, DOG = "n02123045", "n02084071"
BOXES = ("0\t0\t63\t63", "4\t10\t20\t63", "1\t2\t3\t4", "0\t32\t44\t62")
SPLITS = {"train": "train", "validation": "", "test": "val"}
TOP = "tiny-imagenet-200"
TABLE, CAT_BOXES = "val/val_annotations.txt", f"train/{CAT}/{CAT}_boxes.txt"


def tiny_imagenet_tree(root: Path, images: int = 4) -> Path:
    """Write it; return its folder."""
    top = root / TOP
    for at, wnid in enumerate((CAT, DOG)):
        names = [f"{wnid}_{number}.JPEG" for number in range(images)]
        for number, name in enumerate(names):
            put(top / "train" / wnid / "images" / name, jpeg(64, 64, seed=10 * at + number))
        rows = [f"{name}\t{BOXES[number % 4]}\n" for number, name in enumerate(names)]
        put(top / "train" / wnid / f"{wnid}_boxes.txt", "".join(rows))
    for number in range(images):
        put(top / "val/images" / f"val_{number}.JPEG", jpeg(64, 64, seed=50 + number))
    rows = [f"val_{number}.JPEG\t{(CAT, DOG)[number % 2]}\t{BOXES[number % 4]}\n" for number in range(images)]
    put(top / "val/val_annotations.txt", "".join(rows))
    put(top / "wnids.txt", f"{DOG}\n{CAT}\n")
    put(top / "words.txt", f"n00001740\tentity\n{CAT}\ttabby, tabby cat\n{DOG}\tdog, domestic dog, Canis familiaris\n")
    put(top / "test/images/test_0.JPEG", jpeg(64, 64, seed=99))
    return top


def edited(top: Path, file: str, old: str, new: str) -> None:
    """Replace the first occurrence in a table."""
    put(top / file, (top / file).read_text().replace(old, new, 1))


def zipped(top: Path, path: Path) -> Path:
    """Its files as a zip, as it is downloaded."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(top.rglob("*")):
            archive.write(file, file.relative_to(top.parent))
    return path


def tarred(top: Path, path: Path, mode: str = "w:xz") -> Path:
    """Its files as a tar."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as archive:
        archive.add(top, top.name)
    return put(path, made.getvalue())
