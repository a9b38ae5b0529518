"""What is set for a process so that its results have the same bits every time."""

import platform
import subprocess
import sys

import cv2
import pytest
import torch

from googlenet.errors import UserError
from googlenet.models.determinism import prepare_machine

pytestmark = pytest.mark.usefixtures("machine")


@pytest.mark.parametrize(("threads", "deterministic"), [(1, False), (2, False), (2, True)])
def test_the_machine_is_prepared_for_the_same_bits(threads, deterministic):
    """cv2 has one thread whatever torch has, and torch alone knows nothing of a GPU that is not asked for."""
    torch.use_deterministic_algorithms(deterministic)
    cv2.setNumThreads(4)
    prepare_machine(threads, "cpu")
    assert torch.are_deterministic_algorithms_enabled() and not torch.backends.cudnn.allow_tf32
    assert not torch.utils.deterministic.fill_uninitialized_memory
    assert (torch.get_num_threads(), cv2.getNumThreads()) == (threads, 1)


@pytest.mark.parametrize("there", [True, False])
def test_a_gpu_is_asked_for_where_it_is(monkeypatch, there):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    if there:
        prepare_machine(1, "cuda")
        return
    with pytest.raises(
        UserError, match=r"^compute\.device: cuda asked for, but torch sees no GPU; set cpu, or run where"
    ):
        prepare_machine(1, "cuda")


def test_a_job_that_does_not_use_torch_does_not_import_it():
    script = "import sys; from googlenet.models.determinism import prepare_machine; prepare_machine(1, 'cpu');"
    script += "import cv2; print('torch' in sys.modules, cv2.getNumThreads())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False 1\n"


def test_a_job_that_uses_torch_does_not_import_its_compiler():
    """Neither to switch determinism on, nor to build a network or its outline, as `bundle.filled` does."""
    script = """
import sys, torch
from googlenet.models.determinism import prepare_machine
from googlenet.models.googlenet import GoogLeNet
prepare_machine(1, "cpu")
for device in ("cpu", "meta"):
    torch.set_default_device(device)
    GoogLeNet()
print(torch.are_deterministic_algorithms_enabled(), {"torch._dynamo", "torch._inductor"} & {*sys.modules})
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "True set()\n"


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries keep their defaults")
def test_freed_memory_is_kept_for_the_next_tensor():
    """The pages of tensors of 80 MB are fetched for the first ones alone."""
    script = (
        "import resource, torch; from googlenet.models.determinism import prepare_machine; prepare_machine(1, 'cpu');"
    )
    script += "faults = lambda: (torch.ones(20_000_000), resource.getrusage(resource.RUSAGE_SELF).ru_minflt)[1];"
    script += "seen = [faults() for _ in range(12)]; print(seen[11] - seen[10])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1000  # of 19,532


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries keep their defaults")
def test_freed_memory_is_returned_when_asked():
    """Though tensors that are still there lie between those that were freed."""
    script = """
import os, torch
from googlenet.models.determinism import prepare_machine, return_freed_memory
prepare_machine(1, "cpu")
held = lambda: int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
tensors = [torch.ones(250_000) for _ in range(400)]
kept = tensors[::20]
del tensors
before = held()
return_freed_memory()
print(before - held(), sum(each.sum().item() for each in kept))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    returned_mb, total = map(float, done.stdout.split())
    assert returned_mb > 300 and total == 20 * 250_000  # of 380
