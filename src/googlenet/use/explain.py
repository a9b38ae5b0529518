"""Which parts of an image support a class: class activation maps, exact for this network.

Its last map is averaged and goes through one linear layer (section 5, Table 1). So a class's logit is its bias plus the
mean, over the map's positions, of the weighted sum of the channels there: that sum is drawn for every crop, in place.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch

from googlenet.classification.crops import Crop, cut, distinct, in_original
from googlenet.classification.predict import Cropping
from googlenet.errors import UserError
from googlenet.models.googlenet import GoogLeNet
from googlenet.models.network import Network
from googlenet.report.style import BLUE, GREY, bare, bars, canvas, clipped
from googlenet.use.members import Answer, Member

SHOWN = 5  # classes next to the image
WIDTH = 3.6  # of a panel, in inches
BATCH = 16  # crops per pass


def explainable(members: Sequence[Member]) -> None:
    """Raise UserError for a member whose classifier is not a single linear layer on the mean of the last map."""
    for member in members:
        model = member.trained.trunk  # UserError for a network with other modules
        if not isinstance(model, GoogLeNet) or model.fc is not None:
            raise UserError(
                f"--explain: member {member.name} has a fully connected classifier, so no map of it is exact; leave --explain out"
            )


def activation_maps(network: Network, column: int, crops: np.ndarray, device: str) -> tuple[np.ndarray, float]:
    """The maps, float32 [n, h, w], of an output for crops, uint8 [n, px, px, 3], and its bias. A map's mean plus the
    bias is the crop's logit. Computed in fp32."""
    linear: Any = network.model.linear
    weight = linear.weight[column].detach().float()
    maps = []
    for start in range(0, len(crops), BATCH):
        with torch.inference_mode():
            x = network.to_input(crops[start : start + BATCH], device)
            last_map, _ = network.trunk.map_after(x)
            maps.append(torch.einsum("c,nchw->nhw", weight, last_map.float()).cpu().numpy())
    return np.concatenate(maps), linear.bias[column].item()


def evidence(members: Sequence[Member], label: int, image: np.ndarray, cropping: Cropping, device: str) -> np.ndarray:
    """The evidence for a class at each pixel: the mean over members and the crops that contain it, float32 [h, w].

    image: uint8 [h, w, 3]. In units of the logit; NaN where no crop was cut."""
    height, width = image.shape[:2]
    total, seen = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    for member in members:
        px = member.trained.spec.input_px
        every = cropping.every(width, height, px)
        crops, index = distinct([every[number] for number in cropping.numbers])
        maps, _ = activation_maps(member.trained, member.columns[label], cut(image, crops, px), device)
        for crop, one, times in zip(crops, maps, np.bincount(index), strict=True):
            rows, columns = region(crop, width, height)
            place = total[rows, columns]
            upright = one[:, ::-1] if crop.mirrored else one
            place += times * cv2.resize(
                np.ascontiguousarray(upright), place.shape[::-1], interpolation=cv2.INTER_LINEAR
            )
            seen[rows, columns] += times
    return np.where(seen > 0, total / np.maximum(seen, 1), np.nan).astype(np.float32)


def region(crop: Crop, width: int, height: int) -> tuple[slice, slice]:
    """A crop's rows and columns in the image, to the nearest pixel, at least one of each."""
    left, top, right, bottom = in_original(crop, width, height)
    columns = slice(min(round(left), width - 1), min(max(round(right), round(left)) + 1, width))
    return slice(min(round(top), height - 1), min(max(round(bottom), round(top)) + 1, height)), columns


def scaled(heat: np.ndarray) -> np.ndarray:
    """Scale a map to its own range, 0 to 1; what no crop covers (NaN) is 0, like the least evidence."""
    low, high = float(np.nanmin(heat)), float(np.nanmax(heat))
    return np.nan_to_num((heat - low) / max(high - low, 1e-9))


def drawing(image: np.ndarray, heat: np.ndarray, answer: Answer, name: str) -> bytes:
    """A PNG: the image, the evidence for its top class, the likeliest classes, and how far crops and members agree."""
    tall = min(image.shape[0] / image.shape[1], 1.6)
    top, (members, crops) = answer.top(SHOWN), answer.agreement
    with canvas(2 * WIDTH + 4.2, WIDTH * tall + 0.9) as (figure, png):
        left, middle, right = figure.subplots(1, 3, width_ratios=[WIDTH, WIDTH, 3.6])
        for axes in (left, middle):
            bare(axes)
        left.imshow(image, interpolation="antialiased")
        left.set_title(clipped(name, 40))
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        middle.imshow(grey, cmap="gray", vmin=-128, vmax=383, interpolation="antialiased")
        strength = scaled(heat)
        middle.imshow(strength, cmap="inferno", vmin=0, vmax=1, alpha=0.8 * strength**2, interpolation="bilinear")
        middle.set_title(f"evidence for {clipped(top[0].name, 24)}")
        bars(right, [row.name for row in top], [100 * row.probability for row in top], BLUE)
        right.set(xlim=(0, 100), xlabel="probability, %")
        right.set_title(
            f"members that agree: {members:.0%}, of all crops: {crops:.0%}", color=GREY, fontsize=9, fontweight="normal"
        )
    return png.getvalue()
