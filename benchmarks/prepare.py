"""Preparing 100,000 small JPEGs of 1,000 classes, beside unpacking the same bytes with tar.

    python benchmarks/prepare.py                          # 100,000 pictures and 10,000 of val: some minutes, 2 GB of disk
    python benchmarks/prepare.py --pictures 10000         # a tenth

The pictures lie as ILSVRC hands them out (official_archives.py): a tar of a tar for each class, a flat tar of val, the kit.
Measured, each in a process of its own: `tar -x` of the outer tars and of every inner one; our preparation from the archives
themselves (every picture opened, checked, looked at and packed) with one worker and with two; opening the result and reading 1,000 records at random; verifying it;
`dvc add` and `dvc status` of it. Peak memory is that of the largest process.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import official_archives

CLASSES, READ = 1000, 1000
VAL = 10  # pictures of each class in the archive of val


def unpack(folder: Path) -> None:
    """What a person types: both outer tars, then every inner one into a folder of its name."""
    for split, name in (("train", official_archives.TRAIN), ("val", official_archives.VAL)):
        (folder / "unpacked" / split).mkdir(parents=True)
        words = ["tar", "-xf", folder / "archives" / name, "-C", folder / "unpacked" / split]
        subprocess.run(words, check=True)
    line = 'for t in *.tar; do mkdir "${t%.tar}" && tar -xf "$t" -C "${t%.tar}" && rm "$t"; done'
    subprocess.run(["sh", "-c", line], cwd=folder / "unpacked/train", check=True)


def prepared(folder: Path, workers: int) -> None:
    """Our preparation, into classification/<workers>."""
    from googlenet.data.prepare import prepare
    from googlenet.metrics.base import write_metrics

    where = folder / f"repo/data/{workers}"
    source = official_archives.source(folder / "archives", max_bad_fraction=0.0, shard_mb=32.0)
    made = prepare(source, where, workers=workers, state=folder / f"state/{workers}/s")
    write_metrics(where / "manifest.json", made, "")


def read(folder: Path) -> None:
    """Open the split of training and read records at random."""
    from googlenet.data.store import open_split

    split = open_split(folder / "repo/data/1", "train")
    for index in np.random.default_rng(1).integers(0, len(split), READ):
        assert len(split[int(index)].image)


def verify(folder: Path) -> None:
    """Every shard and record against its digest."""
    from googlenet.prepared_data import faults

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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder, removed, if not given")
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
    official_archives.write_classification(folder / "archives", CLASSES, pictures // CLASSES, VAL)
    size = sum(path.stat().st_size for path in (folder / "archives").iterdir())
    pictures = (pictures // CLASSES + VAL) * CLASSES
    print(f"{pictures:,} pictures in {CLASSES:,} classes, {size / 1e6:,.0f} MB of archives\n")
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
        print(f"| {said} | {found['seconds']:.1f} | {times} | {rate} | {main} | {worker} |", flush=True)
    files = [{p.name: p.read_bytes() for p in (folder / f"repo/data/{n}").iterdir()} for n in (1, 2)]
    for made in files:
        made["manifest.json"] = json.loads(made["manifest.json"]) | {"dataset": ""}
    print(f"\nOne worker and two gave {'the same bytes' if files[0] == files[1] else 'OTHER BYTES'}.")


if __name__ == "__main__":
    main()
