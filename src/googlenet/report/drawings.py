"""Every chart and drawing of the report, by name."""

from collections.abc import Callable, Sequence

import numpy as np

from googlenet.metrics.results import Results
from googlenet.report import figures, image_figures, single_image_figures

Image = Callable[[int], np.ndarray]  # a test image by index, uint8 [h, w, 3]


def drawings(
    results: Results,
    image: Image,
    boxes: Sequence[image_figures.Crop],
    filters: np.ndarray | None,
    scene: Image | None,
) -> dict[str, bytes]:
    """Draw what the results allow, as PNG. boxes: the crops of the first image; filters: conv1's, if any; scene: the
    test images of detection, if any."""
    drawn = figures.from_metrics(results) | {"crops_144": image_figures.crops_144(image(0), boxes)}
    drawn |= single_image_figures.from_metrics(results, image)
    if filters is not None:
        drawn["conv1_filters"] = single_image_figures.conv1_filters(filters)
    return drawn if scene is None else drawn | image_figures.from_metrics(results, scene)
