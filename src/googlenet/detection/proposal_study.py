"""Study of proposals: coverage as a function of the number of boxes, by source, on the same images (section 8)."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from googlenet.config.schema.detection import StudyProposals
from googlenet.config.schema.shared import Bootstrap
from googlenet.data.ground_truth import GroundTruth, Truth, to_find
from googlenet.detection import Boxes
from googlenet.detection.coverage import NEVER, coverage, coverage_by_count, first_covers
from googlenet.detection.merge import Merged
from googlenet.detection.priors import k_means, rescale
from googlenet.errors import UserError
from googlenet.metrics import proposals as metrics
from googlenet.metrics.bootstrap import draws, generator, percentile_interval
from googlenet.metrics.interval import Difference, Interval

STEPS = (1, 2, 5)  # points of the curves per power of ten
ALL = slice(None)
DRAWN_SEARCHED, DRAWN_MULTIBOX = 40, 20  # boxes drawn on an example


def fixed_boxes(truth: Truth, sizes: Sequence[tuple[int, int]], count: int, seed: int) -> np.ndarray:
    """Return `count` boxes, float64 [count, 4], in units of image sides: k-means of training objects; sizes: (w, h)."""
    relative = [rescale(one.boxes, 1 / w, 1 / h) for one, (w, h) in zip(to_find(truth), sizes, strict=True)]
    return k_means(np.concatenate([np.zeros((0, 4)), *relative]), count, seed)


def ranked(boxes: np.ndarray, first: int, rng: np.random.Generator) -> np.ndarray:
    """Shuffle the boxes after the `first`, which have no rank."""
    return np.concatenate([boxes[:first], boxes[first:][rng.permutation(len(boxes) - first)]])


def points(most: int) -> list[int]:
    """Return the numbers of boxes to draw a curve at: 1, 2, 5, 10, ... and finally the most that any image has."""
    series = [step * 10**power for power in range(len(str(most))) for step in STEPS]
    return [n for n in series if n < most] + [most] * (most > 0)


class Counts:
    """Objects per image and class, and one bootstrap over the images for all figures."""

    def __init__(self, labels: Sequence[np.ndarray], classes: int, settings: Bootstrap):
        """labels: those of every image's objects."""
        image = np.repeat(np.arange(len(labels)), [len(of_image) for of_image in labels])
        self.shape, self.cell = (len(labels), classes), image * classes + np.concatenate(labels)
        self.objects = self.per_image(np.ones(len(self.cell)))
        self.weights = draws(len(labels), settings.resamples, generator(settings.seed))
        self.confidence_percent = settings.confidence_percent

    def per_image(self, values: np.ndarray) -> np.ndarray:
        """Sum the values of all objects, given in the images' order: float64 [images, classes]."""
        return np.bincount(self.cell, values, math.prod(self.shape)).reshape(self.shape)

    def interval(self, values: np.ndarray, columns: slice = ALL) -> Interval:
        """Return the interval of values [images, classes] as a percentage of the objects; columns: the classes'."""
        objects, hits = (self.weights @ table[:, columns].sum(axis=1) for table in (self.objects, values))
        some = objects > 0  # a resample may miss all objects of a class
        return percentile_interval(100 * hits[some] / objects[some], self.confidence_percent)

    def difference(self, values: np.ndarray, columns: slice = ALL) -> Difference:
        """Return values, a difference of two sums, as a percentage of the objects, with its paired interval."""
        percent = float(100 * values[:, columns].sum() / self.objects[:, columns].sum())
        return Difference(difference=percent, interval=self.interval(values, columns))


def study(
    sources: Mapping[str, Boxes],
    ranks: Mapping[str, Sequence[int]],
    truth: Truth,
    classes: Sequence[str],
    settings: StudyProposals,
) -> metrics.CoverageStudy:
    """All that study_proposals reports except example images. ranks: the number of leading boxes ranked, by source."""
    truth = to_find(truth)
    counts, threshold = Counts([one.labels for one in truth], len(classes), settings), settings.iou
    hits, rows, curves = {}, {}, {}
    for name, boxes in sources.items():
        hits[name] = counts.per_image(first_covers(boxes, truth, threshold) != NEVER)
        of_source = coverage(boxes, truth, classes, threshold)
        rows[name] = metrics.SourceCoverage(**dict(of_source), interval=counts.interval(hits[name]))
        rng = generator(settings.seed)
        heads = ranks.get(name, [0] * len(boxes))
        order = [ranked(of_image, head, rng) for of_image, head in zip(boxes, heads, strict=True)]
        curves[name] = coverage_by_count(order, truth, points(max(map(len, boxes))), threshold)
    if not rows["selective_search_full"].boxes_per_image:
        raise UserError("propose_regions.min_box_side_px: selective search finds no box in any test image; lower it")
    share = rows["merged"].boxes_per_image / rows["selective_search_full"].boxes_per_image
    return metrics.CoverageStudy(
        objects=int(counts.objects.sum()),
        classes=tuple(classes),
        iou=threshold,
        confidence_percent=settings.confidence_percent,
        sources=rows,
        curves=curves,
        share_of_boxes_percent=100 * share,
        differences=gains(hits, counts, classes, learned=any(map(len, sources["multibox"]))),
    )


def gains(
    hits: Mapping[str, np.ndarray], counts: Counts, classes: Sequence[str], learned: bool
) -> metrics.CoverageGains:
    """Return the differences in coverage; hits: covered objects [images, classes] by source name; learned: whether
    MultiBox has boxes."""
    return metrics.CoverageGains(
        merged_minus_full=counts.difference(hits["merged"] - hits["selective_search_full"]),
        multibox_minus_priors=by_class(hits["multibox"] - hits["priors"], counts, classes) if learned else None,
    )


def by_class(values: np.ndarray, counts: Counts, classes: Sequence[str]) -> metrics.GainByClass:
    """Return a difference of two sums [images, classes] as a percentage of the objects, over all, and by class if
    enough images hold it."""
    enough = np.count_nonzero(counts.objects, axis=0) >= metrics.LEAST_IMAGES
    each = [counts.difference(values, slice(i, i + 1)) if enough[i] else None for i in range(len(classes))]
    rows = tuple(metrics.ClassGain(class_name=name, gain=gain) for name, gain in zip(classes, each, strict=True))
    return metrics.GainByClass(**dict(counts.difference(values)), per_class=rows)


def example(searched: np.ndarray, merged: Merged, truth: GroundTruth, classes: Sequence[str]) -> metrics.DrawnBoxes:
    """Return the boxes to draw on one image: its objects, a sample of selective search's, and MultiBox's best."""
    some, shown = min(len(searched), DRAWN_SEARCHED), min(merged.multibox, DRAWN_MULTIBOX)
    objects = zip(truth.boxes.tolist(), truth.labels, strict=True)
    best = zip(merged.boxes[:shown].tolist(), merged.confidence[:shown].tolist(), strict=True)
    return metrics.DrawnBoxes(
        ground_truth=tuple(metrics.LabelledBox(box=box, class_name=classes[label]) for box, label in objects),
        selective_search=tuple(searched[i * len(searched) // some].tolist() for i in range(some)),
        multibox=tuple(metrics.ConfidentBox(box=box, confidence=confidence) for box, confidence in best),
    )
