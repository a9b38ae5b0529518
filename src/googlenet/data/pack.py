"""A data set cut into pieces of work; a piece's pictures opened, checked and packed into a shard, with a note.

The cut depends on the order of the pictures and the sizes of their files alone, so a shard's bytes do not depend on who
packs it, how many pack at once, or what was packed before. The note is written after the shard and lies elsewhere: a
shard with its note is done. It is an Arrow file of a row for each picture packed, for `look`, with a head of counts.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from googlenet.data import pictures, store
from googlenet.data.annotations import place
from googlenet.data.records import Candidate, Record
from googlenet.errors import UserError
from googlenet.metrics.base import Metrics
from googlenet.metrics.data import Shard
from googlenet.storage.files import atomic, sha256

# What is seen of a picture as it came, before any resizing.
SIDES = {"width": pa.int32(), "height": pa.int32()}
SEEN = {**SIDES, "form": pa.string(), "bytes": pa.int64(), "turned": pa.bool_(), "looks": pa.uint64()}
NOTE = pa.schema({"name": pa.string(), **SEEN, "sha256": pa.binary(32), "boxes": pa.list_(pa.float32())})


@dataclass(frozen=True)
class Piece:
    """The pictures of one shard: shard `number` of `split`, with the sizes of their files in bytes."""

    split: str
    number: int
    candidates: list[Candidate]
    sizes: list[int]

    @property
    def name(self) -> str:
        """The shard's name without its ending."""
        return f"{self.split}-{self.number:05d}"

    def digest(self, scratch: Path) -> str:
        """SHA-256 of what is known of the pictures unopened, without the name of `scratch`, new in every run."""
        digest = hashlib.sha256()
        for item, size in zip(self.candidates, self.sizes, strict=True):
            path, offset = item.place
            shown = path.relative_to(scratch) if path.is_relative_to(scratch) else path
            known = (item.name, str(shown), offset, size, item.label, item.annotation, item.partial)
            digest.update(f"{known!r}\n".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()


def cut(split: str, candidates: list[Candidate], shard_mb: float) -> Iterator[Piece]:
    """Cut a split in order, closing each piece once its files reach `shard_mb` * 10**6 bytes."""
    start, total, number, sizes = 0, 0, 0, []
    for end, item in enumerate(candidates, start=1):
        sizes.append(size_of(item))
        total += sizes[-1]
        if total >= shard_mb * 1e6 or end == len(candidates):
            yield Piece(split, number, candidates[start:end], sizes)
            start, total, number, sizes = end, 0, number + 1, []


def size_of(candidate: Candidate) -> int:
    """Bytes of a picture's file; 0 for one that is not there, which is told when it is opened."""
    if candidate.size >= 0:
        return candidate.size
    try:
        return candidate.path.stat().st_size
    except OSError:
        return 0


@dataclass(frozen=True)
class Task:
    """What all pieces of a data set have in common: the checks, and the folders of shards, notes and scratch files."""

    keys: list[str]  # names of the classes as the annotations have them
    min_side_px: int
    resize_shorter_side_px: int
    shards: Path
    notes: Path
    scratch: Path

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


def pack_shard(piece: Piece, task: Task, on_image: Callable[[], None]) -> NoteHead:
    """Write a piece's shard and note, or find them done; return its head. What `on_image()` raises ends the work."""
    digest, shard, note = piece.digest(task.scratch), task.shards / f"{piece.name}.arrow", task.note(piece)
    if note.is_file() and shard.is_file():
        head, _ = read_note(note)
        same = head.piece == digest and shard.stat().st_size == head.row.bytes
        # Reading the shard takes a small part of the time of packing it, and finds what a power cut left of it.
        if same and sha256(shard) == head.row.sha256:
            return head.model_copy(update={"kept": True})
    rows: list[tuple[Any, ...]] = []
    refused: list[tuple[str, str]] = []
    per_class = [0] * len(task.keys)

    def records() -> Iterator[Record]:
        for candidate in piece.candidates:
            try:
                record, seen = record_of(candidate, task)
            except UserError as error:
                refused.append((candidate.name, str(error)))
            else:
                for label in [record.label] if record.label >= 0 else record.box_labels:
                    per_class[label] += 1
                rows.append((record.name, *seen, record.sha256, record.boxes.reshape(-1)))
                yield record
            on_image()

    row = store.write_shard(shard, records())
    head = NoteHead(piece=digest, row=row, per_class=tuple(per_class), refused=tuple(refused))
    schema = NOTE.with_metadata({"head": head.model_dump_json()})
    columns = [pa.array([row[i] for row in rows], field.type) for i, field in enumerate(NOTE)]
    with atomic(note) as part, open(part, "wb") as file, pa.ipc.new_file(file, schema) as writer:
        writer.write_table(pa.table(columns, schema=schema))
    return head


def read_note(path: Path) -> tuple[NoteHead, pa.Table]:
    """A note's head and rows."""
    table = pa.ipc.open_file(path.read_bytes()).read_all()
    return NoteHead.model_validate_json(table.schema.metadata[b"head"]), table


def record_of(candidate: Candidate, task: Task) -> tuple[Record, pictures.Seen]:
    """Open and check one picture and its boxes. Raises UserError with the reason why it cannot be used."""
    try:
        image = candidate.read()
    except OSError as error:
        raise UserError(f"{candidate.name}: cannot be read ({error.strerror})") from error
    seen = pictures.check_picture(image, candidate.name)
    width, height = seen.width, seen.height
    if min(width, height) < (least := task.min_side_px):
        raise UserError(f"{candidate.name}: {width}x{height} px; sides below min_side_px ({least}) are too small")
    if candidate.annotation is not None:
        boxes, labels, difficult = place(candidate.annotation, width, height, task.keys)
        truth = (boxes, labels, difficult, np.array(candidate.partial, np.int32))
        return Record(candidate.name, image, width, height, -1, *truth, sha256=store.digest(image)), seen
    if task.resize_shorter_side_px:
        image, width, height = pictures.shrink(image, task.resize_shorter_side_px, candidate.name)
    return Record(candidate.name, image, width, height, candidate.label, sha256=store.digest(image)), seen
