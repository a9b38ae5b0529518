"""Rates of the detection part: selective search, MultiBox, warped regions, scoring, evaluation."""

from collections.abc import Callable

import numpy as np

from googlenet.config.schema import detection as d
from googlenet.config.schema.base import Pair
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
from googlenet.pipeline.experiment import Job
from googlenet.planning.clock import STEPS_AT_MOST, Clocked, seconds_of
from googlenet.planning.measure_classification import TRAINING, line, network_on, random_scores, timed_step
from googlenet.planning.rates import (
    Amount,
    Bench,
    LineRate,
    LoadedStepRate,
    Measurement,
    NetworkMeasurement,
    RateT,
    Seconds,
)
from googlenet.planning.sizes import ImageSize

OBJECTS = 3  # of an image, where the time depends on them a little
FEW, MORE = 3, 9
SEARCHED = 6  # images
BACKGROUND_LOGIT = 8.0  # most proposals are background, and few classes are left above min_score


def random_boxes(rng: np.random.Generator, count: int, width: int, height: int) -> np.ndarray:
    """Boxes of a tenth of the sides and more, int32 [count, 4]."""
    low = rng.uniform(0, 0.6, (count, 2)) * [width, height]
    high = low + rng.uniform(0.1, 0.4, (count, 2)) * [width, height]
    return np.concatenate([low, high], axis=1).astype(np.int32)


def random_truth(
    rng: np.random.Generator, classes: int = 1, width: int = 500, height: int = 375
) -> GroundTruth:
    """Some objects of an image."""
    boxes, labels = random_boxes(rng, OBJECTS, width, height), rng.integers(0, classes, OBJECTS)
    return GroundTruth(boxes.astype(np.float32), labels, np.zeros(OBJECTS, bool), np.zeros(0, np.int32))


class SearchRate(Seconds):
    """Seconds an image, and its boxes."""

    boxes: Amount


class SelectiveSearch(Measurement[SearchRate]):
    """Selective search on an image."""

    name, gives = "search", SearchRate
    search: d.Search
    image: ImageSize

    def measure(self, bench: Bench) -> SearchRate:
        boxes: list[int] = []
        some = bench.images(self.image)[:SEARCHED]

        def propose_all() -> int:
            boxes.extend(len(propose(image, self.search)) for image in some)
            return len(some)

        seconds = seconds_of(propose_all)
        return SearchRate(seconds=seconds, boxes=float(np.mean(boxes)))


class MergeRate(Seconds):
    """Seconds an image, and the share of the boxes that is left."""

    kept_share: Amount


class Merge(Measurement[MergeRate]):
    """To merge an image's boxes, `multibox_boxes` of them MultiBox's."""

    name, gives = "merge", MergeRate
    search: d.Search
    multibox_boxes: int
    duplicate_iou: float
    image: ImageSize

    def measure(self, bench: Bench) -> MergeRate:
        image, rng = bench.images(self.image)[0], np.random.default_rng(0)
        searched = propose(image, self.search)
        boxes = random_boxes(rng, self.multibox_boxes, image.shape[1], image.shape[0])
        confidence = np.linspace(1, 0, len(boxes))
        words = boxes, confidence, searched, self.duplicate_iou
        kept = len(merge(*words).boxes) / max(1, len(searched) + len(boxes))
        return MergeRate(seconds=seconds_of(lambda: bool(merge(*words)) + 0, 0.1), kept_share=kept)


class MultiboxMeasurement(NetworkMeasurement[RateT]):
    """What depends on MultiBox's network, whose trunk is `network`."""

    input_px: int
    last: str
    head: str
    head_channels: int
    priors: int

    def model(self, device: str) -> multibox.MultiBox:
        """An untrained MultiBox."""
        classifier, px, rng = network_on(self.network, "cpu"), self.input_px, np.random.default_rng(0)
        trunk = multibox.trunk_of(classifier.spec, px)
        priors = random_boxes(rng, self.priors, px, px).astype(np.float64)
        if self.head == "grid":
            cells = multibox.cells_of(trunk, self.last)
            priors = on_grid(rng.uniform(0.1, 0.6, (self.priors, 2)) * px, cells, px)
        form = multibox.Form(trunk, self.last, self.head, self.head_channels, len(priors))
        return multibox.start(form, classifier, priors, 0.1, 1).on(device)


class MultiboxStep(MultiboxMeasurement[LoadedStepRate]):
    """A step of train_multibox."""

    name, gives = "train_multibox", LoadedStepRate
    crop_area: Pair
    crop_aspect: Pair
    match_iou: float
    mirror: bool
    batch_size: int
    image: ImageSize

    def measure(self, bench: Bench) -> LoadedStepRate:
        model, images = self.model(self.runtime.device), bench.images(self.image)
        settings = bench.experiment.settings(Job("train_multibox", "all"), d.TrainMultibox)
        settings = self.laid_over(settings, batches_per_epoch=STEPS_AT_MOST, **TRAINING)
        truth = [random_truth(np.random.default_rng(0), 1, *image.shape[1::-1]) for image in images]
        batches = ImageBatches(images, truth, model.priors.cpu().numpy(), settings, self.input_px)

        def train_on(clocked: Clocked) -> None:
            train_boxes(model, clocked, truth, settings, self.runtime, lambda row: None)

        return timed_step(model, self.runtime, images, train_on, lambda: batches[0][0])


