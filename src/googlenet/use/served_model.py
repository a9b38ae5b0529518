"""A model of MLflow's registry at prediction time: from an image file's bytes to classes with probabilities.

`mlflow models serve` imports this module from the copy in the model's folder and calls `_load_pyfunc`. It reads no
pickle, and needs neither MLflow nor this project: everything it uses is in the folder.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

import torch

from googlenet.config.schema.base import replaced
from googlenet.config.schema.classification import PredictCrops
from googlenet.errors import UserError
from googlenet.metrics.served import FILE, Served
from googlenet.models.determinism import prepare_machine
from googlenet.models.runtime import Runtime
from googlenet.use.images import Opener
from googlenet.use.members import CROPS, ClassifyingMembers, Ready


def _load_pyfunc(path: str) -> "ServedModel":
    """MLflow's entry point, called with the folder of the model's data. Raises UserError if it is incomplete."""
    return ServedModel(Path(path))


class ServedModel:
    """The networks, loaded once. Computes one request at a time."""

    def __init__(self, folder: Path):
        served = Served.model_validate_json((folder / FILE).read_bytes())
        weights = {member.name: folder / member.weights for member in served.members}
        runtimes = {member.name: runtime_here(served.predict_crops, member.engine) for member in served.members}
        opener = Opener(served.min_side_px, served.shorter_side_px)
        data = (served.classes, served.class_keys)
        self.members = ClassifyingMembers(weights, served.predict_crops, runtimes, opener, data)
        self._ready: Ready | None = None  # built at the first image
        self._lock = Lock()

    def predict(self, model_input: Any, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Predict each row of a table; its column `image` has file contents. params: crops, and how many classes (top).

        Raises UserError for bytes that are not an image, and for another number of crops."""
        given = {"crops": 10, "top": 5} | dict(params or {})
        crops, top = int(given["crops"]), int(given["top"])
        if crops not in CROPS or top < 1:
            raise UserError(
                f"params: crops must be one of {', '.join(map(str, CROPS))}, top 1 or more; correct the request"
            )
        contents: Sequence[bytes] = list(model_input["image"])
        images = [self.members.opener.pixels(image, f"image {row}") for row, image in enumerate(contents)]
        if not images:
            return []
        with self._lock:
            self._ready = self._ready or self.members.ready(images[:1], max(CROPS))
            ready = replace(self._ready, cropping=self.members.cropping(crops))
            return [answer.to_json(top) for answer in ready.answers(images)]


def runtime_here(settings: PredictCrops, engine: str) -> Runtime:
    """The stage's device, precision and engine, but the CPU if there is no GPU; also prepares this process for them."""
    compute = settings.compute
    if compute.device == "cuda" and not torch.cuda.is_available():
        print("note: trained on a GPU, served on the CPU: the last digits differ", file=sys.stderr)
        compute, engine = replaced(compute, device="cpu"), ""
    prepare_machine(compute.numeric_threads, compute.device)
    return Runtime.of(compute, engine or compute.engine)
