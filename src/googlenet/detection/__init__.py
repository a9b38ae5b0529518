"""Detection: proposing, classifying and scoring regions, R-CNN with a GoogLeNet inside (section 8).

Contract: values and typed settings in, values and metrics out; the only file is MultiBox's. Boxes are [n, 4] as
(xmin, ymin, xmax, ymax), 0-based pixels of the original image, both ends inclusive. Class labels are 0-based; only a
network's training labels and outputs include the background, at index 0, with class c at index c + 1. The same input
gives the same output on any number of cores. Invalid input raises UserError.
"""

from collections.abc import Mapping, Sequence

import numpy as np

Images = Sequence[np.ndarray]  # uint8 [h, w, 3] RGB
Boxes = Sequence[np.ndarray]  # one array per image, boxes of one kind
Arrays = Mapping[str, np.ndarray]  # by name in a file
