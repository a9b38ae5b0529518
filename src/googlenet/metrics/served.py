"""What a model needs beside its members' weights to answer as the experiment does: the file served.json in a registered model."""

from typing import Literal

from googlenet.config.schema.classification import PredictCrops
from googlenet.metrics.base import Metrics

FILE = "served.json"


class ServedMember(Metrics):
    """A member: its weights, a file beside served.json; and the engine that computed its results, "" if unknown."""

    name: str
    weights: str
    engine: Literal["", "eager", "compile", "openvino"]


class Served(Metrics):
    """The members, in their order; the classes of the data set, and how its images were prepared and predicted."""

    members: tuple[ServedMember, ...]
    classes: tuple[str, ...]
    class_keys: tuple[str, ...]
    min_side_px: int
    shorter_side_px: int  # to which images shrink; 0: they stay
    predict_crops: PredictCrops
