"""MultiBox (Erhan et al. 2014) on a GoogLeNet trunk: class-agnostic boxes with confidences, from the whole picture."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from googlenet import trained
from googlenet.detection.box_offsets import decode
from googlenet.detection.boxes import clip
from googlenet.detection.nms import best_first, nms
from googlenet.detection.priors import rescale
from googlenet.errors import UserError
from googlenet.models.googlenet import GoogLeNet, initialise
from googlenet.models.inception import convolution
from googlenet.trained import Description

OUTPUTS = 5  # of a prior: four offsets and a confidence
CANDIDATES_PER_BOX = 10  # so many of the best, for each box that is wanted, go into the suppression


@dataclass(frozen=True)
class Form:
    """What a MultiBox network is, beside its weights and priors.

    trunk: how it is fed; its input_px is MultiBox's own. last: the module whose map the head sees. head: flat, Erhan's, a
    linear layer on the whole map for all priors; or grid, which at every cell of the map serves the priors centred there.
    """

    trunk: Description
    last: str
    head: str
    head_channels: int
    priors: int


class MultiBox(nn.Module):
    """The trunk up to one of its modules, and a head. Input: float pictures [n, 3, px, px], squeezed to a square."""

    def __init__(self, form: Form):
        super().__init__()
        self.trunk, self.last = trained.build(form.trunk), form.last
        cut_after(self.trunk, form.last)
        channels, cells = map_of(self.trunk, form)
        if form.head == "flat":
            n = form.head_channels * cells * cells
            reduce, self.linear = (
                convolution(channels, form.head_channels, 1),
                nn.Linear(n, form.priors * OUTPUTS),
            )
            self.before = nn.Sequential(reduce, nn.Flatten())
        else:
            shapes = form.priors // cells**2
            self.before = convolution(channels, form.head_channels, 3)
            self.linear = nn.Conv2d(form.head_channels, shapes * OUTPUTS, 1)
        # The boxes that the offsets lead from, in the frame of the input.
        self.register_buffer("priors", torch.zeros(form.priors, 4, dtype=torch.float64))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return offsets from the priors, float32 [n, k, 4], and the logits of their confidences [n, k]."""
        out = self.linear(self.before(self.trunk.map_after(x, self.last)[0]))
        if out.ndim == 4:
            out = out.permute(0, 2, 3, 1)  # cells by row, then the shapes of each
        out = out.reshape(len(x), -1, OUTPUTS).float()
        return out[:, :, :4], out[:, :, 4]


def cut_after(trunk: GoogLeNet, last: str) -> None:
    """Take away the modules after `last` and the classifier."""
    order = list(trunk.order)
    for name in order[order.index(last) + 1 :]:
        setattr(trunk, f"inception_{name}", nn.Identity())
    trunk.linear = nn.Identity()


def map_of(trunk: GoogLeNet, form: Form) -> tuple[int, int]:
    """Channels of the last map and cells along its side."""
    px = form.trunk.input_px
    with torch.no_grad():
        shape = trunk.map_after(torch.zeros(1, 3, px, px), form.last)[0].shape
    return shape[1], shape[2]


def trunk_of(description: Description, input_px: int) -> Description:
    """A member's network without its classifiers, for another input size. Raises UserError if it is not the paper's."""
    if description.network != "paper":
        raise UserError(
            f"train_multibox.init_from: {description.network} is no trunk; name a member with the paper's network"
        )
    return replace(
        description, input_px=input_px, aux_heads=[], classifier="average_pool", classes=["object"]
    )


def cells_of(trunk: Description, last: str) -> int:
    """Cells along the side of the map after a module."""
    return map_of(trained.build(trunk), Form(trunk, last, "", 0, 0))[1]


def start(form: Form, classifier: nn.Module, priors: np.ndarray, share: float, seed: int) -> MultiBox:
    """A network with the classifier's trunk, whose boxes are the priors and whose confidences are all `share`."""
    model = MultiBox(form)
    initialise(model.before, seed)
    known = classifier.state_dict()
    model.trunk.load_state_dict({name: known[name] for name in model.trunk.state_dict()})
    nn.init.zeros_(model.linear.weight), nn.init.zeros_(model.linear.bias)
    with torch.no_grad():
        model.linear.bias[OUTPUTS - 1 :: OUTPUTS] = float(np.log(share / (1 - share)))
        model.priors.copy_(torch.from_numpy(priors))
    return model


def told(form: Form) -> str:
    """A form as text, for the metadata of a file of weights."""
    return json.dumps(asdict(form), sort_keys=True)


def rebuilt(text: str, tensors: Mapping[str, Tensor], device: str) -> tuple[MultiBox, Form]:
    """The network of a form (see `told`) with its weights, in evaluation mode."""
    values = json.loads(text)
    form = Form(**values | {"trunk": Description(**values["trunk"])})
    model = MultiBox(form)
    model.load_state_dict(tensors)
    return model.to(device, memory_format=torch.channels_last).eval(), form


def squeezed(picture: np.ndarray, px: int) -> np.ndarray:
    """The whole picture as a square, uint8 [px, px, 3]."""
    smaller = max(picture.shape[:2]) > px
    return cv2.resize(picture, (px, px), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)


def propose(
    model: MultiBox, form: Form, picture: np.ndarray, most: int, nms_iou: float, compute: dict
) -> tuple[np.ndarray, np.ndarray]:
    """Return a picture's `most` most confident boxes, int32 [n, 4], best first, and their confidences, float32 [n].

    Of boxes that overlap above `nms_iou` the more confident stays. Each picture is seen by itself.
    """
    (height, width), px, device = picture.shape[:2], form.trunk.input_px, compute["device"]
    x = form.trunk.to_input(squeezed(picture, px)[None], device)
    bf16 = compute["precision"] == "bf16"
    with torch.inference_mode(), torch.autocast(device, torch.bfloat16, enabled=bf16):
        offsets, logits = model(x)
    confidence = torch.sigmoid(logits[0]).cpu().numpy()
    best = best_first(confidence)[: CANDIDATES_PER_BOX * most]
    boxes = decode(model.priors.cpu().numpy()[best], offsets[0].cpu().numpy()[best])
    boxes = clip(np.rint(rescale(boxes, width / px, height / px)), width, height).astype(np.int32)
    boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2])
    kept = nms(boxes, confidence[best], nms_iou)[:most]
    return boxes[kept], confidence[best][kept]
