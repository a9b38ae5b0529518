"""Fit a logistic regression on pixels, as the baseline that a network must beat."""

from googlenet.classification.baseline import fit_and_score
from googlenet.config.schema.classification import TrainBaseline
from googlenet.data.decoded import DecodedImages
from googlenet.data.store import open_split
from googlenet.pipeline.job import Input, Job, Output, main


def run(job: Job[TrainBaseline], *, manifest: Input, metrics: Output) -> None:
    """Fit on the training split, score on the test split."""
    splits = [open_split(manifest.parent, name) for name in ("train", "test")]
    training, test = [(DecodedImages(split, 0), split.labels) for split in splits]
    measured = fit_and_score(training, test, job.settings)
    job.log(measured.to_json())
    job.write_metrics(metrics, measured)


if __name__ == "__main__":
    main(run)
