"""Convert weights that others trained to the format of our checkpoints: a member that is not trained here."""

from pathlib import Path

from googlenet.config.schema.classification import ImportWeights
from googlenet.imports.import_weights import check, imported, summary
from googlenet.models import bundle
from googlenet.pipeline.job import Job, Output, main


def run(job: Job[ImportWeights], *, weights: Output, metrics: Output) -> None:
    """Read the member's file; write it with its preprocessing and its class order."""
    member, origin = job.settings.member, job.settings.origin
    source = Path(member.weights).expanduser()
    check(source, origin, f"ensemble.members.{member.name}.weights")
    network = imported(source, origin, job.settings.model, member.width)
    bundle.save(weights, network, job.stamp)
    result = summary(network, member, origin, source)
    job.log({"parameters": result.parameters, "classes": result.classes})
    job.write_metrics(metrics, result)


if __name__ == "__main__":
    main(run)
