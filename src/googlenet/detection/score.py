"""Class probabilities of one detector on every proposal of every image, and boxes where they are regressed."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from googlenet.config.schema.detection import ScoreRegions, Switches
from googlenet.detection import Arrays, Boxes, Images, bbox_regression, context_feature, svm
from googlenet.detection.region_vectors import Seen, at_places, softmax, views, whole_vectors
from googlenet.detection.switches import by_prefix
from googlenet.models.network import Network
from googlenet.models.runtime import Runtime
from googlenet.pipeline.resume import NOWHERE, Resume


def score(
    network: Network,
    images: Images,
    boxes: Boxes,
    settings: ScoreRegions,
    heads: Arrays,
    runtime: Runtime,
    resume: Resume = NOWHERE,
) -> Iterator[Arrays]:
    """Yield the scores of each image's boxes, see `of_image`. heads: of fit_heads, for the switches that need them."""
    network.model.eval()

    def scored_from(start: int) -> Iterator[dict[str, np.ndarray]]:
        for i in range(start, len(boxes)):
            yield of_image(network, images[i], boxes[i], settings, heads, runtime)

    yield from resume.items(len(boxes), scored_from)


def shapes(wanted: Mapping[str, Switches], regions: int, classes: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of `of_image`'s arrays for that many regions; classes: including the background."""
    arrays: dict[str, tuple[int, ...]] = {}
    for prefix, switches in wanted.items():
        arrays[f"{prefix}probabilities"] = (regions, classes)
        if "bbox_regression" in switches:
            arrays[f"{prefix}boxes"] = (regions, classes - 1, 4)
    return arrays


def of_image(
    network: Network, image: np.ndarray, boxes: np.ndarray, settings: ScoreRegions, heads: Arrays, runtime: Runtime
) -> dict[str, np.ndarray]:
    """An image's float32 scores, by_prefix: "probabilities" [n, 1 + classes], "boxes" [n, classes, 4] if regressed."""
    wanted = by_prefix(settings.switches, settings.compare)
    mirrored = any("mirror" in switches for switches in wanted.values())
    context = any("context_feature" in switches for switches in wanted.values()) and len(boxes) > 0
    wholes = whole_vectors(network, image, runtime, mirrored) if context else [None, None]
    empty = shapes(wanted, 0, len(network.spec.classes))
    scores = {name: [np.zeros(shape, np.float32)] for name, shape in empty.items()}
    (height, width), start = image.shape[:2], 0
    for seen in views(network, image, boxes, settings, runtime, mirrored):
        part = boxes[start : start + len(seen[0].logits)]
        start += len(part)
        for prefix, switches in wanted.items():
            used = seen if "mirror" in switches else seen[:1]
            each = [classified(*pair, switches, heads) for pair in zip(used, wholes, strict=False)]
            scores[f"{prefix}probabilities"].append(mean(each))
            if "bbox_regression" in switches:
                offsets = mean(regressed(used, heads))
                scores[f"{prefix}boxes"].append(bbox_regression.moved(part, offsets, width, height))
    return {name: np.concatenate(arrays) for name, arrays in scores.items()}


def classified(seen: Seen, whole: np.ndarray | None, switches: Switches, heads: Arrays) -> np.ndarray:
    """Probabilities for one view of regions, float32 [n, 1 + classes], from the classifier that the switches name."""
    if "svm" in switches:
        return svm.probabilities_of(seen.vectors, heads)
    if "context_feature" in switches:
        assert whole is not None  # the whole image is processed if any setting needs it
        return softmax(context_feature.logits_of(seen.vectors, whole, heads))
    return softmax(seen.logits)


def regressed(seen: Sequence[Seen], heads: Arrays) -> list[np.ndarray]:
    """Return the boxes' offsets from each view, float32 [n, classes, 4]; the second view is the mirrored one."""
    cells = heads[bbox_regression.WEIGHTS].shape[2]
    upright, *mirrored = (bbox_regression.offsets_of(at_places(view.last_map, cells), heads) for view in seen)
    return [upright, *map(bbox_regression.of_mirrored, mirrored)]


def mean(values: Sequence[np.ndarray]) -> np.ndarray:
    """Return the mean of arrays of one shape, in their own dtype."""
    return sum(values[1:], values[0]) / np.float32(len(values))
