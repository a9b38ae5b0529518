"""Packed shards: memory-mapped Arrow IPC files, so that record i of a data set is read at once and alone.

A data set of pictures is a few dozen shards and a manifest.json, which lists every shard with its records,
bytes and SHA-256.
"""

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import accumulate
from pathlib import Path

import numpy as np
import pyarrow as pa

from googlenet.data.pictures import decode
from googlenet.data.records import Record
from googlenet.errors import UserError, nearest
from googlenet.files import atomic, read_json, sha256

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
    ]
)


def write_split(folder: Path | str, split: str, records: Iterable[Record], shard_mb: float) -> list[dict]:
    """Pack records into `folder/<split>-00000.arrow`, ..., of about `shard_mb` * 10**6 bytes of pictures.

    A shard is whole or not there; shards that an earlier run left behind go. The same records give the same
    bytes. Returns the manifest's rows: file, records, bytes, sha256.
    """
    folder = Path(folder)
    rows = []
    for number, group in enumerate(_groups(records, shard_mb * 1e6)):
        path = folder / f"{split}-{number:05d}.arrow"
        with (
            atomic(path) as part,
            pa.OSFile(str(part), "wb") as sink,
            pa.ipc.new_file(sink, SCHEMA) as writer,
        ):
            for start in range(0, len(group), BATCH):
                writer.write_batch(_batch(group[start : start + BATCH]))
        size, digest = path.stat().st_size, sha256(path)
        rows.append({"file": path.name, "records": len(group), "bytes": size, "sha256": digest})
    remove_split(folder, split, keep={row["file"] for row in rows})
    return rows


def remove_split(folder: Path | str, split: str, keep: Iterable[str] = ()) -> None:
    """Delete a split's shards except those named in `keep`, and what a killed run left half written."""
    folder = Path(folder)
    for path in [*folder.glob(f"{split}-*.arrow"), *folder.glob(f".{split}-*.arrow.*.part")]:
        if path.name not in keep:
            path.unlink()


def open_split(folder: Path | str, split: str) -> "Split":
    """Open one split of a data set. Raises UserError naming a shard that is missing or of another size."""
    folder = Path(folder)
    rows = _rows(folder, split)
    for row in rows:
        _check_size(folder / row["file"], row)
    return Split(folder, split, rows)


def verify(folder: Path | str) -> None:
    """Compare every shard with the manifest by SHA-256. Raises UserError naming the first that differs."""
    folder = Path(folder)
    for split in read_json(folder / "manifest.json")["splits"]:
        for row in _rows(folder, split):
            path = folder / row["file"]
            _check_size(path, row)
            if sha256(path) != row["sha256"]:
                raise UserError(
                    f"{path}: not the bytes that the manifest lists (sha256); prepare the data set again"
                )


class Split:
    """One split, as a sequence of records; `labels` and `names` are read without touching the pictures."""

    def __init__(self, folder: Path, split: str, rows: list[dict]):
        self.folder, self.split, self._rows = folder, split, rows
        self._ends = list(accumulate(row["records"] for row in rows))
        self._shards: dict[int, list[pa.RecordBatch]] = {}  # mapped when first asked for

    def __reduce__(self):
        return open_split, (self.folder, self.split)  # a loader's worker maps the files anew

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
        )

    def picture(self, index: int) -> np.ndarray:
        """Record `index` decoded: uint8 [h, w, 3] RGB."""
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
        row = place - (self._ends[shard] - self._rows[shard]["records"])
        return self._batches(shard)[row // BATCH], row % BATCH

    def _batches(self, shard: int) -> list[pa.RecordBatch]:
        if shard not in self._shards:
            path = self.folder / self._rows[shard]["file"]
            try:
                reader = pa.ipc.open_file(pa.memory_map(str(path)))
                self._shards[shard] = [reader.get_batch(i) for i in range(reader.num_record_batches)]
            except (pa.ArrowInvalid, OSError) as error:
                raise UserError(f"{path}: damaged shard ({error}); prepare the data set again") from error
        return self._shards[shard]

    def _all_batches(self) -> Iterator[pa.RecordBatch]:
        for shard in range(len(self._rows)):
            yield from self._batches(shard)


def _groups(records: Iterable[Record], limit_bytes: float) -> Iterator[list[Record]]:
    """Cut a stream into lists, closing each once its pictures reach the limit."""
    group, size = [], 0
    for record in records:
        group.append(record)
        size += len(record.image)
        if size >= limit_bytes:
            yield group
            group, size = [], 0
    if group:
        yield group


def _batch(records: list[Record]) -> pa.RecordBatch:
    columns = {name: [getattr(record, name) for record in records] for name in SCHEMA.names}
    columns["boxes"] = [np.asarray(boxes, np.float32).reshape(-1) for boxes in columns["boxes"]]
    return pa.record_batch([pa.array(columns[field.name], field.type) for field in SCHEMA], schema=SCHEMA)


def _rows(folder: Path, split: str) -> list[dict]:
    """The manifest's rows of one split's shards."""
    path = folder / "manifest.json"
    splits = read_json(path)["splits"]
    if split not in splits:
        raise UserError(f"{path}: no split '{split}'{nearest(split, splits)}")
    return splits[split]["shards"]


def _check_size(path: Path, row: dict) -> None:
    if not path.is_file():
        raise UserError(f"{path}: shard missing; pull it or prepare the data set again")
    if path.stat().st_size != row["bytes"]:
        found = path.stat().st_size
        raise UserError(
            f"{path}: {found} bytes, not the {row['bytes']} of the manifest; prepare the data set again"
        )
