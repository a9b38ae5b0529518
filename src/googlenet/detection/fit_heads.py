"""Fit the heads for switches beyond the paper on a frozen detector; see the modules of the three heads."""

from collections import defaultdict
from typing import Any

import numpy as np

from googlenet.config.schema.detection import FitRegionHeads
from googlenet.detection import Arrays, Images, bbox_regression, context_feature, svm
from googlenet.detection.region_sample import Sample, accuracy
from googlenet.detection.region_vectors import as_it_is, at_places, views, whole_vectors
from googlenet.detection.regions import BACKGROUND
from googlenet.metrics.detection import HeadMetrics, SampleSizes
from googlenet.models.network import Network
from googlenet.models.runtime import Runtime
from googlenet.tracking.progress import counted


def fit(
    network: Network, images: Images, sample: Sample, settings: FitRegionHeads, runtime: Runtime
) -> tuple[Arrays, HeadMetrics]:
    """Fit the heads named in the settings; return their arrays and metrics."""
    seen, classes = gather(network, images, sample, settings, runtime), len(network.spec.classes) - 1
    fitted: dict[str, tuple[Arrays, Any]] = {}
    if "bbox_regression" in settings.heads:
        fitted["bbox_regression"] = bbox_regression.fit(seen["maps"], sample, classes, settings.bbox_regression)
    if "svm" in settings.heads:
        fitted["svm"] = svm.fit(seen["vectors"], sample, classes, settings.svm, settings.seed)
    if "context_feature" in settings.heads:
        both = seen["vectors"], seen["wholes"]
        fitted["context_feature"] = context_feature.fit(*both, sample, classes, settings.context_feature)
    positive = sample.label > BACKGROUND
    regions = SampleSizes(
        objects=int((positive & sample.of_object).sum()),
        positives=int((positive & ~sample.of_object).sum()),
        negatives=int((~positive).sum()),
        held_out=int(sample.held_out.sum()),
    )
    measured = {head: figures for head, (_, figures) in fitted.items()}
    metrics = HeadMetrics(regions=regions, softmax_accuracy_percent=accuracy(seen["logits"], sample), **measured)
    return {name: array for arrays, _ in fitted.values() for name, array in arrays.items()}, metrics


def gather(network: Network, images: Images, sample: Sample, settings: FitRegionHeads, runtime: Runtime) -> Arrays:
    """The regions' logits and vectors, float32 [n, ...]; if a head needs them, also maps and whole images' vectors."""
    seen: dict[str, list[np.ndarray]] = defaultdict(list)
    network.model.eval()
    see = as_it_is(network, runtime)
    for number in counted(np.unique(sample.image), "images"):
        image, boxes = images[number], sample.box[sample.image == number]
        for (view,) in views(network, image, boxes, settings, see, mirrored=False):
            seen["logits"].append(view.logits)
            seen["vectors"].append(view.vectors)
            if "bbox_regression" in settings.heads:
                channels, side = view.last_map.shape[1:3]
                grid = min(settings.bbox_regression.grid, side)
                seen["maps"].append(at_places(view.last_map, channels * grid**2))
        if "context_feature" in settings.heads:
            (whole,) = whole_vectors(network, image, runtime)
            seen["wholes"].append(np.broadcast_to(whole, (len(boxes), len(whole))))
    return {name: np.concatenate(parts) for name, parts in seen.items()}
