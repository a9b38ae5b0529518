"""Study the proposals on test pictures: coverage and boxes of selective search, MultiBox, fixed boxes, and together."""

from googlenet.data.store import Split, open_split
from googlenet.detection import proposals as packed
from googlenet.detection.merge import Unmerged
from googlenet.detection.priors import rescale
from googlenet.detection.proposal_study import example, fixed_boxes, study
from googlenet.detection.selective_search import DEFAULTS, propose
from googlenet.files import read_json
from googlenet.job import Input, Inputs, Job, Output, main
from googlenet.rows import open_rows


def run(job: Job, *, manifest: Input, searched: Inputs, merged: Inputs, metrics: Output) -> None:
    """Compare the sources on the same pictures; selective search runs once more on these, at the compared size."""
    config, classes = job.config, read_json(manifest)["classes"]
    test, train = open_split(manifest.parent, "test"), open_split(manifest.parent, "train")
    wanted = min(len(test), config["compare"]["images"])
    rows = [i * len(test) // wanted for i in range(wanted)]
    scales = {"ours": config["search"]["superpixel_scale"], "compared": config["compare"]["superpixel_scale"]}
    full = {key: config["search"][key] for key in DEFAULTS} | {"superpixel_scale": scales["compared"]}
    ours = packed.joined([open_rows(path)[0] for path in searched], "test")
    every = Unmerged([open_rows(path)[0] for path in merged], "test")
    both = {i: every[i] for i in rows}
    fixed = fixed_boxes(*boxes_of(train), config["fixed_boxes"], config["prior_seed"])
    records = [test[i] for i in rows]
    truth, labels = [record.boxes for record in records], [record.box_labels for record in records]
    sources = {
        "selective_search_full": [propose(test.picture(i), full) for i in rows],
        "selective_search": [ours[i] for i in rows],
        "multibox": [both[i].boxes[: both[i].multibox] for i in rows],
        "priors": [rescale(fixed, record.width, record.height) for record in records],
        "merged": [both[i].boxes for i in rows],
    }
    heads = [both[i].multibox for i in rows]
    ranks = {"multibox": heads, "merged": heads, "priors": [len(fixed)] * wanted}
    found = study(sources, ranks, truth, labels, classes, config)
    for name, row in found["sources"].items():
        job.log({f"test_coverage_percent_{name}": row["coverage_percent"]})
    examples = []
    for i in rows[: config["examples"]]:
        names = [classes[label] for label in test[i].box_labels]
        shown = example(ours[i], both[i], test[i].boxes, names)
        examples.append({"name": test.names[i], "index": i} | shown)
    head = {"split": "test", "images": len(test), "compared_images": wanted, "superpixel_scale": scales}
    job.write_metrics(metrics, head | found | {"examples": examples})


def boxes_of(split: Split) -> tuple[list, list]:
    """The objects' boxes of every picture, and the pictures' (width, height)."""
    records = (split[i] for i in range(len(split)))  # one at a time: each holds its picture
    rows = [(record.boxes, (record.width, record.height)) for record in records]
    return [boxes for boxes, _ in rows], [size for _, size in rows]


if __name__ == "__main__":
    main(run)
