"""Objects of images, and samples of regions, for the tests of what is trained and fitted on them."""

import numpy as np

from googlenet.data.ground_truth import GroundTruth
from googlenet.detection.boxes import paired_iou
from googlenet.detection.region_sample import Sample


def truth_of(boxes=(), labels=0, difficult=False, partial=()) -> GroundTruth:
    """An image's objects: boxes of as many classes, or all of one; all difficult or none, unless given for each."""
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    each = np.zeros(len(boxes), np.int64)
    return GroundTruth(boxes, each + labels, (each + difficult) > 0, np.array(partial, np.int32))


def sample_of(image, label, box=None, target=None, classes=3) -> Sample:
    """Proposals in complete images, none held out; each overlaps objects of its own class alone."""
    count = len(label)
    box = np.tile(np.float32([0, 0, 9, 9]), (count, 1)) if box is None else box
    target = box if target is None else target
    class_overlap = np.zeros((count, classes))
    class_overlap[np.flatnonzero(label), label[label > 0] - 1] = 1.0
    no = np.zeros(count, bool)
    overlap = paired_iou(box, target)
    return Sample(image, box, label, no, overlap, target, class_overlap, no, no)
