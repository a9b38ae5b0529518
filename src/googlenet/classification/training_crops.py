"""Batches for a training's loader: training crops, and the crops that each epoch is validated on."""

from collections.abc import Iterator, Sequence

import numpy as np

from googlenet.classification.predict import CENTRE, CENTRE_BATCH
from googlenet.classification.sampling import sample_into
from googlenet.config.schema.classification import TrainClassifier
from googlenet.data.decoded import Labelled, parts_of
from googlenet.models.batch_loader import BatchLoader
from googlenet.models.runtime import Runtime

Keys = list[tuple[int, int]] | range  # of a batch: (epoch, image index) of training crops | validation images


class TrainingCrops:
    """Crops by (epoch, image index). A crop depends only on that pair and its member's seed, not on the loader."""

    def __init__(self, images: Sequence[np.ndarray], labels: np.ndarray, settings: TrainClassifier, px: int):
        self.images, self.labels, self.settings, self.px = parts_of(images), labels, settings, px

    def batch(self, keys: Sequence[tuple[int, int]], out: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return crops, uint8 [n, px, px, 3], in `out` if given, and labels, int64 [n]."""
        s, crops = self.settings, np.empty((len(keys), self.px, self.px, 3), np.uint8) if out is None else out
        for crop, (epoch, index) in zip(crops, keys, strict=True):
            rng = np.random.Generator(np.random.Philox(key=[s.member.sampling_seed, (epoch << 32) + index]))
            sample_into(crop, self.images, index, s.sampling, s.mirror, rng)
        return crops, self.labels[[index for _, index in keys]].astype(np.int64)


class TrainingBatches:
    """Batches in training order: those of an epoch, then those of its validation, made by the same processes."""

    def __init__(self, crops: TrainingCrops, validation: Labelled):
        self.crops, self.validation = crops, validation

    def __call__(self, keys: Keys, out: np.ndarray) -> tuple[int, np.ndarray]:
        """Write a batch into `out`; return its number of crops and its labels."""
        if isinstance(keys, range):
            return centre_crops(self.validation[0], keys, out), self.validation[1][keys.start : keys.stop]
        return len(keys), self.crops.batch(keys, out[: len(keys)])[1]

    def load(self, runtime: Runtime, first: int, rows: slice = slice(None)) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield crops and labels from batch `first` of all epochs on; the crops are valid until the next batch is
        requested. rows: of each batch. The validation batches are divided among the runtime's processes."""
        s, labels = self.crops.settings, self.crops.labels
        loader = BatchLoader(self, max(s.batch_size, CENTRE_BATCH), self.crops.px, runtime)
        every = batches(len(labels), s.batch_size, s.epochs, s.member.order_seed, first)
        validation = own_batches(len(self.validation[1]), runtime)
        return loader.batches(
            with_validation((keys[rows] for keys in every), len(labels) // s.batch_size, first, validation)
        )


def centre_crops(images: Sequence[np.ndarray], keys: range, out: np.ndarray) -> int:
    """Cut one centre crop per image, as prediction does, and pad to CENTRE_BATCH with black. Returns CENTRE_BATCH."""
    px = out.shape[1]
    for row, index in enumerate(keys):
        out[row] = CENTRE.of(images[index], px)[0][0]
    out[len(keys) : CENTRE_BATCH] = 0
    return CENTRE_BATCH


def batches(count: int, batch_size: int, epochs: int, seed: int, first: int = 0) -> Iterator[list[tuple[int, int]]]:
    """Yield batches in a member's order, from batch `first` of all epochs on; incomplete batches are dropped."""
    per_epoch = count // batch_size
    for epoch in range(first // per_epoch, epochs):
        order = np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(count)
        for batch in range(max(0, first - epoch * per_epoch), per_epoch):
            yield [(epoch, int(i)) for i in order[batch * batch_size :][:batch_size]]


def with_validation(
    training: Iterator[list[tuple[int, int]]], per_epoch: int, first: int, validation: list[range]
) -> Iterator[Keys]:
    """Yield the batches of a training, with the validation batches after the last one of each epoch."""
    for number, keys in enumerate(training, first + 1):
        yield keys
        if number % per_epoch == 0:
            yield from validation


def validation_batches(images: int) -> list[range]:
    """The images of each validation batch."""
    return [range(start, min(start + CENTRE_BATCH, images)) for start in range(0, images, CENTRE_BATCH)]


def own_batches(images: int, runtime: Runtime) -> list[range]:
    """The validation batches that this one of several processes predicts."""
    return validation_batches(images)[runtime.rank :: runtime.processes]
