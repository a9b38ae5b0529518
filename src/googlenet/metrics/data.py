"""Metrics of data preparation: the manifest of a data set, which lists its shards and describes its contents."""

from pathlib import Path
from typing import Any, Literal

from googlenet.metrics.base import Metrics, StageMetrics, read_metrics


class Shard(Metrics):
    """A packed shard: a file beside the manifest."""

    file: str
    records: int
    bytes: int
    sha256: str


class PackedSplit(Metrics):
    """The shards of a split, in order, with counts of their contents."""

    shards: tuple[Shard, ...]
    records: int
    per_class: tuple[int, ...]  # images of each class; objects in detection
    objects: int | None = None  # in detection only


class ImageName(Metrics):
    split: str
    name: str

    def __str__(self) -> str:
        return f"{self.split}: {self.name}"


class LabelledImage(ImageName):
    """An image and its class, by its display name."""

    label: str

    def __str__(self) -> str:
        return f"{super().__str__()} ({self.label})"


class RefusedFile(ImageName):
    """A file that was left out, and why."""

    reason: str


class RefusalCount(Metrics):
    """Number of files of a split left out for one kind of reason."""

    split: str
    kind: str
    count: int


class ObjectSizes(Metrics):
    """Number, sizes and shapes of a split's objects: quantiles, and the share of small ones by side in px."""

    count: int
    in_a_picture: tuple[int, ...]
    side_px: tuple[float, ...]
    width_over_height: tuple[float, ...]
    smaller_percent: dict[str, float]


class SplitLook(Metrics):
    """Types of a split's image files, and quantiles of their upright sizes."""

    pictures: int
    forms: dict[str, int]  # by format and colour mode
    turned_by_exif: int
    width_px: tuple[int, ...]
    height_px: tuple[int, ...]
    shorter_side_px: tuple[int, ...]
    megapixels: tuple[float, ...]
    bytes: tuple[int, ...]
    objects: ObjectSizes | None = None  # None if there are none


class Groups(Metrics):
    """Number of groups of equal images, and of images in them."""

    groups: int
    pictures: int


class DuplicateExamples(Metrics):
    """The first groups of each kind of duplicates, with the first names of each group."""

    within: tuple[tuple[ImageName, ...], ...]
    across: tuple[tuple[ImageName, ...], ...]
    likely_across: tuple[tuple[ImageName, ...], ...]
    across_classes: tuple[tuple[LabelledImage, ...], ...] = ()


class Duplicates(Metrics):
    """Duplicate images: byte-identical within and across splits and across classes, and likely copies across splits."""

    within: dict[str, Groups]
    across: Groups
    likely_across: Groups
    across_classes: Groups = Groups(groups=0, pictures=0)  # in any splits; none in detection
    shown: DuplicateExamples


class Look(Metrics):
    """Summary of a data set to read before training on it: original images and objects, before resizing."""

    quantiles_percent: tuple[int, ...]  # the levels of all quantiles
    splits: dict[str, SplitLook]
    duplicates: Duplicates
    refused: tuple[RefusalCount, ...]


class Manifest(StageMetrics):
    """The manifest.json of a prepared data set. Classes are display names, class keys those used in annotations."""

    kind: Literal["classification", "detection"]
    dataset: str
    classes: tuple[str, ...]
    class_keys: tuple[str, ...]
    splits: dict[str, PackedSplit]
    refused: tuple[RefusedFile, ...]
    look: Look
    about: str

    def to_json(self) -> dict[str, Any]:
        """Return plain values, omitting those that do not apply to the data set."""
        return self.model_dump(mode="json", exclude_none=True)


def read_manifest(path: Path) -> Manifest:
    """Read a manifest.json. Raises UserError, naming the file, if it is missing or malformed."""
    return read_metrics(path, Manifest)
