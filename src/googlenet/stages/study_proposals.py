"""Study the proposals on test images: coverage and boxes of selective search, MultiBox, fixed boxes, and together."""

from googlenet.config.schema.base import replaced
from googlenet.config.schema.detection import StudyProposals
from googlenet.data.ground_truth import with_sizes
from googlenet.data.store import open_split
from googlenet.detection import proposals as packed
from googlenet.detection.merge import read_merged
from googlenet.detection.priors import rescale
from googlenet.detection.proposal_study import example, fixed_boxes, study
from googlenet.detection.selective_search import propose
from googlenet.metrics.data import read_manifest
from googlenet.metrics.proposals import ProposalExample, ProposalStudyMetrics, SuperpixelScales
from googlenet.pipeline.job import Input, Inputs, Job, Output, main
from googlenet.storage.rows import open_rows


def run(job: Job[StudyProposals], *, manifest: Input, searched: Inputs, merged: Inputs, metrics: Output) -> None:
    """Compare the sources on the same images; selective search runs again on these, at the compared size."""
    settings, compare, classes = job.settings, job.settings.compare, read_manifest(manifest).classes
    test, train = open_split(manifest.parent, "test"), open_split(manifest.parent, "train")
    wanted = min(len(test), compare.images)
    rows = [i * len(test) // wanted for i in range(wanted)]
    full = replaced(settings.search, superpixel_scale=compare.superpixel_scale)
    ours = packed.joined([open_rows(path)[0] for path in searched], "test")
    both = read_merged([open_rows(path)[0] for path in merged], "test", rows)
    trained, trained_sizes = with_sizes(train, range(len(train)))
    boxes = [one.boxes for one in trained]
    fixed = fixed_boxes(boxes, trained_sizes, settings.fixed_boxes, settings.prior_seed)
    truth, sizes = with_sizes(test, rows)
    sources = {
        "selective_search_full": [propose(test.picture(i), full) for i in rows],
        "selective_search": [ours[i] for i in rows],
        "multibox": [one.boxes[: one.multibox] for one in both],
        "priors": [rescale(fixed, width, height) for width, height in sizes],
        "merged": [one.boxes for one in both],
    }
    heads = [one.multibox for one in both]
    ranks = {"multibox": heads, "merged": heads, "priors": [len(fixed)] * wanted}
    compared = study(sources, ranks, truth, classes, settings)
    for name, row in compared.sources.items():
        job.log({f"test_coverage_percent_{name}": row.coverage_percent})
    examples = []
    for i, one, objects in list(zip(rows, both, truth, strict=True))[: settings.examples]:
        drawn = example(ours[i], one, objects, classes)
        examples.append(ProposalExample(name=test.names[i], index=i, **dict(drawn)))
    scales = SuperpixelScales(ours=settings.search.superpixel_scale, compared=compare.superpixel_scale)
    head = {"split": "test", "images": len(test), "compared_images": wanted, "superpixel_scale": scales}
    job.write_metrics(metrics, ProposalStudyMetrics(**head, **dict(compared), examples=tuple(examples)))


if __name__ == "__main__":
    main(run)
