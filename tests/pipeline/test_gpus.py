"""Each job has a GPU of its own; the locks are real, the GPUs are names."""

import os
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
import torch

from googlenet.errors import UserError
from googlenet.pipeline.gpus import GPUS, gpu_for, gpus_of_processes, held_gpus

NAMES = ["GPU-a", "GPU-b"]
HOLDER = """
import sys, time
from pathlib import Path
from googlenet.pipeline.gpus import held_gpus
with held_gpus(Path(sys.argv[1]), ["GPU-a", "GPU-b"], int(sys.argv[3]), int(sys.argv[2]), 0.05) as numbers:
    print(*numbers, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Starts a process that holds a GPU until it is killed or told to end."""
    started = []

    def start(jobs=1, count=1):
        pipe = subprocess.PIPE
        words = [sys.executable, "-c", HOLDER, str(tmp_path), str(jobs), str(count)]
        started.append(subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_jobs_side_by_side_take_different_ones_and_the_next_waits(tmp_path, holder):
    first, second = holder(), holder()
    assert sorted([first.stdout.readline(), second.stdout.readline()]) == ["0\n", "1\n"]
    third = holder()
    assert third.stdout.readline() == "waiting: all 2 GPUs are in use by jobs\n"
    time.sleep(0.3)
    assert third.poll() is None
    first.kill()  # a killed job holds nothing any more
    first.wait()
    assert third.stdout.readline() in ("0\n", "1\n")


def test_jobs_share_gpus_and_a_free_one_comes_first(tmp_path, holder):
    held = [holder(2) for _ in range(2)]
    assert sorted(one.stdout.readline() for one in held) == ["0\n", "1\n"]
    held += [holder(2) for _ in range(2)]
    assert sorted(one.stdout.readline() for one in held[2:]) == ["0\n", "1\n"]
    assert holder(2).stdout.readline() == "waiting: all 2 GPUs are in use by jobs\n"


def test_a_gpu_is_free_again_after_a_job_or_its_error(tmp_path):
    with held_gpus(tmp_path, NAMES) as (number,):
        assert number == 0
    with pytest.raises(KeyError), held_gpus(tmp_path, NAMES) as (number,):
        raise KeyError(number)
    with held_gpus(tmp_path, NAMES) as (number,):
        assert number == 0


def test_jobs_that_see_other_gpus_do_not_wait_for_each_other(tmp_path):
    with held_gpus(tmp_path, ["GPU-a"]) as first, held_gpus(tmp_path, ["GPU-b"]) as second:
        assert (first, second) == ([0], [0])


def test_a_training_on_several_takes_all_or_none_and_too_many_are_refused(tmp_path, holder):
    single = holder()
    assert single.stdout.readline() == "0\n"
    several = holder(count=2)
    assert several.stdout.readline() == "waiting: fewer than 2 of 2 GPUs are free\n"
    assert holder().stdout.readline() == "1\n"  # what waits holds none
    single.kill()
    single.wait()
    with pytest.raises(UserError, match="3 GPUs are asked for on a machine where 2 can be seen; lower it"):
        held_gpus(tmp_path, NAMES, 3).__enter__()


def test_processes_see_the_gpus_of_their_training_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda i: SimpleNamespace(uuid=f"GPU-{i}"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5,7")
    with held_gpus(tmp_path / GPUS, ["GPU-1"]), gpus_of_processes("cuda", tmp_path, 2):
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "2,7"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "2,5,7"
    with gpus_of_processes("cpu", tmp_path / "none", 2):
        assert not (tmp_path / "none").exists()


def test_torch_is_told(tmp_path, monkeypatch):
    set_to = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda i: SimpleNamespace(uuid=NAMES[i]))
    monkeypatch.setattr(torch.cuda, "set_device", set_to.append)
    with gpu_for("cuda", tmp_path):
        assert set_to == [0]
        with gpu_for("cuda", tmp_path):
            assert set_to == [0, 1]
    assert len(list((tmp_path / GPUS).glob("GPU-*.lock"))) <= 2
    with gpu_for("cpu", tmp_path / "none"):
        assert set_to == [0, 1]
    assert not (tmp_path / "none").exists()
