"""What a preparation writes: the manifest of a data set, which lists its shards and says what is in it."""

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
    """The shards of a split, in order, and how much is in them."""

    shards: tuple[Shard, ...]
    records: int
    per_class: tuple[int, ...]  # images of each class; in detection objects
    objects: int | None = None  # in detection alone


class ImageName(Metrics):
    split: str
    name: str


class RefusedFile(ImageName):
    """A file that was left out, and why."""

    reason: str


class RefusalCount(Metrics):
    """How many files of a split were left out for one kind of reason."""

    split: str
    kind: str
    count: int


class ObjectSizes(Metrics):
    """Number, sizes and shapes of a split's objects: quantiles, and the share of the small ones by their side in px."""

    count: int
    in_a_picture: tuple[int, ...]
    side_px: tuple[float, ...]
    width_over_height: tuple[float, ...]
    smaller_percent: dict[str, float]


class SplitLook(Metrics):
    """Kinds of a split's image files, and quantiles of their sizes, upright."""

    pictures: int
    forms: dict[str, int]  # by format and colour mode
    turned_by_exif: int
    width_px: tuple[int, ...]
    height_px: tuple[int, ...]
    shorter_side_px: tuple[int, ...]
    megapixels: tuple[float, ...]
    bytes: tuple[int, ...]
    objects: ObjectSizes | None = None  # where there are any


class Groups(Metrics):
    """How many groups of equal images there are, and how many images are in them."""

    groups: int
    pictures: int


class DuplicateExamples(Metrics):
    """The first groups of each kind of duplicates, and of each group the first names."""

    within: tuple[tuple[ImageName, ...], ...]
    across: tuple[tuple[ImageName, ...], ...]
    likely_across: tuple[tuple[ImageName, ...], ...]


class Duplicates(Metrics):
    """Images that are there more than once: the same bytes within and across splits, and those across that look the same."""

    within: dict[str, Groups]
    across: Groups
    likely_across: Groups
    shown: DuplicateExamples


class Look(Metrics):
    """What a person should see of a data set before training on it: images and objects as they came, before resizing."""

    quantiles_percent: tuple[int, ...]  # at which all quantiles stand
    splits: dict[str, SplitLook]
    duplicates: Duplicates
    refused: tuple[RefusalCount, ...]


class Manifest(StageMetrics):
    """All that is known of a prepared data set: manifest.json. Classes are for people, keys as annotations name them."""

    kind: Literal["classification", "detection"]
    dataset: str
    classes: tuple[str, ...]
    class_keys: tuple[str, ...]
    splits: dict[str, PackedSplit]
    refused: tuple[RefusedFile, ...]
    look: Look
    about: str

    def to_json(self) -> dict[str, Any]:
        """As plain values, without what does not apply to the data set."""
        return self.model_dump(mode="json", exclude_none=True)


def read_manifest(path: Path) -> Manifest:
    """Read a manifest.json. Raises UserError, naming the file, for one that is absent or of another form."""
    return read_metrics(path, Manifest)
