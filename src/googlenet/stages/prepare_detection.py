"""Check and pack the detection data set: shards with a manifest."""

from googlenet.data.prepare import forget, prepare, state_of, told
from googlenet.files import write_json
from googlenet.job import Job, Output, main


def run(job: Job, *, manifest: Output) -> None:
    """Write the shards beside `manifest`, and the manifest last: it is the edge that stands for them."""
    workers = min(job.plumbing["prepare_workers"], job.threads)
    state = state_of("detection", manifest.parent.name, job.stamp)
    how = {"workers": workers, "state": state, "stop": job.resume.told_to_stop, "say": job.say}
    made = prepare("detection", job.config["source"], manifest.parent, **how)
    write_json(manifest, made | {"stamp": job.stamp})
    forget(state)
    job.log({f"{split}_pictures": row["records"] for split, row in made["splits"].items()})
    for line in told(made):
        job.say(line)
    job.artifact(manifest)


if __name__ == "__main__":
    main(run)
