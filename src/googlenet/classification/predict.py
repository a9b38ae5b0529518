"""Prediction: class probabilities of one network on an image's 1, 10 and 144 crops, in one pass (section 7)."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from googlenet.classification.class_order import Outputs, columns_of, outputs_of
from googlenet.classification.crops import POLICIES, crops_144, cut, distinct, upright
from googlenet.classification.error_rates import ranges, top_errors
from googlenet.classification.kept_crops import Keeper
from googlenet.data.store import Split
from googlenet.metrics.error_rates import TopErrors
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
    px, batch_size, numbers = network.spec.input_px, cropping.batch_size, cropping.numbers
    waiting = deque[np.ndarray]()  # for each image in turn, the index of its distinct crops
    held = np.empty((0, px, px, 3), np.uint8)
    scores = np.empty((0, len(network.spec.classes)), np.float32)

    def run(crops: np.ndarray) -> np.ndarray:
        batches = (crops[some] for some in ranges(len(crops), batch_size))
        return np.concatenate([scores, *(probabilities(network, batch, runtime) for batch in batches)])

    def finished() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        nonlocal scores
        while waiting and waiting[0].max() < len(scores):
            index = waiting.popleft()
            done, scores = scores[: index.max() + 1], scores[index.max() + 1 :]
            yield done, index

    for image in images:
        every = crops_144(image.shape[1], image.shape[0], px)
        crops, index = distinct([every[j] if cropping.mirror else upright(every[j]) for j in numbers])
        waiting.append(index)
        held = np.concatenate([held, cut(image, crops, px)])
        whole = len(held) // batch_size * batch_size
        if whole:
            scores, held = run(held[:whole]), held[whole:]
        yield from finished()
    if len(held):
        blank = np.zeros((batch_size - len(held), px, px, 3), np.uint8)
        scores = run(np.concatenate([held, blank]))
    yield from finished()


def predict(
    network: Network,
    images: Sequence[np.ndarray],
    cropping: Cropping,
    runtime: Runtime,
    keeper: Keeper | None = None,
    resume: Resume = NOWHERE,
) -> dict[int, np.ndarray]:
    """Return the mean softmax over each policy's crops, from one pass: {policy: float32 [images, classes]}.
    keeper: receives `crop_scores` of the images that it wants. resume: where an interrupted prediction continues."""
    shape = len(images), len(network.spec.classes)
    out = {policy: np.empty(shape, np.float32) for policy in cropping.policies}
    place = {number: at for at, number in enumerate(cropping.numbers)}
    places = {policy: [place[number] for number in POLICIES[policy]] for policy in cropping.policies}

    def means(start: int) -> Iterator[dict[str, np.ndarray]]:
        left = (images[i] for i in range(start, len(images)))
        scored = crop_scores(network, left, cropping, runtime)
        for number, (scores, index) in enumerate(scored, start):
            item = {
                str(policy): scores[index[chosen]].mean(0, dtype=np.float64).astype(np.float32)
                for policy, chosen in places.items()
            }
            if keeper is not None and keeper.wants(number):
                item |= {"scores": scores, "index": index}
            yield item

    for number, item in enumerate(resume.items(len(images), means)):
        for policy in cropping.policies:
            out[policy][number] = item[str(policy)]
        if keeper is not None and "scores" in item:
            keeper.add(number, item["scores"], item["index"])
    return out


def predict_kept(
    network: Network, split: Split, cropping: Cropping, runtime: Runtime, keeper: Keeper, resume: Resume
) -> None:
    """Predict the images of a split that `keeper` wants, and pass it their crops."""

    def scores_from(start: int) -> Iterator[dict[str, np.ndarray]]:
        left = (split.picture(i) for i in keeper.pictures[start:])
        scored = crop_scores(network, left, cropping, runtime)
        return ({"scores": scores, "index": index} for scores, index in scored)

    passed = resume.items(len(keeper.pictures), scores_from, "sample")
    for number, item in zip(keeper.pictures, passed, strict=True):
        keeper.add(int(number), item["scores"], item["index"])


def union(policies: Sequence[int]) -> list[int]:
    """Return the crops that any of the policies needs, as indices among the 144."""
    return sorted({j for policy in policies for j in POLICIES[policy]})


def centre_errors(network: Network, images: Sequence[np.ndarray], labels: np.ndarray, runtime: Runtime) -> TopErrors:
    """Return the errors on one centre crop per image, with the network's current weights."""
    return top_errors(predict(network, images, CENTRE, runtime)[1], labels)
