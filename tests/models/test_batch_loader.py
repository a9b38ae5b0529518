"""The loader: batches in order and whole, whoever makes them; processes that start once; errors that arrive."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from googlenet.models.batch_loader import BatchLoader, shared_array
from googlenet.models.runtime import Runtime


def make(key, out):
    """A batch of 1 to 3 crops, filled with the key; what belongs to it: the process that made it."""
    count = 1 + key % 3
    out[:count] = key
    return count, os.getpid()


def loader(workers, made=make):
    return BatchLoader(made, 3, 8, Runtime(loader_workers=workers))


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_batches_come_whole_and_in_order(workers):
    keys = [7, 3, 250, 0, *range(20, 60)]
    for key, (crops, _) in zip(keys, loader(workers).batches(keys), strict=True):
        assert crops.shape == (1 + key % 3, 8, 8, 3) and (crops == key).all()


@pytest.mark.parametrize("workers", [0, 2])
def test_a_batch_lasts_until_the_next_is_asked_for(workers):
    batches = loader(workers).batches(range(30))
    for key in range(30):
        crops = next(batches)[0]
        torch.rand(1000).sort()  # while the others go on
        assert (crops == key).all()


def test_processes_start_once_and_share_what_is_shared():
    level = shared_array((1,), np.int64)
    assert level.tolist() == [0]

    def with_level(key, out):
        out[:1] = level[0]
        return 1, os.getpid()

    loading, processes = loader(2, with_level), set()
    for value in (5, 9, 12):
        level[0] = value
        for crops, process in loading.batches(range(12)):
            assert (crops == value).all()
            processes.add(process)
    assert len(processes) == 2 and os.getpid() not in processes


SIGNALLED = """
import os, signal
import numpy as np
from googlenet.models.batch_loader import BatchLoader
from googlenet.models.runtime import Runtime

asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append("asked"))
batches = BatchLoader(lambda key, out: (1, os.getpid()), 1, 8, Runtime(loader_workers=2)).batches(range(40))
processes = {next(batches)[1] for _ in range(6)}
os.killpg(os.getpgrp(), signal.SIGTERM)
print(len(processes), {process for _, process in batches} == processes, *asked)
"""


def test_processes_go_on_when_the_group_of_a_job_is_signalled():
    """So that the job can save its state: without its loader processes, a training fails at the next batch."""
    words = [sys.executable, "-c", SIGNALLED]
    done = subprocess.run(words, capture_output=True, text=True, check=True, start_new_session=True, timeout=120)
    assert done.stdout == "2 True asked\n"


def test_a_start_draws_one_number_from_the_generator_given_or_torchs():
    after = []
    for workers in (0, 2):
        torch.manual_seed(3)
        list(loader(workers).batches([1]))
        after.append(torch.rand(1).item())
    assert after[0] == after[1]
    torch.manual_seed(3)
    list(BatchLoader(make, 3, 8, Runtime(), torch.Generator()).batches([1]))
    torch.manual_seed(3)
    assert torch.rand(1).item() != after[0]


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_in_a_process_arrives(workers):
    def broken(key, out):
        raise ValueError(f"no batch {key}")

    with pytest.raises(ValueError, match="no batch 4"):
        next(loader(workers, broken).batches([4]))


def test_the_runtime_says_how_many_processes():
    assert loader(2)._ring.shape == (6, 3, 8, 8, 3) and loader(0)._ring.shape[0] == 2
    assert replace(Runtime(), loader_workers=4).loader_workers == 4
