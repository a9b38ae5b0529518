"""Rates of the detection part: selective search, MultiBox, warped regions, scoring, evaluation."""

from collections.abc import Callable

import numpy as np

from googlenet.config.schema import detection as d
from googlenet.config.schema.shared import Pair
from googlenet.data.ground_truth import GroundTruth
from googlenet.detection import ensemble, multibox
from googlenet.detection.merge import merge
from googlenet.detection.multibox_train import ImageBatches
from googlenet.detection.multibox_train import train as train_boxes
from googlenet.detection.priors import on_grid
from googlenet.detection.regions import TrainingRegions, training_regions
from googlenet.detection.score import score
from googlenet.detection.selective_search import propose
from googlenet.detection.train import RegionBatches, train
from googlenet.planning import rates
from googlenet.planning.clock import STEPS_AT_MOST, seconds_of
from googlenet.planning.measure_classification import TRAINING, EvaluationMeasurement, random_scores, timed_step
from googlenet.planning.rates import Amount, Bench
from googlenet.planning.sizes import ImageSize

OBJECTS = 3  # per image; they affect the time a little
SEARCHED = 6  # images
BACKGROUND_LOGIT = 8.0  # makes most proposals background, so that few class scores exceed min_score


def random_boxes(rng: np.random.Generator, count: int, width: int = 500, height: int = 375) -> np.ndarray:
    """Boxes with sides of at least a tenth of the image's, int32 [count, 4]."""
    low = rng.uniform(0, 0.6, (count, 2)) * [width, height]
    high = low + rng.uniform(0.1, 0.4, (count, 2)) * [width, height]
    return np.concatenate([low, high], axis=1).astype(np.int32)


def random_truth(rng: np.random.Generator, classes: int = 1, *shape: int) -> GroundTruth:
    """Random objects of an image; shape: its width and height."""
    boxes, labels = random_boxes(rng, OBJECTS, *shape), rng.integers(0, classes, OBJECTS)
    return GroundTruth(boxes.astype(np.float32), labels, np.zeros(OBJECTS, bool), np.zeros(0, np.int32))


class SearchRate(rates.Seconds):
    """Seconds per image, and its number of boxes."""

    boxes: Amount


class SelectiveSearch(rates.Measurement[SearchRate]):
    """Selective search on an image."""

    name, gives = "search", SearchRate
    search: d.Search
    image: ImageSize

    def measure(self, bench: Bench) -> SearchRate:
        some, boxes = bench.images(self.image)[:SEARCHED], []

        def propose_all() -> int:
            boxes.extend([len(propose(image, self.search)) for image in some])
            return len(some)

        return SearchRate(seconds=seconds_of(propose_all), boxes=float(np.mean(boxes)))


class MergeRate(rates.Seconds):
    """Seconds per image, and the share of its boxes that is kept."""

    kept_share: Amount


class Merge(rates.Measurement[MergeRate]):
    """Merge an image's boxes, `multibox_boxes` of them from MultiBox."""

    name, gives = "merge", MergeRate
    search: d.Search
    multibox_boxes: int
    duplicate_iou: float
    image: ImageSize

    def measure(self, bench: Bench) -> MergeRate:
        image, rng = bench.images(self.image)[0], np.random.default_rng(0)
        searched = propose(image, self.search)
        boxes = random_boxes(rng, self.multibox_boxes, *image.shape[1::-1])
        inputs = boxes, np.linspace(1, 0, len(boxes)), searched, self.duplicate_iou
        kept = len(merge(*inputs).boxes) / max(1, len(searched) + len(boxes))
        return MergeRate(seconds=seconds_of(lambda: bool(merge(*inputs)), 0.1), kept_share=kept)


class MultiboxMeasurement(rates.NetworkMeasurement[rates.RateT]):
    """A measurement that depends on MultiBox's network, whose trunk is `network`."""

    input_px: int
    last: str
    head: str
    head_channels: int
    priors: int

    def model(self) -> multibox.MultiBox:
        """An untrained MultiBox."""
        classifier, px, rng = self.network.build("cpu"), self.input_px, np.random.default_rng(0)
        trunk = multibox.trunk_of(classifier.spec, px)
        priors = random_boxes(rng, self.priors, px, px).astype(np.float64)
        if self.head == "grid":
            priors = on_grid(rng.uniform(0.1, 0.6, (self.priors, 2)) * px, multibox.cells_of(trunk, self.last), px)
        form = multibox.Form(trunk, self.last, self.head, self.head_channels, len(priors))
        return multibox.start(form, classifier, priors, 0.1, 1).on(self.runtime.device)


