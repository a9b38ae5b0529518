"""Prediction: class probabilities of one network on an image's 1, 10 and 144 crops, in one pass (section 7)."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor, nn

from googlenet.classification.class_order import Outputs, columns_of, outputs_of
from googlenet.classification.crops import POLICIES, SCALES, Crop, crops_144, cut, distinct
from googlenet.classification.kept_crops import Keeper
from googlenet.data.in_advance import in_advance
from googlenet.models.cost import multiply_adds
from googlenet.models.engine import EngineUse, engine_for
from googlenet.models.network import Network
from googlenet.models.runtime import Runtime
from googlenet.pipeline.resume import NOWHERE, Resume

CENTRE_BATCH = 64  # crops per forward pass when predicting one crop per image


@dataclass(frozen=True)
class Cropping:
    """Which crops of each image are predicted: policies (1, 10, 144), scales, and crops per forward pass. Without
    `mirror` (where mirroring changes the meaning, as in handwriting) unmirrored crops replace mirrored ones."""

    policies: tuple[int, ...]
    batch_size: int
    mirror: bool = True
    scales: tuple[int, ...] = SCALES

    @property
    def numbers(self) -> list[int]:
        """The crops that any of the policies needs; see `union`."""
        return union(self.policies)

    def every(self, width: int, height: int, px: int) -> list[Crop]:
        """All 144 crops of an image of this size."""
        return crops_144(width, height, px, self.mirror, self.scales)

    def of(self, image: np.ndarray, px: int) -> tuple[np.ndarray, np.ndarray]:
        """An image's distinct crops, uint8 [distinct, px, px, 3], and the index of each of `numbers` among them."""
        every = self.every(image.shape[1], image.shape[0], px)
        chosen, index = distinct([every[number] for number in self.numbers])
        return cut(image, chosen, px), index


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


class Probabilities(nn.Module):
    """Wraps a network so that its only output is the softmax."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return torch.softmax(self.network(x)[0].float(), 1)


@dataclass(frozen=True)
class Classifier:
    """A network ready for prediction: input size, classes, and `scores`, which maps at most a batch of crops, uint8
    [n, px, px, 3], to the softmax, float32 [n, classes]."""

    input_px: int
    classes: int
    scores: Callable[[np.ndarray], np.ndarray]
    use: EngineUse = field(default_factory=EngineUse)

    @classmethod
    def as_it_is(cls, network: Network, runtime: Runtime) -> "Classifier":
        """The network with its current weights, as during training."""
        network.model.eval()
        spec = network.spec
        return cls(spec.input_px, len(spec.classes), lambda crops: probabilities(network, crops, runtime))

    @classmethod
    def of(cls, network: Network, images: Sequence[np.ndarray], cropping: "Cropping", runtime: Runtime) -> "Classifier":
        """The network in the engine that the runtime requests. images: those of the job; the engine is checked on the
        first."""
        network.model.eval()
        spec = network.spec
        none = np.zeros((0, spec.input_px, spec.input_px, 3), np.uint8)
        sample = cropping.of(images[0], spec.input_px)[0] if len(images) else none
        work = len(sample) * len(images) * multiply_adds(network.model, spec.input_px)
        engine = engine_for(Probabilities(network.model), spec, cropping.batch_size, work, sample, runtime)
        return cls(spec.input_px, len(spec.classes), lambda crops: engine(crops)[0], engine.use)


def crop_scores(
    classifier: Classifier, images: Sequence[np.ndarray], numbers: Sequence[int], cropping: Cropping, threads: int = 1
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield, for the images `numbers`, the softmax of distinct crops [distinct, classes] and each crop's index in them.

    Batches span images and the last one is padded: all have the same shape, so that a crop's result depends on the crop
    alone, to the last bit. threads: these cut the next images' crops while the classifier computes.
    """
    px, batch_size = classifier.input_px, cropping.batch_size
    waiting = deque[np.ndarray]()  # of each image in turn, every number's index among its distinct crops

    def batches() -> Iterator[np.ndarray]:
        batch, filled = np.zeros((batch_size, px, px, 3), np.uint8), 0
        for crops, index in in_advance(lambda number: cropping.of(images[number], px), numbers, threads):
            waiting.append(index)
            while len(crops):
                taken = crops[: batch_size - filled]
                batch[filled : filled + len(taken)] = taken
                filled, crops = filled + len(taken), crops[len(taken) :]
                if filled == batch_size:
                    yield batch
                    filled = 0
        if filled:
            batch[filled:] = 0
            yield batch

    scores = np.empty((0, classifier.classes), np.float32)
    for batch in batches():
        scores = np.concatenate([scores, classifier.scores(batch)])
        while waiting and waiting[0].max() < len(scores):
            index = waiting.popleft()
            count = index.max() + 1
            yield scores[:count], index
            scores = scores[count:]


def predict(
    classifier: Classifier,
    images: Sequence[np.ndarray],
    cropping: Cropping,
    threads: int = 1,
    keeper: Keeper | None = None,
    resume: Resume = NOWHERE,
) -> dict[int, np.ndarray]:
    """Return the mean softmax over each policy's crops, from one pass: {policy: float32 [images, classes]}. threads: as
    in `crop_scores`. keeper: receives the crops of its images. resume: where an interrupted prediction continues."""
    shape = len(images), classifier.classes
    out = {policy: np.empty(shape, np.float32) for policy in cropping.policies}
    places = {policy: np.searchsorted(cropping.numbers, POLICIES[policy]) for policy in cropping.policies}
    kept = set() if keeper is None else set(keeper.images.tolist())

    def means(start: int) -> Iterator[dict[str, np.ndarray]]:
        left = range(start, len(images))
        for number, (scores, index) in zip(left, crop_scores(classifier, images, left, cropping, threads), strict=True):
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
    classifier: Classifier,
    images: Sequence[np.ndarray],
    cropping: Cropping,
    keeper: Keeper,
    threads: int = 1,
    resume: Resume = NOWHERE,
) -> None:
    """Predict only the images that `keeper` wants, and pass it their crops."""

    def scores_from(start: int) -> Iterator[dict[str, np.ndarray]]:
        scored = crop_scores(classifier, images, keeper.images[start:].tolist(), cropping, threads)
        return ({"scores": scores, "index": index} for scores, index in scored)

    for item in resume.items(len(keeper.images), scores_from, "sample"):
        keeper.add(item["scores"], item["index"])


def union(policies: Sequence[int]) -> list[int]:
    """Return the crops that any of the policies needs, as indices among the 144."""
    return sorted({j for policy in policies for j in POLICIES[policy]})
