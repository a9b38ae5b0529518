"""Prediction: class probabilities of one network on a picture's 1, 10 and 144 crops, in one pass (section 7)."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from torch import nn

from googlenet.classification.class_order import columns_of, outputs_of
from googlenet.classification.crops import POLICIES, crops_144, cut, distinct, upright
from googlenet.classification.error_rates import top_errors
from googlenet.classification.kept_crops import Keeper
from googlenet.data.store import Split
from googlenet.models.in_order import InOrder
from googlenet.resume import NOWHERE, Resume
from googlenet.trained import Description

CENTRE_BATCH = 64  # crops at once where one crop a picture is asked for


def in_data_order(
    model: nn.Module, network: Sequence[str], dataset: dict, who: str
) -> tuple[nn.Module, dict]:
    """The network, answering in the data set's order where it has just its classes, and `outputs_of` it.

    dataset: the manifest, with classes and class_keys. Raises UserError as `columns_of`.
    """
    classes = dataset["classes"]
    columns = columns_of(network, classes, dataset["class_keys"], who)
    outputs = outputs_of(network, classes, columns)
    return (InOrder(model, columns) if len(columns) == len(network) else model), outputs


def probabilities(model: nn.Module, description: Description, crops: np.ndarray, compute: dict) -> np.ndarray:
    """Softmax of a network in evaluation mode on crops, uint8 [n, px, px, 3]; returns float32 [n, classes]."""
    device = compute["device"]
    x = description.to_input(crops, device)
    with (
        torch.inference_mode(),
        torch.autocast(device, torch.bfloat16, enabled=compute["precision"] == "bf16"),
    ):
        logits, _ = model(x)
    return torch.softmax(logits.float(), 1).cpu().numpy()


def crop_scores(
    model: nn.Module,
    description: Description,
    pictures: Iterable[np.ndarray],
    numbers: Sequence[int],
    batch_size: int,
    compute: dict,
    mirror: bool = True,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Of each picture in order: the softmax of its distinct crops [distinct, classes], and which stands for each number.

    numbers: crops, as indices among the 144. Every distinct crop goes through the network once. Batches are cut across
    pictures and the last one is filled up, so that all have one shape: what a crop gets, to the last bit, then depends on
    the crop alone, and not on its neighbours or on how many crops were asked for.
    """
    model.eval()
    px, classes = description.input_px, len(description.classes)
    waiting: deque[np.ndarray] = deque()  # of each picture in turn, the index of its distinct crops
    held = np.empty((0, px, px, 3), np.uint8)
    scores = np.empty((0, classes), np.float32)

    def run(crops: np.ndarray) -> np.ndarray:
        done = [probabilities(model, description, part, compute) for part in split(crops, batch_size)]
        return np.concatenate([scores, *done])

    def finished() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        nonlocal scores
        while waiting and waiting[0].max() < len(scores):
            index = waiting.popleft()
            mine, scores = scores[: index.max() + 1], scores[index.max() + 1 :]
            yield mine, index

    for picture in pictures:
        every = crops_144(picture.shape[1], picture.shape[0], px)
        crops, index = distinct([every[j] if mirror else upright(every[j]) for j in numbers])
        waiting.append(index)
        held = np.concatenate([held, cut(picture, crops, px)])
        whole = len(held) // batch_size * batch_size
        if whole:
            scores, held = run(held[:whole]), held[whole:]
        yield from finished()
    if len(held):
        blank = np.zeros((batch_size - len(held), px, px, 3), np.uint8)
        scores = run(np.concatenate([held, blank]))
    yield from finished()


def predict(
    model: nn.Module,
    description: Description,
    pictures: Sequence[np.ndarray],
    policies: Sequence[int],
    batch_size: int,
    compute: dict,
    mirror: bool = True,
    keeper: Keeper | None = None,
    resume: Resume = NOWHERE,
) -> dict[int, np.ndarray]:
    """Mean softmax over each policy's crops: {policy: float32 [pictures, classes]}, policy one of 1, 10, 144.

    The policies are means over subsets of one pass. Without `mirror` (pictures whose mirror image is another thing, such
    as handwriting) each mirrored crop is replaced by the crop itself. `keeper` is given what `crop_scores` gives of the
    pictures that it wants, for the union of the policies. resume: where a prediction that was cut off goes on from.
    """
    shape = len(pictures), len(description.classes)
    out = {policy: np.empty(shape, np.float32) for policy in policies}
    places = {policy: wanted(policy, policies) for policy in policies}

    def means(start: int) -> Iterator[dict[str, np.ndarray]]:
        left = (pictures[i] for i in range(start, len(pictures)))
        found = crop_scores(model, description, left, union(policies), batch_size, compute, mirror)
        for picture, (scores, index) in enumerate(found, start):
            item = {
                str(policy): scores[index[place]].mean(0, dtype=np.float64).astype(np.float32)
                for policy, place in places.items()
            }
            wanted_whole = keeper is not None and keeper.wants(picture)
            yield item | ({"scores": scores, "index": index} if wanted_whole else {})

    for picture, item in enumerate(resume.items(len(pictures), means)):
        for policy in policies:
            out[policy][picture] = item[str(policy)]
        if "scores" in item:
            keeper.add(picture, item["scores"], item["index"])
    return out


def predict_kept(
    model: nn.Module,
    description: Description,
    split: Split,
    policies: Sequence[int],
    batch_size: int,
    compute: dict,
    mirror: bool,
    keeper: Keeper,
    resume: Resume,
) -> None:
    """Predict, of a split, the pictures that `keeper` wants, and give it their crops."""

    def scores_from(start: int) -> Iterator[dict[str, np.ndarray]]:
        left = (split.picture(i) for i in keeper.pictures[start:])
        found = crop_scores(model, description, left, union(policies), batch_size, compute, mirror)
        return ({"scores": scores, "index": index} for scores, index in found)

    passed = resume.items(len(keeper.pictures), scores_from, "sample")
    for picture, item in zip(keeper.pictures, passed, strict=True):
        keeper.add(int(picture), **item)


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
    model: nn.Module,
    description: Description,
    pictures: Sequence[np.ndarray],
    labels: np.ndarray,
    compute: dict,
) -> dict[str, float]:
    """Errors in percent on one centre crop a picture, with the model's present weights."""
    return top_errors(predict(model, description, pictures, [1], CENTRE_BATCH, compute)[1], labels)
