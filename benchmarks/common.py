"""Shared by the benchmarks: contestants that take turns, and a record of what ran where."""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path

from googlenet.models.processor import cpu_name, precision_of

PACKAGES = (
    "torch", "torchvision", "numpy", "opencv-contrib-python-headless", "pillow", "openvino", "onnxruntime",
    "pycocotools", "faster-coco-eval", "snakemake", "dvc", "ruamel.yaml", "ruamel.yaml.clib",
)  # fmt: skip


def parser(doc: str | None) -> argparse.ArgumentParser:
    """An argument parser with the module's docstring and --json."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--json", type=Path, metavar="FILE", help="write the ratios and figures of this run")
    return made


def auto(device: str = "cpu") -> str:
    """The precision that `compute.precision: auto` means here: without bf16 instructions if ONEDNN_MAX_CPU_ISA leaves
    them out, as for the kernels of torch and OpenVINO."""
    most = os.environ.get("ONEDNN_MAX_CPU_ISA", "DEFAULT").upper()
    leaves_out = device == "cpu" and not any(word in most for word in ("DEFAULT", "BF16", "FP16", "AMX", "AVX10"))
    return "fp32" if leaves_out else precision_of("auto", device)


def turns(
    contestants: Mapping[str, Callable[[], object]], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """Seconds of each contestant, `rounds` times each, in turn; a first warm-up round is dropped."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds + 1):
        for name, run in contestants.items():
            start = clock()
            run()
            times[name].append(clock() - start)
    return {name: seconds[1:] for name, seconds in times.items()}


def medians(times: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """The median seconds of each contestant."""
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Our speed-up: the median over the rounds of theirs / ours in the same round."""
    return statistics.median(b / a for a, b in zip(ours, theirs, strict=True))


def machine() -> dict[str, object]:
    """Processor with its matrix instructions, Python and package versions."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {"processor": cpu_name(), "python": platform.python_version(), "versions": versions}


def by_itself(script: str, *words: str) -> dict[str, float]:
    """Run a benchmark's script in a process of its own; return the figures in its last line, which is JSON."""
    done = subprocess.run([sys.executable, script, *words], stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def report(rows: Sequence[Sequence[object]], header: Sequence[str]) -> None:
    """Print a table with aligned columns."""
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def write(path: Path | None, **figures: object) -> None:
    """Write a run's figures, with the machine that they were measured on, if a file was requested."""
    if path is not None:
        path.write_text(json.dumps(figures | machine(), indent=1) + "\n")
