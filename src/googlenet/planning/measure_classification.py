"""Rates of the classification part: training, crops, forward passes, evaluation."""

from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar

import numpy as np
import torch
from torch import nn

from googlenet.classification import crop_study, ensemble
from googlenet.classification.crop_scales import Zooms, seen_at_test
from googlenet.classification.crops import SCALES, Crop, crops_144, cut, distinct
from googlenet.classification.kept_crops import KeptCrops
from googlenet.classification.predict import probabilities, union
from googlenet.classification.train import Splits, train
from googlenet.classification.training_crops import TrainingCrops
from googlenet.config.schema.classification import CropChoices, EvaluateEnsemble, Policies, Scales
from googlenet.config.schema.shared import Sampling
from googlenet.models.runtime import Runtime
from googlenet.pipeline.resume import Resume
from googlenet.planning import rates
from googlenet.planning.clock import STEPS_AT_MOST, seconds_of, step_seconds
from googlenet.planning.rates import Bench, kept_mb
from googlenet.planning.sizes import ImageSize

# A learning rate so low that no loss overflows. The training is stopped long before its first epoch ends.
TRAINING = {"epochs": 1, "learning_rate": 1e-6}


def timed_step(
    model: nn.Module, runtime: Runtime, train_on: Callable[[Resume], object], load: Callable[[], np.ndarray]
) -> rates.LoadedStepRate:
    """Time a step of a training, which gets a clock as its checkpointing; `load` returns a batch, timed apart."""
    batch, px = load().shape[:2]
    model.train()
    with torch.random.fork_rng():
        # Not with one image, on which batch normalisation cannot train.
        two, three = (kept_mb(model, torch.zeros(n, 3, px, px, device=runtime.device), runtime) for n in (2, 3))
    kept = two + max(0.0, three - two) * (batch - 2)  # the difference grows with the number of images
    step = step_seconds(train_on, warm_up=1 if runtime.device == "cpu" else 5)
    load_s = seconds_of(lambda: len(load()) / batch, 0.1)
    return rates.LoadedStepRate(seconds=max(step - load_s, 0.02 * step), kept_mb=kept, load_s=load_s / batch)


class ClassifierStep(rates.NetworkMeasurement[rates.StepRate]):
    """A step of train_classifier, on decoded images."""

    name, gives = "train_classifier", rates.StepRate
    batch_size: int

    def measure(self, bench: Bench) -> rates.StepRate:
        network, batch, px = (
            self.network.build(self.runtime.device),
            self.batch_size,
            self.network.architecture.input_px,
        )
        settings = self.laid_over(next(iter(bench.experiment.trainings.values())), **TRAINING)
        labels = np.arange(min(STEPS_AT_MOST, 1000) * batch) % self.network.classes
        images = [np.random.default_rng(0).integers(0, 256, (px, px, 3), np.uint8)] * len(labels)
        crops, few = TrainingCrops(images, labels, settings, px), (images[:1], labels[:1])
        splits = Splits((images, labels), few, few)
        step = timed_step(
            network.model,
            self.runtime,
            lambda clock: train(network, splits, settings, self.runtime, lambda row: None, clock),
            lambda: crops.batch([(0, i) for i in range(batch)])[0],
        )
        return rates.StepRate(seconds=step.seconds, kept_mb=step.kept_mb)


class TrainingCrop(rates.Measurement[rates.Seconds]):
    """Draw a training crop from a decoded image."""

    name, gives = "crop", rates.Seconds
    sampling: Sampling
    mirror: bool
    px: int
    image: ImageSize

    def measure(self, bench: Bench) -> rates.Seconds:
        images, reference = bench.images(self.image), next(iter(bench.experiment.trainings.values()))
        crops = TrainingCrops(images, np.zeros(len(images), np.int64), self.laid_over(reference), self.px)
        epochs = iter(range(STEPS_AT_MOST))

        def draw() -> int:
            epoch = next(epochs)
            return len(crops.batch([(epoch, i) for i in range(len(images))])[1])

        return rates.Seconds(seconds=seconds_of(draw, 0.2))