class MultiboxStep(MultiboxMeasurement[rates.LoadedStepRate]):
    """A step of train_multibox."""

    name, gives = "train_multibox", rates.LoadedStepRate
    crop_area: Pair
    crop_aspect: Pair
    match_iou: float
    mirror: bool
    batch_size: int
    image: ImageSize

    def measure(self, bench: Bench) -> rates.LoadedStepRate:
        model, images = self.model(), bench.images(self.image)
        settings = bench.settings(d.TrainMultibox)
        settings = self.laid_over(settings, batches_per_epoch=STEPS_AT_MOST, **TRAINING)
        truth = [random_truth(np.random.default_rng(0), 1, *image.shape[1::-1]) for image in images]
        batches = ImageBatches(images, truth, model.priors.cpu().numpy(), settings, self.input_px)
        return timed_step(
            model,
            self.runtime,
            lambda clock: train_boxes(model, images, truth, settings, self.runtime, lambda row: None, clock),
            lambda: batches[0][0],
        )


class MultiboxBoxes(MultiboxMeasurement[rates.Seconds]):
    """MultiBox on an image, including suppression."""

    name, gives = "multibox", rates.Seconds
    image: ImageSize
    multibox_boxes: int
    multibox_nms_iou: float

    def measure(self, bench: Bench) -> rates.Seconds:
        model, images = self.model().eval(), bench.images(self.image)
        settings = self.laid_over(bench.settings(d.MergeProposals))
        propose = multibox.Proposer(model, len(images), images[0], self.runtime)
        seconds = seconds_of(lambda: len([propose(image, settings) for image in images]))
        return rates.Seconds(seconds=seconds)


class DetectorStep(rates.NetworkMeasurement[rates.LoadedStepRate]):
    """A step of train_detector."""

    name, gives = "train_detector", rates.LoadedStepRate
    image: ImageSize
    positives: int
    negatives: int
    mirror: bool
    context_px: int

    def measure(self, bench: Bench) -> rates.LoadedStepRate:
        network, images = self.network.build(self.runtime.device), bench.images(self.image)
        settings = bench.settings(d.TrainDetector)
        easy = settings.hard_negatives.model_copy(update={"enabled": False})
        settings = self.laid_over(settings, hard_negatives=easy, batches_per_epoch=STEPS_AT_MOST, **TRAINING)
        rng, count = np.random.default_rng(0), 2 * (self.positives + self.negatives)  # so no batch has repeats
        boxes = [random_boxes(rng, count, *image.shape[1::-1]).astype(np.float32) for image in images]
        labels = (np.arange(count) < 2 * self.positives).astype(np.int64)
        regions = TrainingRegions(boxes, [labels] * len(images))
        batches = RegionBatches(images, regions, settings, network.spec)
        return timed_step(
            network.model,
            self.runtime,
            lambda clock: train(network, images, regions, settings, self.runtime, lambda row: None, clock),
            lambda: batches[0][0],
        )


class RegionScore(rates.NetworkMeasurement[rates.Seconds]):
    """A region of an image with `boxes` boxes, seen as it is and, if `mirrored`, also mirrored."""

    name, gives = "score_regions", rates.Seconds
    batch_size: int
    mirrored: bool
    context_px: int
    image: ImageSize
    boxes: int

    def measure(self, bench: Bench) -> rates.Seconds:
        network, images = self.network.build(self.runtime.device), bench.images(self.image)
        settings = bench.settings(d.ScoreRegions)
        settings = self.laid_over(settings, switches=("mirror",) if self.mirrored else (), compare=())
        rng, sizes = np.random.default_rng(0), iter(range(STEPS_AT_MOST))

        def score_one() -> int:
            # One fewer each time, so that kernels are chosen for each new size, as in a job.
            count = max(1, self.boxes - next(sizes) % 16)
            image = images[count % len(images)]
            boxes = random_boxes(rng, count, *image.shape[1::-1])
            list(score(network, [image], [boxes], settings, {}, self.runtime))
            return count

        return rates.Seconds(seconds=seconds_of(score_one))


class RegionLabels(rates.Measurement[rates.Seconds]):
    """Label an image's proposals for fine-tuning."""

    name, gives = "label_regions", rates.Seconds
    boxes: int

    def measure(self, bench: Bench) -> rates.Seconds:
        rng = np.random.default_rng(0)
        inputs = [random_boxes(rng, self.boxes)] * 16, [random_truth(rng)] * 16, 0.5
        return rates.Seconds(seconds=seconds_of(lambda: len(training_regions(*inputs).labels), 0.1))


class DetectionEvaluation(EvaluationMeasurement):
    """One test image in evaluate_detection under one list of switches."""

    name, sizes = "evaluate_detection", (3, 9)
    detectors: int
    classes: int
    boxes: int
    stage: d.EvaluateDetection

    def work_on(self, images: int, rng: np.random.Generator) -> Callable[[], bool]:
        boxes = [random_boxes(rng, self.boxes) for _ in range(images)]
        scores = random_scores(rng, images * self.boxes, self.classes + 1)
        scores[:, 0] += BACKGROUND_LOGIT * scores.mean()
        scores /= scores.sum(1, keepdims=True)
        detectors = {f"d{i}": {"probabilities": scores} for i in range(self.detectors)}
        truth = [random_truth(rng, self.classes) for _ in range(images)]
        files, classes = ([str(i) for i in range(count)] for count in (images, self.classes))
        return lambda: bool(ensemble.evaluate(detectors, boxes, truth, files, classes, self.stage))
