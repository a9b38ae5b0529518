"""Small versions of ILSVRC's archives: noise images under the official names, packed like the release, for tests and
measurements.

    python benchmarks/official_archives.py folder           # 100,000 training and 10,000 val images, 1,000 classes
    python benchmarks/official_archives.py folder --classes 10 --train 5 --val 2
    python benchmarks/official_archives.py folder --index   # also time and memory of reading their headers

The bytes of every image are unique: 64 images of noise, with the name as a comment in each JPEG. The classes' numbers
are shuffled, like the competition's, so that a reader that assumes alphabetical order gets every label wrong.
"""

import argparse
import io
import json
import resource
import tarfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

if TYPE_CHECKING:
    from googlenet.config.schema.dataset import ClassificationSource

BASES = 64
TRAIN, VAL, KIT = "ILSVRC2012_img_train.tar", "ILSVRC2012_img_val.tar", "ILSVRC2012_devkit_t12.tar.gz"


def wnids(classes: int) -> list[str]:
    """The wnids of the classes, in alphabetical order."""
    return [f"n{1440764 + 37 * at:08d}" for at in range(classes)]


def numbers(classes: int, seed: int = 0) -> dict[str, int]:
    """The competition's number, from 1, of each class; not in alphabetical order."""
    order = np.random.default_rng(seed).permutation(classes) + 1
    if classes > 1 and (np.diff(order) > 0).all():
        order = order[::-1]
    return dict(zip(wnids(classes), map(int, order), strict=True))


