"""Whether a prepared data set still is what was packed: every shard and every picture against its SHA-256."""

from collections.abc import Callable, Iterator
from pathlib import Path

from googlenet.data.store import digest, open_split, shards_of
from googlenet.errors import UserError
from googlenet.storage.files import sha256


def faults(folder: Path | str, say: Callable[[str], None] = lambda line: None) -> Iterator[str]:
    """One line for each shard and each picture that is not what the manifest and its record say.

    `say` is given a line for each shard that is looked at.
    """
    folder = Path(folder)
    shards = shards_of(folder)
    begins = dict.fromkeys((split for split, _ in shards), 0)
    for number, (split, shard) in enumerate(shards, start=1):
        say(f"{number} of {len(shards)} shards: {shard.file}")
        first, begins[split] = begins[split], begins[split] + shard.records
        path = folder / shard.file
        if not path.is_file():
            yield f"{path}: missing"
            continue
        if path.stat().st_size != shard.bytes:
            yield f"{path}: {path.stat().st_size} bytes, not the {shard.bytes} of the manifest"
            continue
        whole = sha256(path) == shard.sha256
        if not whole:
            yield f"{path}: not the bytes that the manifest lists (sha256)"
        yield from _records(folder, split, path, range(first, begins[split]), whole)


def _records(folder: Path, split: str, path: Path, places: range, whole: bool) -> Iterator[str]:
    """The faults of a shard's records; `whole`: whether the shard itself is as it was."""
    try:
        records = open_split(folder, split, sizes=False)
        for place in places:
            record = records[place]
            if digest(record.image) != record.sha256:
                yield f"{path}: record {place} of {split}, {record.name}: not the picture that was packed (sha256)"
    except (UserError, UnicodeDecodeError) as error:
        if whole:
            raise
        yield f"{path}: its records cannot be read ({error})"
