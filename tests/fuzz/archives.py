"""ILSVRC's archives: tars, tars in tars, compressed tars, and what is in the development kits; Tiny ImageNet's."""

import io
import tarfile
from functools import cache, partial
from pathlib import Path

import official_archives as official
from hypothesis import strategies as st

from data.datasets import classification, detection
from data.tiny_imagenet_tree import SPLITS, TOP, tarred, tiny_imagenet_tree, zipped
from fuzz.child import Files, Format
from fuzz.mutations import damaged, gzipped, one_of_files, reworded, tars
from fuzz.reading import MOST, prepared, tree

META, TRUTH = "data/meta.mat", "data/ILSVRC2012_validation_ground_truth.txt"
KIT = official.KIT.removesuffix(".tar.gz")
DET_SPLITS = {"splits": {"train": "train", "validation": "val1", "test": "val2"}, "box_origin": 0}
HALVES = {
    f"ImageSets/DET/val{half}.txt": "".join(f"ILSVRC2012_val_{i:08d}\n" for i in range(half, 7, 2)).encode()
    for half in (1, 2)
}


@cache
def classification_archives() -> Files:
    """The three archives of 2012."""
    return tree(lambda root: official.write_classification(root, 3, 2, 1))


@cache
def detection_archives() -> Files:
    """The archives of 2014, and lists of one's own."""
    return tree(official.write_detection) | HALVES


@cache
def release() -> Files:
    """The one archive of 2017, and its kit."""
    return tree(official.write_release) | HALVES


def of_archive(name: str, files: Files) -> st.SearchStrategy[Files]:
    """One archive, plain or compressed, changed."""
    change = tars if name.endswith(".tar") else gzipped
    return change(files[name]).map(lambda made: {name: made})


def kit_members() -> dict[str, bytes]:
    """The files of the kit of 2012."""
    with tarfile.open(fileobj=io.BytesIO(classification_archives()[official.KIT])) as kit:
        return {name: kit.extractfile(name).read() for name in kit.getnames()}


def in_kit(files: Files) -> st.SearchStrategy[Files]:
    """A kit in which the table of classes or the ground truth is changed."""
    inner = kit_members()
    meta, truth = inner[f"{KIT}/{META}"], inner[f"{KIT}/{TRUTH}"]
    changes = damaged(meta).map(lambda made: {META: made}) | reworded(truth).map(lambda made: {TRUTH: made})
    changes |= damaged(official.meta_mat(official.numbers(3), compressed=False)).map(lambda made: {META: made})

    def packed(change: dict[str, bytes]) -> Files:
        members = inner | {f"{KIT}/{name}": content for name, content in change.items()}
        return {official.KIT: official.packed(members.items(), "w:gz")}

    return changes.map(packed)


def read_classification(root: Path) -> list[str]:
    splits = {"train": "train", "validation": "", "test": "val"}
    source = classification("ilsvrc_archives", root, max_bad_fraction=MOST, splits=splits, validation_per_class=1)
    return prepared(source)


def read_detection(root: Path) -> list[str]:
    return prepared(detection("ilsvrc_archives", root, max_bad_fraction=MOST, **DET_SPLITS))


@cache
def tiny_imagenet(form: str) -> Files:
    """Tiny ImageNet in an archive."""

    def write(root: Path) -> None:
        pack = zipped if form == "zip" else tarred
        pack(tiny_imagenet_tree(root), root / f"{TOP}.{form}")

    return {name: content for name, content in tree(write).items() if name == f"{TOP}.{form}"}


def read_tiny_imagenet(root: Path) -> list[str]:
    return prepared(classification("tiny_imagenet", root, max_bad_fraction=MOST, splits=SPLITS, validation_per_class=1))


OF_2012 = (official.TRAIN, official.VAL, official.KIT)
OF_2014 = ("ILSVRC2014_DET_train.tar", "ILSVRC2014_DET_bbox_train.tgz", "ILSVRC2014_devkit.tgz")
FORMATS = (
    *(Format(name, classification_archives, partial(of_archive, name), read_classification) for name in OF_2012),
    Format("files of a development kit", classification_archives, in_kit, read_classification),
    *(Format(name, detection_archives, partial(of_archive, name), read_detection) for name in OF_2014),
    *(
        Format(f"{TOP}.{form}", partial(tiny_imagenet, form), partial(one_of_files, change=damaged), read_tiny_imagenet)
        for form in ("zip", "tar.xz")
    ),
    Format("ILSVRC2017_DET.tar", release, partial(of_archive, "ILSVRC2017_DET.tar"), read_detection),
)