class Forward(rates.NetworkMeasurement[rates.Seconds]):
    """A crop's prediction in a batch."""

    name, gives = "forward", rates.Seconds
    batch_size: int

    def measure(self, bench: Bench) -> rates.Seconds:
        network, px = self.network.build(self.runtime.device), self.network.architecture.input_px
        crops = np.random.default_rng(0).integers(0, 256, (self.batch_size, px, px, 3), np.uint8)
        network.model.eval()
        return rates.Seconds(seconds=seconds_of(lambda: len(probabilities(network, crops, self.runtime))))


class CutCrops(rates.Measurement[rates.Seconds]):
    """Cut all crops of an image."""

    name, gives = "cut_crops", rates.Seconds
    policies: Policies
    px: int
    mirror: bool
    image: ImageSize
    scales: Scales = SCALES

    def crops(self, width: int, height: int) -> list[Crop]:
        """The distinct crops of an image that the policies need."""
        every = crops_144(width, height, self.px, self.mirror, self.scales)
        return distinct([every[number] for number in union(self.policies)])[0]

    def measure(self, bench: Bench) -> rates.Seconds:
        pairs = [(image, self.crops(*image.shape[1::-1])) for image in bench.images(self.image)]
        return rates.Seconds(seconds=seconds_of(lambda: len([cut(*pair, self.px) for pair in pairs]), 0.2))


def random_scores(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Rows of probabilities, float32."""
    return torch.softmax(torch.from_numpy(rng.standard_normal(shape, np.float32) * 3), -1).numpy()


class EvaluationMeasurement(rates.Measurement[rates.LineRate]):
    """Separates the time per image from the fixed time. sizes: the two numbers of images that are timed."""

    gives = rates.LineRate
    sizes: ClassVar[tuple[int, int]]

    @abstractmethod
    def work_on(self, images: int, rng: np.random.Generator) -> Callable[[], bool]:
        """The work on random results for this many images; it returns true."""

    def measure(self, bench: Bench) -> rates.LineRate:
        (few, more), rng = self.sizes, np.random.default_rng(0)
        short, long = (seconds_of(self.work_on(images, rng), 0.0) for images in (few, more))
        slope = max(0.0, (long - short) / (more - few))
        return rates.LineRate(seconds=slope, fixed_s=max(0.0, short - slope * few))


class EnsembleEvaluation(EvaluationMeasurement):
    """One test image in evaluate_ensemble."""

    name, sizes = "evaluate_ensemble", (32, 128)
    members: int
    policies: Policies
    classes: int
    stage: EvaluateEnsemble

    def work_on(self, images: int, rng: np.random.Generator) -> Callable[[], bool]:
        scores: dict[str, dict[int, np.ndarray]] = {}
        for i in range(self.members):
            scores[f"m{i}"] = {policy: random_scores(rng, images, self.classes) for policy in self.policies}
        labels, names = rng.integers(0, self.classes, images), [str(i) for i in range(self.classes)]
        return lambda: bool(ensemble.evaluate(scores, labels, names, self.stage))


class CropStudy(EvaluationMeasurement):
    """One kept test image and one kept validation image in study_crops."""

    name, sizes = "study_crops", (4, 16)
    members: int
    policies: Policies
    classes: int
    validation: bool
    stage: CropChoices

    def work_on(self, images: int, rng: np.random.Generator) -> Callable[[], bool]:
        crops = np.array(union(self.policies))
        index = np.arange(images * len(crops)).reshape(images, len(crops))
        scores = [random_scores(rng, index.size, self.classes) for _ in range(self.members)]
        kept = {f"m{i}": KeptCrops(one, index, np.arange(images), crops) for i, one in enumerate(scores)}
        labels, names = rng.integers(0, self.classes, images), [str(i) for i in range(self.classes)]
        test = crop_study.KeptSplit(kept, labels)
        validation = test if self.validation else crop_study.KeptSplit({}, labels[:0])
        seen = seen_at_test([(96, 64)] * images, crops, 64, SCALES)
        zooms = Zooms(seen, seen, SCALES)
        return lambda: bool(crop_study.study(test, validation, names, self.stage, zooms))
