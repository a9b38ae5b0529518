"""The size of a data set: from its manifest, its recipe, its source, or the official counts, in this order.

Of ILSVRC, whose source would be a listing of a million files, the official counts come before it.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter

from googlenet.config.schema import dataset as s
from googlenet.config.schema.base import Settings, replaced
from googlenet.config.schema.dataset import DataSource, Kind
from googlenet.config.schema.shared import Enabled
from googlenet.data import prepare, readers, store
from googlenet.data.folders import held_out
from googlenet.data.image_files import split_suffix
from googlenet.data.images import decode
from googlenet.data.readers import embedded
from googlenet.data.records import SPLITS
from googlenet.errors import UserError
from googlenet.metrics.data import read_manifest
from googlenet.pipeline.experiment import Experiment
from googlenet.storage.files import load_yaml

SAMPLED = 12  # images that are inspected
Recipe = s.EmbeddedDigits | s.EmbeddedScenes  # for the embedded set


class ImageSize(Settings):
    """An image's sides, in pixels."""

    width: int
    height: int


class DataSize(NamedTuple):
    """A data set's size. splits: images by name; mean_kb: per file; basis: the numbers' source; sample: image files;
    official: whether the counts are published ones."""

    kind: Kind
    splits: dict[str, int]
    classes: int
    mean_kb: float
    width: int
    height: int
    basis: str
    sample: list[bytes]
    official: bool = False

    def count(self, split: str) -> int:
        """Number of images in a split; 0 if the data set has no such split."""
        return self.splits.get(split, 0)

    @property
    def images(self) -> int:
        """Images of all splits."""
        return sum(self.splits.values())

    @property
    def decoded_mb(self) -> float:
        """Memory of a decoded image."""
        return self.width * self.height * 3 / 1e6

    def kept_share(self, images: int, limit_mb: float) -> float:
        """The share of some images that stays decoded in memory."""
        return min(1.0, limit_mb / (images * self.decoded_mb)) if images else 0.0

    @property
    def image(self) -> ImageSize:
        """The key under which rates of work on images are stored."""
        return ImageSize(width=self.width, height=self.height)


class Stated(Settings):
    """The size of a data set not present yet. without_objects: training images to add if those are read too."""

    basis: str
    splits: dict[str, int]
    without_objects: int = 0
    classes: int
    mean_kb: float
    width_px: int
    height_px: int


def source_of(experiment: Experiment, kind: Kind) -> DataSource:
    """The settings of the source of one kind of data."""
    dataset = experiment.of(s.Dataset)
    return dataset.classification if kind == "classification" else dataset.detection


def of_all(experiment: Experiment) -> dict[Kind, DataSize]:
    """The sizes of the data sets that an experiment uses."""
    kinds: list[Kind] = ["classification", "detection"] if experiment.of(Enabled).enabled else ["classification"]
    return {kind: of(experiment, kind) for kind in kinds}


def of(experiment: Experiment, kind: Kind) -> DataSize:
    """The size of an experiment's data set. Raises UserError, naming the key, if nothing provides it."""
    folder, source = experiment.root / "data" / kind / experiment.dataset, source_of(experiment, kind)
    table = TypeAdapter(dict[str, dict[Kind, Stated]])
    every = table.validate_python(load_yaml(Path(__file__).with_name("stated.yaml")))
    stated = every.get(experiment.dataset, {}).get(kind)
    if (folder / "manifest.json").is_file():
        size = from_manifest(folder)  # but the sides as stated, whatever the sample's: they are the key of stored rates
        return size._replace(width=stated.width_px, height=stated.height_px) if stated else size
    if source.reader == "embedded":
        return from_recipe(source)
    root = experiment.root / Path(source.root).expanduser() if source.root else None
    if stated and (source.reader == "ilsvrc" or root is None or not root.is_dir()):
        return from_official_counts(source, stated, root)
    return from_listing(source)


