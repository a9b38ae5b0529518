"""One piece of work: its pictures opened, checked and packed into a shard, with a note of what was seen.

The note is written after the shard and lies elsewhere: a shard with its note is done, whenever the run ends. It is
an Arrow file of one row for each picture packed, with what the whole data set is later asked (`look`), and beside
them a head of counts and of the pictures left out.
"""

import json
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
from googlenet.files import atomic, sha256

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


def pack(piece: Piece, task: Task, told: Callable[[], None]) -> dict[str, Any]:
    """Write a piece's shard and note, or find them written; return the note's head.

    The head has "kept" where all was written before. `told()` is called after each picture; what it raises ends the
    work and leaves no half shard. Raises OSError naming the file, such as that of a full disk.
    """
    digest = piece.digest(task.scratch)
    head = _done(piece, task, digest)
    if head:
        return head | {"kept": True}
    rows: dict[str, list] = {name: [] for name in NOTE.names}
    refused: list[tuple[str, str]] = []
    per_class = [0] * len(task.keys)
    row = store.write_shard(task.shard(piece), _records(piece, task, rows, refused, per_class, told))
    head = {"piece": digest, "row": row, "per_class": per_class, "refused": refused}
    _write_note(task.note(piece), rows, head)
    return head


def read_note(path: Path) -> tuple[dict[str, Any], pa.Table]:
    """A note's head and rows."""
    table = pa.ipc.open_file(path.read_bytes()).read_all()
    return json.loads(table.schema.metadata[b"head"]), table


def _done(piece: Piece, task: Task, digest: str) -> dict[str, Any] | None:
    """The head of a piece's note if it is of these very pictures and the shard has the bytes that it says."""
    shard, note = task.shard(piece), task.note(piece)
    if not (note.is_file() and shard.is_file()):
        return None
    head, _ = read_note(note)
    same = head["piece"] == digest and shard.stat().st_size == head["row"]["bytes"]
    # Reading the shard takes a small part of the time of packing it, and finds what a power cut left of it.
    return head if same and sha256(shard) == head["row"]["sha256"] else None


def _records(
    piece: Piece,
    task: Task,
    rows: dict[str, list],
    refused: list[tuple[str, str]],
    per_class: list[int],
    told: Callable[[], None],
) -> Iterator[Record]:
    """The records of a piece, in order; on the way what was seen is added to the three lists."""
    for candidate in piece.candidates:
        try:
            record, seen = record_of(candidate, task)
        except UserError as error:
            refused.append((candidate.name, str(error)))
        else:
            for label in [record.label] if record.label >= 0 else record.box_labels:
                per_class[label] += 1
            values = (record.name, *seen[:2], seen.bytes, seen.form, seen.turned, seen.looks)
            for name, value in zip(rows, (*values, record.sha256, record.boxes.reshape(-1)), strict=True):
                rows[name].append(value)
            yield record
        told()


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
    truth: tuple[np.ndarray, ...] = ()
    if candidate.annotation is not None:
        partial = np.array(candidate.partial, np.int32)
        truth = (*place(candidate.annotation, width, height, task.keys), partial)
    elif task.resize_shorter_side_px:
        image, width, height = pictures.shrink(image, task.resize_shorter_side_px, candidate.name)
    label = -1 if truth else candidate.label
    return Record(candidate.name, image, width, height, label, *truth, sha256=store.digest(image)), seen


def _write_note(path: Path, rows: dict[str, list], head: dict[str, Any]) -> None:
    """Write a note: whole or not there."""
    schema = NOTE.with_metadata({"head": json.dumps(head)})
    table = pa.table([pa.array(rows[field.name], field.type) for field in NOTE], schema=schema)
    with atomic(path) as part, open(part, "wb") as file, pa.ipc.new_file(file, schema) as writer:
        writer.write_table(table)
