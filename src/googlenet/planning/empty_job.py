"""A job that does nothing, to measure what every job costs before and after its work: imports, tracking, run.json."""

from googlenet.checkpoint import save_arrays
from googlenet.data.store import open_split
from googlenet.job import Job, Output, main

LOADED = (save_arrays, open_split)  # what stages without a network import


def run(job: Job, *, metrics: Output) -> None:
    """Write nothing but the stamp."""
    job.log({"loaded": len(LOADED)})
    job.write_metrics(metrics, {})


if __name__ == "__main__":
    main(run)
