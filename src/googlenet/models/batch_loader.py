"""Batches of crops, prefetched by loader processes into memory that they share with the job."""

import ctypes
import math
import mmap
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from googlenet.models.determinism import return_freed_memory
from googlenet.models.runtime import Runtime

KeyT = TypeVar("KeyT")
RestT = TypeVar("RestT")
Make = Callable[[KeyT, np.ndarray], tuple[int, RestT]]
AHEAD = 2  # batches that each process prefetches
PR_SET_PDEATHSIG = 1  # of Linux's sys/prctl.h
BATCHES_BETWEEN_RETURNS = 500  # of freed memory to the system, by each process


def shared_array(shape: tuple[int, ...], kind: type[np.generic]) -> np.ndarray:
    """Return a zeroed array shared with processes forked from this one; unlike /dev/shm, containers do not limit it."""
    count = math.prod(shape)
    size = max(count * np.dtype(kind).itemsize, 1)
    return np.frombuffer(mmap.mmap(-1, size), kind, count).reshape(shape)


class BatchLoader(Generic[KeyT, RestT]):
    """Makes batches in key order, each from its key alone, so that any number of processes gives the same batches.

    make: takes a key, fills the first n of an array [most, px, px, 3] of uint8 crops, and returns n and the rest of the
    batch. The processes (`runtime.loader_workers`; with none, the job itself makes each batch on demand) start with the
    first batch, write into a ring buffer of such arrays and live as long as the loader; what `make` holds in shared
    memory may change while no batch is in progress.
    """

    def __init__(
        self,
        make: Make[KeyT, RestT],
        most: int,
        px: int,
        runtime: Runtime,
        generator: torch.Generator | None = None,
    ):
        """generator: a number is drawn from it whenever `batches` is called; torch's own by default."""
        workers = runtime.loader_workers
        # The batch in use, the one before it, which a GPU may still be copying, and the prefetched ones.
        slots = AHEAD * workers + 2
        self._ring = shared_array((slots, most, px, px, 3), np.uint8)
        self._numbered = _Numbered[KeyT](slots)
        self._on_gpu, self._pinned = runtime.device == "cuda", False
        self._loader: DataLoader[tuple[int, int, RestT]] = DataLoader(
            _Maker(make, self._ring),
            batch_size=None,
            sampler=self._numbered,
            collate_fn=_unchanged,
            num_workers=workers,
            prefetch_factor=AHEAD if workers else None,
            persistent_workers=workers > 0,
            multiprocessing_context="fork" if workers else None,
            worker_init_fn=_apart if workers else None,
            generator=generator,
        )

    def batches(self, keys: Iterable[KeyT]) -> Iterator[tuple[np.ndarray, RestT]]:
        """Yield each key's crops, uint8 [n, px, px, 3], valid until the next batch, and the rest of its batch."""
        self._numbered.keys = keys
        loaded = iter(self._loader)
        if self._on_gpu and not self._pinned:
            self._pin()
        for slot, count, rest in loaded:
            yield self._ring[slot, :count], rest
            if self._on_gpu:  # the copy to the GPU is queued by now
                self._numbered.in_use[slot] = event = torch.cuda.Event()  # type: ignore[no-untyped-call]
                event.record()

    def _pin(self) -> None:
        """Pin the ring for direct copies by the GPU; after the fork, as processes must not inherit CUDA's mapping."""
        register = torch.cuda.cudart().cudaHostRegister  # type: ignore[no-untyped-call]  # torch has no types for it
        torch.cuda.check_error(int(register(self._ring.ctypes.data, self._ring.nbytes, 0)))
        self._pinned = True


class _Numbered(Sampler[tuple[int, KeyT]], Generic[KeyT]):
    """Keys with the ring slots of their batches: in rotation, as batches are handed out in order."""

    def __init__(self, slots: int):
        self.keys: Iterable[KeyT] = ()
        self.in_use: list[Any] = [None] * slots  # CUDA's event after the copy of a slot
        self._count = 0

    def __iter__(self) -> Iterator[tuple[int, KeyT]]:
        for key in self.keys:
            slot = self._count % len(self.in_use)
            self._count += 1
            if self.in_use[slot] is not None:
                self.in_use[slot].synchronize()
            yield slot, key


class _Maker(Dataset[tuple[int, int, RestT]], Generic[KeyT, RestT]):
    """In a loader process: makes the batch of a key in its slot."""

    def __init__(self, make: Make[KeyT, RestT], ring: np.ndarray):
        self._make, self._ring, self._made = make, ring, 0

    def __getitem__(self, item: tuple[int, KeyT]) -> tuple[int, int, RestT]:
        slot, key = item
        self._made += 1
        if self._made % BATCHES_BETWEEN_RETURNS == 0:
            return_freed_memory()
        return slot, *self._make(key, self._ring[slot])


def _apart(_: int) -> None:
    """Put a loader process in a process group of its own. What asks a job to stop, as torchrun and terminals do, may signal
    its whole group; without its loader processes, the job could not finish the step that it saves. What kills the group
    kills them nevertheless, where the system is Linux: they have inherited the job's locks."""
    os.setpgrp()
    if prctl := getattr(ctypes.CDLL(None), "prctl", None):
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _unchanged(item: Any) -> Any:
    return item
