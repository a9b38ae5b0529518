"""Detection: regions proposed, classified and scored, R-CNN with a GoogLeNet inside (section 8).

The contract of the package: values and typed settings in, values and metrics out; no files but that of MultiBox. Boxes
are [n, 4] as (xmin, ymin, xmax, ymax), 0-based pixels of the original image, both ends inclusive. Class labels are
0-based; only what a network is trained on or puts out has a background, and there it is index 0 and class c is index
c + 1. Same input, same output, whatever the number of cores. What cannot be is a UserError.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from googlenet.config.schema.detection import Switches
from googlenet.data.ground_truth import GroundTruth

Images = Sequence[np.ndarray]  # uint8 [h, w, 3] RGB
Boxes = Sequence[np.ndarray]  # of every image those of one kind
Truth = Sequence[GroundTruth]  # of every image its objects
Arrays = Mapping[str, np.ndarray]  # by their names in a file


def by_prefix(switches: Switches, compare: Sequence[Switches]) -> dict[str, Switches]:
    """Every setting of the switches by the prefix of its arrays: "" for the main one, "compare.<a+b>." for the others."""
    return {"": switches} | {f"compare.{'+'.join(row) or 'none'}.": row for row in compare}
