"""Cut a data set into pieces of work; open and check each piece's images and pack them into a shard with a note.

The cut depends only on the order of the images and the sizes of their files, so a shard's bytes do not depend on which
worker packs it, the number of workers, or what was packed before. The note is written after the shard, to another
folder: a shard with a note is done. It is an Arrow file: a row per packed image, for `look`, and a header of counts.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

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
    """The images of one shard: shard `number` of `split`, with the state of their files."""

    split: str
    number: int
    candidates: list[Candidate]
    files: list["FileState"]

    @property
    def name(self) -> str:
        """The shard's file name without its suffix."""
        return f"{self.split}-{self.number:05d}"

    def digest(self, task: "Task") -> str:
        """SHA-256 of the classes and of what is known about the unopened images. The files of `task.scratch` are new in
        every run: their path and time do not count."""
        digest = hashlib.sha256(f"{task.keys!r}\n".encode("utf-8", "surrogateescape"))
        for item, file in zip(self.candidates, self.files, strict=True):
            path, offset = item.place
            place: tuple[str, int] = (str(path), file.modified_ns)
            if path.is_relative_to(task.scratch):
                place = str(path.relative_to(task.scratch)), 0
            known = (item.name, *place, offset, file.size, item.label, item.annotation, item.partial)
            digest.update(f"{known!r}\n".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()


class FileState(NamedTuple):
    """An image's number of bytes, and when its file or archive was modified; zeros if it is missing."""

    size: int
    modified_ns: int


def cut(split: str, candidates: list[Candidate], shard_mb: float) -> Iterator[Piece]:
    """Cut a split in order, closing each piece once its files reach `shard_mb` * 10**6 bytes."""
    start, total, number = 0, 0, 0
    files: list[FileState] = []
    archives: dict[Path, FileState] = {}
    for end, item in enumerate(candidates, start=1):
        files.append(state_of(item, archives))
        total += files[-1].size
        if total >= shard_mb * 1e6 or end == len(candidates):
            yield Piece(split, number, candidates[start:end], files)
            start, total, number, files = end, 0, number + 1, []


def state_of(candidate: Candidate, archives: dict[Path, FileState]) -> FileState:
    """Return the state of an image's file; a missing one is reported when it is opened. archives: those already seen."""
    if candidate.size < 0:
        return _file_state(candidate.path)
    if candidate.path not in archives:
        archives[candidate.path] = _file_state(candidate.path)
    return FileState(candidate.size, archives[candidate.path].modified_ns)


def _file_state(path: Path) -> FileState:
    try:
        found = path.stat()
    except OSError:
        return FileState(0, 0)
    return FileState(found.st_size, found.st_mtime_ns)


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
    digest, shard, note = piece.digest(task), task.shards / f"{piece.name}.arrow", task.note(piece)
    if note.is_file() and (done := next((path for path in (shard, task.folder / shard.name) if path.is_file()), None)):
        head, _ = read_note(note)
        # A refused image is opened again: it may be readable now, though neither its size nor its time has changed.
        same = head.piece == digest and not head.refused and done.stat().st_size == head.row.bytes
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
