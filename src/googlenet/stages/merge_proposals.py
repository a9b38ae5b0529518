"""Add MultiBox's boxes to those of selective search, on one part of the pictures."""

import numpy as np

from googlenet import checkpoint
from googlenet.data.records import SPLITS
from googlenet.data.store import open_split
from googlenet.detection import multibox
from googlenet.detection import proposals as packed
from googlenet.detection.merge import merge, sources
from googlenet.job import Input, Inputs, Job, Output, main


def run(
    job: Job, *, manifest: Input, searched: Input, weights: Inputs, proposals: Output, metrics: Output
) -> None:
    """Merge on pictures part, part + parts, ... of every split. weights: MultiBox's file, or none where it is left out."""
    config, found, counts = job.config, {}, {}
    proposer = None
    for path in weights:
        tensors, metadata = checkpoint.load(path)
        proposer = multibox.rebuilt(metadata["form"], tensors, job.compute["device"])
    by_split, none = checkpoint.load_arrays(searched)[0], (np.zeros((0, 4), np.int32), np.zeros(0))
    for name in SPLITS:
        split, found[name] = open_split(manifest.parent, name), []
        for row, boxes in enumerate(packed.unpack(by_split, name)):
            own = none
            if proposer:
                picture = split.picture(config["part"]["index"] + row * config["parts"])
                most, nms_iou = config["multibox_boxes"], config["multibox_nms_iou"]
                own = multibox.propose(*proposer, picture, most, nms_iou, job.compute)
            found[name].append(merge(*own, boxes, config["duplicate_iou"]))
            row_counts = {
                "multibox": len(own[0]),
                "selective_search": len(boxes),
                "boxes": len(found[name][-1].boxes),
            }
            counts = {key: counts.get(key, 0) + value for key, value in row_counts.items()}
    images = sum(map(len, found.values()))
    boxes = {name: [one.boxes for one in pictures] for name, pictures in found.items()}
    checkpoint.save_arrays(proposals, packed.pack(boxes) | sources(found), {"stamp": job.stamp})
    counts |= {"images": images, "boxes_per_image": counts.get("boxes", 0) / max(1, images)}
    job.log(counts)
    job.write_metrics(metrics, counts)


if __name__ == "__main__":
    main(run)
