"""How large a data set is: from its manifest, its recipe, its source, or the official counts, in this order."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from googlenet.config import Job, Settings
from googlenet.data import embedded, handwriting, pictures, prepare, store
from googlenet.data.records import SPLITS, Candidate
from googlenet.errors import UserError
from googlenet.files import load_yaml, read_json

SAMPLED = 12  # pictures that are looked at
PICTURES = (".jpg", ".jpeg", ".png")


class DataSize(NamedTuple):
    """A data set's size. splits: pictures by name; mean_kb: of a picture file, 1000 bytes; width, height in pixels, of a typical
    picture; said: where the numbers are from; sample: some picture files, or none where none is there."""

    kind: str
    splits: dict[str, int]
    classes: int
    mean_kb: float
    width: int
    height: int
    said: str
    sample: list[bytes]

    def count(self, split: str) -> int:
        """Pictures of a split; 0 where the data set has no such split."""
        return self.splits.get(split, 0)

    @property
    def pictures(self) -> int:
        """Pictures of all splits."""
        return sum(self.splits.values())

    @property
    def decoded_mb(self) -> float:
        """Memory of a decoded picture."""
        return self.width * self.height * 3 / 1e6

    @property
    def picture(self) -> dict:
        """What the rates of work on pictures are kept for."""
        return {"width": self.width, "height": self.height}


def of(settings: Settings, kind: str) -> DataSize:
    """The size of an experiment's data set; kind: classification or detection.

    Raises UserError, naming the key, when nothing tells it.
    """
    folder = settings.root / "data" / kind / settings.dataset
    source = settings.resolved(Job(f"prepare_{kind}", "all"))["source"]
    stated = load_yaml(Path(__file__).with_name("stated.yaml")).get(settings.dataset, {}).get(kind)
    if (folder / "manifest.json").is_file():
        return shaped(prepared(folder, kind), stated)
    if source["reader"] == "embedded":
        return drawn(kind, source)
    root = settings.root / Path(source["root"]).expanduser() if source["root"] else None
    if stated and (source["reader"] == "ilsvrc" or root is None or not root.is_dir()):
        return official(kind, source, stated, root)
    return listed(kind, source)


def shaped(size: DataSize, stated: dict | None) -> DataSize:
    """A data set whose usual shape is stated keeps that one, whatever a few pictures say: rates are kept by it."""
    return size._replace(width=stated["width_px"], height=stated["height_px"]) if stated else size


def prepared(folder: Path, kind: str) -> DataSize:
    """From the manifest, and some of the records."""
    manifest = read_json(folder / "manifest.json")
    rows = {name: row for name, row in manifest["splits"].items() if row["records"]}
    counts = {name: row["records"] for name, row in rows.items()}
    size = sum(shard["bytes"] for row in rows.values() for shard in row["shards"])
    largest = max(counts, key=counts.__getitem__)
    split = store.open_split(folder, largest)
    records = [split[i * len(split) // SAMPLED] for i in range(SAMPLED)]
    shape = typical((record.width, record.height) for record in records)
    said = f"the prepared data, {folder.parent.name}/{folder.name}/manifest.json"
    sample = [record.image for record in records]
    return DataSize(
        kind, counts, len(manifest["classes"]), size / sum(counts.values()) / 1000, *shape, said, sample
    )


def drawn(kind: str, source: dict) -> DataSize:
    """From the recipe of the embedded set, some of whose pictures are drawn."""
    recipe, counts = source["embedded"], {}
    for split in SPLITS:
        if kind == "detection":
            counts[split] = recipe["scenes"][split]
        else:
            digits = len(handwriting.digits_of(split, recipe["writers"])[1])
            copies = recipe["composites_per_digit"] if split == "train" else 1
            counts[split] = min(recipe["limit_per_split"] or digits, digits) * copies
    with tempfile.TemporaryDirectory(prefix="googlenet-") as scratch:
        few = embedded.read(kind, source | {"embedded": small(recipe)}, Path(scratch))
        sample = [candidate.read() for candidate in few.splits["train"][:SAMPLED]]
    return DataSize(
        kind, counts, len(embedded.WNIDS), *looked_at(sample), "the recipe of the embedded set", sample
    )


def small(recipe: dict) -> dict:
    """The recipe of the embedded set for a few pictures."""
    few = dict.fromkeys(SPLITS, SAMPLED)
    return recipe | ({"scenes": few} if "scenes" in recipe else {}) | {"limit_per_split": SAMPLED}


def official(kind: str, source: dict, stated: dict, root: Path | None) -> DataSize:
    """From the official counts, and from some pictures where they are there."""
    names, counts = source["splits"], dict(stated["splits"])
    if source.get("negatives"):
        counts["train"] += stated.get("negatives", {}).get("train", 0)
    if kind == "classification" and names["train"] and not names["validation"]:
        counts["validation"] = source["validation_per_class"] * stated["classes"]
        counts["train"] -= counts["validation"]
    said = stated["said"]
    sample = list(found_below(root)) if root and root.is_dir() else []
    mean_kb, *shape = stated["mean_kb"], stated["width_px"], stated["height_px"]
    if sample:
        mean_kb = looked_at(sample)[0]
        said = f"{said}; bytes of {len(sample)} pictures below {source['root']}"
    counts = {split: counts[split] for split in SPLITS if counts.get(split)}
    return DataSize(kind, counts, stated["classes"], mean_kb, *shape, said, sample)


def listed(kind: str, source: dict) -> DataSize:
    """From the source: its listing, and some of its pictures."""
    prepare.check_source(kind, source)
    with tempfile.TemporaryDirectory(prefix="googlenet-") as scratch:
        reading = prepare.READERS[kind][source["reader"]].read(kind, source, Path(scratch))
    counts = {split: len(found) for split, found in reading.splits.items() if found}
    if not counts:
        raise UserError(f"dataset.{kind}.root: {source['root']} holds no picture; name the folder that does")
    every = max(reading.splits.values(), key=len)
    sample = list(readable(every[i * len(every) // SAMPLED] for i in range(SAMPLED)))
    if not sample:
        raise UserError(f"dataset.{kind}.root: none of {SAMPLED} pictures in {source['root']} can be read")
    said = f"the listing of {source['root']}, the size of {len(sample)} of its pictures"
    return DataSize(kind, counts, len(reading.classes), *looked_at(sample), said, sample)


def readable(candidates: Iterable[Candidate]) -> Iterator[bytes]:
    """The bytes of those that are pictures; what is bad is left to the stage that prepares them."""
    for candidate in candidates:
        try:
            image = candidate.read()
            pictures.decode(image)
        except (OSError, UserError):
            continue
        yield image


def found_below(root: Path) -> Iterator[bytes]:
    """The first picture of each of the first folders below a root."""
    left = SAMPLED
    for folder, _, names in os.walk(root):
        name = next((name for name in sorted(names) if name.lower().endswith(PICTURES)), None)
        if name and left:
            left -= 1
            yield (Path(folder) / name).read_bytes()
        if not left:
            return


def looked_at(sample: list[bytes]) -> tuple[float, int, int]:
    """Mean kilobytes, and the typical width and height, of picture files."""
    shape = typical(pictures.decode(image).shape[1::-1] for image in sample)
    return sum(map(len, sample)) / len(sample) / 1000, *shape


def typical(shapes: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """The shape of median area."""
    order = sorted(shapes, key=lambda shape: (shape[0] * shape[1], shape))
    return order[len(order) // 2]
