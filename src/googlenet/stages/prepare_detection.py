"""Check and pack the detection data set: shards with a manifest."""

from googlenet.data.prepare import prepare_to, told
from googlenet.job import Job, Output, main


def run(job: Job, *, manifest: Output) -> None:
    """Write the shards beside `manifest`, and the manifest last: it is the edge that stands for them."""
    workers = min(job.plumbing["prepare_workers"], job.threads)
    source, stop = job.config["source"], job.resume.told_to_stop
    made = prepare_to(manifest, "detection", source, job.stamp, workers, stop, job.say)
    job.log({f"{split}_pictures": row["records"] for split, row in made["splits"].items()})
    for line in told(made):
        job.say(line)
    job.artifact(manifest)


if __name__ == "__main__":
    main(run)
