"""Preparing 100,000 small JPEGs of 1,000 classes, beside unpacking the same bytes with tar.

    python benchmarks/prepare.py                          # 100,000 images and 10,000 of val: some minutes, 2 GB of disk
    python benchmarks/prepare.py --images 10000           # a tenth

The images are packed as in ILSVRC's release (official_archives.py): a tar with one tar per class, a flat tar of val,
the kit. Measured, each in a process of its own: `tar -x` of the outer tars and of every inner one; our preparation from
the archives themselves (every image opened, checked, compared and packed) with one worker and with two; opening the
result and reading 1,000 records at random; verifying it; `dvc add` and `dvc status` of it. Peak memory is that of the
largest process.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import official_archives
from common import by_itself

CLASSES, READ = 1000, 1000
VAL = 10  # images of each class in the val archive


def unpack(folder: Path) -> None:
    """Unpack as one would by hand: both outer tars, then every inner one into a folder of its name."""
    for split, name in (("train", official_archives.TRAIN), ("val", official_archives.VAL)):
        (folder / "unpacked" / split).mkdir(parents=True)
        command = ["tar", "-xf", str(folder / "archives" / name), "-C", str(folder / "unpacked" / split)]
        subprocess.run(command, check=True)
    line = 'for t in *.tar; do mkdir "${t%.tar}" && tar -xf "$t" -C "${t%.tar}" && rm "$t"; done'
    subprocess.run(["sh", "-c", line], cwd=folder / "unpacked/train", check=True)


def prepared(folder: Path, workers: int) -> None:
    """Our preparation, into classification/<workers>."""
    from googlenet.data.prepare import prepare
    from googlenet.metrics.base import write_metrics

    destination = folder / f"repo/data/{workers}"
    source = official_archives.source(folder / "archives", max_bad_fraction=0.0, shard_mb=32.0)
    manifest = prepare(source, destination, workers=workers, state=folder / f"state/{workers}/s")
    write_metrics(destination / "manifest.json", manifest, "")


def read(folder: Path) -> None:
    """Open the training split and read random records."""
    from googlenet.data.store import open_split

    split = open_split(folder / "repo/data/1", "train")
    for index in np.random.default_rng(1).integers(0, len(split), READ):
        assert len(split[int(index)].image)


def verify(folder: Path) -> None:
    """Verify every shard and record against its digest."""
    from googlenet.cli.data import faults

    assert not list(faults(folder / "repo/data/1"))


def dvc(folder: Path, *command: str) -> None:
    """Run a DVC command in the repository that holds the prepared data."""
    subprocess.run(["dvc", *command], cwd=folder / "repo", check=True, stdout=subprocess.DEVNULL)


STEPS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "tar": ("tar -x, outer and inner", unpack),
    "one": ("prepared, 1 worker", lambda folder: prepared(folder, 1)),
    "two": ("prepared, 2 workers", lambda folder: prepared(folder, 2)),
    "read": (f"opened, {READ:,} records read", read),
    "verify": ("verified, every shard and record", verify),
    "add": ("dvc add", lambda folder: dvc(folder, "add", "--quiet", "data/1")),
    "status": ("dvc status", lambda folder: dvc(folder, "status")),
}


def measured(name: str, folder: Path) -> dict[str, float]:
    """One step in its own process: seconds, and the peak memory of the process or its largest child."""
    return by_itself(__file__, "--one", name, "--folder", str(folder))


def run_step(name: str, folder: Path) -> dict[str, float]:
    """Run a step in this process."""
    start = time.perf_counter()
    STEPS[name][1](folder)
    seconds = time.perf_counter() - start
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {"seconds": seconds, "own_mb": peaks[0] / 1024, "child_mb": peaks[1] / 1024}  # Linux: in KiB


def main() -> None:
    """Make the data, measure each step, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder, removed, if not given")
    parser.add_argument("--one", choices=STEPS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(run_step(options.one, options.folder)))
        return
    folder = options.folder or Path(tempfile.mkdtemp(prefix="prepare-"))
    os.environ |= {"OMP_NUM_THREADS": "1", "DVC_NO_ANALYTICS": "1"}
    try:
        table(folder, options.images)
    finally:
        if not options.folder:
            shutil.rmtree(folder)


def table(folder: Path, images: int) -> None:
    """Measure all steps, in order."""
    official_archives.write_classification(folder / "archives", CLASSES, images // CLASSES, VAL)
    size = sum(path.stat().st_size for path in (folder / "archives").iterdir())
    images = (images // CLASSES + VAL) * CLASSES
    print(f"{images:,} images in {CLASSES:,} classes, {size / 1e6:,.0f} MB of archives\n")
    print("| | seconds | times tar | images a second | peak memory, MB | of a worker or command, MB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    (folder / "repo").mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet"], cwd=folder / "repo", check=True)
    dvc(folder, "init", "--quiet")
    base = 0.0
    for name, (label, _) in STEPS.items():
        result = measured(name, folder)
        base = base or result["seconds"]
        has_rate = name in ("tar", "one", "two", "verify")
        rate = f"{images / result['seconds']:,.0f}" if has_rate else ""
        times = f"{result['seconds'] / base:.1f}" if has_rate else ""
        worker = f"{result['child_mb']:,.0f}" if name in ("tar", "two", "add", "status") else ""
        main = "" if name in ("tar", "add", "status") else f"{result['own_mb']:,.0f}"
        print(f"| {label} | {result['seconds']:.1f} | {times} | {rate} | {main} | {worker} |", flush=True)
    files = [{p.name: p.read_bytes() for p in (folder / f"repo/data/{n}").iterdir()} for n in (1, 2)]
    for files_of_run in files:
        files_of_run["manifest.json"] = json.loads(files_of_run["manifest.json"]) | {"dataset": ""}
    print(f"\nOne worker and two gave {'the same bytes' if files[0] == files[1] else 'DIFFERENT BYTES'}.")


if __name__ == "__main__":
    main()
