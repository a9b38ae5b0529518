"""What a detector makes of regions, from its logits down to its last map: for scores and for what is fitted on it."""

from collections.abc import Iterable, Iterator, Sequence
from math import isqrt
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from googlenet.detection.regions import context_at, warp_many
from googlenet.trained import Description


class Seen(NamedTuple):
    """Of n regions: logits float32 [n, 1 + classes], vectors float32 [n, channels], the last map [n, channels, h, w]."""

    logits: np.ndarray
    vectors: np.ndarray
    last_map: Tensor


def see(model: nn.Module, description: Description, crops: np.ndarray, compute: dict) -> Seen:
    """Run the network, in evaluation mode, on warped regions, uint8 [n, px, px, 3]."""
    x = description.to_input(crops, compute["device"])
    with (
        torch.inference_mode(),
        torch.autocast(compute["device"], torch.bfloat16, enabled=compute["precision"] == "bf16"),
    ):
        last_map, _ = model.map_after(x)
        vectors = model.vector_of(last_map)
        logits = model.linear(model.dropout(vectors))
    return Seen(logits.float().cpu().numpy(), vectors.float().cpu().numpy(), last_map)


def views(
    model: nn.Module,
    description: Description,
    picture: np.ndarray,
    boxes: np.ndarray,
    settings: dict,
    compute: dict,
    mirrored: bool = False,
) -> Iterator[list[Seen]]:
    """See one picture's boxes [n, 4], a batch at a time: [as they are], or with `mirrored` [as they are, mirrored].

    settings: {batch_size, context_px}.
    """
    px = description.input_px
    context, fill = context_at(settings["context_px"], px), description.mean_colour
    for start in range(0, len(boxes), settings["batch_size"]):
        crops = warp_many(picture, boxes[start : start + settings["batch_size"]], px, context, fill)
        both = [crops, np.ascontiguousarray(crops[:, :, ::-1])] if mirrored else [crops]
        yield [see(model, description, one, compute) for one in both]


def whole_vectors(
    model: nn.Module, description: Description, picture: np.ndarray, compute: dict, mirrored: bool = False
) -> list[np.ndarray]:
    """The vector, float32 [channels], of a whole picture squeezed to the input; with `mirrored` also its mirror image's.

    Nothing lies around a whole picture, so it has no margin of context.
    """
    height, width = picture.shape[:2]
    whole = np.array([[0, 0, width - 1, height - 1]])
    settings = {"batch_size": 1, "context_px": 0}
    (seen,) = views(model, description, picture, whole, settings, compute, mirrored)
    return [one.vectors[0] for one in seen]


def at_places(last_map: Tensor, cells: int) -> np.ndarray:
    """The last map [n, channels, h, w] averaged to the grid of places that makes `cells` numbers: float32 [n, cells]."""
    grid = isqrt(cells // last_map.shape[1])
    with torch.inference_mode():
        pooled = nn.functional.adaptive_avg_pool2d(last_map.float(), grid)
    return pooled.flatten(1).cpu().numpy()


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities of logits, float32 [n, classes], as torch computes them."""
    return torch.softmax(torch.from_numpy(np.ascontiguousarray(logits, np.float32)), 1).numpy()


def softmax_of(
    model: nn.Module,
    description: Description,
    pictures: Iterable[np.ndarray],
    boxes: Sequence[np.ndarray],
    settings: dict,
    compute: dict,
) -> np.ndarray:
    """The network's own class probabilities of all boxes, float32 [all boxes, 1 + classes], pictures in order."""
    found = [np.zeros((0, len(description.classes)), np.float32)]
    for picture, mine in zip(pictures, boxes, strict=True):
        for (seen,) in views(model, description, picture, mine, settings, compute):
            found.append(softmax(seen.logits))
    return np.concatenate(found)
