"""Fit, on a frozen detector, the heads that switches beyond the paper need; see the modules of the three heads."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from googlenet.config.schema.detection import FitRegionHeads
from googlenet.detection import bbox_regression, context_feature, svm
from googlenet.detection.region_sample import Sample, accuracy
from googlenet.detection.region_vectors import at_places, views, whole_vectors
from googlenet.detection.regions import BACKGROUND
from googlenet.metrics.detection import ContextFit, HeadMetrics, RegressionFit, SampleSizes, SvmFit
from googlenet.models.network import Network
from googlenet.models.runtime import Runtime


class Gathered(NamedTuple):
    """Of every region of a sample, what the heads asked for need: float32 [n, ...]; None where none does."""

    logits: np.ndarray
    vectors: np.ndarray
    maps: np.ndarray | None
    wholes: np.ndarray | None


def fit(
    network: Network,
    images: Sequence[np.ndarray],
    sample: Sample,
    settings: FitRegionHeads,
    runtime: Runtime,
) -> tuple[dict[str, np.ndarray], HeadMetrics]:
    """Fit the heads that the settings name; returns (their arrays, how well each does)."""
    seen = gather(network, images, sample, settings, runtime)
    classes = len(network.spec.classes) - 1
    regression: tuple[dict[str, np.ndarray], RegressionFit | None] = {}, None
    machines: tuple[dict[str, np.ndarray], SvmFit | None] = {}, None
    context: tuple[dict[str, np.ndarray], ContextFit | None] = {}, None
    if seen.maps is not None:
        regression = bbox_regression.fit(seen.maps, sample, classes, settings.bbox_regression)
    if "svm" in settings.heads:
        machines = svm.fit(seen.vectors, sample, classes, settings.svm, settings.seed)
    if seen.wholes is not None:
        context = context_feature.fit(seen.vectors, seen.wholes, sample, classes, settings.context_feature)
    return regression[0] | machines[0] | context[0], HeadMetrics(
        regions=sizes(sample),
        softmax_accuracy_percent=accuracy(seen.logits, sample),
        bbox_regression=regression[1],
        svm=machines[1],
        context_feature=context[1],
    )


def gather(
    network: Network,
    images: Sequence[np.ndarray],
    sample: Sample,
    settings: FitRegionHeads,
    runtime: Runtime,
) -> Gathered:
    """Run the network on the sample's regions, image by image."""
    logits, vectors, maps, wholes = [], [], [], []
    grid = settings.bbox_regression.grid
    network.model.eval()
    for number in np.unique(sample.image):
        image, boxes = images[number], sample.box[sample.image == number]
        for (seen,) in views(network, image, boxes, settings, runtime):
            logits.append(seen.logits)
            vectors.append(seen.vectors)
            if "bbox_regression" in settings.heads:
                channels, places = seen.last_map.shape[1], min(grid, seen.last_map.shape[2])
                maps.append(at_places(seen.last_map, channels * places**2))
        if "context_feature" in settings.heads:
            (whole,) = whole_vectors(network, image, runtime)
            wholes.append(np.broadcast_to(whole, (len(boxes), len(whole))))
    return Gathered(
        np.concatenate(logits),
        np.concatenate(vectors),
        np.concatenate(maps) if maps else None,
        np.concatenate(wholes) if wholes else None,
    )


def sizes(sample: Sample) -> SampleSizes:
    """How many regions of each kind the sample has."""
    positive = sample.label > BACKGROUND
    return SampleSizes(
        objects=int((positive & sample.of_object).sum()),
        positives=int((positive & ~sample.of_object).sum()),
        negatives=int((~positive).sum()),
        held_out=int(sample.held_out.sum()),
    )
