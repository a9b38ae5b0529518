"""From a data set's settings to shards and a manifest: each picture opened and checked, bad ones left out.

A data set of a new layout is one reader module and one row of `READERS`.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from googlenet.data import class_folders, coco, embedded, ilsvrc, ilsvrc_archives, voc
from googlenet.data.records import SPLITS, Candidate, Reading, Record, Refused
from googlenet.errors import UserError, nearest

READERS: dict[str, dict[str, ModuleType]] = {
    "classification": {
        "embedded": embedded,
        "class_folders": class_folders,
        "ilsvrc": ilsvrc,
        "ilsvrc_archives": ilsvrc_archives,
    },
    "detection": {
        "embedded": embedded,
        "voc": voc,
        "ilsvrc": ilsvrc,
        "ilsvrc_archives": ilsvrc_archives,
        "coco": coco,
    },
}
BLACKLISTS = {"classification": {"ilsvrc_archives"}, "detection": {"ilsvrc", "ilsvrc_archives"}}
KEYS = {
    "classification": {"validation_per_class", "resize_shorter_side_px", "blacklist"},
    "detection": {
        "box_origin",
        "images",
        "annotations",
        "lists",
        "classes",
        "pictures_without_objects",
        "crowd",
        "negatives",
        "blacklist",
    },
}
SHARED_KEYS = {"reader", "root", "splits", "about", "max_bad_fraction", "min_side_px", "shard_mb", "embedded"}


def check_source(kind: str, settings: dict) -> None:
    """See, before any job and opening no picture, that the data are there. UserErrors name the key."""
    key, wanted = f"dataset.{kind}", SHARED_KEYS | KEYS[kind]
    for name in sorted(settings.keys() - wanted):
        raise UserError(f"{key}.{name}: no such key{nearest(name, wanted)}")
    for name in sorted(wanted - settings.keys()):
        raise UserError(f"{key}.{name}: missing; every data set names it")
    for name, least in (("max_bad_fraction", 0), ("min_side_px", 1)):
        if settings[name] < least:
            raise UserError(f"{key}.{name}: {settings[name]}; needs {least} or more")
    if settings["shard_mb"] <= 0:
        raise UserError(f"{key}.shard_mb: {settings['shard_mb']}; needs more than 0")
    reader = _reader(kind, settings)
    if settings["blacklist"] and settings["reader"] not in BLACKLISTS[kind]:
        known = " and ".join(sorted(BLACKLISTS[kind]))
        raise UserError(f"{key}.blacklist: only {known} can have one; take it out")
    reader.check(kind, settings)


def prepare(kind: str, settings: dict, folder: Path | str) -> dict[str, Any]:
    """Read, check and pack a data set into `folder`, named like it; return the manifest without its stamp.

    Raises UserError when the source is missing, too many files are bad, or a class has nothing left in a
    split; then no shard of this run stays behind.
    """
    from googlenet.data import store

    check_source(kind, settings)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="googlenet-") as scratch:
        reading = _reader(kind, settings).read(kind, settings, Path(scratch))
        refused, splits = list(reading.refused), {}
        try:
            for split in SPLITS:
                if split not in reading.splits:
                    store.remove_split(folder, split)  # of an earlier run that had it
                    continue
                tally = {"records": 0, "per_class": [0] * len(reading.classes)}
                records = _counted(_checked(kind, settings, reading, split, refused), tally)
                splits[split] = {
                    "shards": store.write_split(folder, split, records, settings["shard_mb"]),
                    **tally,
                }
                if kind == "detection":
                    splits[split]["objects"] = sum(tally["per_class"])
            _judge(kind, settings, reading.classes, splits, refused)
        except BaseException:
            for split in SPLITS:
                store.remove_split(folder, split)
            raise
    order = sorted(refused, key=lambda item: (SPLITS.index(item.split), item.name, item.reason))
    return {
        "kind": kind,
        "dataset": folder.name,
        "classes": reading.classes,
        "class_keys": reading.keys,
        "splits": splits,
        "refused": [{"split": item.split, "name": item.name, "reason": item.reason} for item in order],
        "about": settings["about"] or reading.about,
    }


def _reader(kind: str, settings: dict) -> ModuleType:
    name, readers = settings["reader"], READERS[kind]
    if name not in readers:
        raise UserError(f"dataset.{kind}.reader: no reader '{name}'{nearest(name, readers)}")
    return readers[name]


def _checked(
    kind: str, settings: dict, reading: Reading, split: str, refused: list[Refused]
) -> Iterator[Record]:
    """The records of a split, in order; what is bad is appended to `refused` instead."""
    for candidate in reading.splits[split]:
        try:
            yield record_of(
                candidate, reading.keys, settings["min_side_px"], settings.get("resize_shorter_side_px", 0)
            )
        except UserError as error:
            refused.append(Refused(split, candidate.name, str(error)))


def record_of(candidate: Candidate, keys: list[str], min_side_px: int, resize_shorter_side_px: int) -> Record:
    """Open and check one picture and its boxes. Raises UserError with the reason why it cannot be used."""
    from googlenet.data import pictures
    from googlenet.data.annotations import place

    try:
        image = candidate.read()
    except OSError as error:
        raise UserError(f"{candidate.name}: cannot be read ({error.strerror})") from error
    width, height = pictures.check_picture(image, candidate.name)
    if min(width, height) < min_side_px:
        raise UserError(
            f"{candidate.name}: {width}x{height} px; sides below min_side_px ({min_side_px}) are too small"
        )
    if candidate.annotation is not None:
        placed = place(candidate.annotation, width, height, keys)
        partial = np.array(candidate.partial, np.int32)
        return Record(candidate.name, image, width, height, -1, *placed, partial)
    if resize_shorter_side_px:
        image, width, height = pictures.shrink(image, resize_shorter_side_px, candidate.name)
    return Record(candidate.name, image, width, height, candidate.label)


def _counted(records: Iterator[Record], tally: dict) -> Iterator[Record]:
    """Pass records on, counting them and their objects by class."""
    for record in records:
        tally["records"] += 1
        for label in [record.label] if record.label >= 0 else record.box_labels:
            tally["per_class"][label] += 1
        yield record


def _judge(kind: str, settings: dict, classes: list[str], splits: dict, refused: list[Refused]) -> None:
    """Raise UserError when too much was refused, or a class has nothing left in a split."""
    key = f"dataset.{kind}"
    total = len(refused) + sum(split["records"] for split in splits.values())
    limit = settings["max_bad_fraction"]
    if len(refused) > limit * total:
        first, percent = refused[0], 100 * len(refused) / total
        raise UserError(
            f"{key}: {len(refused)} of {total} files are bad ({percent:.2f} %), first in {first.split}: "
            f"{first.reason}; mend or remove them, or raise {key}.max_bad_fraction (now {limit})"
        )
    for split, row in splits.items():
        if not row["records"]:
            raise UserError(f"{key}.splits.{split}: no picture left in {split}; add some")
        for name, count in zip(classes, row["per_class"], strict=True):
            if not count:
                raise UserError(
                    f"{key}.splits.{split}: nothing of class '{name}' there; add some or remove the class"
                )
