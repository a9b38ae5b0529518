"""Classes of images from the members of an experiment, image by image, with the bits of the stage predict_crops."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import NamedTuple

import numpy as np

from googlenet.classification.class_order import Outputs, columns_of, common_outputs
from googlenet.classification.predict import Classifier, Cropping, crop_scores, in_data_order
from googlenet.config.schema.classification import PredictCrops
from googlenet.config.schema.dataset import Dataset
from googlenet.metrics.data import read_manifest
from googlenet.models import bundle
from googlenet.models.engine import EngineUse
from googlenet.models.network import Network
from googlenet.use.images import Opener
from googlenet.use.results import Asked, Results, chosen


@dataclass(frozen=True)
class Member:
    """A network of the ensemble. columns: of `trained`, in the order of the outputs; ordered: what predicts."""

    name: str
    trained: Network
    ordered: Network
    columns: list[int]
    outputs: Outputs


class Ranked(NamedTuple):
    """A class and its probability."""

    name: str
    probability: float


@dataclass(frozen=True)
class Answer:
    """What an image is taken for. crops: softmax, float32 [members, crops, classes]."""

    classes: Sequence[str]
    crops: np.ndarray

    @cached_property
    def members(self) -> np.ndarray:
        """The mean over the crops, float32 [members, classes]: a row of predict_crops."""
        return np.stack([one.mean(0, dtype=np.float64).astype(np.float32) for one in self.crops])

    @cached_property
    def probabilities(self) -> np.ndarray:
        """The mean over the members, float64 [classes], as evaluate_ensemble takes it."""
        return np.asarray(sum(self.members.astype(np.float64)) / len(self.members))

    @property
    def first(self) -> int:
        """The likeliest class."""
        return int(self.probabilities.argmax())

    def top(self, count: int) -> list[Ranked]:
        """The likeliest classes, the first of equals first."""
        best = np.argsort(-self.probabilities, kind="stable")[:count]
        return [Ranked(self.classes[label], float(self.probabilities[label])) for label in best]

    @property
    def agreement(self) -> tuple[float, float]:
        """The shares of members, and of their crops, whose first answer is the ensemble's."""
        members, crops = (float((scores.argmax(-1) == self.first).mean()) for scores in (self.members, self.crops))
        return members, crops


class ClassifierEnsemble:
    """The members of an experiment, loaded once: one of them by its name, or all for ""."""

    def __init__(self, results: Results, asked: Asked, member: str = ""):
        names = chosen("--member", member, results.experiment.members)
        paths = {name: results.weights(name) for name in names}  # all there, before anything is loaded
        self.settings = results.settings("predict_crops", names[0], PredictCrops)
        stored = results.path("predict_crops", f"{names[0]}/predictions.safetensors")
        self.runtime = results.runtime(self.settings, stored, asked)
        self.opener = Opener.of(results.experiment.of(Dataset).classification)
        manifest = results.manifest("classification")
        dataset = read_manifest(manifest) if manifest.is_file() else None
        self.members = []
        for name, path in paths.items():
            trained = bundle.load(path, self.runtime.device)
            known = trained.spec.classes
            classes, keys = (dataset.classes, dataset.class_keys) if dataset else (known, known)
            ordered, outputs = in_data_order(trained, classes, keys, f"member {name}")
            same = len(outputs.columns) == len(known)
            columns = columns_of(known, classes, keys, name) if same else [*range(len(known))]
            self.members.append(Member(name, trained, ordered, columns, outputs))
        self.classes = common_outputs({member.name: member.outputs for member in self.members}).names

    def cropping(self, crops: int) -> Cropping:
        """The crops of a policy, 1, 10 or 144, in the batches of the stage: another size of batch may give other bits."""
        return Cropping((crops,), self.settings.batch_size, self.settings.mirror)

    def ready(self, images: Sequence[np.ndarray], crops: int) -> "Ready":
        """Build the engines. images: those to come, of which the first is what fast engines are checked on."""
        cropping = self.cropping(crops)
        built = [Classifier.of(member.ordered, images, cropping, self.runtime) for member in self.members]
        return Ready(self.classes, built, cropping)


@dataclass(frozen=True)
class Ready:
    """The members in their engines."""

    classes: Sequence[str]
    members: Sequence[Classifier]
    cropping: Cropping

    @property
    def uses(self) -> list[EngineUse]:
        """What computes for each member."""
        return [member.use for member in self.members]

    def answers(self, images: Sequence[np.ndarray]) -> Iterator[Answer]:
        """Yield each image's answer, in order; an image is read and cropped once for all members of one input size."""
        groups = [joint(list(group)) for _, group in groupby(self.members, lambda member: member.input_px)]
        numbers = range(len(images))
        streams = [crop_scores(group, images, numbers, self.cropping) for group in groups]
        for parts in zip(*streams, strict=True):
            crops = [
                one for scores, index in parts for one in np.split(scores[index], scores.shape[1] // self.width, 1)
            ]
            yield Answer(self.classes, np.stack(crops))

    @property
    def width(self) -> int:
        """How many classes each member has."""
        return len(self.classes)


def joint(members: Sequence[Classifier]) -> Classifier:
    """Members of one input size as one classifier, whose outputs are theirs side by side."""
    first = members[0]
    return replace(
        first,
        classes=sum(member.classes for member in members),
        scores=lambda crops: np.concatenate([member.scores(crops) for member in members], axis=1),
    )
