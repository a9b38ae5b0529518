"""Study the proposals on test images: coverage and boxes of selective search, MultiBox, fixed boxes, and together."""

from googlenet.config.schema.base import replaced
from googlenet.config.schema.detection import StudyProposals
from googlenet.data.ground_truth import with_sizes
from googlenet.data.store import evenly_spaced, open_split
from googlenet.detection import proposals as packed
from googlenet.detection.merge import read_merged
from googlenet.detection.priors import rescale
from googlenet.detection.proposal_study import example, fixed_boxes, study
from googlenet.detection.selective_search import propose
from googlenet.metrics.data import read_manifest
from googlenet.metrics.proposals import ProposalExample, ProposalStudyMetrics, SuperpixelScales
from googlenet.pipeline.job import Input, Inputs, Job, Output, main
from googlenet.storage.rows import open_rows
from googlenet.tracking.progress import counted


def run(job: Job[StudyProposals], *, manifest: Input, searched: Inputs, merged: Inputs, metrics: Output) -> None:
    """Compare the sources on the same images; selective search runs on them again, at the compared superpixel size."""
    settings, compare, classes = job.settings, job.settings.compare, read_manifest(manifest).classes
    test, train = open_split(manifest.parent, "test"), open_split(manifest.parent, "train")
    rows = evenly_spaced(len(test), compare.images)
    full = replaced(settings.search, superpixel_scale=compare.superpixel_scale)
    of_search = packed.joined([open_rows(path)[0] for path in searched], "test")
    of_merge = read_merged([open_rows(path)[0] for path in merged], "test", rows)
    train_truth, train_sizes = with_sizes(train, range(len(train)))
    fixed = fixed_boxes(train_truth, train_sizes, settings.fixed_boxes, settings.prior_seed)
    truth, sizes = with_sizes(test, rows)
    sources = {
        "selective_search_full": [propose(test.image(i), full) for i in counted(rows, "images")],
        "selective_search": [of_search[i] for i in rows],
        "multibox": [one.boxes[: one.multibox] for one in of_merge],
        "priors": [rescale(fixed, width, height) for width, height in sizes],
        "merged": [one.boxes for one in of_merge],
    }
    heads = [one.multibox for one in of_merge]
    ranks = {"multibox": heads, "merged": heads, "priors": [len(fixed)] * len(rows)}
    compared = study(sources, ranks, truth, classes, settings)
    for name, row in compared.sources.items():
        job.log({f"test_coverage_percent_{name}": row.coverage_percent})
    examples = []
    for i, one, objects in list(zip(rows, of_merge, truth, strict=True))[: settings.examples]:
        drawn = example(of_search[i], one, objects, classes)
        examples.append(ProposalExample(name=test.names[i], index=i, **dict(drawn)))
    scales = SuperpixelScales(ours=settings.search.superpixel_scale, compared=compare.superpixel_scale)
    head = {"split": "test", "images": len(test), "compared_images": len(rows), "superpixel_scale": scales}
    job.write_metrics(metrics, ProposalStudyMetrics(**head, **dict(compared), examples=tuple(examples)))


if __name__ == "__main__":
    main(run)
