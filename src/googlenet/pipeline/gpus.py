"""Locks on the GPUs of a machine, so that concurrent jobs use different ones."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from googlenet.errors import UserError

GPUS = Path(".googlenet/gpus")


@contextmanager
def gpu_for(device: str, root: Path, jobs: int = 1) -> Iterator[None]:
    """Within the block, make torch's device "cuda" a GPU that fewer than `jobs` other jobs use. No effect on a CPU."""
    if device != "cuda":
        yield
        return
    import torch

    with held_gpus(root / GPUS, visible(), 1, jobs) as (number,):
        torch.cuda.set_device(number)
        yield


@contextmanager
def gpus_of_processes(device: str, root: Path, count: int, jobs: int = 1) -> Iterator[None]:
    """Within the block, let child processes see only `count` GPUs, each used by fewer than `jobs` other jobs. No effect
    on a CPU."""
    if device != "cuda":
        yield
        return
    names, before = visible(), os.environ.get("CUDA_VISIBLE_DEVICES")
    known = before.split(",") if before else [str(number) for number in range(len(names))]
    with held_gpus(root / GPUS, names, count, jobs) as numbers:
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(known[number] for number in numbers)
        try:
            yield
        finally:
            os.environ.pop("CUDA_VISIBLE_DEVICES")
            os.environ.update({} if before is None else {"CUDA_VISIBLE_DEVICES": before})


def visible() -> list[str]:
    """The UUIDs of the GPUs that this process sees: on a cluster, each job may see a different GPU as number 0."""
    import torch

    return [str(torch.cuda.get_device_properties(i).uuid) for i in range(torch.cuda.device_count())]


@contextmanager
def held_gpus(
    folder: Path, names: Sequence[str], count: int = 1, jobs: int = 1, again_s: float = 1.0
) -> Iterator[list[int]]:
    """Hold one of the `jobs` slots of each of `count` GPUs, waiting until that many have one free, and yield the GPUs'
    indices in `names`. Prefers idle GPUs. Locks end with their process. Raises UserError if there are too few GPUs."""
    from filelock import FileLock, Timeout  # imported late: not needed at every start of Snakemake

    if count > len(names):
        raise UserError(
            f"execution.processes_per_training: {count} GPUs are asked for on a machine where {len(names)} can be seen;"
            " lower it, or raise execution.nodes_per_training"
        )
    folder.mkdir(parents=True, exist_ok=True)
    places = ["", *(f"-{place}" for place in range(2, jobs + 1))]  # the first has the same name as without sharing
    locks = [(i, FileLock(folder / f"{name}{place}.lock")) for place in places for i, name in enumerate(names)]
    waiting = False
    while True:
        numbers: list[int] = []
        # Only one job at a time takes GPUs, and it takes all or none: two jobs that each hold some would deadlock.
        with FileLock(folder / "taking.lock") as taking, ExitStack() as held:
            for number, lock in locks:
                if len(numbers) < count and number not in numbers:
                    try:
                        held.enter_context(lock.acquire(timeout=0))
                    except Timeout:
                        continue
                    numbers.append(number)
            if len(numbers) == count:
                taking.release()
                yield sorted(numbers)
                return
        if not waiting:
            few = f"all {len(names)} GPUs are in use by jobs"
            print(f"waiting: {few if count == 1 else f'fewer than {count} of {len(names)} GPUs are free'}", flush=True)
        waiting = True
        time.sleep(again_s)