class MultiboxBoxes(MultiboxMeasurement[Seconds]):
    """An image in MultiBox, its suppression included."""

    name, gives = "multibox", Seconds
    image: ImageSize
    multibox_boxes: int
    multibox_nms_iou: float

    def measure(self, bench: Bench) -> Seconds:
        model, images = self.model(self.runtime.device).eval(), bench.images(self.image)
        settings = bench.experiment.settings(bench.experiment.jobs("merge_proposals")[0], d.MergeProposals)
        settings = self.laid_over(settings)

        def propose_all() -> int:
            return len([multibox.propose(model, image, settings, self.runtime) for image in images])

        return Seconds(seconds=seconds_of(propose_all))


class DetectorStep(NetworkMeasurement[LoadedStepRate]):
    """A step of train_detector."""

    name, gives = "train_detector", LoadedStepRate
    image: ImageSize
    positives: int
    negatives: int
    mirror: bool
    context_px: int

    def measure(self, bench: Bench) -> LoadedStepRate:
        network, images = network_on(self.network, self.runtime.device), bench.images(self.image)
        settings = bench.experiment.settings(bench.experiment.jobs("train_detector")[0], d.TrainDetector)
        easy = settings.hard_negatives.model_copy(update={"enabled": False})
        settings = self.laid_over(settings, hard_negatives=easy, batches_per_epoch=STEPS_AT_MOST, **TRAINING)
        regions = self.regions(images)
        batches = RegionBatches(images, regions, settings, network.spec)

        def train_on(clocked: Clocked) -> None:
            train(network, clocked, regions, settings, self.runtime, lambda row: None)

        return timed_step(network.model, self.runtime, images, train_on, lambda: batches[0][0])

    def regions(self, images: list[np.ndarray]) -> TrainingRegions:
        """Of every image enough for a batch without repetition."""
        rng, batch = np.random.default_rng(0), self.positives + self.negatives
        boxes = [
            random_boxes(rng, 2 * batch, one.shape[1], one.shape[0]).astype(np.float32) for one in images
        ]
        labels = [(np.arange(2 * batch) < 2 * self.positives).astype(np.int64) for _ in images]
        return TrainingRegions(boxes, labels)


class RegionScore(NetworkMeasurement[Seconds]):
    """A region of an image with so many boxes, seen as it is and, where `mirrored`, mirrored too."""

    name, gives = "score_regions", Seconds
    batch_size: int
    mirrored: bool
    context_px: int
    image: ImageSize
    boxes: int

    def measure(self, bench: Bench) -> Seconds:
        network, images = network_on(self.network, self.runtime.device), bench.images(self.image)
        settings = bench.experiment.settings(bench.experiment.jobs("score_regions")[0], d.ScoreRegions)
        settings = self.laid_over(settings, switches=("mirror",) if self.mirrored else (), compare=())
        rng, sizes = np.random.default_rng(0), iter(range(STEPS_AT_MOST))

        def score_one() -> int:
            # Fewer by one each time: the kernels for a new size are chosen anew, as in a job.
            count = max(1, self.boxes - next(sizes) % 16)
            image = images[count % len(images)]
            boxes = random_boxes(rng, count, image.shape[1], image.shape[0])
            list(score(network, [image], [boxes], settings, {}, self.runtime))
            return count

        return Seconds(seconds=seconds_of(score_one))


class RegionLabels(Measurement[Seconds]):
    """To label an image's proposals for fine-tuning."""

    name, gives = "label_regions", Seconds
    boxes: int

    def measure(self, bench: Bench) -> Seconds:
        rng, many = np.random.default_rng(0), 16
        proposed, truth = random_boxes(rng, self.boxes, 500, 375), random_truth(rng)
        work = [proposed] * many, [truth] * many, 0.5
        return Seconds(seconds=seconds_of(lambda: len(training_regions(*work).labels), 0.1))


class DetectionEvaluation(Measurement[LineRate]):
    """A test image in evaluate_detection under one list of switches."""

    name, gives = "evaluate_detection", LineRate
    detectors: int
    classes: int
    boxes: int
    stage: d.EvaluateDetection

    def measure(self, bench: Bench) -> LineRate:
        rng, names = np.random.default_rng(0), [str(i) for i in range(max(MORE, self.classes))]

        def work_on(images: int) -> Callable[[], bool]:
            boxes = [random_boxes(rng, self.boxes, 500, 375) for _ in range(images)]
            logits = random_scores(rng, images * self.boxes, self.classes + 1)
            logits[:, 0] += BACKGROUND_LOGIT * logits.mean()
            scores = {"probabilities": logits / logits.sum(1, keepdims=True)}
            detectors = {f"d{i}": scores for i in range(self.detectors)}
            truth = [random_truth(rng, self.classes) for _ in range(images)]
            words = detectors, boxes, truth, names[:images], names[: self.classes]
            return lambda: bool(ensemble.evaluate(*words, self.stage))

        return line(work_on, FEW, MORE)


KINDS = (
    *(SelectiveSearch, Merge, MultiboxStep, MultiboxBoxes),
    *(DetectorStep, RegionScore, RegionLabels, DetectionEvaluation),
)
