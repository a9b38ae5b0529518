"""Objects in images from the detectors of an experiment, image by image, bit for bit as in its stages.

The functions that propose, merge, score and suppress are those of propose_regions, merge_proposals, score_regions and
evaluate_detection, with their settings.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from googlenet.config.schema.base import replaced
from googlenet.config.schema.dataset import Dataset
from googlenet.config.schema.detection import EvaluateDetection, MergeProposals, ProposeRegions, ScoreRegions
from googlenet.detection import Arrays, merge, multibox
from googlenet.detection.ensemble import Mean, detect
from googlenet.detection.region_vectors import See
from googlenet.detection.score import of_image, seeing
from googlenet.detection.selective_search import propose
from googlenet.errors import UserError
from googlenet.models import bundle
from googlenet.models.engine import EngineUse
from googlenet.models.network import Network
from googlenet.models.runtime import Runtime
from googlenet.storage.checkpoint import load_arrays
from googlenet.use.images import Images, Opener
from googlenet.use.results import Asked, Results, chosen

NO_BOXES = np.zeros((0, 4), np.int32), np.zeros(0)
PART = "p1"  # all parts of the images have the same settings


@dataclass(frozen=True)
class Detector:
    """A fine-tuned network, its fitted heads, and the settings that it scores with."""

    name: str
    network: Network
    heads: Arrays
    settings: ScoreRegions
    runtime: Runtime


class Detected(NamedTuple):
    """An image's detections, best first: boxes [n, 4], inclusive px; labels int64 [n], from 0; scores [n]."""

    boxes: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    proposals: int


class DetectorEnsemble:
    """The detectors of an experiment, loaded once: the named one, or all for ""."""

    def __init__(self, results: Results, asked: Asked, detector: str = ""):
        experiment = results.experiment
        if "train_detector" not in experiment.stages:
            raise UserError(
                f"--experiment: {experiment.name} has no detection; name another, or run `googlenet predict`"
            )
        self.single, names = bool(detector), chosen("--detector", detector, experiment.detectors)
        paths = {name: results.file("train_detector", f"{name}/weights.safetensors") for name in names}
        self.search = results.settings("propose_regions", PART, ProposeRegions)
        self.merging = results.settings("merge_proposals", PART, MergeProposals)
        self.evaluation = results.settings("evaluate_detection", "all", EvaluateDetection)
        stored = results.path("merge_proposals", f"{PART}/proposals.safetensors")
        self.proposing = results.runtime(self.merging, stored, asked)
        self.multibox = None
        if "train_multibox" in experiment.stages:
            path = results.file("train_multibox", "weights.safetensors")
            self.multibox = multibox.load(path, self.proposing.device, self.merging.network)
        self.detectors = []
        for name, path in paths.items():
            settings, heads = results.settings("score_regions", name, ScoreRegions), dict[str, np.ndarray]()
            if settings.heads:
                heads, _ = load_arrays(results.file("fit_region_heads", f"{name}/heads.safetensors"))
            network = bundle.load(path, self.proposing.device, settings.network)
            runtime = results.runtime(settings, results.path("score_regions", f"{name}/scores.safetensors"), asked)
            self.detectors.append(Detector(name, network, heads, settings, runtime))
        self.opener = Opener.of(experiment.of(Dataset).detection)
        self.classes = self.detectors[0].network.spec.classes[1:]  # without the background
        self.uses: list[EngineUse] = []  # set at the first image

    def detections(self, images: Images) -> Iterator[Detected | None]:
        """Yield each image's detections, in order; None for one that could not be read."""
        ready: Ready | None = None
        for number in range(len(images)):
            image = images[number]
            if number in images.faults:
                yield None
                continue
            if ready is None:
                ready = Ready(self, image, len(images))
                self.uses = ready.uses
            yield ready.detect(image)


class Ready:
    """Detectors in their engines. first: an image to check fast engines on; count: the number of images to expect."""

    def __init__(self, ensemble: DetectorEnsemble, first: np.ndarray, count: int):
        self.ensemble, self.proposer = ensemble, None
        if ensemble.multibox:
            self.proposer = multibox.Proposer(ensemble.multibox, count, first, ensemble.proposing)
        boxes = self.propose(first)
        built = [seeing(one.network, [first], [boxes] * count, one.settings, one.runtime) for one in ensemble.detectors]
        self.see: list[See] = [see for see, _ in built]
        self.uses: list[EngineUse] = [use for _, use in built] + ([self.proposer.use] if self.proposer else [])

    def propose(self, image: np.ndarray) -> np.ndarray:
        """The merged proposals of an image, int32 [n, 4]."""
        settings = self.ensemble.merging
        boxes, confidence = self.proposer(image, settings) if self.proposer else NO_BOXES
        return merge.merge(boxes, confidence, propose(image, self.ensemble.search), settings.duplicate_iou).boxes

    def detect(self, image: np.ndarray) -> Detected:
        """The detections of an image, uint8 [h, w, 3]."""
        boxes = self.propose(image)
        scored = [scores_of(one, image, boxes, see) for one, see in zip(self.ensemble.detectors, self.see, strict=True)]
        arrays = {name: [one[name] for one in scored] for name in scored[0]}
        # As in evaluate_detection: the ensemble by means, a single detector as it is.
        joined = {name: each[0] if self.ensemble.single else Mean(each) for name, each in arrays.items()}
        found = detect([boxes], joined["probabilities"], self.ensemble.evaluation, joined.get("boxes"))
        return Detected(found.box, found.label, found.score, len(boxes))


def scores_of(detector: Detector, image: np.ndarray, boxes: np.ndarray, see: See) -> dict[str, np.ndarray]:
    """A detector's arrays for an image's boxes, as in score_regions, without the compared lists of switches."""
    settings = replaced(detector.settings, compare=())
    return of_image(detector.network, image, boxes, settings, detector.heads, see, detector.runtime)
