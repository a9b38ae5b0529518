"""Rates that all stages share: the start of a job, the disk, packing, decoding; and all measurements by name."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from googlenet.config.schema.base import replaced
from googlenet.config.schema.dataset import EmbeddedDigits, EmbeddedScenes, Kind, SplitSources
from googlenet.config.schema.shared import Execution
from googlenet.data import prepare, readers
from googlenet.data.images import decode
from googlenet.errors import UserError
from googlenet.metrics.runs import read_run
from googlenet.pipeline.job_file import JobFile, run_record, write_execution
from googlenet.planning import measure_classification as c
from googlenet.planning import measure_detection as d
from googlenet.planning.clock import now, seconds_of
from googlenet.planning.empty_job import Empty
from googlenet.planning.rates import Amount, Bench, Measurement, Rate, Seconds
from googlenet.planning.sizes import SAMPLED, ImageSize, small, source_of
from googlenet.storage.files import write_bytes

DISK_MB = 128
PLAN = "plan"  # the empty job's experiment
EMPTY = Path(f"results/{PLAN}/config/empty/all.json")
EMPTY_JOB = "from googlenet.pipeline.job import main; from googlenet.planning.empty_job import run; main(run)"
NETWORK = "import torch; from googlenet.models import bundle; "  # as the stages that run a network
PACKED = 60  # images, of two classes
CLASSES = ("a", "b")


class StartRate(Seconds):
    """The cost of an empty job. recorded_s: the part of its seconds that its run.json records."""

    recorded_s: Amount
    memory_mb: Amount


class EmptyJob(Measurement[StartRate]):
    """A job that does nothing. network: whether it has the imports of stages that run a network."""

    name, gives = "job", StartRate
    network: bool

    def measure(self, bench: Bench) -> StartRate:
        """Run two jobs in a folder and measure the second, as the first reads the libraries from disk."""
        with tempfile.TemporaryDirectory(prefix="googlenet-") as name:
            folder = Path(name)
            write_bytes(folder / EMPTY, JobFile("empty", "all", PLAN, "0", Empty()).to_bytes())
            write_execution(folder, PLAN, bench.experiment.of(Execution))
            empty_job(folder)
            return empty_job(folder, NETWORK if self.network else "")


def empty_job(folder: Path, imports: str = "") -> StartRate:
    """Run a job that does nothing. imports: Python that it runs first."""
    # Through a shell: Linux includes the parent in a child's peak memory (before its exec), and this process is large.
    command = ["sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-c", imports + EMPTY_JOB]
    command += ["--threads", "1", "--config", str(EMPTY), "--metrics", "metrics.json"]
    environment = {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}
    environment |= {
        "GOOGLENET_EXPERIMENT": PLAN,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "OMP_NUM_THREADS": "1",
    }
    wall, start = time.perf_counter(), now()
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, errors="backslashreplace", check=False
    )
    wall, seconds = time.perf_counter() - wall, now() - start
    if done.returncode:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        raise UserError(f"an empty job ended with an error: {last}; run `make env` again")
    record = read_run(folder / run_record(EMPTY, "empty", "all"))
    recorded = record.duration_s * seconds / wall  # duration_s is wall-clock time
    return StartRate(seconds=seconds, recorded_s=recorded, memory_mb=record.peak_memory_mb or 0)


class DiskRate(Rate):
    """Megabytes that reach the disk per second."""

    mb_per_s: Amount


class Disk(Measurement[DiskRate]):
    """The disk where the data would be stored: one file, flushed to the disk itself."""

    name, gives = "disk", DiskRate

    def measure(self, bench: Bench) -> DiskRate:
        block = os.urandom(2**20)
        with tempfile.NamedTemporaryFile(dir=bench.experiment.root, prefix=".plan-") as file:
            start = time.perf_counter()
            for _ in range(DISK_MB):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
            seconds = time.perf_counter() - start
        return DiskRate(mb_per_s=DISK_MB * 2**20 / 1e6 / seconds)


class Pack(Measurement[Seconds]):
    """Read, check and pack an image, always from class folders; for the embedded set, also draw it."""

    name, gives = "pack", Seconds
    kind: Kind
    image: ImageSize
    embedded: EmbeddedDigits | EmbeddedScenes | None
    resize_shorter_side_px: int

    def measure(self, bench: Bench) -> Seconds:
        with tempfile.TemporaryDirectory(prefix="googlenet-") as folder:
            top, files = Path(folder), bench.files(self.image)
            for i in range(PACKED):
                write_bytes(top / "raw/test" / CLASSES[i % 2] / f"{i}.jpg", files[i % len(files)])
            splits = SplitSources(train="", validation="", test="test")
            layout = {"reader": "class_folders", "root": str(top / "raw"), "splits": splits, "blacklist": ""}
            sides = {"validation_per_class": 0, "min_side_px": 1, "resize_shorter_side_px": self.resize_shorter_side_px}
            source = replaced(source_of(bench.experiment, "classification"), **layout, **sides)
            prepare.prepare(source, top / "first")  # warm-up: imports the code that packs
            start = now()
            prepare.prepare(source, top / "packed")
            seconds = (now() - start) / PACKED
            if self.embedded:
                few = replaced(source_of(bench.experiment, self.kind), embedded=small(self.embedded))
                readers.of(few).read(few, top / "first drawn")
                start = now()
                drawn = readers.of(few).read(few, top / "drawn").splits.values()
                seconds += (now() - start) / max(SAMPLED, sum(map(len, drawn)))
            return Seconds(seconds=seconds)


class Decode(Measurement[Seconds]):
    """Decode an image."""

    name, gives = "decode", Seconds
    image: ImageSize

    def measure(self, bench: Bench) -> Seconds:
        files = bench.files(self.image)
        return Seconds(seconds=seconds_of(lambda: len([decode(file) for file in files])))


EVERY: tuple[type[Measurement[Any]], ...] = (
    *(EmptyJob, Disk, Pack, Decode, c.ClassifierStep, c.TrainingCrop, c.Forward, c.CutCrops, c.EnsembleEvaluation),
    *(c.CropStudy, d.SelectiveSearch, d.Merge, d.MultiboxStep, d.MultiboxBoxes, d.DetectorStep, d.RegionScore),
    *(d.RegionLabels, d.DetectionEvaluation),
)
KINDS = {kind.name: kind for kind in EVERY}
