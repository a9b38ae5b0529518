"""Cut a data set into pieces of work; open and check each piece's images and pack them into a shard with a note.

The cut depends only on the order of the images and the sizes of their files, so a shard's bytes do not depend on which
worker packs it, the number of workers, or what was packed before. The note is written after the shard, to another
folder: a shard with a note is done. It is an Arrow file: a row per packed image, for `look`, and a header of counts.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from googlenet.data import store
from googlenet.data.annotations import place
from googlenet.data.images import ImageInfo, check_image, shrink
from googlenet.data.records import Annotation, Candidate, Record
from googlenet.errors import UserError
from googlenet.metrics.base import Metrics
from googlenet.metrics.data import Shard
from googlenet.storage.files import atomic, sha256

# Fields of ImageInfo: properties of the original image file, before any resizing.
INFO = {"width": pa.int32(), "height": pa.int32(), "form": pa.string(), "bytes": pa.int64()}
INFO |= {"orientation": pa.int8(), "looks": pa.uint64()}
KNOWN = {"name": pa.string(), **INFO, "label": pa.int32(), "sha256": pa.binary(32)}
NOTE = pa.schema({**KNOWN, "boxes": pa.list_(pa.float32())})


@dataclass(frozen=True)
class Piece:
    """The images of one shard: shard `number` of `split`, with the sizes of their files in bytes."""

    split: str
    number: int
    candidates: list[Candidate]
    sizes: list[int]

    @property
    def name(self) -> str:
        """The shard's file name without its suffix."""
        return f"{self.split}-{self.number:05d}"

    def digest(self, scratch: Path) -> str:
        """SHA-256 of what is known about the unopened images, without the path of `scratch`, new in every run."""
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
    """Return an image file's size in bytes; 0 if it is missing, which is reported when it is opened."""
    if candidate.size >= 0:
        return candidate.size
    try:
        return candidate.path.stat().st_size
    except OSError:
        return 0


@dataclass(frozen=True)
class Task:
    """Settings shared by all pieces of a data set: checks, and the folders of the data set, notes and scratch files."""

    keys: list[str]  # class names as in the annotations
    min_side_px: int
    resize_shorter_side_px: int
    folder: Path
    notes: Path
    scratch: Path

    @property
    def shards(self) -> Path:
        """Where shards are written. They move to the data set's folder when all are done; until then its own stay."""
        return self.folder / "unfinished"

    def note(self, piece: Piece) -> Path:
        """Return the path of a piece's note."""
        return self.notes / f"{piece.name}.note"


class NoteHead(Metrics):
    """Header of a note, about the piece as a whole."""

    piece: str  # its digest
    row: Shard
    per_class: tuple[int, ...]
    refused: tuple[tuple[str, str], ...]  # name and reason
    kept: bool = False  # whether it was packed by an earlier run


def pack_shard(piece: Piece, task: Task, on_image: Callable[[], None]) -> NoteHead:
    """Write a piece's shard and note unless already done; return its header. Exceptions of `on_image()` abort it."""
    digest, shard, note = piece.digest(task.scratch), task.shards / f"{piece.name}.arrow", task.note(piece)
    if note.is_file() and (done := next((path for path in (shard, task.folder / shard.name) if path.is_file()), None)):
        head, _ = read_note(note)
        same = head.piece == digest and done.stat().st_size == head.row.bytes
        # Hashing a shard takes a fraction of the time of packing it, and detects damage from a power cut.
        if same and sha256(done) == head.row.sha256:
            return head.model_copy(update={"kept": True})
    rows: list[tuple[Any, ...]] = []
    refused: list[tuple[str, str]] = []
    per_class = [0] * len(task.keys)

    def records() -> Iterator[Record]:
        for candidate in piece.candidates:
            try:
                record, info = record_of(candidate, task)
            except UserError as error:
                refused.append((candidate.name, str(error)))
            else:
                for label in [record.label] if record.label >= 0 else record.box_labels:
                    per_class[label] += 1
                rows.append((record.name, *info, record.label, record.sha256, record.boxes.reshape(-1)))
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
    """Read a note's header and rows."""
    table = pa.ipc.open_file(path.read_bytes()).read_all()
    return NoteHead.model_validate_json(table.schema.metadata[b"head"]), table


def record_of(candidate: Candidate, task: Task) -> tuple[Record, ImageInfo]:
    """Open and check one image and its boxes. Raises UserError with the reason if it cannot be used."""
    try:
        image = candidate.read()
    except OSError as error:
        raise UserError(f"{candidate.name}: cannot be read ({error.strerror})") from error
    info = check_image(image, candidate.name)
    width, height = info.width, info.height
    if min(width, height) < (least := task.min_side_px):
        raise UserError(f"{candidate.name}: {width}x{height} px; sides below min_side_px ({least}) are too small")
    if candidate.annotation is not None:
        placed = _placed(candidate.annotation, info, task.keys)
        truth = (*placed, np.array(candidate.partial, np.int32))
        return Record(candidate.name, image, width, height, -1, *truth, sha256=store.digest(image)), info
    if task.resize_shorter_side_px:
        image, width, height = shrink(image, task.resize_shorter_side_px, candidate.name)
    return Record(candidate.name, image, width, height, candidate.label, sha256=store.digest(image)), info


def _placed(annotation: Annotation, info: ImageInfo, keys: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Place boxes in the upright image, as `place` does. The UserError says if they fit the image as stored."""
    width, height = info.width, info.height
    try:
        return place(annotation, width, height, keys)
    except UserError as error:
        states = annotation.size == (height, width)
        if info.orientation <= 4 or not (states or _fits(annotation, height, width, keys)):
            raise
        what = f"{'states the size of' if states else 'fits only'} the image as stored, {height}x{width} px"
        fix = "label it upright or, if its boxes are, correct the size" if states else "label it upright"
        turned = f"viewers turn it to {width}x{height} px"
        raise UserError(f"{annotation.file}: {what}; {turned}: {fix}, and check all images that EXIF turns") from error


def _fits(annotation: Annotation, width: int, height: int, keys: list[str]) -> bool:
    try:
        place(annotation, width, height, keys)
    except UserError:
        return False
    return True
