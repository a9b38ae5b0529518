"""Fit a logistic regression on pixels, as the mark that a network must pass."""

from googlenet.classification.baseline import fit_and_score
from googlenet.data.decoded import Pictures
from googlenet.data.store import open_split
from googlenet.job import Input, Job, Output, main


def run(job: Job, *, manifest: Input, metrics: Output) -> None:
    """Fit on the training split, score on the test split."""
    training, test = [open_split(manifest.parent, name) for name in ("train", "test")]
    found = fit_and_score(
        (Pictures(training, 0), training.labels), (Pictures(test, 0), test.labels), job.config
    )
    job.log(found)
    job.write_metrics(metrics, found)


if __name__ == "__main__":
    main(run)
