"""MultiBox (Erhan et al. 2014) on a network's trunk: class-agnostic boxes with confidences, from the whole image."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor, nn

from googlenet.config.schema.detection import MergeProposals
from googlenet.detection.box_offsets import decode
from googlenet.detection.boxes import clip
from googlenet.detection.nms import best_first, nms
from googlenet.detection.priors import rescale
from googlenet.errors import UserError
from googlenet.models import bundle
from googlenet.models.cost import multiply_adds
from googlenet.models.engine import engine_for
from googlenet.models.inception import convolution, initialise
from googlenet.models.network import Network, NetworkSpec, Trunk
from googlenet.models.runtime import Runtime
from googlenet.storage import checkpoint

LEAST_SHARE = 1e-6
OUTPUTS = 5  # per prior: four offsets and a confidence
CANDIDATES_PER_BOX = 10  # highest-scoring boxes that enter non-maximum suppression per box wanted


@dataclass(frozen=True)
class Form:
    """The specification of a MultiBox network, without its weights and priors."""

    trunk: NetworkSpec
    last: str  # the module whose output map feeds the head
    head: str  # flat, as in Erhan: one linear layer on the whole map; grid: one layer for the priors of each cell
    head_channels: int
    priors: int


class MultiBox(nn.Module):
    """The trunk up to one of its modules, and a head. Input: float images [n, 3, px, px], resized to a square."""

    def __init__(self, form: Form):
        super().__init__()
        self.form = form
        network = Network.build(form.trunk)
        network.trunk.cut_after(form.last)
        self.trunk = network.model
        channels, cells = map_of(network, form.last)
        self.before: nn.Module
        self.linear: nn.Linear | nn.Conv2d
        if form.head == "flat":
            self.linear = nn.Linear(form.head_channels * cells * cells, form.priors * OUTPUTS)
            self.before = nn.Sequential(convolution(channels, form.head_channels, 1), nn.Flatten())
        else:
            self.before = convolution(channels, form.head_channels, 3)
            self.linear = nn.Conv2d(form.head_channels, form.priors // cells**2 * OUTPUTS, 1)
        self.priors: Tensor  # the boxes that the offsets are relative to, in the frame of the input
        self.register_buffer("priors", torch.zeros(form.priors, 4, dtype=torch.float64))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return offsets from the priors, float32 [n, k, 4], and the logits of their confidences [n, k]."""
        last_map, _ = cast(Trunk, self.trunk).map_after(x, self.form.last)
        out = self.linear(self.before(last_map))
        out = out.permute(0, 2, 3, 1) if out.ndim == 4 else out  # cells row by row, then the shapes of each cell
        out = out.reshape(len(x), -1, OUTPUTS).float()
        return out[:, :, :4], out[:, :, 4]

    def on(self, device: str) -> "MultiBox":
        """Return the network on a device, channels last."""
        return self.to(device).to(memory_format=torch.channels_last)


def map_of(network: Network, last: str) -> tuple[int, int]:
    """Channels and cells per side of the map after a module. Raises UserError for a network without a trunk."""
    px, training = network.spec.input_px, network.model.training
    network.model.eval()  # a single image gives no batch statistics
    with torch.no_grad():
        shape = network.trunk.map_after(torch.zeros(1, 3, px, px), last)[0].shape
    network.model.train(training)
    return shape[1], shape[2]


def trunk_of(spec: NetworkSpec, input_px: int) -> NetworkSpec:
    """Return the spec of a member's network without classifiers, for another input size."""
    return replace(
        spec.with_architecture(input_px=input_px, aux_heads=(), classifier="average_pool"), classes=("object",)
    )


def cells_of(trunk: NetworkSpec, last: str) -> int:
    """Cells per side of the map after a module. Raises UserError for a network without a trunk."""
    return map_of(Network.build(trunk), last)[1]


def start(form: Form, classifier: Network, priors: np.ndarray, share: float, seed: int) -> MultiBox:
    """Build a network with the classifier's trunk that outputs the priors, each with the confidence `share`."""
    share = min(max(share, LEAST_SHARE), 1 - LEAST_SHARE)  # if no prior or every one is matched, the logit is finite
    model = MultiBox(form)
    initialise(model.before, seed, form.trunk.initialisation)
    known = classifier.model.state_dict()
    model.trunk.load_state_dict({name: known[name] for name in model.trunk.state_dict()})
    bias = cast(Tensor, model.linear.bias)
    for parameter in (model.linear.weight, bias):
        nn.init.zeros_(parameter)
    with torch.no_grad():
        bias[OUTPUTS - 1 :: OUTPUTS] = float(np.log(share / (1 - share)))
        model.priors.copy_(torch.from_numpy(priors))
    return model


def save(path: Path, model: MultiBox, stamp: str) -> None:
    """Write a network, with the stamp of the job that made it."""
    metadata = {"form": json.dumps(asdict(model.form), sort_keys=True), "stamp": stamp}
    checkpoint.save(path, model.state_dict(), metadata)


def load(path: Path, device: str, kind: str) -> MultiBox:
    """Load a network in evaluation mode. Raises UserError, naming the file, if its trunk is not of that `kind`."""
    tensors, metadata = checkpoint.load(path)
    try:
        form = TypeAdapter(Form).validate_json(metadata["form"], strict=True)
    except (KeyError, ValidationError):
        raise UserError(f"{path}: weights without a description of their MultiBox; train it again") from None
    bundle.check_kind(path, form.trunk, kind)
    model = MultiBox(form)
    model.load_state_dict(tensors)
    return model.on(device).eval()


def squeezed(image: np.ndarray, px: int) -> np.ndarray:
    """Resize the whole image to a square, ignoring its aspect ratio: uint8 [px, px, 3]."""
    smaller = max(image.shape[:2]) > px
    return cv2.resize(image, (px, px), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)


class Proposer:
    """A MultiBox network ready to propose boxes. images: the number it will process; `first` is one of them, on which
    the engine is checked. use: the engine in use."""

    def __init__(self, model: MultiBox, images: int, first: np.ndarray, runtime: Runtime):
        self.trunk, self.priors = model.form.trunk, model.priors.cpu().numpy()
        work, sample = images * multiply_adds(model, self.trunk.input_px), squeezed(first, self.trunk.input_px)[None]
        self._engine = engine_for(model, self.trunk, 1, work, sample, runtime)
        self.use = self._engine.use

    def __call__(self, image: np.ndarray, settings: MergeProposals) -> tuple[np.ndarray, np.ndarray]:
        """Return an image's most confident boxes after NMS, int32 [n, 4], best first; confidences float32 [n]."""
        (height, width), px, most = image.shape[:2], self.trunk.input_px, settings.multibox_boxes
        offsets, logits = self._engine(squeezed(image, px)[None])
        confidence = torch.sigmoid(torch.from_numpy(logits[0])).numpy()
        best = best_first(confidence)[: CANDIDATES_PER_BOX * most]
        boxes = decode(self.priors[best], offsets[0][best])
        boxes = clip(np.rint(rescale(boxes, width / px, height / px)), width, height).astype(np.int32)
        boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2])
        kept = nms(boxes, confidence[best], settings.multibox_nms_iou)[:most]
        return boxes[kept], confidence[best][kept]
