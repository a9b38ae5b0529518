"""Members of an ensemble, loaded from their weights, and their predictions: bit for bit those of predict_crops.

Imports as little of pipeline/ as predict_crops does: a model in MLflow's registry contains a copy of all imports.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from googlenet.classification.class_order import Outputs, columns_of, common_outputs
from googlenet.classification.crops import POLICIES
from googlenet.classification.predict import Classifier, Cropping, crop_scores, in_data_order
from googlenet.config.schema.classification import PredictCrops
from googlenet.models import bundle
from googlenet.models.engine import EngineUse
from googlenet.models.network import Network
from googlenet.models.runtime import Runtime
from googlenet.use.images import Opener

CROPS = tuple(POLICIES)  # numbers of crops that a request can choose
ClassNames = tuple[Sequence[str], Sequence[str]] | None  # display names and keys; None: the networks' own order


@dataclass(frozen=True)
class Member:
    """A network of the ensemble. columns: of `trained`, in the order of the outputs; ordered: used to predict."""

    name: str
    trained: Network
    ordered: Network
    columns: list[int]
    outputs: Outputs
    runtime: Runtime


class Ranked(NamedTuple):
    """A class and its probability."""

    name: str
    probability: float


@dataclass(frozen=True)
class Answer:
    """An image's prediction. crops: softmax, float32 [members, crops, classes]."""

    classes: Sequence[str]
    crops: np.ndarray

    @cached_property
    def members(self) -> np.ndarray:
        """The mean over the crops, float32 [members, classes]: a row of predict_crops."""
        return np.stack([one.mean(0, dtype=np.float64).astype(np.float32) for one in self.crops])

    @cached_property
    def probabilities(self) -> np.ndarray:
        """The mean over the members, float64 [classes], as in evaluate_ensemble."""
        return np.asarray(sum(self.members.astype(np.float64)) / len(self.members))

    @property
    def first(self) -> int:
        """The likeliest class."""
        return int(self.probabilities.argmax())

    def top(self, count: int) -> list[Ranked]:
        """The likeliest classes; ties in class order."""
        best = np.argsort(-self.probabilities, kind="stable")[:count]
        return [Ranked(self.classes[label], float(self.probabilities[label])) for label in best]

    @property
    def agreement(self) -> tuple[float, float]:
        """The shares of members, and of their crops, whose likeliest class is the ensemble's."""
        members, crops = (float((scores.argmax(-1) == self.first).mean()) for scores in (self.members, self.crops))
        return members, crops

    def to_json(self, count: int) -> dict[str, Any]:
        """The likeliest classes, and how far members and crops agree, as plain values."""
        members, crops = self.agreement
        classes = [{"class": row.name, "probability": row.probability} for row in self.top(count)]
        return {"classes": classes, "members_agree": members, "crops_agree": crops}


class ClassifyingMembers:
    """Members with the settings that they predict with. opener: opens files as the data set's preparation did."""

    def __init__(
        self,
        weights: Mapping[str, Path],
        settings: PredictCrops,
        runtimes: Mapping[str, Runtime],
        opener: Opener,
        data: ClassNames,
    ):
        """weights, runtimes: by member. data: the data set's classes, which set the order of the outputs."""
        self.settings, self.opener, self.members = settings, opener, list[Member]()
        self.device = next(iter(runtimes.values())).device
        for name, path in weights.items():
            trained = bundle.load(path, self.device)
            known = trained.spec.classes
            classes, keys = data or (known, known)
            ordered, outputs = in_data_order(trained, classes, keys, f"member {name}")
            same = len(outputs.columns) == len(known)
            columns = columns_of(known, classes, keys, name) if same else [*range(len(known))]
            self.members.append(Member(name, trained, ordered, columns, outputs, runtimes[name]))
        self.classes = common_outputs({member.name: member.outputs for member in self.members}).names

    def cropping(self, crops: int) -> Cropping:
        """The crops of a policy, 1, 10 or 144, in the stage's batch size: another one may give other bits."""
        settings = self.settings
        return Cropping((crops,), settings.batch_size, settings.mirror, settings.scales)

    def ready(self, images: Sequence[np.ndarray], crops: int) -> "Ready":
        """Build the engines. images: those to predict; fast engines are checked on the first."""
        cropping = self.cropping(crops)
        built = [Classifier.of(member.ordered, images, cropping, member.runtime) for member in self.members]
        return Ready(self.classes, built, cropping)


@dataclass(frozen=True)
class Ready:
    """The members in their engines."""

    classes: Sequence[str]
    members: Sequence[Classifier]
    cropping: Cropping

    @property
    def uses(self) -> list[EngineUse]:
        """The engine that each member uses."""
        return [member.use for member in self.members]

    def answers(self, images: Sequence[np.ndarray]) -> Iterator[Answer]:
        """Yield each image's answer, in order. An image is read and cropped once for all members of one input size."""
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
        """The number of classes of each member."""
        return len(self.classes)


def joint(members: Sequence[Classifier]) -> Classifier:
    """Members of one input size as one classifier with concatenated outputs."""
    first = members[0]
    return replace(
        first,
        classes=sum(member.classes for member in members),
        scores=lambda crops: np.concatenate([member.scores(crops) for member in members], axis=1),
    )
