"""Add MultiBox's boxes to those of selective search, on one part of the images."""

import json
from collections.abc import Iterator
from dataclasses import asdict

import numpy as np

from googlenet.config.schema.detection import MergeProposals
from googlenet.data.records import SPLITS
from googlenet.data.store import open_split
from googlenet.detection import merge, multibox
from googlenet.detection import proposals as packed
from googlenet.pipeline.job import Input, Inputs, Job, Output, main
from googlenet.storage import checkpoint

NO_BOXES = np.zeros((0, 4), np.int32), np.zeros(0)


def run(
    job: Job[MergeProposals], *, manifest: Input, searched: Input, weights: Inputs, proposals: Output, metrics: Output
) -> None:
    """Merge on images part, part + parts, ... of every split. weights: MultiBox's file, or none if it is left out."""
    settings = job.settings
    splits = {name: open_split(manifest.parent, name) for name in SPLITS}
    by_split = checkpoint.load_arrays(searched)[0]
    lists = {name: packed.joined([by_split], name) for name in SPLITS}
    places = [(name, row) for name in SPLITS for row in range(len(lists[name]))]

    def image_at(name: str, row: int) -> np.ndarray:
        return splits[name].image(settings.part.index + row * settings.parts)

    propose = None
    if weights and places:
        model = multibox.load(weights[0], job.runtime.device, settings.network)
        propose = multibox.Proposer(model, len(places), image_at(*places[0]), job.runtime)
        job.computes_with(propose.use)

    def merged_from(start: int) -> Iterator[dict[str, np.ndarray]]:
        for name, row in places[start:]:
            boxes, confidence = NO_BOXES if propose is None else propose(image_at(name, row), settings)
            one = merge.merge(boxes, confidence, lists[name][row], settings.duplicate_iou)
            heads = np.array([one.multibox, len(boxes)])
            yield {"boxes": one.boxes, "confidence": one.confidence, "heads": heads}

    merged: dict[str, list[merge.Merged]] = {name: [] for name in SPLITS}
    from_multibox = 0
    for (name, _), item in zip(places, job.resume.items(len(places), merged_from), strict=True):
        merged[name].append(merge.Merged(item["boxes"], item["confidence"], int(item["heads"][0])))
        from_multibox += int(item["heads"][1])
    metadata = {"stamp": job.stamp, "engine": json.dumps(asdict(propose.use) if propose else None)}
    boxes = {name: [one.boxes for one in images] for name, images in merged.items()}
    checkpoint.save_arrays(proposals, packed.pack(boxes) | merge.sources(merged), metadata)
    result = merge.measure(merged, lists, from_multibox)
    job.log(result.to_json())
    job.write_metrics(metrics, result)


if __name__ == "__main__":
    main(run)
