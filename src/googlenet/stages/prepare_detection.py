"""Check and pack the detection data set: shards with a manifest."""

from googlenet.data.prepare import prepare
from googlenet.files import write_json
from googlenet.job import Job, Output, main


def run(job: Job, *, manifest: Output) -> None:
    """Write the shards beside `manifest`, and the manifest last: it is the edge that stands for them."""
    made = prepare("detection", job.config["source"], manifest.parent)
    write_json(manifest, made | {"stamp": job.stamp})
    job.log({f"{split}_pictures": row["records"] for split, row in made["splits"].items()})
    for refused in made["refused"]:
        print(f"left out: {refused['split']}: {refused['reason']}")
    job.artifact(manifest)


if __name__ == "__main__":
    main(run)
