"""Class probabilities of one detector on every proposal of every picture; boxes too, where they are regressed."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from torch import nn

from googlenet.detection import bbox_regression, context_feature, svm
from googlenet.detection.region_vectors import Seen, at_places, softmax, views, whole_vectors
from googlenet.resume import NOWHERE, Resume
from googlenet.trained import Description


def score(
    model: nn.Module,
    description: Description,
    pictures: Sequence[np.ndarray],
    boxes: Sequence[np.ndarray],
    settings: dict,
    compute: dict,
    wanted: Mapping[str, Sequence[str]],
    heads: Mapping[str, np.ndarray],
    resume: Resume = NOWHERE,
) -> Iterator[dict[str, np.ndarray]]:
    """Yield the scores of each picture's boxes, see `of_picture`; the network runs once for all lists of switches.

    settings: {batch_size, context_px}; heads: arrays of fit_heads, for the switches that need them. Each picture's boxes
    are scored by themselves. resume: where a scoring that was cut off goes on from.
    """
    model.eval()

    def scored_from(start: int) -> Iterator[dict[str, np.ndarray]]:
        for i in range(start, len(boxes)):
            yield of_picture(model, description, pictures[i], boxes[i], settings, compute, wanted, heads)

    yield from resume.items(len(boxes), scored_from)


def shapes(wanted: Mapping[str, Sequence[str]], regions: int, classes: int) -> dict[str, tuple[int, ...]]:
    """Shapes of the arrays of `of_picture` for so many regions; classes: with the background."""
    found: dict[str, tuple[int, ...]] = {}
    for prefix, switches in wanted.items():
        found[f"{prefix}probabilities"] = (regions, classes)
        if "bbox_regression" in switches:
            found[f"{prefix}boxes"] = (regions, classes - 1, 4)
    return found


def of_picture(
    model: nn.Module,
    description: Description,
    picture: np.ndarray,
    boxes: np.ndarray,
    settings: dict,
    compute: dict,
    wanted: Mapping[str, Sequence[str]],
    heads: Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """One picture's scores, for each list of switches under its prefix, float32.

    "<prefix>probabilities" [n, 1 + classes], background first, and, where boxes are regressed, "<prefix>boxes" [n, classes, 4].
    """
    mirrored = any("mirror" in switches for switches in wanted.values())
    context = any("context_feature" in switches for switches in wanted.values()) and len(boxes) > 0
    wholes = whole_vectors(model, description, picture, compute, mirrored) if context else []
    nothing = shapes(wanted, 0, len(description.classes))
    found = {name: [np.zeros(shape, np.float32)] for name, shape in nothing.items()}
    start = 0
    for seen in views(model, description, picture, boxes, settings, compute, mirrored):
        part = boxes[start : start + len(seen[0].logits)]
        start += len(part)
        for prefix, switches in wanted.items():
            used = seen if "mirror" in switches else seen[:1]
            each = [classified(*view, switches, heads) for view in paired(used, wholes)]
            found[f"{prefix}probabilities"].append(mean(each))
            if "bbox_regression" in switches:
                height, width = picture.shape[:2]
                offsets = mean(regressed(used, heads))
                found[f"{prefix}boxes"].append(bbox_regression.moved(part, offsets, width, height))
    return {name: np.concatenate(arrays) for name, arrays in found.items()}


def paired(seen: Sequence[Seen], wholes: Sequence[np.ndarray]) -> list[tuple[Seen, np.ndarray | None]]:
    """Each view of the regions with the same view of the whole picture, where that is looked at."""
    return [(view, wholes[i] if wholes else None) for i, view in enumerate(seen)]


def classified(
    seen: Seen, whole: np.ndarray | None, switches: Sequence[str], heads: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Probabilities of one view of regions, float32 [n, 1 + classes], by the classifier that the switches name."""
    if "svm" in switches:
        return svm.probabilities_of(seen.vectors, heads)
    if "context_feature" in switches:
        return softmax(context_feature.logits_of(seen.vectors, whole, heads))
    return softmax(seen.logits)


def regressed(seen: Sequence[Seen], heads: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """Offsets of the boxes by each view, float32 [n, classes, 4]; the second view is the mirrored one."""
    cells = heads[bbox_regression.WEIGHTS].shape[2]
    found = [bbox_regression.offsets_of(at_places(view.last_map, cells), heads) for view in seen]
    return [bbox_regression.of_mirrored(offsets) if i else offsets for i, offsets in enumerate(found)]


def mean(values: Sequence[np.ndarray]) -> np.ndarray:
    """The mean of arrays of one shape, in their own type."""
    return sum(values[1:], values[0]) / np.float32(len(values))
