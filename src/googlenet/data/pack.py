"""One piece of work: its pictures opened, checked and packed into a shard, with a note of what was seen.

The note is written after the shard and lies elsewhere: a shard with its note is done, whenever the run ends. It is
an Arrow file of one row for each picture packed, with what the whole data set is later asked (`look`), and beside
them a head of counts and of the pictures left out.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from googlenet.data import pictures, store
from googlenet.data.annotations import place
from googlenet.data.pieces import Piece
from googlenet.data.records import Candidate, Record
from googlenet.errors import UserError
from googlenet.metrics.base import Metrics
from googlenet.metrics.data import Shard
from googlenet.storage.files import atomic, sha256

NOTE = pa.schema(
    [
        pa.field("name", pa.string()),
        pa.field("width", pa.int32()),  # of the upright picture as it came, before any resizing
        pa.field("height", pa.int32()),
        pa.field("bytes", pa.int64()),
        pa.field("form", pa.string()),
        pa.field("turned", pa.bool_()),
        pa.field("looks", pa.uint64()),
        pa.field("sha256", pa.binary(32)),
        pa.field("boxes", pa.list_(pa.float32())),
    ]
)


@dataclass(frozen=True)
class Task:
    """What all pieces of a data set have in common: the checks, and the folders of shards, notes and scratch files."""

    keys: list[str]  # names of the classes as the annotations have them
    min_side_px: int
    resize_shorter_side_px: int
    shards: Path
    notes: Path
    scratch: Path

    def shard(self, piece: Piece) -> Path:
        """Where a piece's shard lies."""
        return self.shards / f"{piece.name}.arrow"

    def note(self, piece: Piece) -> Path:
        """Where a piece's note lies."""
        return self.notes / f"{piece.name}.note"


class NoteHead(Metrics):
    """What a note says of a piece as a whole."""

    piece: str  # its digest
    row: Shard
    per_class: tuple[int, ...]
    refused: tuple[tuple[str, str], ...]  # name and reason
    kept: bool = False  # whether an earlier run had packed it


class _Tally:
    """What is seen of a piece on the way: the rows of its note, the images left out, the number of each class."""

    def __init__(self, classes: int):
        self.rows: dict[str, list[Any]] = {name: [] for name in NOTE.names}
        self.refused: list[tuple[str, str]] = []
        self.per_class = [0] * classes

    def add(self, record: Record, seen: pictures.Seen) -> None:
        """Count a record that is packed."""
        for label in [record.label] if record.label >= 0 else record.box_labels:
            self.per_class[label] += 1
        values = (record.name, *seen[:2], seen.bytes, seen.form, seen.turned, seen.looks)
        for name, value in zip(self.rows, (*values, record.sha256, record.boxes.reshape(-1)), strict=True):
            self.rows[name].append(value)


def pack_shard(piece: Piece, task: Task, on_image: Callable[[], None]) -> NoteHead:
    """Write a piece's shard and note, or find them written; return the note's head.

    `on_image()` is called after each image; what it raises ends the work and leaves no half shard. Raises OSError naming the
    file, such as that of a full disk.
    """
    digest = piece.digest(task.scratch)
    head = _done(piece, task, digest)
    if head:
        return head.model_copy(update={"kept": True})
    tally = _Tally(len(task.keys))
    row = store.write_shard(task.shard(piece), _records(piece, task, tally, on_image))
    head = NoteHead(piece=digest, row=row, per_class=tuple(tally.per_class), refused=tuple(tally.refused))
    _write_note(task.note(piece), tally.rows, head)
    return head


def read_note(path: Path) -> tuple[NoteHead, pa.Table]:
    """A note's head and rows."""
    table = pa.ipc.open_file(path.read_bytes()).read_all()
    return NoteHead.model_validate_json(table.schema.metadata[b"head"]), table


def _done(piece: Piece, task: Task, digest: str) -> NoteHead | None:
    """The head of a piece's note if it is of these very images and the shard has the bytes that it says."""
    shard, note = task.shard(piece), task.note(piece)
    if not (note.is_file() and shard.is_file()):
        return None
    head, _ = read_note(note)
    same = head.piece == digest and shard.stat().st_size == head.row.bytes
    # Reading the shard takes a small part of the time of packing it, and finds what a power cut left of it.
    return head if same and sha256(shard) == head.row.sha256 else None


def _records(piece: Piece, task: Task, tally: _Tally, on_image: Callable[[], None]) -> Iterator[Record]:
    """The records of a piece, in order, each counted on the way."""
    for candidate in piece.candidates:
        try:
            record, seen = record_of(candidate, task)
        except UserError as error:
            tally.refused.append((candidate.name, str(error)))
        else:
            tally.add(record, seen)
            yield record
        on_image()


def record_of(candidate: Candidate, task: Task) -> tuple[Record, pictures.Seen]:
    """Open and check one picture and its boxes. Raises UserError with the reason why it cannot be used."""
    try:
        image = candidate.read()
    except OSError as error:
        raise UserError(f"{candidate.name}: cannot be read ({error.strerror})") from error
    seen = pictures.check_picture(image, candidate.name)
    width, height = seen.width, seen.height
    if min(width, height) < task.min_side_px:
        raise UserError(
            f"{candidate.name}: {width}x{height} px; sides below min_side_px ({task.min_side_px}) are too small"
        )
    if candidate.annotation is not None:
        boxes, labels, difficult = place(candidate.annotation, width, height, task.keys)
        truth = (boxes, labels, difficult, np.array(candidate.partial, np.int32))
        return Record(candidate.name, image, width, height, -1, *truth, sha256=store.digest(image)), seen
    if task.resize_shorter_side_px:
        image, width, height = pictures.shrink(image, task.resize_shorter_side_px, candidate.name)
    return Record(candidate.name, image, width, height, candidate.label, sha256=store.digest(image)), seen


def _write_note(path: Path, rows: dict[str, list[Any]], head: NoteHead) -> None:
    """Write a note: whole or not there."""
    schema = NOTE.with_metadata({"head": head.model_dump_json()})
    table = pa.table([pa.array(rows[field.name], field.type) for field in NOTE], schema=schema)
    with atomic(path) as part, open(part, "wb") as file, pa.ipc.new_file(file, schema) as writer:
        writer.write_table(table)
