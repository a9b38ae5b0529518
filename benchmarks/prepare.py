"""Preparing 100,000 small JPEGs of 1,000 classes, beside unpacking the same bytes with tar.

    python benchmarks/prepare.py                          # 100,000 pictures: about 8 minutes and 3 GB of disk
    python benchmarks/prepare.py --pictures 10000         # a tenth

The pictures lie as ILSVRC hands out its training pictures: one tar that holds a tar for each class. Measured, each in a
process of its own: `tar -x` of the outer tar and of every inner one; our preparation (every picture opened, checked,
looked at and packed) with one worker and with two; opening the result and reading 1,000 records at random; verifying it;
`dvc add` and `dvc status` of it. Peak memory is that of the largest process.
"""

import argparse
import io
import json
import os
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from googlenet.files import write_json

CLASSES, SIDES_PX, READ = 1000, (64, 129), 1000
HELD = 1  # picture of each class for validation, and as many for test


def source(folder: Path) -> dict:
    """Settings that read what `unpacked` left. One place to change for a reader of the archives themselves."""
    return {
        "reader": "class_folders",
        "root": str(folder / "unpacked"),
        "splits": {"train": "train", "validation": "", "test": "train_as_test"},
        "validation_per_class": HELD,
        "about": "made for a benchmark",
        "max_bad_fraction": 0.0,
        "min_side_px": 16,
        "resize_shorter_side_px": 0,
        "shard_mb": 32.0,
        "embedded": {},
    }


def make(folder: Path, pictures: int) -> None:
    """Write the tar of tars: pictures of soft noise, each another, of the sides that small photographs have."""
    rng, each = np.random.default_rng(0), pictures // CLASSES
    outer_path = folder / "ILSVRC2012_img_train.tar"
    with tarfile.open(outer_path, "w") as outer:
        for label in range(CLASSES):
            wnid, inner_bytes = f"n{label:08d}", io.BytesIO()
            with tarfile.open(fileobj=inner_bytes, mode="w") as inner:
                for number in range(each):
                    height, width = rng.integers(*SIDES_PX, 2)
                    soft = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
                    image = cv2.resize(soft, (int(width), int(height)), interpolation=cv2.INTER_CUBIC)
                    add(inner, f"{wnid}_{number}.JPEG", cv2.imencode(".jpg", image)[1].tobytes())
            add(outer, f"{wnid}.tar", inner_bytes.getvalue())


def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    """Put a file of these bytes into an archive."""
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def unpack(folder: Path) -> None:
    """What a person types: the outer tar, then every inner one into a folder of its name."""
    train = folder / "unpacked/train"
    train.mkdir(parents=True)
    subprocess.run(["tar", "-xf", folder / "ILSVRC2012_img_train.tar", "-C", train], check=True)
    line = 'for t in *.tar; do mkdir "${t%.tar}" && tar -xf "$t" -C "${t%.tar}" && rm "$t"; done'
    subprocess.run(["sh", "-c", line], cwd=train, check=True)


def borrow(folder: Path) -> None:
    """Give the last pictures of each class to test, which the archive of training does not have."""
    for source_folder in sorted((folder / "unpacked/train").iterdir()):
        to = folder / "unpacked/train_as_test" / source_folder.name
        to.mkdir(parents=True)
        for path in sorted(source_folder.iterdir())[-HELD:]:
            path.rename(to / path.name)


def prepared(folder: Path, workers: int) -> None:
    """Our preparation, into classification/<workers>."""
    from googlenet.data.prepare import prepare

    where = folder / f"repo/data/{workers}"
    made = prepare(
        "classification", source(folder), where, workers=workers, state=folder / f"state/{workers}/s"
    )
    write_json(where / "manifest.json", made)


def read(folder: Path) -> None:
    """Open the split of training and read records at random."""
    from googlenet.data.store import open_split

    split = open_split(folder / "repo/data/1", "train")
    for index in np.random.default_rng(1).integers(0, len(split), READ):
        assert len(split[int(index)].image)


def verify(folder: Path) -> None:
    """Every shard and record against its digest."""
    from googlenet.data.verify import faults

    assert not list(faults(folder / "repo/data/1"))


def dvc(folder: Path, *words: str) -> None:
    """A command of DVC in a repository that holds what was prepared."""
    subprocess.run(["dvc", *words], cwd=folder / "repo", check=True, stdout=subprocess.DEVNULL)


STEPS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "tar": ("tar -x, outer and inner", unpack),
    "one": ("prepared, 1 worker", lambda folder: prepared(folder, 1)),
    "two": ("prepared, 2 workers", lambda folder: prepared(folder, 2)),
    "read": (f"opened, {READ:,} records read", read),
    "verify": ("verified, every shard and record", verify),
    "add": ("dvc add", lambda folder: dvc(folder, "add", "--quiet", "data/1")),
    "status": ("dvc status", lambda folder: dvc(folder, "status")),
}


def measured(name: str, folder: Path) -> dict:
    """One step in a process of its own: seconds, and the peak memory of it or of its largest child."""
    words = [sys.executable, __file__, "--one", name, "--folder", str(folder)]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def one(name: str, folder: Path) -> dict:
    """A step in this process."""
    start = time.perf_counter()
    STEPS[name][1](folder)
    seconds = time.perf_counter() - start
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {"seconds": seconds, "own_mb": peaks[0] / 1024, "child_mb": peaks[1] / 1024}  # Linux: in KiB


def main() -> None:
    """Make the data, measure each step, print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument(
        "--folder", type=Path, help="where to work; a temporary folder, removed, if not given"
    )
    parser.add_argument("--one", choices=STEPS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(one(given.one, given.folder)))
        return
    folder = given.folder or Path(tempfile.mkdtemp(prefix="prepare-"))
    os.environ |= {"OMP_NUM_THREADS": "1", "DVC_NO_ANALYTICS": "1"}
    try:
        table(folder, given.pictures)
    finally:
        if not given.folder:
            shutil.rmtree(folder)


def table(folder: Path, pictures: int) -> None:
    """All steps, in order."""
    make(folder, pictures)
    size = (folder / "ILSVRC2012_img_train.tar").stat().st_size
    print(f"{pictures // CLASSES * CLASSES:,} pictures in {CLASSES:,} classes, {size / 1e6:,.0f} MB of tar\n")
    print("| | seconds | times tar | pictures a second | peak memory, MB | of a worker or command, MB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    (folder / "repo").mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet"], cwd=folder / "repo", check=True)
    dvc(folder, "init", "--quiet")
    base = 0.0
    for name, (said, _) in STEPS.items():
        found = measured(name, folder)
        base = base or found["seconds"]
        whole = name in ("tar", "one", "two", "verify")
        rate = f"{pictures / found['seconds']:,.0f}" if whole else ""
        times = f"{found['seconds'] / base:.1f}" if whole else ""
        worker = f"{found['child_mb']:,.0f}" if name in ("tar", "two", "add", "status") else ""
        main = "" if name in ("tar", "add", "status") else f"{found['own_mb']:,.0f}"
        print(
            f"| {said} | {found['seconds']:.1f} | {times} | {rate} | {main} | {worker} |",
            flush=True,
        )
        if name == "tar":
            borrow(folder)
    files = [{p.name: p.read_bytes() for p in (folder / f"repo/data/{n}").iterdir()} for n in (1, 2)]
    for made in files:
        made["manifest.json"] = json.loads(made["manifest.json"]) | {"dataset": ""}
    print(f"\nOne worker and two gave {'the same bytes' if files[0] == files[1] else 'OTHER BYTES'}.")


if __name__ == "__main__":
    main()
