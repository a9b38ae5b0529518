"""Propose regions on one part of the pictures, by selective search."""

from collections.abc import Iterator

from googlenet.checkpoint import save_arrays
from googlenet.data.records import SPLITS
from googlenet.data.store import open_split
from googlenet.detection import proposals as packed
from googlenet.detection.selective_search import DEFAULTS, check, propose
from googlenet.errors import UserError
from googlenet.job import Input, Job, Output, main

SETTINGS = tuple(DEFAULTS)


def run(job: Job, *, manifest: Input, proposals: Output, metrics: Output) -> None:
    """Propose on pictures part, part + parts, ... of every split. Raises UserError when no picture has any region."""
    settings = check({key: job.config[key] for key in SETTINGS})
    splits = {name: open_split(manifest.parent, name) for name in SPLITS}
    first, step = job.config["part"]["index"], job.config["parts"]
    places = [(name, index) for name, split in splits.items() for index in range(first, len(split), step)]

    def proposed_from(start: int) -> Iterator[dict]:
        for name, index in places[start:]:
            yield {"boxes": propose(splits[name].picture(index), settings)}

    found: dict = {name: [] for name in SPLITS}
    without = 0
    for (name, index), item in zip(places, job.resume.items(len(places), proposed_from), strict=True):
        found[name].append(item["boxes"])
        if not len(item["boxes"]):
            without += 1
            job.say(f"no region: {splits[name].names[index]} ({name})")
    boxes = sum(len(b) for lists in found.values() for b in lists)
    if places and not boxes:
        raise UserError(
            "propose_regions.min_box_side_px: selective search proposes no region in any picture; lower it, or give larger pictures"
        )
    save_arrays(proposals, packed.pack(found), {"stamp": job.stamp})
    counts = {"images": len(places), "images_without_boxes": without, "boxes": boxes}
    counts |= {"boxes_per_image": boxes / max(1, len(places))}
    job.log(counts)
    job.write_metrics(metrics, counts)


if __name__ == "__main__":
    main(run)
