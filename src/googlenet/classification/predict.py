"""Prediction: class probabilities of one network on an image's 1, 10 and 144 crops, in one pass (section 7)."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from googlenet.classification.class_order import Outputs, columns_of, outputs_of
from googlenet.classification.crops import POLICIES, crops_144, cut, distinct, upright
from googlenet.classification.error_rates import top_errors
from googlenet.classification.kept_crops import Keeper
from googlenet.data.store import Split
from googlenet.metrics.error_rates import TopErrors
from googlenet.models.network import Network
from googlenet.models.runtime import Runtime
from googlenet.pipeline.resume import NOWHERE, Resume

CENTRE_BATCH = 64  # crops at once where one crop an image is asked for


@dataclass(frozen=True)
class Cropping:
    """Which crops of each image are predicted, and how many in a forward pass.

    policies: of 1, 10, 144. Without `mirror` (images whose mirror image is another thing, such as handwriting) each mirrored
    crop is replaced by the crop itself.
    """

    policies: tuple[int, ...]
    batch_size: int
    mirror: bool = True

    @property
    def numbers(self) -> list[int]:
        """The crops, as indices among the 144, that any of the policies needs."""
        return union(self.policies)


CENTRE = Cropping((1,), CENTRE_BATCH)


class InOrder(nn.Module):
    """Another network, whose output number columns[i] becomes number i."""

    def __init__(self, network: nn.Module, columns: Sequence[int]):
        super().__init__()
        self.network, self.columns = network, list(columns)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        logits, heads = self.network(x)
        return logits[:, self.columns], [head[:, self.columns] for head in heads]


def in_data_order(
    network: Network, classes: Sequence[str], keys: Sequence[str], who: str
) -> tuple[Network, Outputs]:
    """The network, answering in the data set's order where it has just its classes, and what its outputs stand for.

    classes, keys, who: as for `columns_of`, which raises UserError.
    """
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
    """Of each image in order: the softmax of its distinct crops [distinct, classes], and which stands for each number.

    The numbers are those of `cropping`. Every distinct crop goes through the network once. Batches are cut across images
    and the last one is filled up, so that all have one shape: what a crop gets, to the last bit, then depends on the
    crop alone, and not on its neighbours or on how many crops were asked for.
    """
    network.model.eval()
    px, classes, batch_size = network.spec.input_px, len(network.spec.classes), cropping.batch_size
    numbers = cropping.numbers
    waiting: deque[np.ndarray] = deque()  # of each image in turn, the index of its distinct crops
    held = np.empty((0, px, px, 3), np.uint8)
    scores = np.empty((0, classes), np.float32)

    def run(crops: np.ndarray) -> np.ndarray:
        return np.concatenate(
            [scores, *(probabilities(network, part, runtime) for part in split(crops, batch_size))]
        )

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
    """Mean softmax over each policy's crops: {policy: float32 [images, classes]}.

    The policies are means over subsets of one pass. `keeper` is given what `crop_scores` gives of the images that it wants.
    resume: where a prediction that was cut off goes on from.
    """
    shape = len(images), len(network.spec.classes)
    out = {policy: np.empty(shape, np.float32) for policy in cropping.policies}
    places = {policy: wanted(policy, cropping.policies) for policy in cropping.policies}

    def means(start: int) -> Iterator[dict[str, np.ndarray]]:
        left = (images[i] for i in range(start, len(images)))
        scored = crop_scores(network, left, cropping, runtime)
        for number, (scores, index) in enumerate(scored, start):
            item = {
                str(policy): scores[index[place]].mean(0, dtype=np.float64).astype(np.float32)
                for policy, place in places.items()
            }
            wanted_whole = keeper is not None and keeper.wants(number)
            yield item | ({"scores": scores, "index": index} if wanted_whole else {})

    for number, item in enumerate(resume.items(len(images), means)):
        for policy in cropping.policies:
            out[policy][number] = item[str(policy)]
        if keeper is not None and "scores" in item:
            keeper.add(number, item["scores"], item["index"])
    return out


def predict_kept(
    network: Network, split: Split, cropping: Cropping, runtime: Runtime, keeper: Keeper, resume: Resume
) -> None:
    """Predict, of a split, the images that `keeper` wants, and give it their crops."""

    def scores_from(start: int) -> Iterator[dict[str, np.ndarray]]:
        left = (split.picture(i) for i in keeper.pictures[start:])
        scored = crop_scores(network, left, cropping, runtime)
        return ({"scores": scores, "index": index} for scores, index in scored)

    passed = resume.items(len(keeper.pictures), scores_from, "sample")
    for number, item in zip(keeper.pictures, passed, strict=True):
        keeper.add(int(number), item["scores"], item["index"])


def union(policies: Sequence[int]) -> list[int]:
    """The crops, as indices among the 144, that any of the policies needs."""
    return sorted({j for policy in policies for j in POLICIES[policy]})


def wanted(policy: int, policies: Sequence[int]) -> list[int]:
    """Where a policy's crops stand in the union of the policies."""
    place = {j: k for k, j in enumerate(union(policies))}
    return [place[j] for j in POLICIES[policy]]


def split(crops: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Cut an array of crops into batches."""
    return [crops[i : i + batch_size] for i in range(0, len(crops), batch_size)]


def centre_errors(
    network: Network, images: Sequence[np.ndarray], labels: np.ndarray, runtime: Runtime
) -> TopErrors:
    """Errors on one centre crop an image, with the network's present weights."""
    return top_errors(predict(network, images, CENTRE, runtime)[1], labels)