class NoiseImages:
    """JPEGs of noise, each with its own bytes."""

    def __init__(self, side_px: int = 40, seed: int = 0):
        rng = np.random.default_rng(seed)
        coarse = rng.integers(0, 256, (BASES, 6, 6, 3), dtype=np.uint8)
        sized = [cv2.resize(item, (side_px, side_px), interpolation=cv2.INTER_CUBIC) for item in coarse]
        self.bases = [cv2.imencode(".jpg", item)[1].tobytes() for item in sized]

    def named(self, name: str, at: int) -> bytes:
        """A JPEG with the name as a comment after its first marker."""
        base, comment = self.bases[at % BASES], name.encode()
        return base[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + base[2:]


def packed(files: Iterable[tuple[str, bytes]], mode: Literal["w", "w:gz"] = "w") -> bytes:
    """A tar archive of files, as bytes; mode "w:gz" compresses it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=tarfile.GNU_FORMAT) as archive:
        for name, content in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def write_classification(folder: Path, classes: int, train: int, val: int, side_px: int = 40) -> None:
    """Write the three archives of the 2012 set: `train` and `val` images of each class."""
    folder.mkdir(parents=True, exist_ok=True)
    noise, number_of = NoiseImages(side_px), numbers(classes)
    with tarfile.open(folder / TRAIN, "w", format=tarfile.GNU_FORMAT) as archive:
        for label, wnid in enumerate(wnids(classes)):
            # As in the official archives, the numbers in names have no fixed width, and files are in another order.
            names = [f"{wnid}_{11 * at + 7}.JPEG" for at in range(train)]
            inner = packed((name, noise.named(name, label + at)) for at, name in reversed(list(enumerate(names))))
            entry = tarfile.TarInfo(f"{wnid}.tar")
            entry.size = len(inner)
            archive.addfile(entry, io.BytesIO(inner))
    truth = np.random.default_rng(1).permutation(np.repeat(list(number_of.values()), val))
    with tarfile.open(folder / VAL, "w", format=tarfile.GNU_FORMAT) as archive:
        for at in range(len(truth)):
            name = f"ILSVRC2012_val_{at + 1:08d}.JPEG"
            content = noise.named(name, at)
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    top = KIT.removesuffix(".tar.gz")
    texts = {
        "readme.txt": b"made\n",
        "data/meta.mat": meta_mat(number_of),
        "data/ILSVRC2012_validation_ground_truth.txt": "".join(f"{number}\n" for number in truth).encode(),
    }
    kit = packed(((f"{top}/{name}", text) for name, text in texts.items()), "w:gz")
    (folder / KIT).write_bytes(kit)


def meta_mat(number_of: dict[str, int], compressed: bool = True) -> bytes:
    """meta.mat as in the 2012 kit: the classes in the order of their numbers, then two of their parents."""
    from scipy.io import savemat

    rows: list[tuple[object, ...]] = [
        (number, wnid, f"thing {wnid}, made thing", "a thing", 0, [], 0, 1300)
        for wnid, number in sorted(number_of.items(), key=lambda item: item[1])
    ]
    parents = [("n00001740", [1, len(rows)]), ("n00001930", [1])]
    rows += [
        (len(number_of) + at, wnid, "entity", "that which is", len(children), children, 5, 0)
        for at, (wnid, children) in enumerate(parents, start=1)
    ]
    names = ("ILSVRC2012_ID", "WNID", "words", "gloss", "num_children", "children", "wordnet_height")
    table = np.zeros((len(rows), 1), [(name, object) for name in (*names, "num_train_images")])
    for at, row in enumerate(rows):
        table[at, 0] = row
    buffer = io.BytesIO()
    savemat(buffer, {"synsets": table}, do_compression=compressed)
    return buffer.getvalue()


def det_xml(*objects: tuple[str, int, int, int, int], side_px: int = 40) -> bytes:
    """The XML of an image with (wnid, xmin, ymin, xmax, ymax) objects."""
    text = f"<annotation><size><width>{side_px}</width><height>{side_px}</height></size>"
    for wnid, *box in objects:
        corners = "".join(f"<{k}>{v}</{k}>" for k, v in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True))
        text += f"<object><name>{wnid}</name><bndbox>{corners}</bndbox></object>"
    return (text + "</annotation>").encode()


def detection(classes: int = 3, per_class: int = 2, side_px: int = 40) -> dict[str, dict[str, bytes]]:
    """The files of a small DET, {archive of 2014: {name in it: bytes}}; inner tars are given as folders.

    For each class, one training image has all its boxes, one may lack some, and one of extra0 has no object of it.
    """
    noise, number_of = NoiseImages(side_px, seed=2), numbers(classes, seed=3)
    images, boxes, val_images, val_boxes = (dict[str, bytes]() for _ in range(4))
    lists, val_lines = dict[str, str](), list[str]()
    for at, (wnid, number) in enumerate(number_of.items()):
        items = [f"{wnid}/{wnid}_{5 * i + 1}" for i in range(per_class)]
        negative = f"ILSVRC2013_DET_train_extra0/ILSVRC2013_train_{at:08d}"
        for i, item in enumerate((*items, negative)):
            images[f"{item}.JPEG"] = noise.named(item, at + i)
        boxes |= {f"{item}.xml": det_xml((wnid, 1, 2, 20, 30), side_px=side_px) for item in items}
        lists[f"train_pos_{number}.txt"] = "".join(f"{item}\n" for item in items[1:])
        lists[f"train_part_{number}.txt"] = f"{items[0]}\n"
        lists[f"train_neg_{number}.txt"] = f"{negative}\n"
        for _ in range(2):
            name = f"ILSVRC2012_val_{len(val_lines) + 1:08d}"
            val_images[f"{name}.JPEG"] = noise.named(name, at)
            val_boxes[f"{name}.xml"] = det_xml((wnid, 0, 0, 15, 15), side_px=side_px)
            val_lines.append(f"{name} {len(val_lines) + 1}\n")
    lists["val.txt"] = "".join(val_lines)
    kit = {f"data/det_lists/{name}": text.encode() for name, text in lists.items()}
    kit["data/map_det.txt"] = "".join(f"{k} {n} made_{k}\n" for k, n in number_of.items()).encode()
    kit["data/ILSVRC2014_det_validation_blacklist.txt"] = f"1 {wnids(classes)[-1]}\n".encode()
    return {
        "ILSVRC2014_DET_train": images,
        "ILSVRC2014_DET_bbox_train": boxes,
        "ILSVRC2013_DET_val": val_images,
        "ILSVRC2013_DET_bbox_val": val_boxes,
        "ILSVRC2014_devkit": kit,
    }


def write_detection(folder: Path, **size: int) -> None:
    """Write a small DET as the 2014 archives: images in nested tars, boxes and kit compressed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, files in detection(**size).items():
        if name == "ILSVRC2014_DET_train":
            tars: dict[str, list[tuple[str, bytes]]] = {}
            for path, content in files.items():
                inner, _, file = path.partition("/")
                tars.setdefault(inner, []).append((file, content))
            whole = packed((f"{inner}.tar", packed(items)) for inner, items in tars.items())
            (folder / f"{name}.tar").write_bytes(whole)
        elif name == "ILSVRC2013_DET_val":
            (folder / f"{name}.tar").write_bytes(packed((f"{name}/{k}", v) for k, v in files.items()))
        else:
            (folder / f"{name}.tgz").write_bytes(packed(((f"{name}/{k}", v) for k, v in files.items()), "w:gz"))


def write_release(folder: Path, **size: int) -> None:
    """Write the same DET as the single archive of 2017, and its kit."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ILSVRC2017_DET.tar").write_bytes(packed(release(**size).items()))
    kit = detection(**size)["ILSVRC2014_devkit"]
    kept = {name: content for name, content in kit.items() if "det_lists" not in name}
    (folder / "ILSVRC2017_devkit.tar.gz").write_bytes(
        packed(((f"ILSVRC/devkit/{k}", v) for k, v in kept.items()), "w:gz")
    )


def release(**size: int) -> dict[str, bytes]:
    """The files of the single archive of 2017: ILSVRC/{Data,Annotations,ImageSets}/DET."""
    made = detection(**size)
    files: dict[str, bytes] = {}
    for part, (images, boxes) in {
        "train": ("ILSVRC2014_DET_train", "ILSVRC2014_DET_bbox_train"),
        "val": ("ILSVRC2013_DET_val", "ILSVRC2013_DET_bbox_val"),
    }.items():
        files |= {f"ILSVRC/Data/DET/{part}/{name}": content for name, content in made[images].items()}
        files |= {f"ILSVRC/Annotations/DET/{part}/{name}": content for name, content in made[boxes].items()}
    lists: dict[str, str] = {}
    for name, content in made["ILSVRC2014_devkit"].items():
        _, kind, number = (*Path(name).stem.split("_"), "", "")[:3]
        mark = {"pos": "1", "part": "0", "neg": "-1"}.get(kind)
        if mark and "det_lists" in name:
            lines = [f"{line} {mark}\n" for line in content.decode().split()]
            lists[f"train_{number}.txt"] = lists.get(f"train_{number}.txt", "") + "".join(lines)
    lists["val.txt"] = made["ILSVRC2014_devkit"]["data/det_lists/val.txt"].decode()
    return files | {f"ILSVRC/ImageSets/DET/{name}": text.encode() for name, text in lists.items()}


def source(folder: Path, **changes: object) -> "ClassificationSource":
    """Settings that read the archives unchanged, holding one image of each class out of training."""
    from googlenet.config.schema.dataset import ClassificationSource
    from googlenet.storage.files import load_yaml

    defaults = load_yaml(Path(__file__).parents[1] / "conf/dataset/full.yaml")["classification"]
    splits = {"train": "train", "validation": "", "test": "val"}
    archives = {"reader": "ilsvrc_archives", "root": str(folder), "splits": splits, "validation_per_class": 1}
    return ClassificationSource.model_validate(defaults | archives | changes)


def measure(folder: Path) -> dict[str, float]:
    """Time and peak memory of reading the archives' headers into candidates, without decoding any image."""
    from googlenet.data.readers import ilsvrc_archives

    archives = source(folder)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    reading = ilsvrc_archives.read(archives)
    seconds = time.perf_counter() - start
    count = sum(len(items) for items in reading.splits.values())
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    row = {"images": count, "index_s": round(seconds, 2), "images_per_s": round(count / seconds)}
    return row | {"memory_grown_mb": round(grown / 1024, 1), "bytes_per_image": round(grown * 1024 / count)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--train", type=int, default=100, help="training images of each class")
    parser.add_argument("--val", type=int, default=10, help="val images of each class")
    parser.add_argument("--side-px", type=int, default=40)
    parser.add_argument(
        "--index", action="store_true", help="measure reading them (writes them first if they do not exist)"
    )
    options = parser.parse_args()
    if not (options.folder / KIT).is_file():
        write_classification(options.folder, options.classes, options.train, options.val, options.side_px)
    if options.index:
        print(json.dumps(measure(options.folder), indent=2))


if __name__ == "__main__":
    main()
