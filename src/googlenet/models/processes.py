"""Communication among the processes of one training. A single process exchanges nothing and has no process group."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, distributed

from googlenet.errors import PeerLost, UserError
from googlenet.models.runtime import Runtime


@contextmanager
def exchanging() -> Iterator[None]:
    """Within the block, raise PeerLost if another process has exited or does not respond."""
    try:
        yield
    except RuntimeError as error:  # torch has no narrower class common to gloo and nccl
        raise PeerLost(str(error)) from None


def added(values: Tensor, processes: int) -> Tensor:
    """Sum a vector, float [n], over the processes pairwise in a tree.

    Each process sums one piece, so no more is sent than by a ring all-reduce, whose order of additions would depend on
    the number of processes. processes: a power of two."""
    piece = -(-len(values) // processes)
    sent = torch.nn.functional.pad(values, (0, piece * processes - len(values)))
    received = torch.empty_like(sent)
    with exchanging():
        distributed.all_to_all_single(received, sent)
    pieces = list(received.view(processes, piece).unbind())
    while len(pieces) > 1:
        pieces = [first + second for first, second in zip(pieces[::2], pieces[1::2], strict=True)]
    with exchanging():
        distributed.all_gather_into_tensor(sent, pieces[0])
    return sent[: len(values)]


def merged(found: np.ndarray, runtime: Runtime) -> np.ndarray:
    """Combine an integer array of which each process has computed some elements, with 0 for the others."""
    if runtime.processes == 1:
        return found
    total = torch.from_numpy(found.copy())
    with exchanging():
        distributed.all_reduce(total)
    return total.numpy()


def any_asks(asks: bool) -> bool:
    """Return whether `asks` is true in any of the processes."""
    asked = torch.tensor(int(asks))
    with exchanging():
        distributed.all_reduce(asked, op=distributed.ReduceOp.MAX)
    return bool(asked)


def check_equal(fingerprint: Callable[[], Sequence[float]], runtime: Runtime) -> None:
    """Raise UserError unless all processes have the same numbers: they start from the same weights at the same step."""
    if runtime.processes == 1:
        return
    own = torch.tensor(fingerprint(), dtype=torch.float64)
    every = torch.empty(runtime.processes * len(own), dtype=torch.float64)
    with exchanging():
        distributed.all_gather_into_tensor(every, own)
    if not (every.view(-1, len(own)) == own).all():
        raise UserError(
            "execution.processes_per_training: the processes begin with different weights; run them on one type of"
            " machine, in one folder that all nodes share"
        )


def go_on_alone(runtime: Runtime) -> None:
    """End every process but the first, which writes the results alone. That must take seconds: torchrun ends the processes
    of other nodes, and perhaps with them the first one's launcher, five minutes later."""
    if runtime.processes > 1:
        distributed.destroy_process_group()
    if runtime.rank > 0:
        raise SystemExit(0)
