"""Inference engines: how a trained network computes its outputs for batches of uint8 images.

eager: torch's kernels one after another. compile: TorchInductor, with folded weights; on a CPU it needs a C++ compiler.
openvino: OpenVINO's CPU plug-in, which needs none. A fast engine is used only if its outputs for a sample of the job's
own images agree with those of eager fp32; if it cannot be built, or its outputs differ, eager takes its place.
"""

import copy
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import metadata, util
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from googlenet.metrics.rounding import at_most
from googlenet.models.network import NetworkSpec
from googlenet.models.runtime import Runtime

Outputs = tuple[np.ndarray, ...]
Built = Callable[[np.ndarray], Sequence[np.ndarray]]  # a full batch of images in, float32 arrays out

SAMPLE = 16  # most images whose outputs are compared with fp32's
CPU_SLICE = 16  # images at a time: with more, the maps of one layer leave the cache before the next layer reads them
TOLERANCE = {"bf16": 0.1, "fp32": 1e-3}  # the largest difference from eager fp32: see `difference`
# Multiply-adds of a whole job above which building an engine pays off: docs/decisions/0030-inference-engines.md.
OPENVINO_PAYS = 1e12
CUDA_PAYS = 1e15
COMPILED = Path(".googlenet/compiled")  # compiled kernels, kept between jobs; may be deleted at any time


@dataclass(frozen=True)
class EngineUse:
    """What computed a result: the engine requested and the one used, its version, and how it was checked. difference:
    the largest between its outputs and eager fp32's on `sample` images (see `difference`)."""

    requested: str = "eager"
    used: str = "eager"
    version: str = torch.__version__
    sample: int = 0
    difference: float = 0.0
    fallback: str = ""  # why the chosen engine was not used

    @property
    def line(self) -> str:
        """One line for a job's log."""
        used = f"engine: {self.used} {self.version} ({self.requested} requested)"
        checked = f"; differs from eager fp32 by at most {at_most(self.difference, 2)} on {self.sample} images"
        return used + (checked if self.sample else "") + (f"; {self.fallback}" if self.fallback else "")


class FromPixels(nn.Module):
    """A network with input normalisation: uint8 RGB images [n, h, w, 3] in, a tuple of float32 outputs out."""

    def __init__(self, body: nn.Module, spec: NetworkSpec, dtype: torch.dtype):
        super().__init__()
        self.body, self.bgr, self.dtype = body, spec.channel_order == "bgr", dtype
        for name, value in (("mean", spec.input_mean), ("scale", spec.input_scale)):
            self.register_buffer(name, torch.tensor(value, dtype=torch.float32).view(1, -1, 1, 1))
        self.mean: Tensor
        self.scale: Tensor

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        x = images.flip(3) if self.bgr else images
        x = (x.permute(0, 3, 1, 2).float() - self.mean) * self.scale
        outputs = self.body(x.to(self.dtype))
        return tuple(each.float() for each in (outputs if isinstance(outputs, tuple) else (outputs,)))


class Engine:
    """A network ready for inference. slice_size: the number of images computed at a time, the last slice being padded;
    0: all images at once, unpadded."""

    def __init__(self, built: Built, slice_size: int, use: EngineUse):
        self._built, self._slice_size, self.use = built, slice_size, use

    def __call__(self, images: np.ndarray) -> Outputs:
        """Return the outputs, float32 [n, ...] each, for uint8 RGB images [n, h, w, 3]."""
        if not self._slice_size:
            return tuple(self._built(images))
        count = len(images)
        if missing := -count % self._slice_size or (0 if count else self._slice_size):
            images = np.concatenate([images, np.zeros((missing, *images.shape[1:]), np.uint8)])
        slices = (images[start : start + self._slice_size] for start in range(0, len(images), self._slice_size))
        parts = zip(*map(self._built, slices), strict=True)
        return tuple(np.concatenate(part)[:count] for part in parts)


def engine_for(
    body: nn.Module, spec: NetworkSpec, batch_size: int, multiply_adds: float, sample: np.ndarray, runtime: Runtime
) -> Engine:
    """Build the engine that the runtime requests for a network in evaluation mode.

    body: maps the network's input to a tensor or a tuple of tensors. multiply_adds: of the whole job. sample: the job's
    own first images, uint8 RGB [n, h, w, 3], the same after a restart."""
    name, use = chosen(runtime, multiply_adds), EngineUse(runtime.engine)

    def plain(fallback: str = "") -> Engine:
        return Engine(eager(body, spec, runtime), 0, replace(use, fallback=fallback))

    if name == "eager":
        return plain()
    slice_size = min(batch_size, CPU_SLICE) if runtime.device == "cpu" else batch_size
    sample = sample[:SAMPLE]
    exact = eager(body, spec, replace(runtime, precision="fp32"))(sample)
    try:
        fast = Engine(BUILDERS[name](body, spec, slice_size, runtime), slice_size, use)
        worst = max(map(difference, fast(sample), exact))
    except Exception as error:  # compilers and plug-ins raise anything; reported below
        reason = next(iter(str(error).strip().splitlines()), "")[:200]
        return plain(f"{name}: {type(error).__name__}: {reason}")
    if not worst <= TOLERANCE[runtime.precision]:  # also rejects NaN
        return plain(f"{name} differs from eager fp32 by {worst:.3g}, more than {TOLERANCE[runtime.precision]}")
    fast.use = replace(use, used=name, version=version(name), sample=len(sample), difference=worst)
    return fast


