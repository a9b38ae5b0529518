"""A trivial job that appends to its event log, beside the same job that logs to MLflow itself, as jobs once did.

    python benchmarks/job_start.py              # 20 pairs, in turn: about three minutes

Each job is a process that logs one number, attaches its metrics.json and writes run.json (planning/empty_job.py). Its
peer, after the same work, opens the local store and sends these events to it before it ends. Seconds of wall time and of
processor time of each process, and the ratio of each pair.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from googlenet.config.schema.shared import Execution
from googlenet.pipeline.job_file import EXECUTION, JobFile
from googlenet.planning.empty_job import Empty
from googlenet.storage.files import write_bytes, write_json

CONFIG = "results/bench/config/empty/all.json"
JOB = "from googlenet.pipeline.job import perform; from googlenet.planning.empty_job import run; perform(run, sys.argv[1:])"
MIRRORED = (
    "from pathlib import Path; from googlenet.tracking import deliver; sys.exit(not deliver(Path.cwd(), 'bench'))"
)


def seconds(folder: Path, *lines: str) -> tuple[float, float]:
    """Wall and processor seconds of one job."""
    words = [sys.executable, "-c", "; ".join(("import sys", *lines)), "--config", CONFIG, "--threads", "1"]
    before, clock = os.times(), time.monotonic()
    words += ["--metrics", "results/bench/empty/metrics.json"]
    subprocess.run(words, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.monotonic() - clock, os.times()
    children = (after.children_user + after.children_system) - (before.children_user + before.children_system)
    return wall, children


def main() -> None:
    """Run pairs of jobs in turn, and print medians and the median ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=20)
    pairs = parser.parse_args().pairs
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_bytes(folder / CONFIG, JobFile("empty", "all", "bench", "0", Empty()).to_bytes())
        execution = Execution(
            loader_workers=0, jobs_per_gpu=1, prepare_workers=1, decoded_cache_mb=100, commit_limit_gb=1, save_every_s=60
        )
        write_json(folder / EXECUTION, execution.model_dump(mode="json"))
        seconds(folder, JOB, MIRRORED)  # reads everything once, and makes the store
        alone, itself = [], []
        for _ in range(pairs):
            alone.append(seconds(folder, JOB))
            seconds(folder, JOB, MIRRORED)  # empties the logs, untimed, so that the next one sends one run alone
            itself.append(seconds(folder, JOB, MIRRORED))
    for number, what in enumerate(("wall", "processor")):
        ours, theirs = ([pair[number] for pair in runs] for runs in (alone, itself))
        ratio = statistics.median(one / other for one, other in zip(ours, theirs, strict=True))
        medians = f"{statistics.median(ours):.2f} s beside {statistics.median(theirs):.2f} s with MLflow"
        print(f"{what:>9}: {medians}, ratio {ratio:.2f} (median of {pairs} pairs)")


if __name__ == "__main__":
    main()
