"""Train MultiBox from a member of the classification ensemble."""

import torch

from googlenet import checkpoint, trained
from googlenet.data.decoded import Pictures
from googlenet.data.store import open_split
from googlenet.detection import multibox
from googlenet.detection.multibox_train import Objects, prior_figures, priors_of, squeezed_boxes, train
from googlenet.job import Input, Job, Output, main


def run(job: Job, *, manifest: Input, classifier: Input, weights: Output, metrics: Output) -> None:
    """Train on the training pictures, choose nothing; keep the averaged weights, with the priors."""
    config, device = job.config, job.compute["device"]
    start, description = trained.load(classifier, device)
    trunk, last, px = multibox.trunk_of(description, config["input_px"]), config["last"], config["input_px"]
    split = open_split(manifest.parent, "train")
    objects, sizes = [], []
    for record in (split[i] for i in range(len(split))):  # one at a time: each holds its picture
        objects.append(Objects(record.boxes, record.difficult, len(record.partial) > 0))
        sizes.append((record.width, record.height))
    boxes = squeezed_boxes(objects, sizes, px)
    cells = multibox.cells_of(trunk, last)
    priors = priors_of(boxes, config["head"], config["priors"], cells, px, config["prior_seed"])
    covered, share = prior_figures(priors, boxes, config["match_iou"])
    form = multibox.Form(trunk, last, config["head"], config["head_channels"], len(priors))
    model = multibox.start(form, start, priors, share, config["init_seed"])
    model = model.to(device, memory_format=torch.channels_last)
    pictures = Pictures(split, job.plumbing["decoded_cache_mb"])

    def on_epoch(row: dict) -> None:
        job.log(row, step=row["epoch"])

    history = train(model, form, pictures, objects, config, job.compute, on_epoch, job.resume)
    checkpoint.save(weights, model.state_dict(), {"form": multibox.told(form), "stamp": job.stamp})
    told = {"member": classifier.parent.name, "head": config["head"], "last": last, "cells": cells}
    told |= {"priors": len(priors), "priors_coverage_percent": covered, "matched_share_percent": 100 * share}
    told |= {"images": len(split), "parameters": sum(p.numel() for p in model.parameters())}
    job.write_metrics(metrics, told | {"epochs": history})


if __name__ == "__main__":
    main(run)
