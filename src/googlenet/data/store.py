"""Packed shards: memory-mapped Arrow IPC files, so that any one record of a data set can be read directly.

A manifest.json lists the shards with their records, bytes and SHA-256; a record has the SHA-256 of its own image
file.
"""

import hashlib
import os
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from googlenet.data.jpeg_part import Box, Part
from googlenet.data.records import Record
from googlenet.errors import UserError, nearest
from googlenet.metrics.data import Shard, read_manifest
from googlenet.storage.files import atomic, sha256

ARRAYS = {"boxes": np.float32, "box_labels": np.int64, "difficult": bool, "partial": np.int32}  # of a record
BATCH = 32  # records per Arrow batch: few, so that one record reads little; not one, to keep the index short
NUMBERS = {"width": pa.int32(), "height": pa.int32(), "label": pa.int64()}
PLACE = ("address", "bytes")  # of an image in memory, of a record
LISTS = {name: pa.list_(pa.from_numpy_dtype(kind)) for name, kind in ARRAYS.items()}
FIELDS = {"name": pa.string(), "image": pa.large_binary(), **NUMBERS, **LISTS, "sha256": pa.binary(32)}
SCHEMA = pa.schema([pa.field(name, kind, nullable=False) for name, kind in FIELDS.items()])
COLUMN = {name: place for place, name in enumerate(FIELDS)}


def write_shard(path: Path, records: Iterable[Record]) -> Shard:
    """Write records to one shard, in batches, atomically; equal records give equal bytes. Raises OSError."""
    records, count = iter(records), 0
    with atomic(path) as part:
        with open(part, "wb") as file, pa.ipc.new_file(file, SCHEMA) as writer:
            while group := list(islice(records, BATCH)):
                writer.write_batch(_batch_of(group))
                count += len(group)
        return Shard(file=path.name, records=count, bytes=part.stat().st_size, sha256=sha256(part))


def replace_split(finished: Path, folder: Path, split: str, shards: Iterable[Shard]) -> None:
    """Move a split's finished shards to the data set's folder, unless they are already there; delete others."""
    names = {shard.file for shard in shards}
    for name in names:
        if (finished / name).exists():
            os.replace(finished / name, folder / name)
    for path in [*folder.glob(f"{split}-*.arrow"), *folder.glob(f".{split}-*.arrow.*.part")]:
        if path.name not in names:
            path.unlink()


def open_split(folder: Path, split: str, sizes: bool = True) -> "Split":
    """Open one split. Raises UserError naming a shard that is missing or, unless `sizes` is False, of wrong size."""
    manifest = folder / "manifest.json"
    splits = read_manifest(manifest).splits
    if split not in splits:
        raise UserError(f"{manifest}: no split '{split}'{nearest(split, splits)}")
    shards = splits[split].shards
    for shard in shards if sizes else ():
        path = folder / shard.file
        if not path.is_file():
            raise UserError(f"{path}: shard missing; pull it or prepare the data set again")
        if (size := path.stat().st_size) != shard.bytes:
            raise UserError(f"{path}: {size} bytes, not the {shard.bytes} of the manifest; prepare the data set again")
    return Split(folder, split, shards)


