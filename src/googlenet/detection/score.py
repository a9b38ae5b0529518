"""Class probabilities of one detector for every proposal of every image, and regressed boxes if enabled."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from googlenet.config.schema.detection import ScoreRegions, Switches
from googlenet.detection import Arrays, Boxes, Images, bbox_regression, context_feature, svm
from googlenet.detection.region_vectors import See, Seen, as_it_is, at_places, in_engine, softmax, views, whole_vectors
from googlenet.detection.regions import Warp
from googlenet.detection.switches import by_prefix
from googlenet.models.engine import SAMPLE, EngineUse
from googlenet.models.network import Network
from googlenet.models.runtime import Runtime
from googlenet.pipeline.resume import NOWHERE, Resume


def seeing(
    network: Network, images: Images, boxes: Boxes, settings: ScoreRegions, runtime: Runtime
) -> tuple[See, EngineUse]:
    """Return a function that runs the network on these images' regions in the requested engine, and its description."""
    network.model.eval()
    first, on = next((i for i in range(len(boxes)) if len(boxes[i])), None), switched_on(settings)
    warp = Warp.of(network.spec, settings.context_px)
    sample = np.zeros((0, warp.size_px, warp.size_px, 3), np.uint8)
    sample = sample if first is None else warp.many(images[first], boxes[first][:SAMPLE])
    regions = sum(len(boxes[i]) for i in range(len(boxes))) * (2 if "mirror" in on else 1)
    return in_engine(network, settings, "bbox_regression" in on, regions, sample, runtime)


def score(
    network: Network,
    images: Images,
    boxes: Boxes,
    settings: ScoreRegions,
    heads: Arrays,
    runtime: Runtime,
    see: See | None = None,
    resume: Resume = NOWHERE,
) -> Iterator[Arrays]:
    """Yield the scores of each image's boxes (see `of_image`). heads: from fit_heads, for the switches that need them.
    see: from `seeing`; by default the network runs in eager mode."""
    network.model.eval()
    see = see or as_it_is(network, runtime)

    def scored_from(start: int) -> Iterator[dict[str, np.ndarray]]:
        for i in range(start, len(boxes)):
            yield of_image(network, images[i], boxes[i], settings, heads, see, runtime)

    yield from resume.items(len(boxes), scored_from)


def switched_on(settings: ScoreRegions) -> set[str]:
    """The switches that are on in any of the measured settings."""
    return {switch for switches in by_prefix(settings.switches, settings.compare).values() for switch in switches}


def shapes(wanted: Mapping[str, Switches], regions: int, classes: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of `of_image`'s arrays for that many regions; classes: including the background."""
    arrays: dict[str, tuple[int, ...]] = {}
    for prefix, switches in wanted.items():
        arrays[f"{prefix}probabilities"] = (regions, classes)
        if "bbox_regression" in switches:
            arrays[f"{prefix}boxes"] = (regions, classes - 1, 4)
    return arrays


def of_image(
    network: Network,
    image: np.ndarray,
    boxes: np.ndarray,
    settings: ScoreRegions,
    heads: Arrays,
    see: See,
    runtime: Runtime,
) -> dict[str, np.ndarray]:
    """An image's float32 scores, by_prefix: "probabilities" [n, 1 + classes], "boxes" [n, classes, 4] if regressed."""
    wanted, on = by_prefix(settings.switches, settings.compare), switched_on(settings)
    mirrored = "mirror" in on
    context = "context_feature" in on and len(boxes) > 0
    wholes = whole_vectors(network, image, runtime, mirrored) if context else [None, None]
    empty = shapes(wanted, 0, len(network.spec.classes))
    scores = {name: [np.zeros(shape, np.float32)] for name, shape in empty.items()}
    (height, width), start = image.shape[:2], 0
    for seen in views(network, image, boxes, settings, see, mirrored):
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
    """Probabilities for one view of regions, float32 [n, 1 + classes], from the classifier selected by the switches."""
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
