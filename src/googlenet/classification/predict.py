"""Prediction: class probabilities of one network on an image's 1, 10 and 144 crops, in one pass (section 7)."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from googlenet.classification.class_order import Outputs, columns_of, outputs_of
from googlenet.classification.crops import POLICIES, crops_144, cut, distinct
from googlenet.classification.error_rates import ErrorMask, ranks
from googlenet.classification.kept_crops import Keeper
from googlenet.models.network import Network
from googlenet.models.runtime import Runtime
from googlenet.pipeline.resume import NOWHERE, Resume

CENTRE_BATCH = 64  # crops per forward pass when predicting one crop per image


@dataclass(frozen=True)
class Cropping:
    """Which crops of each image are predicted, by policies (1, 10, 144), and how many per forward pass. Without
    `mirror` (for images whose meaning mirroring changes, such as handwriting) upright crops replace mirrored ones."""

    policies: tuple[int, ...]
    batch_size: int
    mirror: bool = True

    @property
    def numbers(self) -> list[int]:
        """The crops that any of the policies needs; see `union`."""
        return union(self.policies)


CENTRE = Cropping((1,), CENTRE_BATCH)


class InOrder(nn.Module):
    """Wraps a network so that its output columns[i] becomes output i."""

    def __init__(self, network: nn.Module, columns: Sequence[int]):
        super().__init__()
        self.network, self.columns = network, list(columns)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        logits, heads = self.network(x)
        return logits[:, self.columns], [head[:, self.columns] for head in heads]


def in_data_order(network: Network, classes: Sequence[str], keys: Sequence[str], who: str) -> tuple[Network, Outputs]:
    """The network, in the data set's order if it has exactly its classes, and its outputs; see also `columns_of`."""
    known = network.spec.classes
    columns = columns_of(known, classes, keys, who)
    outputs = outputs_of(known, classes, columns)
    if len(columns) < len(known):
        return network, outputs
    spec = replace(network.spec, classes=tuple(known[column] for column in columns))
    return Network(InOrder(network.model, columns), spec), outputs


def probabilities(network: Network, crops: np.ndarray, runtime: Runtime) -> np.ndarray:
    """Softmax of a network in evaluation mode on crops, uint8 [n, px, px, 3]; returns float32 [n, classes]."""
    x = network.to_input(crops, runtime.device)
    with torch.inference_mode(), runtime.autocast():
        logits, _ = network.model(x)
    return torch.softmax(logits.float(), 1).cpu().numpy()


def crop_scores(
    network: Network, images: Iterable[np.ndarray], cropping: Cropping, runtime: Runtime
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield for each image the softmax of its distinct crops [distinct, classes], and each number's index among them.

    Batches span images and the last one is padded: all have the same shape, so that a crop's result, to the last bit,
    depends on the crop alone.
    """
    network.model.eval()
    px, batch_size = network.spec.input_px, cropping.batch_size
    waiting = deque[np.ndarray]()  # of each image in turn, every number's index among its distinct crops

    def batches() -> Iterator[np.ndarray]:
        crops = np.empty((0, px, px, 3), np.uint8)
        for image in images:
            every = crops_144(image.shape[1], image.shape[0], px, cropping.mirror)
            chosen, index = distinct([every[number] for number in cropping.numbers])
            waiting.append(index)
            crops = np.concatenate([crops, cut(image, chosen, px)])
            while len(crops) >= batch_size:
                yield crops[:batch_size]
                crops = crops[batch_size:]
        if len(crops):
            yield np.concatenate([crops, np.zeros((batch_size - len(crops), px, px, 3), np.uint8)])

    scores = np.empty((0, len(network.spec.classes)), np.float32)
    for batch in batches():
        scores = np.concatenate([scores, probabilities(network, batch, runtime)])
        while waiting and waiting[0].max() < len(scores):
            index = waiting.popleft()
            count = index.max() + 1
            yield scores[:count], index
            scores = scores[count:]


def predict(
    network: Network,
    images: Sequence[np.ndarray],
    cropping: Cropping,
    runtime: Runtime,
    keeper: Keeper | None = None,
    resume: Resume = NOWHERE,
) -> dict[int, np.ndarray]:
    """Return the mean softmax over each policy's crops, from one pass: {policy: float32 [images, classes]}.
    keeper: receives `crop_scores` of its images. resume: where an interrupted prediction continues."""
    shape = len(images), len(network.spec.classes)
    out = {policy: np.empty(shape, np.float32) for policy in cropping.policies}
    places = {policy: np.searchsorted(cropping.numbers, POLICIES[policy]) for policy in cropping.policies}
    kept = set() if keeper is None else set(keeper.images.tolist())

    def means(start: int) -> Iterator[dict[str, np.ndarray]]:
        left = (images[i] for i in range(start, len(images)))
        for number, (scores, index) in enumerate(crop_scores(network, left, cropping, runtime), start):
            item = {
                str(policy): scores[index[crops]].mean(0, dtype=np.float64).astype(np.float32)
                for policy, crops in places.items()
            }
            yield item | {"scores": scores, "index": index} if number in kept else item

    for number, item in enumerate(resume.items(len(images), means)):
        for policy, scores in out.items():
            scores[number] = item[str(policy)]
        if keeper is not None and number in kept:
            keeper.add(item["scores"], item["index"])
    return out


def predict_kept(
    network: Network, images: Sequence[np.ndarray], cropping: Cropping, runtime: Runtime, keeper: Keeper, resume: Resume
) -> None:
    """Predict only the images that `keeper` wants, and pass it their crops."""

    def scores_from(start: int) -> Iterator[dict[str, np.ndarray]]:
        left = (images[i] for i in keeper.images[start:])
        scored = crop_scores(network, left, cropping, runtime)
        return ({"scores": scores, "index": index} for scores, index in scored)

    for item in resume.items(len(keeper.images), scores_from, "sample"):
        keeper.add(item["scores"], item["index"])


def union(policies: Sequence[int]) -> list[int]:
    """Return the crops that any of the policies needs, as indices among the 144."""
    return sorted({j for policy in policies for j in POLICIES[policy]})


def centre_crop_errors(
    network: Network, images: Sequence[np.ndarray], labels: np.ndarray, runtime: Runtime
) -> ErrorMask:
    """Return the errors on one centre crop per image, with the network's current weights."""
    return ErrorMask.of(ranks(predict(network, images, CENTRE, runtime)[1], labels))
