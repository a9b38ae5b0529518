"""Train one member of the ensemble."""

import torch

from googlenet import trained
from googlenet.classification.train import train
from googlenet.data.decoded import Pictures
from googlenet.data.store import open_split
from googlenet.files import read_json
from googlenet.job import Input, Job, Output, main
from googlenet.models.googlenet import initialise


def run(job: Job, *, manifest: Input, weights: Output, metrics: Output) -> None:
    """Train on the training split, choose nothing, watch the validation split; keep the averaged weights."""
    config, member = job.config, job.config["member"]
    classes = read_json(manifest)["classes"]
    description = trained.Description.of(config["model"], classes, member["width"])
    model = trained.build(description)
    initialise(model, member["init_seed"])
    model = model.to(job.compute["device"], memory_format=torch.channels_last)
    splits = [open_split(manifest.parent, name) for name in ("train", "validation")]
    cache_mb = job.plumbing["decoded_cache_mb"] / len(splits)
    training, validation = [(Pictures(split, cache_mb), split.labels) for split in splits]

    def on_epoch(row: dict) -> None:
        job.log(row, step=row["epoch"])

    history = train(model, description, training, validation, config, job.compute, on_epoch)
    parameters = sum(p.numel() for p in model.parameters())
    for which, errors in history["validation"].items():
        job.log({f"{which}_{name}": value for name, value in errors.items()})
    trained.save(weights, model, description, job.stamp)
    job.write_metrics(metrics, history | {"member": member, "parameters": parameters})


if __name__ == "__main__":
    main(run)
