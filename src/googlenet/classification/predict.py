"""Prediction: class probabilities of one network on a picture's 1, 10 and 144 crops, in one pass (section 7)."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from googlenet.classification.crops import POLICIES, crops_144, cut, distinct, upright
from googlenet.classification.error_rates import top_errors
from googlenet.models.preprocessing import to_input
from googlenet.trained import Description


def probabilities(model: nn.Module, description: Description, crops: np.ndarray, compute: dict) -> np.ndarray:
    """Softmax of a network in evaluation mode on crops, uint8 [n, px, px, 3]; returns float32 [n, classes]."""
    device = compute["device"]
    x = to_input(crops, description.input_mean, description.input_scale, device)
    with (
        torch.inference_mode(),
        torch.autocast(device, torch.bfloat16, enabled=compute["precision"] == "bf16"),
    ):
        logits, _ = model(x)
    return torch.softmax(logits.float(), 1).cpu().numpy()


def predict(
    model: nn.Module,
    description: Description,
    pictures: Sequence[np.ndarray],
    policies: Sequence[int],
    batch_size: int,
    compute: dict,
    mirror: bool = True,
) -> dict[int, np.ndarray]:
    """Mean softmax over each policy's crops: {policy: float32 [pictures, classes]}, policy one of 1, 10, 144.

    Every distinct crop goes through the network once; the policies are means over subsets of the same pass.
    Without `mirror` (pictures whose mirror image is another thing, such as handwriting) each mirrored crop is
    replaced by the crop itself. Batches are cut across pictures, so a picture's result does not depend on how many crops it has.
    """
    model.eval()
    px, classes = description.input_px, len(description.classes)
    out = {policy: np.empty((len(pictures), classes), np.float32) for policy in policies}
    waiting: list[tuple[int, np.ndarray]] = []  # picture, index of its distinct crops
    held: list[np.ndarray] = []

    def flush() -> None:
        crops = np.concatenate(held)
        scores = np.concatenate(
            [probabilities(model, description, part, compute) for part in split(crops, batch_size)]
        )
        start = 0
        for picture, index in waiting:
            mine = scores[start : start + index.max() + 1]
            start += index.max() + 1
            for policy in policies:
                out[policy][picture] = mine[index[wanted(policy, policies)]].mean(0, dtype=np.float64)
        waiting.clear()
        held.clear()

    for i, picture in enumerate(pictures):
        every = crops_144(picture.shape[1], picture.shape[0], px)
        crops, index = distinct([every[j] if mirror else upright(every[j]) for j in union(policies)])
        held.append(cut(picture, crops, px))
        waiting.append((i, index))
        if sum(map(len, held)) >= batch_size * 8:
            flush()
    if held:
        flush()
    return out


def union(policies: Sequence[int]) -> list[int]:
    """The crops, as indices among the 144, that any of the policies needs."""
    return sorted({j for policy in policies for j in POLICIES[policy]})


def wanted(policy: int, policies: Sequence[int]) -> list[int]:
    """Where a policy's crops stand in the union of the policies."""
    place = {j: k for k, j in enumerate(union(policies))}
    return [place[j] for j in POLICIES[policy]]


def split(crops: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Cut an array of crops into batches; the last may be smaller."""
    return [crops[i : i + batch_size] for i in range(0, len(crops), batch_size)]


def centre_errors(
    model: nn.Module,
    description: Description,
    pictures: Sequence[np.ndarray],
    labels: np.ndarray,
    compute: dict,
) -> dict[str, float]:
    """Errors in percent on one centre crop a picture, with the model's present weights."""
    return top_errors(predict(model, description, pictures, [1], 64, compute)[1], labels)
