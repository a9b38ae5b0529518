"""Prepare a job's process: thread counts and deterministic kernels, so that reruns give the same bits; and memory.

Every stage's code digest covers this module, whether the stage imports it or not.
"""

import ctypes
import sys

from googlenet.errors import UserError

SINGLE_THREAD = 1  # for a stage without compute settings
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of glibc's malloc.h


def prepare_machine(numeric_threads: int, device: str) -> None:
    """Set numeric threads, determinism and memory; torch's only if it is in use. Raises UserError for a missing GPU."""
    import cv2

    cv2.setNumThreads(1)
    if "torch" in sys.modules:
        import torch

        keep_freed_memory()
        torch.set_num_threads(numeric_threads)
        # As use_deterministic_algorithms(True), which also imports the compiler: 1.5 seconds at every job's start.
        torch.set_deterministic_debug_mode("error")
        # Filling new tensors with NaN exposes reads of uninitialised memory, but costs a twentieth of a step's time.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # set at import
        torch.backends.cudnn.allow_tf32 = False  # else "fp32" convolutions on a GPU have mantissas of ten bits
        if device == "cuda" and not torch.cuda.is_available():
            raise UserError("compute.device: cuda asked for, but torch sees no GPU; set cpu, or run where one is")


def keep_freed_memory() -> None:
    """Make the C library, if it is glibc, keep freed memory for the next step. Changes no result.

    By default it returns large tensors to the system, which zeroes each page of the next: a fifth of a step's time.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, -1)  # only through `return_freed_memory`


def return_freed_memory() -> None:
    """Return freed memory that the C library cannot reuse to the system. Changes no result.

    Some tensors fit none of the freed blocks, so that an hour of training would otherwise accumulate gigabytes.
    """
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)
