"""Measuring: what a machine does in a second of each stage's own code, with the settings that are asked for."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from googlenet.data import embedded, pictures, store
from googlenet.data.pack import Task, record_of
from googlenet.data.records import Candidate
from googlenet.errors import UserError
from googlenet.files import json_bytes, read_json, write_json
from googlenet.planning import measure_classification, measure_detection
from googlenet.planning.clock import as_in_a_job, seconds_of
from googlenet.planning.machine import Values
from googlenet.planning.sizes import SAMPLED, DataSize, small

DISK_MB = 128
EMPTY = "results/plan"
# Rates of the network alone: what is measured is in these two modules, by the name of the rate.
ROOMS = measure_classification.MEASURES | measure_detection.MEASURES


class Sample:
    """Some pictures of a data set, or two photographs of that size where there are none: as files, and decoded."""

    def __init__(self, size: DataSize):
        self.files = size.sample or stand_ins(size.width, size.height)

    @cached_property
    def decoded(self) -> list[np.ndarray]:
        """uint8 RGB [h, w, 3] each."""
        return [pictures.decode(image) for image in self.files]


def stand_ins(width: int, height: int) -> list[bytes]:
    """scikit-learn's two photographs at a size, as JPEG."""
    import cv2
    from sklearn.datasets import load_sample_images

    found = load_sample_images().images
    return [
        pictures.encode_jpeg(cv2.resize(one, (width, height), interpolation=cv2.INTER_AREA)) for one in found
    ]


class Measured:
    """Measures what is asked for: see machine.Rate."""

    def __init__(self, root: Path, sizes: Sequence[DataSize]):
        self.root = root
        self.samples = {json_bytes(size.picture): Sample(size) for size in sizes}

    def __call__(self, what: str, settings: dict) -> Values:
        sample = self.samples.get(json_bytes(settings.get("picture")))
        if what == "job":
            return job(self.room, settings["network"])
        if what in OWN:
            return OWN[what](settings, sample, self.root)
        compute = {"device": "cpu", "numeric_threads": 1, "precision": "fp32"} | settings.get("compute", {})
        with as_in_a_job(compute):
            return ROOMS[what](settings, sample.decoded if sample else [], compute | {"loader_workers": 0})

    @cached_property
    def room(self) -> tempfile.TemporaryDirectory:
        """A folder for empty jobs, with the store of runs that the first job of all makes."""
        room = tempfile.TemporaryDirectory(prefix="googlenet-")
        head = {"stage": "empty", "job": "all", "code": "0", "experiment": "plan"}
        write_json(Path(room.name) / EMPTY / "config/empty/all.json", head)
        write_json(Path(room.name) / ".googlenet/plumbing.json", {"loader_workers": 0})
        job(room, False)
        return room


def job(room: tempfile.TemporaryDirectory, network: bool) -> Values:
    """Seconds and memory of a job that does nothing; network: with what the stages import that run one."""
    module = "empty_network_job" if network else "empty_job"
    # A shell between: Linux counts in a process's peak memory what started it, and this process is large.
    words = ["sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-m", f"googlenet.planning.{module}"]
    words += ["--threads", "1", "--config", f"{EMPTY}/config/empty/all.json", "--metrics", "metrics.json"]
    around = {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}
    around |= {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "OMP_NUM_THREADS": "1"}
    start = time.perf_counter()
    done = subprocess.run(words, cwd=room.name, env=around, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        last = (done.stderr.strip() or "no word").splitlines()[-1]
        raise UserError(f"an empty job ended with an error: {last}; run `make env` again")
    record = read_json(Path(room.name) / EMPTY / "runs/empty/all.json")
    return {"seconds": seconds, "recorded_s": record["duration_s"], "memory_mb": record["peak_memory_mb"]}


def disk(settings: Mapping, sample: Sample, root: Path) -> Values:
    """Megabytes a second that reach the disk where the data would lie."""
    block = os.urandom(2**20)
    with tempfile.NamedTemporaryFile(dir=root, prefix=".plan-") as file:
        start = time.perf_counter()
        for _ in range(DISK_MB):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
        seconds = time.perf_counter() - start
    return {"mb_per_s": DISK_MB * 2**20 / 1e6 / seconds}


def pack(settings: Mapping, sample: Sample, root: Path) -> Values:
    """Seconds to read, check and pack a picture, its SHA-256 included; for the embedded set also to draw it."""
    drawing = 0.0
    with tempfile.TemporaryDirectory(prefix="googlenet-") as folder:
        top = Path(folder)
        for i, image in enumerate(sample.files):
            (top / f"{i}.jpg").write_bytes(image)
        found = [Candidate("train", f"{i}.jpg", top / f"{i}.jpg", 0) for i in range(len(sample.files))]

        def pack_all() -> int:
            task = Task([], 1, settings["resize_shorter_side_px"], top, top, top)
            store.write_shard(top / "train-00000.arrow", (record_of(one, task)[0] for one in found))
            return len(found)

        seconds = seconds_of(pack_all)
        if settings["embedded"]:
            recipe = settings["embedded"]
            start = time.perf_counter()
            few = embedded.read(settings["kind"], {"embedded": small(recipe)}, top / "drawn")
            drawing = (time.perf_counter() - start) / max(SAMPLED, sum(map(len, few.splits.values())))
    return {"seconds": seconds + drawing}


def decode(settings: Mapping, sample: Sample, root: Path) -> Values:
    """Seconds to decode a picture."""
    return {"seconds": seconds_of(lambda: len([pictures.decode(image) for image in sample.files]))}


OWN = {"disk": disk, "pack": pack, "decode": decode}
