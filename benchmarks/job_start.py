"""What a trivial job costs and which part is imports; beside a job that logs to MLflow itself, as jobs once did.

    python benchmarks/job_start.py              # 10 rounds: about three minutes
    python benchmarks/job_start.py --rounds 3 --json FILE

Processes in turn: Python alone; the imports of torch and of two stages; and a job that logs one number, attaches its
metrics.json and writes run.json (planning/empty_job.py). The last one, after the same work, opens the local store and
sends these events to MLflow before it ends. Wall seconds. JSON keys: "<process>_s" of the medians, and of the pairs
"job_over_with_mlflow" and "stage_over_torch": what a stage that computes adds to torch's own import.
"""

import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import common

from googlenet.config.schema.shared import Execution
from googlenet.pipeline.experiment import experiment
from googlenet.pipeline.job_file import JobFile, write_execution
from googlenet.planning.empty_job import Empty
from googlenet.storage.files import write_bytes

CONFIG = "results/bench/config/empty/all.json"
JOB = "from googlenet.pipeline.job import perform; from googlenet.planning.empty_job import run; perform(run, sys.argv[1:])"
MIRRORED = (
    "from pathlib import Path; from googlenet.tracking import deliver; sys.exit(not deliver(Path.cwd(), 'bench'))"
)


PROCESSES = {
    "python": "pass",
    "import torch": "import torch",
    "import train_detector": "import googlenet.stages, gc; gc.disable(); import googlenet.stages.train_detector",
    "import evaluate_detection": "import googlenet.stages, gc; gc.disable(); import googlenet.stages.evaluate_detection",
    "job": JOB,
    "job with mlflow": f"{JOB}; {MIRRORED}",
}


def process(folder: Path, code: str) -> None:
    """Run one process to its end."""
    words = [sys.executable, "-c", f"import sys; {code}", "--config", CONFIG, "--threads", "1"]
    words += ["--metrics", "results/bench/empty/metrics.json"]
    subprocess.run(words, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def prepared(folder: Path, execution: Execution) -> Path:
    """Write the empty job's file and its execution settings."""
    write_bytes(folder / CONFIG, JobFile("empty", "all", "bench", "0", Empty()).to_bytes())
    write_execution(folder, "bench", execution)
    return folder


def main() -> None:
    """Run the processes in turn; print the medians."""
    parser = common.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    with tempfile.TemporaryDirectory() as name:
        # Each in a folder of its own: MLflow's job would send the plain one's log as well. The first round creates its store.
        execution = experiment(Path(__file__).parents[1]).of(Execution)
        folders = {what: prepared(Path(name, what.replace(" ", "_")), execution) for what in PROCESSES}
        turns = {what: partial(process, folders[what], code) for what, code in PROCESSES.items()}
        times = common.turns(turns, options.rounds)
    seconds = common.medians(times)
    common.report([(what, f"{value:.2f}") for what, value in seconds.items()], ("process", "seconds"))
    over_mlflow = 1 / common.ratio(times["job"], times["job with mlflow"])
    over_torch = 1 / common.ratio(times["import train_detector"], times["import torch"])
    print(
        f"\na job takes {over_mlflow:.2f} of its time with MLflow; train_detector's imports {over_torch:.2f} of torch's"
    )
    figures = {f"{what.replace(' ', '_')}_s": round(value, 3) for what, value in seconds.items()}
    common.write(
        options.json,
        job_over_with_mlflow=round(over_mlflow, 3),
        stage_over_torch=round(over_torch, 3),
        **figures,
    )


if __name__ == "__main__":
    main()
