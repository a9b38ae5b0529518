"""Propose regions on one part of the pictures, by selective search."""

from googlenet.checkpoint import save_arrays
from googlenet.data.records import SPLITS
from googlenet.data.store import open_split
from googlenet.detection import proposals as packed
from googlenet.detection.selective_search import DEFAULTS, check, propose
from googlenet.errors import UserError
from googlenet.job import Input, Job, Output, main

SETTINGS = tuple(DEFAULTS)


def run(job: Job, *, manifest: Input, proposals: Output, metrics: Output) -> None:
    """Propose on pictures part, part + parts, ... of every split. Raises UserError for a picture with none."""
    settings = check({key: job.config[key] for key in SETTINGS})
    found = {}
    for name in SPLITS:
        split, found[name] = open_split(manifest.parent, name), []
        for index in range(job.config["part"]["index"], len(split), job.config["parts"]):
            boxes = propose(split.picture(index), settings)
            if not len(boxes):
                raise UserError(
                    f"{split.names[index]} ({name}): selective search proposes no region;"
                    " lower propose_regions.min_box_side_px, or take the picture out"
                )
            found[name].append(boxes)
    images = sum(map(len, found.values()))
    boxes = sum(len(b) for lists in found.values() for b in lists)
    save_arrays(proposals, packed.pack(found), {"stamp": job.stamp})
    counts = {"images": images, "boxes": boxes, "boxes_per_image": boxes / max(1, images)}
    job.log(counts)
    job.write_metrics(metrics, counts)


if __name__ == "__main__":
    main(run)
