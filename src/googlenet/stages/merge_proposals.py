"""Add MultiBox's boxes to those of selective search, on one part of the pictures."""

from collections.abc import Iterator

import numpy as np

from googlenet import checkpoint
from googlenet.data.records import SPLITS
from googlenet.data.store import open_split
from googlenet.detection import multibox
from googlenet.detection import proposals as packed
from googlenet.detection.merge import Merged, merge, sources
from googlenet.job import Input, Inputs, Job, Output, main


def run(
    job: Job, *, manifest: Input, searched: Input, weights: Inputs, proposals: Output, metrics: Output
) -> None:
    """Merge on pictures part, part + parts, ... of every split. weights: MultiBox's file, or none where it is left out."""
    config, proposer = job.config, None
    for path in weights:
        tensors, metadata = checkpoint.load(path)
        proposer = multibox.rebuilt(metadata["form"], tensors, job.compute["device"])
    splits = {name: open_split(manifest.parent, name) for name in SPLITS}
    by_split = checkpoint.load_arrays(searched)[0]
    lists = {name: packed.unpack(by_split, name) for name in SPLITS}
    places = [(name, row) for name in SPLITS for row in range(len(lists[name]))]

    def merged_from(start: int) -> Iterator[dict[str, np.ndarray]]:
        for name, row in places[start:]:
            own: tuple = (np.zeros((0, 4), np.int32), np.zeros(0))
            if proposer:
                picture = splits[name].picture(config["part"]["index"] + row * config["parts"])
                most, nms_iou = config["multibox_boxes"], config["multibox_nms_iou"]
                own = multibox.propose(*proposer, picture, most, nms_iou, job.compute)
            one = merge(*own, lists[name][row], config["duplicate_iou"])
            heads = np.array([one.multibox, len(own[0])])
            yield {"boxes": one.boxes, "confidence": one.confidence, "heads": heads}

    found: dict = {name: [] for name in SPLITS}
    counts: dict = {}
    for (name, row), item in zip(places, job.resume.items(len(places), merged_from), strict=True):
        kept, proposed = item["heads"].tolist()
        found[name].append(Merged(item["boxes"], item["confidence"], kept))
        told = {"multibox": proposed, "selective_search": len(lists[name][row]), "boxes": len(item["boxes"])}
        counts = {key: counts.get(key, 0) + value for key, value in told.items()}
    images = sum(map(len, found.values()))
    boxes = {name: [one.boxes for one in pictures] for name, pictures in found.items()}
    checkpoint.save_arrays(proposals, packed.pack(boxes) | sources(found), {"stamp": job.stamp})
    counts |= {"images": images, "boxes_per_image": counts.get("boxes", 0) / max(1, images)}
    job.log(counts)
    job.write_metrics(metrics, counts)


if __name__ == "__main__":
    main(run)
