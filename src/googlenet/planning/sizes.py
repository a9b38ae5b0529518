"""How large a data set is: from its manifest, its recipe, its source, or the official counts, in this order."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from googlenet.config.schema import dataset as s
from googlenet.config.schema.base import Settings, replaced
from googlenet.config.schema.dataset import DataSource, Kind
from googlenet.data import handwriting, pictures, prepare, readers, store
from googlenet.data.records import SPLITS, Candidate
from googlenet.errors import UserError
from googlenet.metrics.data import read_manifest
from googlenet.pipeline.experiment import Experiment
from googlenet.storage.files import load_yaml

SAMPLED = 12  # images that are looked at
IMAGES = (".jpg", ".jpeg", ".png")


class ImageSize(Settings):
    """An image's sides, in pixels."""

    width: int
    height: int


class DataSize(NamedTuple):
    """A data set's size. splits: images by name; mean_kb: of an image file, 1000 bytes; width, height in pixels, of a typical
    image; basis: where the numbers are from; sample: some image files, or none where none is there."""

    kind: Kind
    splits: dict[str, int]
    classes: int
    mean_kb: float
    width: int
    height: int
    basis: str
    sample: list[bytes]

    def count(self, split: str) -> int:
        """Images of a split; 0 where the data set has no such split."""
        return self.splits.get(split, 0)

    @property
    def images(self) -> int:
        """Images of all splits."""
        return sum(self.splits.values())

    @property
    def decoded_mb(self) -> float:
        """Memory of a decoded image."""
        return self.width * self.height * 3 / 1e6

    def to_json(self) -> dict[str, Any]:
        """As plain values, without the sample."""
        return {key: value for key, value in self._asdict().items() if key != "sample"}

    @property
    def image(self) -> ImageSize:
        """What the rates of work on images are kept for."""
        return ImageSize(width=self.width, height=self.height)


class Stated(Settings):
    """The size of a data set that is not there yet. without_objects: training images to add where they are read, too."""

    basis: str
    splits: dict[str, int]
    without_objects: int = 0
    classes: int
    mean_kb: float
    width_px: int
    height_px: int


STATED = TypeAdapter(dict[str, dict[Kind, Stated]])


def source_of(experiment: Experiment, kind: Kind) -> DataSource:
    """The settings of the images of one kind."""
    dataset = experiment.of(s.Dataset)
    return dataset.classification if kind == "classification" else dataset.detection


def of(experiment: Experiment, kind: Kind) -> DataSize:
    """The size of an experiment's data set.

    Raises UserError, naming the key, when nothing tells it.
    """
    folder, source = experiment.root / "data" / kind / experiment.dataset, source_of(experiment, kind)
    stated = STATED.validate_python(load_yaml(Path(__file__).with_name("stated.yaml")))
    official_size = stated.get(experiment.dataset, {}).get(kind)
    if (folder / "manifest.json").is_file():
        size = prepared(folder)
        if official_size:  # keeps its usual shape, whatever a few images say: rates are kept by it
            return size._replace(width=official_size.width_px, height=official_size.height_px)
        return size
    if source.reader == "embedded":
        return drawn(source)
    root = experiment.root / Path(source.root).expanduser() if source.root else None
    if official_size and (source.reader == "ilsvrc" or root is None or not root.is_dir()):
        return official(source, official_size, root)
    return listed(source)