def from_manifest(folder: Path) -> DataSize:
    """The size of prepared data: from the manifest and some of the records."""
    manifest = read_manifest(folder / "manifest.json")
    rows = {name: row for name, row in manifest.splits.items() if row.records}
    counts = {name: row.records for name, row in rows.items()}
    mean_kb = sum(shard.bytes for row in rows.values() for shard in row.shards) / sum(counts.values()) / 1000
    split = store.open_split(folder, max(counts, key=counts.__getitem__))
    sample = [split[i * len(split) // SAMPLED].image for i in range(SAMPLED)]
    shape = mean_kb_and_sides(sample)[1:]
    basis = f"the prepared data, {folder.parent.name}/{folder.name}/manifest.json"
    return DataSize(manifest.kind, counts, len(manifest.classes), mean_kb, *shape, basis, sample)


def from_recipe(source: DataSource) -> DataSize:
    """The size of the embedded set: from its recipe, and a few images drawn with it."""
    counts = {split: count_drawn(source.embedded, split) for split in SPLITS}
    few = replaced(source, embedded=small(source.embedded))
    with tempfile.TemporaryDirectory(prefix="googlenet-") as scratch:
        reading = readers.of(few).read(few, Path(scratch))
        sample = [candidate.read() for candidate in reading.splits["train"][:SAMPLED]]
    basis = "the recipe of the embedded set"
    return DataSize(source.kind, counts, len(reading.classes), *mean_kb_and_sides(sample), basis, sample)


def count_drawn(recipe: Recipe, split: str) -> int:
    """The number of images of a split that the recipe of the embedded set makes."""
    if isinstance(recipe, s.EmbeddedScenes):
        return int(recipe.scenes.of(split))
    digits = len(embedded.digits_of(split, recipe.writers)[1])
    each = recipe.composites_per_digit if split == "train" else 1
    return min(recipe.limit_per_split or digits, digits) * each


def small(recipe: Recipe) -> Recipe:
    """The recipe of the embedded set, cut down to a few images."""
    if isinstance(recipe, s.EmbeddedScenes):
        return replaced(recipe, scenes=s.SplitCounts(**dict.fromkeys(SPLITS, SAMPLED)))
    return replaced(recipe, limit_per_split=SAMPLED)


def from_official_counts(source: DataSource, stated: Stated, root: Path | None) -> DataSize:
    """The size of a data set from its published counts, and from some images if they are present."""
    counts = dict(stated.splits)
    if isinstance(source, s.DetectionSource) and source.negatives:
        counts["train"] += stated.without_objects
    if source.splits.train and not source.splits.validation:
        per = stated.classes if isinstance(source, s.ClassificationSource) else 1
        counts["validation"] = held_out(source)[1] * per
        counts["train"] -= counts["validation"]
    counts = {split: counts[split] for split in SPLITS if counts.get(split)}
    basis, mean_kb, shape = stated.basis, stated.mean_kb, (stated.width_px, stated.height_px)
    sample = list(islice(first_images(root), SAMPLED)) if root else []
    if sample:
        mean_kb = mean_kb_and_sides(sample)[0]
        basis = f"{basis}; bytes of {len(sample)} images below {source.root}"
    return DataSize(source.kind, counts, stated.classes, mean_kb, *shape, basis, sample, official=True)


def first_images(root: Path) -> Iterator[bytes]:
    """The first image of each folder below a root; none if there is no root."""
    for folder, _, names in os.walk(root):
        images = sorted(name for name in names if split_suffix(name)[1])
        if images:
            yield (Path(folder) / images[0]).read_bytes()


def from_listing(source: DataSource) -> DataSize:
    """The size of raw data: from its listing, and some of the images."""
    prepare.check_source(source)
    with tempfile.TemporaryDirectory(prefix="googlenet-") as scratch:
        reading = readers.of(source).read(source, Path(scratch))
        counts = {split: len(candidates) for split, candidates in reading.splits.items() if candidates}
        if not counts:
            raise UserError(f"{source.key}.root: {source.root} holds no image; name the folder that does")
        largest = max(reading.splits.values(), key=len)
        sample = []
        for i in range(SAMPLED):  # inside the block, as the scratch folder may hold an archive's files
            with suppress(OSError, UserError):  # bad files are left to the stage that prepares them
                image = largest[i * len(largest) // SAMPLED].read()
                decode(image)
                sample.append(image)
    if not sample:
        raise UserError(f"{source.key}.root: none of {SAMPLED} images in {source.root} can be read")
    basis = f"the listing of {source.root}, the size of {len(sample)} of its images"
    return DataSize(source.kind, counts, len(reading.classes), *mean_kb_and_sides(sample), basis, sample)


def mean_kb_and_sides(sample: list[bytes]) -> tuple[float, int, int]:
    """Mean size of image files in kB, and width and height of the image of median area."""
    shapes = (decode(image).shape[1::-1] for image in sample)
    order = sorted(shapes, key=lambda shape: (shape[0] * shape[1], shape))
    width, height = order[len(order) // 2]
    return sum(map(len, sample)) / len(sample) / 1000, width, height
