"""Check and pack the classification data set: shards with a manifest."""

from googlenet.config.schema.dataset import PrepareClassification
from googlenet.data.prepare import forget, log_lines, prepare, state_of
from googlenet.pipeline.job import Job, Output, main


def run(job: Job[PrepareClassification], *, manifest: Output) -> None:
    """Write the shards beside `manifest`, and the manifest last: it is the edge that stands for them."""
    source, folder = job.settings.source, manifest.parent
    state = state_of(source.kind, folder.name, job.stamp)
    workers = min(job.execution.prepare_workers, job.threads)
    made = prepare(source, folder, workers=workers, state=state, stop=job.resume.told_to_stop, say=job.say)
    job.write_metrics(manifest, made)
    forget(state)
    job.log({f"{name}_pictures": split.records for name, split in made.splits.items()})
    for line in log_lines(made):
        job.say(line)


if __name__ == "__main__":
    main(run)
