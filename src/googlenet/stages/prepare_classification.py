"""Check and pack the classification data set: shards with a manifest."""

from googlenet.config.schema.dataset import PrepareClassification
from googlenet.data.prepare import prepared
from googlenet.pipeline.job import Job, Output, main


def run(job: Job[PrepareClassification], *, manifest: Output) -> None:
    """Write the shards next to `manifest`, then the manifest, which represents them in the workflow."""
    source, workers = job.settings.source, min(job.execution.prepare_workers, job.threads)
    with prepared(source, manifest.parent, job.stamp, workers, job.resume.stop_requested, job.say) as made:
        job.write_metrics(manifest, made)
        job.log({f"{name}_pictures": split.records for name, split in made.splits.items()})


if __name__ == "__main__":
    main(run)
