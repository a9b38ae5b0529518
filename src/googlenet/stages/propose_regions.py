"""Propose regions on one part of the images, by selective search."""

from collections.abc import Iterator

import numpy as np

from googlenet.config.schema.detection import ProposeRegions
from googlenet.data.records import SPLITS
from googlenet.data.store import open_split
from googlenet.detection import proposals as packed
from googlenet.detection.selective_search import propose_each
from googlenet.errors import UserError
from googlenet.metrics.proposals import ProposalMetrics
from googlenet.pipeline.job import Input, Job, Output, main
from googlenet.storage.checkpoint import save_arrays


def run(job: Job[ProposeRegions], *, manifest: Input, proposals: Output, metrics: Output) -> None:
    """Propose on images part, part + parts, ... of every split. Raises UserError if no image has any region and this is the only part."""
    settings = job.settings
    splits = {name: open_split(manifest.parent, name) for name in SPLITS}
    first, step = settings.part.index, settings.parts
    places = [(name, index) for name, split in splits.items() for index in range(first, len(split), step)]

    def proposed_from(start: int) -> Iterator[dict[str, np.ndarray]]:
        images = (splits[name].image(index) for name, index in places[start:])
        yield from ({"boxes": boxes} for boxes in propose_each(images, settings, job.threads))

    by_split: dict[str, list[np.ndarray]] = {name: [] for name in SPLITS}
    for (name, index), item in zip(places, job.resume.items(len(places), proposed_from), strict=True):
        by_split[name].append(item["boxes"])
        if not len(item["boxes"]):
            job.say(f"no region: {splits[name].names[index]} ({name})")
    counts = [len(boxes) for lists in by_split.values() for boxes in lists]
    images, boxes = len(places), sum(counts)
    if places and not boxes and settings.parts == 1:  # a part of the images may have none where others have
        raise UserError(
            "propose_regions.min_box_side_px: selective search proposes no region in any image; lower it, or give larger images"
        )
    save_arrays(proposals, packed.pack(by_split), {"stamp": job.stamp})
    result = ProposalMetrics(
        images=images, images_without_boxes=counts.count(0), boxes=boxes, boxes_per_image=boxes / max(1, images)
    )
    job.log(result.to_json())
    job.write_metrics(metrics, result)


if __name__ == "__main__":
    main(run)