def difference(ours: np.ndarray, exact: np.ndarray) -> float:
    """The largest difference between two arrays, divided by the second's largest value if that is above 1."""
    return float(np.abs(ours - exact).max(initial=0) / max(1.0, np.abs(exact).max(initial=0)))


def chosen(runtime: Runtime, multiply_adds: float) -> str:
    """The engine requested or, for auto, the fastest for this much work on this type of machine.

    On a GPU, compiled code from CUDA_PAYS on; on a CPU, OpenVINO from OPENVINO_PAYS on; otherwise eager."""
    if runtime.engine != "auto":
        return runtime.engine
    if runtime.device == "cuda":
        return "compile" if multiply_adds >= CUDA_PAYS else "eager"
    return "openvino" if multiply_adds >= OPENVINO_PAYS and util.find_spec("openvino") else "eager"


def compiler() -> str:
    """The C++ compiler that Inductor would call, "" if there is none."""
    return shutil.which(os.environ.get("CXX", "g++")) or ""


def version(name: str) -> str:
    """The version of the library behind an engine."""
    return metadata.version("openvino") if name == "openvino" else torch.__version__


def prepared(body: nn.Module, spec: NetworkSpec, runtime: Runtime) -> FromPixels:
    """The network with input normalisation, on its device. In bf16 the convolutions and linear layers store bf16
    weights, which gives the bits of autocast without its conversions in every pass."""
    lowered = copy.deepcopy(body).eval()
    if runtime.precision == "bf16":
        for module in lowered.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                module.to(torch.bfloat16)
    dtype = torch.bfloat16 if runtime.precision == "bf16" else torch.float32
    return FromPixels(lowered, spec, dtype).to(runtime.device)


def eager(body: nn.Module, spec: NetworkSpec, runtime: Runtime) -> Built:
    """Torch's kernels one after another."""
    return _by_torch(prepared(body, spec, runtime), runtime.device)


def compiled(body: nn.Module, spec: NetworkSpec, batch_size: int, runtime: Runtime) -> Built:
    """Code generated by Inductor for this network, batch size and processor."""
    import torch._inductor.config as inductor

    if runtime.device == "cpu" and not compiler():
        raise RuntimeError("no C++ compiler; install g++, or set compute.engine: openvino")
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(COMPILED.absolute()))
    model = prepared(body, spec, runtime)
    # Folded weights are prepacked for oneDNN.
    with inductor.patch(freezing=True, compile_threads=1, deterministic=True):
        fast = _by_torch(torch.compile(model, fullgraph=True, dynamic=False), runtime.device)
        px = spec.input_px
        fast(np.zeros((batch_size, px, px, 3), np.uint8))  # triggers compilation
    return fast


def _by_torch(model: Callable[[Tensor], tuple[Tensor, ...]], device: str) -> Built:
    def run(images: np.ndarray) -> list[np.ndarray]:
        with torch.inference_mode():
            outputs = model(torch.from_numpy(images).to(device, non_blocking=True))
            return [output.cpu().numpy() for output in outputs]

    return run


@cache
def openvino_core() -> tuple[Any, Any]:
    """OpenVINO's core and module, shared by all networks of a process.

    A core installs an alternate signal stack for the thread and, when destroyed, restores the one it found. Of two
    cores destroyed in the order of their creation, the second restores the first's stack, which no longer exists, and
    the next signal kills the process."""
    # OpenVINO reports its import to its makers through this package, which is optional.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None: blocks its import
    import openvino

    return openvino.Core(), openvino


def by_openvino(body: nn.Module, spec: NetworkSpec, batch_size: int, runtime: Runtime) -> Built:
    """OpenVINO's kernels, with as many threads as torch has."""
    if runtime.device != "cpu":
        raise RuntimeError("runs on the CPU alone; set compute.engine: compile, or compute.device: cpu")
    core, openvino = openvino_core()
    px = spec.input_px
    images = torch.zeros((batch_size, px, px, 3), dtype=torch.uint8)
    model = FromPixels(copy.deepcopy(body).eval(), spec, torch.float32)
    with torch.no_grad():
        exported = torch.export.export(model, (images,))
    options = {
        "INFERENCE_PRECISION_HINT": {"bf16": "bf16", "fp32": "f32"}[runtime.precision],
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,  # concurrent jobs, if pinned, would all share the first core
    }
    converted = openvino.convert_model(exported)
    converted.reshape(list(images.shape))  # otherwise kernels are for any batch size
    request = core.compile_model(converted, "CPU", options).create_infer_request()

    def run(images: np.ndarray) -> list[np.ndarray]:
        results = request.infer([np.ascontiguousarray(images)], share_inputs=True)
        return [results[number].copy() for number in range(len(results))]

    return run


BUILDERS = {"compile": compiled, "openvino": by_openvino}
