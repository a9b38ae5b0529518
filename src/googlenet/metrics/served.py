"""served.json in a registered model: what it needs besides its members' weights to predict as in the experiment."""

from typing import Literal

from googlenet.config.schema.classification import PredictCrops
from googlenet.metrics.base import Metrics

FILE = "served.json"


class ServedMember(Metrics):
    """A member: its weight file beside served.json, and the engine that computed its results ("" if unknown)."""

    name: str
    weights: str
    engine: Literal["", "eager", "compile", "openvino"]


class Served(Metrics):
    """The members, in order; the classes of the data set, and how its images were prepared and predicted."""

    members: tuple[ServedMember, ...]
    classes: tuple[str, ...]
    class_keys: tuple[str, ...]
    min_side_px: int
    shorter_side_px: int  # to which images are shrunk; 0: unchanged
    predict_crops: PredictCrops
