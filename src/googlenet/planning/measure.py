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

from googlenet.config import Job, Settings, plain
from googlenet.data import embedded, pictures, prepare
from googlenet.errors import UserError
from googlenet.files import json_bytes, read_json, write_json
from googlenet.planning import measure_classification, measure_detection
from googlenet.planning.clock import as_in_a_job, now, seconds_of
from googlenet.planning.machine import Values
from googlenet.planning.sizes import SAMPLED, DataSize, small

DISK_MB = 128
EMPTY = "results/plan"
PACKED = 60  # pictures, of two classes
CLASSES = ("a", "b")
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

    def __init__(self, settings: Settings, sizes: Sequence[DataSize]):
        self.settings = settings
        self.samples = {json_bytes(size.picture): Sample(size) for size in sizes}

    def __call__(self, what: str, settings: dict) -> Values:
        sample = self.samples.get(json_bytes(settings.get("picture")))
        if what == "job":
            return job(self.room, settings["network"])
        if what == "disk":
            return disk(self.settings.root)
        if what == "pack":
            source = self.settings.resolved(Job("prepare_classification", "all"))["source"]
            return pack(settings, sample, source)
        if what == "decode":
            return decode(sample)
        compute = {"device": "cpu", "numeric_threads": 1, "precision": "fp32"} | settings.get("compute", {})
        with as_in_a_job(compute):
            return ROOMS[what](settings, sample.decoded if sample else [], compute | {"loader_workers": 0})

    @cached_property
    def room(self) -> tempfile.TemporaryDirectory:
        """A folder for empty jobs, with the store of runs that the first job of all makes."""
        room = tempfile.TemporaryDirectory(prefix="googlenet-")
        head = {"stage": "empty", "job": "all", "code": "0", "experiment": "plan"}
        write_json(Path(room.name) / EMPTY / "config/empty/all.json", head)
        write_json(Path(room.name) / ".googlenet/plumbing.json", plain(self.settings.tree.plumbing))
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
    wall, start = time.perf_counter(), now()
    done = subprocess.run(words, cwd=room.name, env=around, capture_output=True, text=True, check=False)
    wall, seconds = time.perf_counter() - wall, now() - start
    if done.returncode:
        last = (done.stderr.strip() or "no word").splitlines()[-1]
        raise UserError(f"an empty job ended with an error: {last}; run `make env` again")
    record = read_json(Path(room.name) / EMPTY / "runs/empty/all.json")
    recorded = record["duration_s"] * seconds / wall  # of the wall too
    return {"seconds": seconds, "recorded_s": recorded, "memory_mb": record["peak_memory_mb"]}


def disk(root: Path) -> Values:
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


def pack(settings: Mapping, sample: Sample, source: Mapping) -> Values:
    """Seconds to read, check and pack a picture, and for the embedded set also to draw it."""
    drawing = 0.0
    with tempfile.TemporaryDirectory(prefix="googlenet-") as folder:
        top = Path(folder)
        for name in CLASSES:
            (top / "raw/test" / name).mkdir(parents=True)
        for i in range(PACKED):
            image = sample.files[i % len(sample.files)]
            (top / "raw/test" / CLASSES[i % 2] / f"{i}.jpg").write_bytes(image)
        alone = {"train": "", "validation": "", "test": "test"}
        own = dict(source) | {
            "reader": "class_folders",
            "root": str(top / "raw"),
            "splits": alone,
            "blacklist": "",
            "validation_per_class": 0,
        }
        own = {key: value for key, value in own.items() if key in source}
        own |= {"min_side_px": 1, "resize_shorter_side_px": settings["resize_shorter_side_px"]}
        prepare.prepare("classification", own, top / "first")  # imports what packs
        start = now()
        prepare.prepare("classification", own, top / "packed")
        seconds = (now() - start) / PACKED
        if settings["embedded"]:
            embedded.read(settings["kind"], {"embedded": small(settings["embedded"])}, top / "first drawn")
            start = now()
            few = embedded.read(settings["kind"], {"embedded": small(settings["embedded"])}, top / "drawn")
            drawing = (now() - start) / max(SAMPLED, sum(map(len, few.splits.values())))
    return {"seconds": seconds + drawing}


def decode(sample: Sample) -> Values:
    """Seconds to decode a picture."""
    return {"seconds": seconds_of(lambda: len([pictures.decode(image) for image in sample.files]))}
