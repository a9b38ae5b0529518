"""Made-up predictions, and what the stages make of them: calibration, members left out, the study of crops."""

from functools import cache

import numpy as np

from googlenet.classification.calibration import calibration
from googlenet.classification.crop_scales import Seen, Zooms, seen_at_test
from googlenet.classification.crop_study import KeptSplit, study
from googlenet.classification.crops import SCALES
from googlenet.classification.effects import effects_of_leaving_out
from googlenet.classification.kept_crops import KeptCrops
from googlenet.classification.single_images import single_images
from googlenet.config.schema.classification import Calibration, CropChoices, EvaluateEnsemble
from googlenet.config.schema.shared import Bootstrap
from googlenet.metrics.bootstrap import Bounds
from googlenet.metrics.classification import CalibrationMetrics, Effects
from googlenet.metrics.classification_studies import CropStudyMetrics
from googlenet.metrics.single_images import SingleImages

EFFECTS = 12  # shown
BUDGETS = (1, 2, 3, 5, 8, 12, 24, 48, 144)
BOUNDS = {"resamples": 100, "confidence_percent": 95.0, "seed": 1}


def softmax(rng: np.random.Generator, common: np.ndarray, crops: int) -> np.ndarray:
    """Probabilities [images, crops, classes] of one member, around what is common to all members [images, classes]."""
    images, classes = common.shape
    logits = common[:, None] + rng.normal(size=(images, 1, classes)) + rng.normal(size=(images, crops, classes))
    p = np.exp(1.4 * logits)
    return (p / p.sum(-1, keepdims=True)).astype(np.float32)


def leaning(rng: np.random.Generator, labels: np.ndarray, classes: int) -> np.ndarray:
    """What members have in common: they lean to the label, and to something else [images, classes]."""
    return 2.5 * (np.arange(classes) == labels[:, None]) + rng.normal(size=(len(labels), classes))


@cache
def _study(members: tuple[str, ...], classes: tuple[str, ...], validation: bool) -> CropStudyMetrics:
    rng = np.random.default_rng(4)
    labels, crops = {"test": np.arange(60) % len(classes), "validation": np.arange(30) % len(classes)}, 144
    kept: dict[str, dict[str, KeptCrops]] = {"test": {}, "validation": {}}
    for split in ("test", "validation") if validation else ("test",):
        many, common = len(labels[split]), leaning(rng, labels[split], len(classes))
        for name in members:
            rows = softmax(rng, common, crops).reshape(many * crops, -1)
            index = np.arange(many * crops).reshape(many, crops)
            kept[split][name] = KeptCrops(rows, index, np.arange(many), np.arange(crops))
    settings = CropChoices(enabled=True, budgets=BUDGETS, random_subsets=10, effects_shown=EFFECTS, **BOUNDS)
    test, of_validation = (KeptSplit(kept[split], labels[split]) for split in ("test", "validation"))
    training = Seen.of(np.linspace(60, 96, 50), np.full(50, 96), 64)  # zooms of 1 to 1.6
    zooms = Zooms(training, seen_at_test([(128, 96)] * 60, np.arange(crops), 64, SCALES), SCALES)
    return study(test, of_validation, classes, settings, zooms)


def study_crops(members: list[str], classes: list[str], validation: bool = True) -> CropStudyMetrics:
    """study_crops' metrics."""
    return _study(tuple(members), tuple(classes), validation)


@cache
def _calibration(members: tuple[str, ...], classes: int) -> CalibrationMetrics:
    rng, labels = np.random.default_rng(5), np.arange(200) % classes
    common = leaning(rng, labels, classes)
    predictions = {name: {1: softmax(rng, common, 1)[:, 0], 144: softmax(rng, common, 8).mean(1)} for name in members}
    binned = Calibration(bins=15, binning="equal_width")
    settings = EvaluateEnsemble(effects_shown=EFFECTS, examples=8, calibration=binned, **BOUNDS)
    return calibration(predictions, labels, settings)


def calibrated(members: list[str], classes: int) -> CalibrationMetrics:
    """The part of evaluate_ensemble's metrics that is on calibration."""
    return _calibration(tuple(members), classes)


def left_out(members: list[str], classes: list[str]) -> Effects:
    """The part of evaluate_ensemble's metrics that is on members left out; the first member helps the first class."""
    rng, labels = np.random.default_rng(6), np.arange(300) % len(classes)
    whole = rng.random(300) < 0.1
    without = {name: whole ^ (rng.random(300) < 0.01) for name in members}
    without[members[0]] = whole | ((labels == 0) & (np.arange(300) % 3 > 0))
    drawn = Bounds(Bootstrap(**BOUNDS))
    return effects_of_leaving_out(without, whole, labels, classes, drawn, EFFECTS)


@cache
def _single_images(members: tuple[str, ...], classes: tuple[str, ...]) -> SingleImages:
    rng, labels = np.random.default_rng(7), np.arange(200) % len(classes)
    common = leaning(rng, labels, len(classes))
    predictions = {name: {1: softmax(rng, common, 1)[:, 0], 144: softmax(rng, common, 8).mean(1)} for name in members}
    return single_images(predictions, labels, classes, 8)


def of_single_images(members: list[str], classes: list[str]) -> SingleImages:
    """The part of evaluate_ensemble's metrics that is on single images."""
    return _single_images(tuple(members), tuple(classes))