def evenly_spaced(total: int, most: int) -> list[int]:
    """Return the numbers of at most `most` of `total` images, spread over a split, which is sorted by class."""
    count = min(total, most)
    return [i * total // count for i in range(count)]


class Split:
    """One split, as a sequence of records; `labels` and `names` are read without touching the images."""

    def __init__(self, folder: Path, split: str, shards: tuple[Shard, ...]):
        self.folder, self.split, self._shards = folder, split, shards
        self._ends = list(accumulate(shard.records for shard in shards))
        self._mapped: dict[
            int, pa.RecordBatchFileReader
        ] = {}  # opened on first use, and never replaced: `_numbers` has addresses in them
        self._last: tuple[tuple[int, int], pa.RecordBatch | None] = ((-1, -1), None)

    def __reduce__(self) -> tuple[Callable[..., "Split"], tuple[Path, str]]:
        return open_split, (self.folder, self.split)  # a loader's worker maps the files itself

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, index: int) -> Record:
        return self._record(index, SCHEMA.names)

    def without_image(self, index: int) -> Record:
        """Record `index` with no bytes as its image, which are most of a shard: for its boxes alone."""
        return self._record(index, [name for name in SCHEMA.names if name != "image"])

    def _record(self, index: int, names: list[str]) -> Record:
        batch, row = self._find(index)
        cells = {name: batch.column(COLUMN[name])[row] for name in names}
        values: dict[str, Any] = {"image": b""}
        values |= {name: cell.as_py() for name, cell in cells.items() if name not in ARRAYS}
        values |= {name: np.array(cells[name].values, kind) for name, kind in ARRAYS.items()}
        return Record(**(values | {"boxes": values["boxes"].reshape(-1, 4)}))

    def image(self, index: int) -> np.ndarray:
        """Decode the image of record `index`: uint8 [h, w, 3] RGB."""
        return self.part(index, None).pixels

    def part(self, index: int, box: Box | None, reduction: int = 1) -> Part:
        """Decode a part of the image of record `index`: see `images.decode_part`. The first call reads where all images
        of the split are."""
        from googlenet.data.images import decode_part  # avoids importing a decoder where no pixels are read

        place = self._place(index)
        address, size = (int(self._numbers[name][place]) for name in PLACE)
        image = pa.foreign_buffer(address, size, self._mapped).to_pybytes()
        return decode_part(image, box, lambda: self._name(place), reduction)

    def size(self, index: int) -> tuple[int, int]:
        """Return (width, height) of the image of record `index`, in px, without decoding it."""
        return int(self._numbers["width"][index]), int(self._numbers["height"][index])

    @property
    def labels(self) -> np.ndarray:
        """The class of every record: int64 [records]; -1 throughout in detection."""
        return self._numbers["label"]

    @cached_property
    def names(self) -> list[str]:
        """The name of every record, unique in the split."""
        return [name for _, batch in self._all_batches() for name in batch.column("name").to_pylist()]

    @cached_property
    def _numbers(self) -> dict[str, np.ndarray]:
        """Width, height, class, and place in memory of the image of every record, in one pass: looked up per crop,
        Arrow's batches and cells would take long."""
        kinds = {name: kind.to_pandas_dtype() for name, kind in NUMBERS.items()} | dict.fromkeys(PLACE, np.int64)
        parts: dict[str, list[np.ndarray]] = {name: [np.zeros(0, kind)] for name, kind in kinds.items()}
        for shard, batch in self._all_batches():
            columns = {name: batch.column(name).to_numpy() for name in NUMBERS}
            for name, column in (columns | self._places(shard, batch)).items():
                parts[name].append(column)
        return {name: np.concatenate(columns) for name, columns in parts.items()}

    def _place(self, index: int) -> int:
        """Return a record's number, given from the end if negative. Raises IndexError."""
        place = index + len(self) if index < 0 else index
        if not 0 <= place < len(self):
            raise IndexError(f"{self.split} has {len(self)} records; no record {index}")
        return place

    def _name(self, index: int) -> str:
        """Return the name of a record."""
        batch, row = self._find(index)
        return str(batch.column(COLUMN["name"])[row].as_py())

    def _places(self, shard: int, batch: pa.RecordBatch) -> dict[str, np.ndarray]:
        """Return the address, and the number of bytes, of each image of a memory-mapped batch."""
        _, offsets, data = batch.column(COLUMN["image"]).buffers()
        starts = np.frombuffer(offsets, np.int64, len(batch) + 1)
        sizes = np.diff(starts)
        if starts[0] < 0 or (sizes < 0).any() or starts[-1] > data.size:
            raise self._damaged(shard, "images outside of it")
        return dict(zip(PLACE, (data.address + starts[:-1], sizes), strict=True))

    def _find(self, index: int) -> tuple[pa.RecordBatch, int]:
        """Return the batch that holds record `index` (negative: from the end), and the row in it."""
        place = self._place(index)
        shard = bisect_right(self._ends, place)
        row = place - (self._ends[shard] - self._shards[shard].records)
        return self._batch(shard, row // BATCH), row % BATCH

    def _batch(self, shard: int, number: int) -> pa.RecordBatch:
        """Return one batch; only the last is cached, for neighbouring records, so that memory does not grow."""
        kept, last = self._last  # read once: threads share a split
        if kept != (shard, number) or last is None:
            path = self.folder / self._shards[shard].file
            try:
                if shard not in self._mapped:
                    self._mapped.setdefault(shard, pa.ipc.open_file(pa.memory_map(str(path))))
                if self._mapped[shard].schema != SCHEMA:
                    raise UserError(f"{path}: packed by another version; prepare the data set again")
                last = self._mapped[shard].get_batch(number)
            except (pa.ArrowInvalid, OSError) as error:
                raise self._damaged(shard, error) from error
            self._last = (shard, number), last
        return last

    def _damaged(self, shard: int, why: object) -> UserError:
        path = self.folder / self._shards[shard].file
        return UserError(f"{path}: damaged shard ({why}); prepare the data set again")

    def _all_batches(self) -> Iterator[tuple[int, pa.RecordBatch]]:
        for place, shard in enumerate(self._shards):
            for number in range(-(-shard.records // BATCH)):
                yield place, self._batch(place, number)


def _batch_of(records: list[Record]) -> pa.RecordBatch:
    columns = {name: [getattr(record, name) for record in records] for name in SCHEMA.names}
    columns["sha256"] = [record.sha256 or digest(record.image) for record in records]
    columns["boxes"] = [np.asarray(boxes, np.float32).reshape(-1) for boxes in columns["boxes"]]
    return pa.record_batch([pa.array(columns[field.name], field.type) for field in SCHEMA], schema=SCHEMA)


def digest(image: bytes) -> bytes:
    """Return the SHA-256 of an image file, as stored in its record."""
    return hashlib.sha256(image).digest()
