"""What makes two runs of a job give the same bits: its threads, and torch's deterministic kernels.

Every stage's code digest covers this module, whether the stage imports it or not.
"""

import sys

from googlenet.errors import UserError

SINGLE_THREAD = 1  # of a stage without settings of where it computes


def prepare_machine(numeric_threads: int, device: str) -> None:
    """Set numeric threads and determinism, of torch only where it is in use. Raises UserError for a GPU that is not there."""
    import cv2

    cv2.setNumThreads(1)
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(numeric_threads)
        torch.use_deterministic_algorithms(True)
        # Filling every new tensor with NaN first finds reads of what nobody wrote, at a twentieth of a step's time.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # set at import
        if device == "cuda" and not torch.cuda.is_available():
            raise UserError("compute.device: cuda asked for, but torch sees no GPU; set cpu, or run where one is")
