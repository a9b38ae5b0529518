"""Train one variant of the table of ablations."""

from googlenet.classification.train import Splits, train_member
from googlenet.config.schema.base import replaced
from googlenet.config.schema.classification import TrainAblation
from googlenet.data.decoded import labelled
from googlenet.metrics.data import read_manifest
from googlenet.pipeline.job import Input, Job, Output, main
from googlenet.storage.checkpoint import save_arrays


def run(job: Job[TrainAblation], *, manifest: Input, outcomes: Output, metrics: Output) -> None:
    """Train as train_classifier does, and save the variant's errors; a stalled training is a valid result here."""
    splits = Splits(**labelled(manifest.parent, job.execution.decoded_cache_mb))
    classes, training = read_manifest(manifest).classes, job.settings.training
    training = replaced(training, stall=replaced(training.stall, enabled=False))
    _, measured, wrong = train_member(training, classes, splits, job.runtime, job.log, job.resume)
    save_arrays(outcomes, wrong, {"stamp": job.stamp})
    job.write_metrics(metrics, measured.model_copy(update={"variant": job.settings.variant}))


if __name__ == "__main__":
    main(run)
