"""Rates of the classification part: training, crops, forward passes, evaluation."""

from collections.abc import Sequence

import numpy as np
import torch

from googlenet import trained
from googlenet.classification import crop_study, ensemble
from googlenet.classification.crops import crops_144, cut, distinct, upright
from googlenet.classification.kept_crops import KeptCrops
from googlenet.classification.predict import probabilities, union
from googlenet.classification.train import TrainingCrops, collate, train
from googlenet.models.googlenet import initialise
from googlenet.planning.clock import STEPS_AT_MOST, Clocked, seconds_of, step_seconds
from googlenet.planning.machine import Values
from googlenet.planning.networks import described, kept_a_batch_mb

# What a training needs to be told and what changes no time; the rate is so low that no loss leaves the numbers.
TRAINING = {
    "epochs": 1,
    "learning_rate": 1e-6,
    "warmup_steps": 0,
    "schedule": "cosine",
    "momentum": 0.9,
    "weight_decay": 0.0002,
    "aux_weight": 0.3,
    "averaging": {"form": "exponential", "decay": 0.99, "start_epoch": 0},
    "stall": {"epochs": 0, "margin": 0.01},
}
PLAIN = {
    "method": "scale",
    "area": [1.0, 1.0],
    "aspect": [1.0, 1.0],
    "scales": [256, 256],
    "photometric": 0.0,
}
FEW, MORE = 4, 16  # pictures: what grows with them is told from what does not


def network(settings: dict, device: str) -> tuple[torch.nn.Module, trained.Description]:
    """A network as told, with initial weights."""
    description = described(settings["network"])
    model = trained.build(description)
    if description.network == "paper":
        initialise(model, 0)
    return model.to(device, memory_format=torch.channels_last), description


def train_classifier(settings: dict, pictures: Sequence[np.ndarray], compute: dict) -> Values:
    """Seconds of a step without its loading, and the memory that its forward pass keeps."""
    model, description = network(settings, compute["device"])
    batch, px = settings["batch_size"], description.input_px
    member = {"name": "plan", "order_seed": 1, "sampling_seed": 1}
    own = TRAINING | {"batch_size": batch, "member": member, "mirror": False}
    own["sampling"] = PLAIN | {"interpolation": "bilinear"}
    shown = [np.random.default_rng(0).integers(0, 256, (px, px, 3), np.uint8)]
    labels = np.arange(min(STEPS_AT_MOST, 1000) * batch) % len(description.classes)
    kept = kept_a_batch_mb(model, px, batch, compute["device"], compute["precision"])
    clocked = Clocked(shown, len(labels), batch, 1 if compute["device"] == "cpu" else 5)
    step = step_seconds(
        lambda given: train(model, description, (given, labels), {}, own, compute, lambda row: None), clocked
    )
    crops = TrainingCrops(shown * batch, labels, own, px)
    load = seconds_of(lambda: len(collate([crops[0, i] for i in range(batch)])[1]) / batch, 0.1)
    return {"seconds": max(step - load, 0.02 * step), "kept_mb": kept}


def crop(settings: dict, pictures: Sequence[np.ndarray], compute: dict) -> Values:
    """Seconds to draw a training crop from a decoded picture."""
    own = {"sampling": settings["sampling"], "mirror": settings["mirror"], "member": {"sampling_seed": 1}}
    crops = TrainingCrops(pictures, np.zeros(len(pictures), np.int64), own, settings["px"])
    epochs = iter(range(STEPS_AT_MOST))

    def draw() -> int:
        epoch = next(epochs)
        return len(collate([crops[epoch, i] for i in range(len(pictures))])[1])

    return {"seconds": seconds_of(draw, 0.2)}


def forward(settings: dict, pictures: Sequence[np.ndarray], compute: dict) -> Values:
    """Seconds of a crop in a batch of a prediction."""
    model, description = network(settings, compute["device"])
    px, batch = description.input_px, settings["batch_size"]
    crops = np.random.default_rng(0).integers(0, 256, (batch, px, px, 3), np.uint8)
    model.eval()
    return {"seconds": seconds_of(lambda: len(probabilities(model, description, crops, compute)))}


def crops_of(settings: dict, width: int, height: int) -> list:
    """The distinct crops that policies need of a picture. settings: {policies, px, mirror}."""
    every = crops_144(width, height, settings["px"])
    numbers = union(settings["policies"])
    return distinct([every[j] if settings["mirror"] else upright(every[j]) for j in numbers])[0]


def cut_crops(settings: dict, pictures: Sequence[np.ndarray], compute: dict) -> Values:
    """Seconds to cut all crops of a picture."""
    wanted = [(one, crops_of(settings, one.shape[1], one.shape[0])) for one in pictures]
    return {
        "seconds": seconds_of(lambda: len([cut(one, crops, settings["px"]) for one, crops in wanted]), 0.2)
    }


def random_scores(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Rows of probabilities, float32."""
    logits = rng.standard_normal(shape, np.float32) * 3
    found = np.exp(logits - logits.max(-1, keepdims=True))
    return found / found.sum(-1, keepdims=True)


def line(seconds: Sequence[float], counts: Sequence[int]) -> Values:
    """Seconds a picture, and those that do not grow with the pictures, from two runs."""
    slope = max(0.0, (seconds[1] - seconds[0]) / (counts[1] - counts[0]))
    return {"seconds": slope, "fixed_s": max(0.0, seconds[0] - slope * counts[0])}


def evaluate_ensemble(settings: dict, pictures: Sequence[np.ndarray], compute: dict) -> Values:
    """Seconds a test picture to evaluate every subset of the members."""
    rng, classes, counts = np.random.default_rng(0), settings["classes"], (FEW * 8, MORE * 8)
    names, policies, found = [f"m{i}" for i in range(settings["members"])], settings["policies"], []
    for count in counts:
        scores = {name: {one: random_scores(rng, count, classes) for one in policies} for name in names}
        labels = rng.integers(0, classes, count)
        shown = [str(i) for i in range(classes)]
        found.append(
            seconds_of(lambda: bool(ensemble.evaluate(scores, labels, shown, settings["stage"])), 0.0)  # noqa: B023
        )
    return line(found, counts)


def study_crops(settings: dict, pictures: Sequence[np.ndarray], compute: dict) -> Values:
    """Seconds a kept picture, of test and of validation, to study the crops."""
    rng, classes, counts = np.random.default_rng(0), settings["classes"], (FEW, MORE)
    crops, found = union(settings["policies"]), []
    for count in counts:
        index = np.arange(count * len(crops)).reshape(count, len(crops))
        kept = {
            f"m{i}": KeptCrops(
                random_scores(rng, index.size, classes), index, np.arange(count), np.array(crops)
            )
            for i in range(settings["members"])
        }
        labels, shown = rng.integers(0, classes, count), [str(i) for i in range(classes)]
        validation = (kept, labels) if settings["validation"] else ({}, labels[:0])
        words = kept, labels, *validation, shown, settings["stage"]
        found.append(seconds_of(lambda: bool(crop_study.study(*words)), 0.0))  # noqa: B023
    return line(found, counts)


MEASURES = {
    "train_classifier": train_classifier,
    "crop": crop,
    "forward": forward,
    "cut_crops": cut_crops,
    "evaluate_ensemble": evaluate_ensemble,
    "study_crops": study_crops,
}
