"""Whether a prepared data set still is what was packed: every shard and every picture against its SHA-256."""

from collections.abc import Callable, Iterator
from pathlib import Path

from googlenet.data.records import SPLITS
from googlenet.data.store import digest, open_split
from googlenet.errors import UserError
from googlenet.metrics.data import read_manifest
from googlenet.storage.files import sha256


def faults(folder: Path, say: Callable[[str], None] = lambda line: None) -> Iterator[str]:
    """One line for each shard and each picture that is not what the manifest and its record say.

    `say` is given a line for each shard that is looked at.
    """
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
            else:
                whole = sha256(path) == shard.sha256
                if not whole:
                    yield f"{path}: not the bytes that the manifest lists (sha256)"
                yield from _records(path, split, range(first, end), whole)


def _records(path: Path, split: str, places: range, whole: bool) -> Iterator[str]:
    """The faults of a shard's records; `whole`: whether the shard itself is as it was."""
    try:
        records = open_split(path.parent, split, sizes=False)
        for place in places:
            record = records[place]
            if digest(record.image) != record.sha256:
                yield f"{path}: record {place} of {split}, {record.name}: not the picture that was packed (sha256)"
    except (UserError, UnicodeDecodeError) as error:
        if whole:
            raise
        yield f"{path}: its records cannot be read ({error})"
