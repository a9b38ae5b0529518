"""Train one variant of the table of ablations."""

from googlenet.checkpoint import save_arrays
from googlenet.classification.member import train_member
from googlenet.data.decoded import labelled
from googlenet.files import read_json
from googlenet.job import Input, Job, Output, main


def run(job: Job, *, manifest: Input, outcomes: Output, metrics: Output) -> None:
    """Train as train_classifier does, and keep what the variant gets wrong; a stalled training is a result here."""
    splits = labelled(manifest.parent, job.plumbing["decoded_cache_mb"])
    config = job.config["training"]
    config = config | {"stall": config["stall"] | {"epochs": 0}}

    _, _, found, wrong = train_member(
        config, read_json(manifest)["classes"], splits, job.compute, job.log, job.resume
    )
    save_arrays(outcomes, wrong, {"stamp": job.stamp})
    job.write_metrics(metrics, found | {"variant": job.config["variant"]})


if __name__ == "__main__":
    main(run)
