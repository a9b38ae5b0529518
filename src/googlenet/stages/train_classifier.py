"""Train one member of the ensemble."""

from googlenet import trained
from googlenet.checkpoint import save_arrays
from googlenet.classification.member import train_member
from googlenet.data.decoded import labelled
from googlenet.files import read_json
from googlenet.job import Input, Job, Output, main


def run(job: Job, *, manifest: Input, weights: Output, outcomes: Output, metrics: Output) -> None:
    """Train on the training split, choose nothing, watch the validation split; keep the averaged weights.

    outcomes: what the averaged and the last weights get wrong on validation and test (classification/train.py).
    """
    splits = labelled(manifest.parent, job.plumbing["decoded_cache_mb"])
    classes = read_json(manifest)["classes"]

    model, description, found, wrong = train_member(
        job.config, classes, splits, job.compute, job.log, job.resume
    )
    trained.save(weights, model, description, job.stamp)
    save_arrays(outcomes, wrong, {"stamp": job.stamp})
    job.write_metrics(metrics, found)


if __name__ == "__main__":
    main(run)
