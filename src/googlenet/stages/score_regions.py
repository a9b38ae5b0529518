"""Score every proposal of the test images with one detector, under the main setting and those compared with it."""

import json
from dataclasses import asdict

from googlenet.config.schema.detection import ScoreRegions
from googlenet.data.decoded import DecodedImages
from googlenet.data.store import open_split
from googlenet.detection import proposals as packed
from googlenet.detection.score import score, seeing, shapes
from googlenet.detection.switches import by_prefix
from googlenet.models import bundle
from googlenet.pipeline.job import Input, Inputs, Job, Output, main
from googlenet.storage.checkpoint import load_arrays
from googlenet.storage.rows import open_rows, written


def run(
    job: Job[ScoreRegions], *, manifest: Input, proposals: Inputs, weights: Input, heads: Inputs, scores: Output
) -> None:
    """Write float32 [proposals, 1 + classes] and, if boxes are regressed, [proposals, classes, 4], in split order.

    heads: the detector's file, or none if no switch needs heads."""
    settings = job.settings
    network = bundle.load(weights, job.runtime.device, settings.network)
    test = open_split(manifest.parent, "test")
    boxes = packed.joined([open_rows(path)[0] for path in proposals], "test")
    fitted = {name: array for path in heads for name, array in load_arrays(path)[0].items()}
    regions = int(boxes.counts.sum())
    arrays = shapes(by_prefix(settings.switches, settings.compare), regions, len(network.spec.classes))
    images = DecodedImages(test, 0)
    see, use = seeing(network, images, boxes, settings, job.runtime)
    job.computes_with(use)
    scored = score(network, images, boxes, settings, fitted, job.runtime, see, job.resume)
    with written(scores, arrays, {"stamp": job.stamp, "engine": json.dumps(asdict(use))}) as file:
        for of_image in scored:
            for name, rows in of_image.items():
                file.add(name, rows)
    job.log({"images": len(test), "regions": regions})


if __name__ == "__main__":
    main(run)
