"""Packed shards: memory-mapped Arrow IPC files, so that record i of a data set is read at once and alone.

A data set of pictures is a few dozen shards and a manifest.json, which lists every shard with its records,
bytes and SHA-256. Every record has the SHA-256 of its own picture file too.
"""

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from googlenet.data.records import SPLITS, Record
from googlenet.errors import UserError, nearest
from googlenet.metrics.data import Shard, read_manifest
from googlenet.storage.files import atomic

BATCH = 32  # records per Arrow batch: few, so that one record reads little; not one, for a short index
SCHEMA = pa.schema(
    [
        pa.field("name", pa.string(), nullable=False),
        pa.field("image", pa.large_binary(), nullable=False),
        pa.field("width", pa.int32(), nullable=False),
        pa.field("height", pa.int32(), nullable=False),
        pa.field("label", pa.int64(), nullable=False),
        pa.field("boxes", pa.list_(pa.float32()), nullable=False),
        pa.field("box_labels", pa.list_(pa.int64()), nullable=False),
        pa.field("difficult", pa.list_(pa.bool_()), nullable=False),
        pa.field("partial", pa.list_(pa.int32()), nullable=False),
        pa.field("sha256", pa.binary(32), nullable=False),
    ]
)


def write_shard(path: Path | str, records: Iterable[Record]) -> Shard:
    """Pack records into one shard, holding one batch at a time. It is whole or not there.

    The same records give the same bytes. Raises OSError naming the path, such as that of a full disk.
    """
    path, records, count = Path(path), iter(records), 0
    with atomic(path) as part, open(part, "wb") as file:
        sink = _Digested(file)
        with pa.ipc.new_file(pa.PythonFile(sink, "w"), SCHEMA) as writer:
            while group := list(islice(records, BATCH)):
                writer.write_batch(_batch_of(group))
                count += len(group)
    return Shard(file=path.name, records=count, bytes=sink.size, sha256=sink.sha256.hexdigest())


class _Digested(io.RawIOBase):
    """A file that is written from its beginning to its end, and digested on the way."""

    def __init__(self, file: io.BufferedWriter):
        self._file, self.size, self.sha256 = file, 0, hashlib.sha256()

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.size

    def write(self, content: Any) -> int:
        self._file.write(content)
        self.sha256.update(content)
        self.size += len(content)
        return len(content)


def remove_split(folder: Path | str, split: str, keep: Iterable[str] = ()) -> None:
    """Delete a split's shards except those named in `keep`, and what a killed run left half written."""
    folder = Path(folder)
    for path in [*folder.glob(f"{split}-*.arrow"), *folder.glob(f".{split}-*.arrow.*.part")]:
        if path.name not in keep:
            path.unlink()


def open_split(folder: Path | str, split: str, sizes: bool = True) -> "Split":
    """Open one split of a data set. Raises UserError naming a shard that is missing or of another size; `sizes` False looks at none."""
    folder = Path(folder)
    shards = _shards(folder, split)
    for shard in shards if sizes else ():
        _check_size(folder / shard.file, shard)
    return Split(folder, split, shards)


