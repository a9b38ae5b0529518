"""Train one member of the ensemble."""

from googlenet.classification.train import Splits, train_member
from googlenet.config.schema.classification import TrainClassifier
from googlenet.data.decoded import labelled
from googlenet.metrics.data import read_manifest
from googlenet.models import bundle
from googlenet.pipeline.job import Input, Job, Output, main
from googlenet.storage.checkpoint import save_arrays


def run(job: Job[TrainClassifier], *, manifest: Input, weights: Output, outcomes: Output, metrics: Output) -> None:
    """Train on the training split and monitor the validation split, without model selection; save averaged weights.

    outcomes: errors of the averaged and of the last weights on validation and test (classification/train.py)."""
    splits = Splits(**labelled(manifest.parent, job.execution.decoded_cache_mb))
    classes = read_manifest(manifest).classes
    network, measured, wrong = train_member(job.settings, classes, splits, job.runtime, job.log, job.resume)
    bundle.save(weights, network, job.stamp)
    save_arrays(outcomes, wrong, {"stamp": job.stamp})
    job.write_metrics(metrics, measured)


if __name__ == "__main__":
    main(run)
