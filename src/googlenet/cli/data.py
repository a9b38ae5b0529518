"""Inspect a prepared data set: summarise its contents, verify its integrity, show one of its images.

\b
    googlenet data report data/classification/digits
    googlenet data verify data/classification/digits
    googlenet data show data/classification/digits test 17 --save image.jpg
"""

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

import click

from googlenet.data.records import SPLITS
from googlenet.data.store import Split, digest, open_split
from googlenet.errors import UserError, nearest, printable
from googlenet.metrics.data import read_manifest
from googlenet.storage.files import sha256, write_bytes

DIGITS = 18  # of a record's number, at most

FOLDER = click.argument("folder", type=click.Path(path_type=Path))  # of manifest.json and the shards


@click.group(help=__doc__)
def command() -> None:
    """Hold the three commands."""


@command.command()
@FOLDER
def verify(folder: Path) -> int:
    """Compare every shard and image with its SHA-256. Prints a line for each fault; exit code 1 if there is any."""
    count = 0
    for line in faults(folder, lambda line: print(line, file=sys.stderr, flush=True)):
        print(printable(f"bad: {line}"), flush=True)
        count += 1
    splits = read_manifest(folder / "manifest.json").splits.values()
    records, shards = sum(split.records for split in splits), sum(len(split.shards) for split in splits)
    result = f"faults: {count}" if count else "all as packed"
    print(f"{folder}: {records:,} records in {shards:,} shards; {result}")
    return 1 if count else 0


def faults(folder: Path, say: Callable[[str], None] = lambda line: None) -> Iterator[str]:
    """Yield a line for each shard and image that differs from the manifest or record. `say`: called for each shard."""
    splits = read_manifest(folder / "manifest.json").splits
    total, number = sum(len(split.shards) for split in splits.values()), 0
    for split in [name for name in SPLITS if name in splits]:
        end = 0
        for shard in splits[split].shards:
            number += 1
            say(f"{number} of {total} shards: {shard.file}")
            first, end, path = end, end + shard.records, folder / shard.file
            if not path.is_file():
                yield f"{path}: missing"
            elif (size := path.stat().st_size) != shard.bytes:
                yield f"{path}: {size} bytes, not the {shard.bytes} of the manifest"
            elif sha256(path) != shard.sha256:
                yield f"{path}: not the bytes that the manifest lists (sha256)"
                yield from _changed_records(path, split, range(first, end))
            else:
                yield from _records(path, split, range(first, end))


def _changed_records(path: Path, split: str, places: range) -> list[str]:
    """Return the faults of a changed shard's records, read in another process: on such bytes Arrow's reader can crash."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        try:
            return pool.submit(_listed, path, split, places).result()
        except BrokenProcessPool:
            return [f"{path}: its records cannot be read (the reader of Arrow files crashed)"]
        except Exception as error:  # on changed bytes it raises anything from UnicodeDecodeError to TypeError
            return [f"{path}: its records cannot be read ({error})"]


def _listed(path: Path, split: str, places: range) -> list[str]:
    return list(_records(path, split, places))


def _records(path: Path, split: str, places: range) -> Iterator[str]:
    """Yield the faults of a shard's records."""
    records = open_split(path.parent, split, sizes=False)
    for place in places:
        record = records[place]
        if digest(record.image) != record.sha256:
            yield f"{path}: record {place} of {split}, {record.name}: not the image that was packed (sha256)"


@command.command()
@FOLDER
@click.argument("split")
@click.argument("record")
@click.option("--save", type=click.Path(path_type=Path), help="write the image's file here, as packed")
def show(folder: Path, split: str, record: str, save: Path | None) -> None:
    """Print one record. SPLIT: train, validation or test. RECORD: its number, from 0, or its name."""
    classes, records = read_manifest(folder / "manifest.json").classes, open_split(folder, split)
    shown = records[index := _index_of(records, record)]
    print(f"record:  {index} of {len(records)} in {split}")
    print(printable(f"name:    {shown.name}"))
    print(f"image:   {shown.width} x {shown.height} px upright, {len(shown.image):,} bytes")
    print(f"sha256:  {shown.sha256.hex()}")
    if shown.label >= 0:
        print(printable(f"class:   {shown.label} {classes[shown.label]}"))
    for box, label, difficult in zip(shown.boxes.tolist(), shown.box_labels, shown.difficult, strict=True):
        corners = ", ".join(f"{value:g}" for value in box)
        print(printable(f"object:  {classes[label]} ({corners}){' difficult' if difficult else ''}"))
    for label in shown.partial:
        print(printable(f"partial: {classes[label]}"))
    if save:
        write_bytes(save, shown.image)
        print(f"written: {save}")


def _index_of(records: Split, wanted: str) -> int:
    """Return the index of a record given by its number or its name. Raises UserError if there is none."""
    if wanted in (names := records.names):
        return names.index(wanted)
    if not wanted.isdecimal() or len(wanted) > DIGITS:
        raise UserError(f"{records.split}: no record '{wanted}'{nearest(wanted, names)}"[:500])
    if int(wanted) >= len(records):
        raise UserError(f"{records.split}: no record {wanted}; it has {len(records)}, counted from 0")
    return int(wanted)


@command.command()
@FOLDER
def report(folder: Path) -> None:
    """Print sizes, file types, duplicates, boxes, what was left out. The format is Markdown."""
    from googlenet.report import data_tables
    from googlenet.report.page import section_lines
    from googlenet.report.parts import Section

    manifest = read_manifest(folder / "manifest.json")
    title, tables = f"{manifest.dataset}: {manifest.kind}", data_tables.tables(manifest)
    print("\n\n".join(section_lines(Section(title, (manifest.about,), tables))))