class Split:
    """One split, as a sequence of records; `labels` and `names` are read without touching the pictures."""

    def __init__(self, folder: Path, split: str, shards: tuple[Shard, ...]):
        self.folder, self.split, self._shards = folder, split, shards
        self._ends = list(accumulate(shard.records for shard in shards))
        self._mapped: dict[int, pa.RecordBatchFileReader] = {}  # when first asked for
        self._last: tuple[tuple[int, int], pa.RecordBatch | None] = ((-1, -1), None)

    def __reduce__(self) -> tuple[Callable[..., "Split"], tuple[Path, str]]:
        return open_split, (self.folder, self.split)  # a loader's worker maps the files itself

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, index: int) -> Record:
        batch, row = self._find(index)
        get = {name: batch.column(place)[row] for place, name in enumerate(SCHEMA.names)}
        return Record(
            name=get["name"].as_py(),
            image=get["image"].as_py(),
            width=get["width"].as_py(),
            height=get["height"].as_py(),
            label=get["label"].as_py(),
            boxes=np.array(get["boxes"].values, np.float32).reshape(-1, 4),
            box_labels=np.array(get["box_labels"].values, np.int64),
            difficult=np.array(get["difficult"].values, bool),
            partial=np.array(get["partial"].values, np.int32),
            sha256=get["sha256"].as_py(),
        )

    def picture(self, index: int) -> np.ndarray:
        """Record `index` decoded: uint8 [h, w, 3] RGB."""
        from googlenet.data.pictures import decode  # what reads no pixels waits for no decoder

        record = self[index]
        return decode(record.image, record.name)

    @cached_property
    def labels(self) -> np.ndarray:
        """The class of every record: int64 [records]; -1 throughout in detection."""
        parts = [batch.column("label").to_numpy() for batch in self._all_batches()]
        return np.concatenate([np.zeros(0, np.int64), *parts])

    @cached_property
    def names(self) -> list[str]:
        """The name of every record, unique in the split."""
        return [name for batch in self._all_batches() for name in batch.column("name").to_pylist()]

    def _find(self, index: int) -> tuple[pa.RecordBatch, int]:
        """The batch that holds record `index` (negative: from the end), and the row in it."""
        place = index + len(self) if index < 0 else index
        if not 0 <= place < len(self):
            raise IndexError(f"{self.split} has {len(self)} records; no record {index}")
        shard = int(np.searchsorted(self._ends, place, side="right"))
        row = place - (self._ends[shard] - self._shards[shard].records)
        return self._batch(shard, row // BATCH), row % BATCH

    def _batch(self, shard: int, number: int) -> pa.RecordBatch:
        """One batch; the last one is kept for its neighbours, no other, so that memory does not grow with reading."""
        place, batch = self._last
        if place != (shard, number):
            with _named(self.folder / self._shards[shard].file):
                batch = self._open(shard).get_batch(number)
            self._last = (shard, number), batch
        return batch

    def _open(self, shard: int) -> pa.RecordBatchFileReader:
        if shard not in self._mapped:
            path = self.folder / self._shards[shard].file
            with _named(path):
                self._mapped[shard] = pa.ipc.open_file(pa.memory_map(str(path)))
            if self._mapped[shard].schema != SCHEMA:
                raise UserError(f"{path}: packed by another version; prepare the data set again")
        return self._mapped[shard]

    def _all_batches(self) -> Iterator[pa.RecordBatch]:
        for place, shard in enumerate(self._shards):
            for number in range(-(-shard.records // BATCH)):
                yield self._batch(place, number)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Turn what Arrow says of bytes that are no shard into one line that names it."""
    try:
        yield
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"{path}: damaged shard ({error}); prepare the data set again") from error


def _batch_of(records: list[Record]) -> pa.RecordBatch:
    columns = {name: [getattr(record, name) for record in records] for name in SCHEMA.names}
    columns["sha256"] = [record.sha256 or digest(record.image) for record in records]
    columns["boxes"] = [np.asarray(boxes, np.float32).reshape(-1) for boxes in columns["boxes"]]
    return pa.record_batch([pa.array(columns[field.name], field.type) for field in SCHEMA], schema=SCHEMA)


def digest(image: bytes) -> bytes:
    """SHA-256 of a picture file, as its record has it."""
    return hashlib.sha256(image).digest()


def shards_of(folder: Path | str) -> list[tuple[str, Shard]]:
    """Every shard that a data set's manifest lists, with its split."""
    splits = read_manifest(Path(folder) / "manifest.json").splits
    return [(split, shard) for split in SPLITS if split in splits for shard in splits[split].shards]


def _shards(folder: Path, split: str) -> tuple[Shard, ...]:
    """The shards of one split, as the manifest lists them."""
    path = folder / "manifest.json"
    splits = read_manifest(path).splits
    if split not in splits:
        raise UserError(f"{path}: no split '{split}'{nearest(split, splits)}")
    return splits[split].shards


def _check_size(path: Path, shard: Shard) -> None:
    if not path.is_file():
        raise UserError(f"{path}: shard missing; pull it or prepare the data set again")
    if (size := path.stat().st_size) != shard.bytes:
        raise UserError(
            f"{path}: {size} bytes, not the {shard.bytes} of the manifest; prepare the data set again"
        )
