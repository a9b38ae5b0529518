"""Fine-tune one detector from a member of the classification ensemble."""

import torch

from googlenet import trained
from googlenet.data.decoded import Pictures
from googlenet.data.store import open_split
from googlenet.detection import proposals as packed
from googlenet.detection.regions import training_regions
from googlenet.detection.train import detector_from, train
from googlenet.files import read_json
from googlenet.job import Input, Inputs, Job, Output, main
from googlenet.rows import open_rows


def run(
    job: Job, *, manifest: Input, proposals: Inputs, classifier: Input, weights: Output, metrics: Output
) -> None:
    """Train on the proposals and the objects of the training pictures; keep the averaged weights."""
    config, detector = job.config, job.config["detector"]
    device = job.compute["device"]
    start, described = trained.load(classifier, device)
    model, description = detector_from(
        start, described, read_json(manifest)["classes"], config["detector"]["order_seed"]
    )
    model = model.to(device, memory_format=torch.channels_last)
    split = open_split(manifest.parent, "train")
    proposed = packed.joined([open_rows(path)[0] for path in proposals], "train")
    records = (split[i] for i in range(len(split)))
    objects = [(record.boxes, record.box_labels, record.difficult, record.partial) for record in records]
    boxes, labels = training_regions(proposed, objects, config["positive_iou"])
    pictures = Pictures(split, job.plumbing["decoded_cache_mb"])

    def on_epoch(row: dict) -> None:
        job.log(row, step=row["epoch"])

    history = train(model, description, pictures, boxes, labels, config, job.compute, on_epoch, job.resume)
    parameters = sum(p.numel() for p in model.parameters())
    trained.save(weights, model, description, job.stamp)
    job.write_metrics(metrics, history | {"member": detector, "parameters": parameters})


if __name__ == "__main__":
    main(run)
