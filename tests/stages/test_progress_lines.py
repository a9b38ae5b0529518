"""Every kind of long work reports its progress while it runs: how much of what is done, and how long the rest takes."""

import re

import numpy as np
import pytest

from classification import tiny_training as classifiers
from classification.tiny import RUNTIME, images, network
from data.datasets import class_tree, classification, coco_tree, detection, voc_tree, write_manifest
from detection import plain_scores, tiny_multibox
from detection import tiny_training as detectors
from detection.samples import sample_of
from googlenet.classification import baseline
from googlenet.classification.train import train as train_classifier
from googlenet.config.schema.detection import Svm
from googlenet.data.ground_truth import ground_truth
from googlenet.data.prepare import prepare
from googlenet.data.store import open_split
from googlenet.detection import bbox_regression, svm
from googlenet.detection.ensemble import evaluate
from googlenet.detection.fit_heads import gather
from googlenet.detection.multibox_train import prior_figures
from googlenet.detection.multibox_train import train as train_multibox
from googlenet.detection.priors import k_means
from googlenet.detection.regions import training_regions
from googlenet.detection.score import score
from googlenet.detection.train import detector_from
from googlenet.detection.train import train as train_detector
from googlenet.models.forward import forward_rate
from googlenet.pipeline.resume import Resume
from settings import changed, settings_of
from ticking import lines_of

RANDOM = np.random.default_rng(0)
LABEL = np.repeat([0, 1, 2], 20)
SAMPLE = sample_of(np.arange(60), LABEL, classes=2)
VECTORS = RANDOM.normal(size=(60, 4)).astype(np.float32) + 3 * LABEL[:, None]


def ignore(row):
    """Log nothing."""


def detector():
    return detector_from(network(), ["cat", "dog"], 1)


def classifier():
    train_classifier(network(), classifiers.SPLITS, classifiers.SETTINGS, RUNTIME, ignore)


def hard_negatives():
    settings = changed(detectors.SETTINGS, hard_negatives={"enabled": True, "scored": 4, "hardest": 1})
    train_detector(detector(), detectors.IMAGES, detectors.REGIONS, settings, RUNTIME, ignore)


def multibox():
    shown, objects = tiny_multibox.scenes(4, 0)
    settings = changed(tiny_multibox.SETTINGS, epochs=1, batches_per_epoch=3)
    train_multibox(tiny_multibox.begun("grid", "4a", objects), shown, objects, settings, RUNTIME, ignore)


def scoring():
    settings = settings_of("score_regions", batch_size=2, context_px=16, switches=(), compare=())
    list(score(detector(), detectors.IMAGES, detectors.BOXES, settings, {}, RUNTIME))


def gathering():
    settings = settings_of("fit_region_heads", heads=("svm",))
    sample = sample_of(np.array([0, 1, 2]), np.array([1, 2, 0]), classes=2)
    gather(detector(), detectors.IMAGES, sample, settings, RUNTIME)


def rating():
    scores = {name: {"probabilities": plain_scores.RIGHT} for name in ("d1", "d2")}
    given = plain_scores.BOXES, plain_scores.TRUTH, plain_scores.NAMES, plain_scores.CLASSES
    evaluate(scores, *given, plain_scores.SETTINGS)


def pixels():
    settings = settings_of("train_baseline", side_px=4, max_iterations=7)
    labelled = images([(16, 12)] * 4), np.arange(4) % 2
    baseline.fit_and_score(labelled, labelled, settings)


def machines():
    settings = Svm(c=1.0, negative_iou=0.3, first_negatives=10, hard_score=-1.0, most_added=5, passes=1)
    svm.fit(VECTORS, SAMPLE, 2, settings, seed=1)


def regressions():
    settings = settings_of("fit_region_heads").bbox_regression
    bbox_regression.fit(VECTORS, SAMPLE, 2, changed(settings, lambdas=(1.0,)))


def labelling():
    training_regions(plain_scores.BOXES, plain_scores.TRUTH, 0.5)


def priors():
    boxes = [truth.boxes for truth in plain_scores.TRUTH]
    prior_figures(k_means(RANDOM.random((50, 4)), 3, seed=1) + np.array([0, 0, 9, 9]), boxes, 0.5)


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        (classifier, ["steps: 1 of 4", "images: 1 of 4", "steps: 4 of 4", "images: 16 of 16"]),
        (hard_negatives, ["images with background to choose from: 1 of 2", "steps: 4 of 4"]),
        (multibox, ["steps: 1 of 3", "steps: 3 of 3"]),
        (scoring, ["images: 1 of 3", "images: 3 of 3"]),
        (gathering, ["images: 1 of 3", "images: 3 of 3"]),
        (rating, ["images: 1 of 3", "detectors: 1 of 2", "classes resampled: 2 of 2"]),
        (pixels, ["images: 1 of 4", "fitting to 4 images of 16 values, in at most 7 iterations"]),
        (machines, ["classes with an SVM: 1 of 2"]),
        (regressions, ["classes with a regression (lambda 1): 2 of 2"]),
        (labelling, ["images whose regions are labelled: 1 of 3"]),
        (priors, ["rounds of k-means, at most: 1 of 100", "images compared with the priors: 3 of 3"]),
        (lambda: forward_rate(network().model, 32, 1, 2), ["rounds of forward passes: 3 of 3"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_long_work_reports_its_progress(work, expected):
    lines = lines_of(work)
    shown = [re.sub(r", [\d.,]+ (a second|s each), .* left$", "", line) for line in lines]
    assert [line for line in expected if line not in shown] == []
    assert all(" left" in line or line.startswith("fitting") for line in lines)


@pytest.mark.parametrize(
    ("source", "listing"),
    [
        (lambda root: classification("class_folders", class_tree(root)), "class folders of train: 1 of 2"),
        (lambda root: detection("voc", voc_tree(root)), "annotations of train: 1 of 2"),
        (
            lambda root: detection(
                "coco", coco_tree(root), images="{split}", annotations="annotations/instances_{split}.json"
            ),
            "images listed for train: 1 of 2",
        ),
    ],
    ids=["class_folders", "voc", "coco"],
)
def test_preparing_data_reports_listing_and_packing(tmp_path, source, listing):
    settings = source(tmp_path / "raw")
    lines = lines_of(lambda: prepare(settings, tmp_path / "out"))
    assert any(line.startswith(listing) for line in lines)
    assert any(line.startswith("images packed: 1 of ") and line.endswith(" left") for line in lines)


def test_reading_the_objects_of_all_images_reports_its_progress(tmp_path):
    write_manifest(tmp_path / "out", prepare(detection("voc", voc_tree(tmp_path / "raw")), tmp_path / "out"))
    split = open_split(tmp_path / "out", "train")
    assert lines_of(lambda: ground_truth(split))[0].startswith("images of train whose objects are read: 1 of 2, ")


def test_an_image_of_an_earlier_attempt_is_counted_at_once(tmp_path):
    def compute(start):
        return ({"x": np.zeros(1)} for _ in range(start, 5))

    attempt = Resume(tmp_path / "state", every_s=0.0).items(5, compute)
    for _ in range(3):  # the third is computed and not yet saved
        next(attempt)
    attempt.close()
    lines = lines_of(lambda: list(Resume(tmp_path / "state").items(5, compute)))
    assert lines[0] == "images: 2 of 5, time left unknown" and lines[-1].startswith("images: 5 of 5, ")
