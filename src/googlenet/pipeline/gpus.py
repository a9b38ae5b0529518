"""Which of a machine's GPUs a job computes on: one that no other job holds.

However many jobs run side by side, each has a GPU of its own; those that find none wait. The locks go with their processes.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

FOLDER = Path(".googlenet/gpus")
AGAIN_S = 1.0


@contextmanager
def one_for(device: str, root: Path) -> Iterator[None]:
    """For the length of the block torch's device "cuda" is a GPU that is this job's alone; nothing for another device."""
    if device != "cuda":
        yield
        return
    import torch

    seen = range(torch.cuda.device_count())
    # By its own number: a cluster's jobs may each see one GPU, another one, and call it the first.
    with held(root / FOLDER, [str(torch.cuda.get_device_properties(i).uuid) for i in seen]) as number:
        torch.cuda.set_device(number)
        yield


@contextmanager
def held(folder: Path, names: Sequence[str], again_s: float = AGAIN_S) -> Iterator[int]:
    """Hold the first that is free, and give its place among the names; wait until one is."""
    from filelock import FileLock, Timeout  # not at every start of Snakemake

    folder.mkdir(parents=True, exist_ok=True)
    locks = [FileLock(folder / f"{name}.lock") for name in names]
    told = False
    while True:
        for number, lock in enumerate(locks):
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            try:
                yield number
            finally:
                lock.release()
            return
        if not told:
            print(f"waiting: all {len(names)} GPUs are in use by jobs", flush=True)
            told = True
        time.sleep(again_s)
