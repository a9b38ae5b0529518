"""Fit, on a frozen detector, the heads that switches beyond the paper need; see the modules of the three heads."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from torch import nn

from googlenet.detection import bbox_regression, context_feature, svm
from googlenet.detection.region_sample import Sample
from googlenet.detection.region_vectors import at_places, views, whole_vectors
from googlenet.detection.regions import BACKGROUND
from googlenet.trained import Description


class Gathered(NamedTuple):
    """Of every region of a sample, what the heads asked for need: float32 [n, ...]; None where none does."""

    logits: np.ndarray
    vectors: np.ndarray
    maps: np.ndarray | None
    wholes: np.ndarray | None


def fit(
    model: nn.Module,
    description: Description,
    pictures: Sequence[np.ndarray],
    sample: Sample,
    heads: Sequence[str],
    settings: dict,
    compute: dict,
) -> tuple[dict[str, np.ndarray], dict]:
    """Fit the named heads; returns (their arrays, how well each does). settings: conf/fit_region_heads.yaml."""
    seen = gather(model, description, pictures, sample, heads, settings, compute)
    classes = len(description.classes) - 1
    arrays: dict[str, np.ndarray] = {}
    done: dict = {"regions": sizes(sample), "softmax_accuracy_percent": accuracy(seen.logits, sample)}
    if seen.maps is not None:
        found, done["bbox_regression"] = bbox_regression.fit(
            seen.maps, sample, classes, settings["bbox_regression"]
        )
        arrays |= found
    if "svm" in heads:
        found, done["svm"] = svm.fit(seen.vectors, sample, classes, settings["svm"], settings["seed"])
        arrays |= found
    if seen.wholes is not None:
        found, done["context_feature"] = context_feature.fit(
            seen.vectors, seen.wholes, sample, classes, settings["context_feature"]
        )
        arrays |= found
    return arrays, done


def gather(
    model: nn.Module,
    description: Description,
    pictures: Sequence[np.ndarray],
    sample: Sample,
    heads: Sequence[str],
    settings: dict,
    compute: dict,
) -> Gathered:
    """Run the network on the sample's regions, picture by picture. settings: {batch_size, context_px, bbox_regression}."""
    logits, vectors, maps, wholes = [], [], [], []
    grid = settings["bbox_regression"]["grid"]
    model.eval()
    for image in np.unique(sample.image):
        picture, boxes = pictures[image], sample.box[sample.image == image]
        for (seen,) in views(model, description, picture, boxes, settings, compute):
            logits.append(seen.logits)
            vectors.append(seen.vectors)
            if "bbox_regression" in heads:
                channels, places = seen.last_map.shape[1], min(grid, seen.last_map.shape[2])
                maps.append(at_places(seen.last_map, channels * places**2))
        if "context_feature" in heads:
            (whole,) = whole_vectors(model, description, picture, compute)
            wholes.append(np.broadcast_to(whole, (len(boxes), len(whole))))
    return Gathered(
        np.concatenate(logits),
        np.concatenate(vectors),
        np.concatenate(maps) if maps else None,
        np.concatenate(wholes) if wholes else None,
    )


def sizes(sample: Sample) -> dict[str, int]:
    """How many regions of each kind the sample has."""
    positive = sample.label > BACKGROUND
    return {
        "objects": int((positive & sample.of_object).sum()),
        "positives": int((positive & ~sample.of_object).sum()),
        "negatives": int((~positive).sum()),
        "held_out": int(sample.held_out.sum()),
    }


def accuracy(logits: np.ndarray, sample: Sample) -> dict[str, float | None]:
    """Percent of the sample's regions that the detector's own softmax tells right: what the heads are compared with."""
    right = logits.argmax(axis=1) == sample.label
    parts = {"fitted": right[~sample.held_out], "held_out": right[sample.held_out]}
    return {name: float(100 * part.mean()) if len(part) else None for name, part in parts.items()}
