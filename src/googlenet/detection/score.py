"""Class probabilities of one detector on every proposal of every picture."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from googlenet.detection.regions import warp_many
from googlenet.detection.train import context_at
from googlenet.trained import Description


def score(
    model: nn.Module,
    description: Description,
    pictures: Sequence[np.ndarray],
    boxes: Sequence[np.ndarray],
    settings: dict,
    compute: dict,
) -> np.ndarray:
    """Softmax over the background (column 0) and the classes: float32 [all boxes, classes + 1], pictures in order.

    settings: {batch_size, context_px}. Each picture's boxes are scored by themselves.
    """
    px, device = description.input_px, compute["device"]
    fill = description.mean_colour
    context = context_at(settings["context_px"], px)
    found = [np.zeros((0, len(description.classes)), np.float32)]
    model.eval()
    for picture, mine in zip(pictures, boxes, strict=True):
        for start in range(0, len(mine), settings["batch_size"]):
            part = mine[start : start + settings["batch_size"]]
            x = description.to_input(warp_many(picture, part, px, context, fill), device)
            with (
                torch.inference_mode(),
                torch.autocast(device, torch.bfloat16, enabled=compute["precision"] == "bf16"),
            ):
                logits, _ = model(x)
            found.append(torch.softmax(logits.float(), 1).cpu().numpy())
    return np.concatenate(found)