def prepared(folder: Path) -> DataSize:
    """From the manifest, and some of the records."""
    manifest = read_manifest(folder / "manifest.json")
    rows = {name: row for name, row in manifest.splits.items() if row.records}
    counts = {name: row.records for name, row in rows.items()}
    mean_kb = sum(shard.bytes for row in rows.values() for shard in row.shards) / sum(counts.values()) / 1000
    split = store.open_split(folder, max(counts, key=counts.__getitem__))
    records = [split[i * len(split) // SAMPLED] for i in range(SAMPLED)]
    shape = typical((record.width, record.height) for record in records)
    basis = f"the prepared data, {folder.parent.name}/{folder.name}/manifest.json"
    sample = [record.image for record in records]
    return DataSize(manifest.kind, counts, len(manifest.classes), mean_kb, *shape, basis, sample)


def drawn(source: DataSource) -> DataSize:
    """From the recipe of the embedded set, some of whose images are drawn."""
    counts = {split: count_drawn(source.embedded, split) for split in SPLITS}
    with tempfile.TemporaryDirectory(prefix="googlenet-") as scratch:
        few = replaced(source, embedded=small(source.embedded))
        reading = readers.of(few).read(few, Path(scratch))
        sample = [candidate.read() for candidate in reading.splits["train"][:SAMPLED]]
    basis = "the recipe of the embedded set"
    return DataSize(source.kind, counts, len(reading.classes), *looked_at(sample), basis, sample)


def count_drawn(recipe: s.EmbeddedDigits | s.EmbeddedScenes, split: str) -> int:
    """How many images of a split the recipe of the embedded set makes."""
    if isinstance(recipe, s.EmbeddedScenes):
        return int(recipe.scenes.of(split))
    digits = len(handwriting.digits_of(split, recipe.writers)[1])
    return min(recipe.limit_per_split or digits, digits) * (
        recipe.composites_per_digit if split == "train" else 1
    )


def small(recipe: s.EmbeddedDigits | s.EmbeddedScenes) -> s.EmbeddedDigits | s.EmbeddedScenes:
    """The recipe of the embedded set for a few images."""
    if isinstance(recipe, s.EmbeddedScenes):
        return replaced(recipe, scenes=s.SplitCounts(**dict.fromkeys(SPLITS, SAMPLED)))
    return replaced(recipe, limit_per_split=SAMPLED)


def official(source: DataSource, stated: Stated, root: Path | None) -> DataSize:
    """From the official counts, and from some images where they are there."""
    counts = dict(stated.splits)
    if isinstance(source, s.DetectionSource) and source.negatives:
        counts["train"] += stated.without_objects
    if isinstance(source, s.ClassificationSource) and source.splits.train and not source.splits.validation:
        counts["validation"] = source.validation_per_class * stated.classes
        counts["train"] -= counts["validation"]
    basis, mean_kb = stated.basis, stated.mean_kb
    sample = list(found_below(root)) if root and root.is_dir() else []
    if sample:
        mean_kb = looked_at(sample)[0]
        basis = f"{basis}; bytes of {len(sample)} pictures below {source.root}"
    counts = {split: counts[split] for split in SPLITS if counts.get(split)}
    return DataSize(
        source.kind, counts, stated.classes, mean_kb, stated.width_px, stated.height_px, basis, sample
    )


def listed(source: DataSource) -> DataSize:
    """From the source: its listing, and some of its images."""
    prepare.check_source(source)
    with tempfile.TemporaryDirectory(prefix="googlenet-") as scratch:
        reading = readers.of(source).read(source, Path(scratch))
    counts = {split: len(candidates) for split, candidates in reading.splits.items() if candidates}
    if not counts:
        raise UserError(f"{source.key}.root: {source.root} holds no image; name the folder that does")
    every = max(reading.splits.values(), key=len)
    sample = list(readable(every[i * len(every) // SAMPLED] for i in range(SAMPLED)))
    if not sample:
        raise UserError(f"{source.key}.root: none of {SAMPLED} images in {source.root} can be read")
    basis = f"the listing of {source.root}, the size of {len(sample)} of its pictures"
    return DataSize(source.kind, counts, len(reading.classes), *looked_at(sample), basis, sample)


def readable(candidates: Iterable[Candidate]) -> Iterator[bytes]:
    """The bytes of those that are images; what is bad is left to the stage that prepares them."""
    for candidate in candidates:
        try:
            image = candidate.read()
            pictures.decode(image)
        except (OSError, UserError):
            continue
        yield image


def found_below(root: Path) -> Iterator[bytes]:
    """The first image of each of the first folders below a root."""
    left = SAMPLED
    for folder, _, names in os.walk(root):
        name = next((name for name in sorted(names) if name.lower().endswith(IMAGES)), None)
        if name and left:
            left -= 1
            yield (Path(folder) / name).read_bytes()
        if not left:
            return


def looked_at(sample: list[bytes]) -> tuple[float, int, int]:
    """Mean kilobytes, and the typical width and height, of image files."""
    shape = typical(pictures.decode(image).shape[1::-1] for image in sample)
    return sum(map(len, sample)) / len(sample) / 1000, *shape


def typical(shapes: Iterable[tuple[int, ...]]) -> tuple[int, int]:
    """The shape of median area."""
    order = sorted(shapes, key=lambda shape: (shape[0] * shape[1], shape))
    width, height = order[len(order) // 2]
    return width, height
