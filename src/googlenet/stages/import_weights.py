"""Bring weights that others trained into the format of our checkpoints: a member that is not trained here."""

from pathlib import Path

from googlenet import trained
from googlenet.imports.bring import check, digest, imported, summary
from googlenet.job import Job, Output, main


def run(job: Job, *, weights: Output, metrics: Output) -> None:
    """Read the member's file; write it with its preprocessing and its order of classes."""
    member, origin = job.config["member"], job.config["origin"]
    source = Path(member["weights"]).expanduser()
    check(source, origin, f"ensemble.members.{member['name']}.weights")
    model, description = imported(source, origin, job.config["model"], member["width"])
    trained.save(weights, model, description, job.stamp)
    found = summary(model, description)
    job.log({"parameters": found["parameters"], "classes": found["classes"]})
    told = {"member": member, "format": origin["format"], "source_sha256": digest(source)}
    job.write_metrics(metrics, told | found)


if __name__ == "__main__":
    main(run)
