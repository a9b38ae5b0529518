"""Prepare a job's process: thread counts and deterministic kernels, for the same bits in two runs; and its memory.

Every stage's code digest covers this module, whether the stage imports it or not.
"""

import ctypes
import sys

from googlenet.errors import UserError

SINGLE_THREAD = 1  # for a stage without compute settings
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of glibc's malloc.h


def prepare_machine(numeric_threads: int, device: str) -> None:
    """Set numeric threads, determinism and memory, for torch only if it is in use. Raises UserError for a missing GPU."""
    import cv2

    cv2.setNumThreads(1)
    if "torch" in sys.modules:
        import torch

        keep_freed_memory()
        torch.set_num_threads(numeric_threads)
        # As use_deterministic_algorithms(True), which also imports the compiler: a second and a half of every job's start.
        torch.set_deterministic_debug_mode("error")
        # Filling new tensors with NaN exposes reads of uninitialised memory, but costs a twentieth of a step's time.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # set at import
        if device == "cuda" and not torch.cuda.is_available():
            raise UserError("compute.device: cuda asked for, but torch sees no GPU; set cpu, or run where one is")


def keep_freed_memory() -> None:
    """Make the C library keep freed memory for the next step, where it is glibc. Changes no result.

    It returned every large tensor to the system, which clears each page of the next one: a fifth of a step's time.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, -1)  # never by itself: `return_freed_memory`


def return_freed_memory() -> None:
    """Return to the system what the C library has kept but does not use again. Changes no result.

    It finds no place for some tensors among those that were freed, so that a training of an hour would take gigabytes.
    """
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)
