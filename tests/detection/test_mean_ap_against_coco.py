"""Our AP against pycocotools', per class, where the two sets of rules can be made the same.

COCO's program then uses one threshold of 0.5 and no limits on areas or detections, and reads the precision at recall
1/n, 2/n, ... n/n of n objects, which sums up to the area under the envelope. Its boxes are given with the width and
height of ours, whose corners are inclusive.
"""

import contextlib
import io

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from googlenet.detection.mean_ap import Detections, Objects, evaluate

IMAGES, CLASSES, SIDE = 40, 5, 400


def random_case(seed, objects=240, detections=2500):
    """Objects of every size, and detections near them, far from all, of the wrong class and twice; no equal scores."""
    rng = np.random.default_rng(seed)
    low = rng.uniform(0, SIDE / 2, (objects, 2))
    box = np.concatenate([low, low + rng.uniform(0, SIDE / 2, (objects, 2)) ** 2 / (SIDE / 2)], axis=1)
    image, label = rng.integers(0, IMAGES, objects), rng.integers(0, CLASSES, objects)
    like = rng.integers(0, objects, detections)
    near = box[like] + rng.normal(0, 0.12, (detections, 4)) * (box[like, 2:] - box[like, :2] + 1)[:, [0, 1, 0, 1]]
    near[:, 2:] = np.maximum(near[:, 2:], near[:, :2])
    stray = rng.random(detections) < 0.3
    near[stray] = box[rng.integers(0, objects, stray.sum())]
    labels = np.where(rng.random(detections) < 0.15, rng.integers(0, CLASSES, detections), label[like])
    score = rng.permutation(detections) / detections
    return Detections(image[like], labels, score, near), Objects(image, label, box, np.zeros(objects, bool))


def sides(box):
    """Inclusive corners as COCO's [x, y, width, height]."""
    return [box[0], box[1], box[2] - box[0] + 1, box[3] - box[1] + 1]


def coco(rows):
    """COCO's own object of a list of annotations."""
    made = COCO()
    made.dataset = {
        "info": {},
        "images": [{"id": image + 1} for image in range(IMAGES)],
        "categories": [{"id": label + 1, "name": str(label)} for label in range(CLASSES)],
        "annotations": rows,
    }
    made.createIndex()
    return made


def annotations(table, **more):
    for i in range(len(table.label)):
        box = sides(table.box[i].tolist())
        row = {"id": i + 1, "image_id": int(table.image[i]) + 1, "category_id": int(table.label[i]) + 1}
        yield row | {"bbox": box, "area": box[2] * box[3], "iscrowd": 0} | {k: v[i] for k, v in more.items()}


def coco_ap_percent(detected, truth):
    """AP of every class by COCOeval, in percent."""
    with contextlib.redirect_stdout(io.StringIO()):
        coco_truth = coco(list(annotations(truth)))
        coco_detections = coco(list(annotations(detected, score=detected.score.tolist())))
        aps = []
        for label in range(CLASSES):
            run = COCOeval(coco_truth, coco_detections, "bbox")
            objects = int((truth.label == label).sum())
            run.params.catIds, run.params.iouThrs = [label + 1], np.array([0.5])
            run.params.recThrs = np.arange(1, objects + 1) / objects
            run.params.maxDets, run.params.areaRng = [len(detected.label)], [[0, 1e10]]
            run.params.areaRngLbl = ["all"]
            run.evaluate()
            run.accumulate()
            precision = run.eval["precision"]
            assert precision.shape == (1, objects, 1, 1, 1)
            aps.append(100 * precision.mean())
    return aps


@pytest.mark.parametrize("seed", range(4))
def test_ap_of_every_class_is_that_of_pycocotools(seed):
    detected, truth = random_case(seed)
    own_ap = evaluate(detected, truth, CLASSES, small=False).ap_percent
    assert np.array(own_ap) == pytest.approx(np.array(coco_ap_percent(detected, truth)), abs=1e-6)
    assert min(own_ap) > 20 and max(own_ap) < 95  # hits and misses in between each other


def test_the_small_object_threshold_is_where_the_two_differ():
    detected, truth = random_case(0)
    own_ap = evaluate(detected, truth, CLASSES, small=True).ap_percent
    assert max(np.array(own_ap) - coco_ap_percent(detected, truth)) > 0.5
