"""Turn a data set's settings into shards and a manifest: open and check each image, leave out bad ones."""

import csv
import io
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, astuple, replace
from pathlib import Path
from typing import TYPE_CHECKING

from googlenet.config.schema.dataset import ClassificationSource, DataSource, Kind
from googlenet.data import readers
from googlenet.data.folders import held_out
from googlenet.data.records import SPLITS, Reading, Refused
from googlenet.errors import UserError
from googlenet.metrics.data import Manifest, PackedSplit, RefusedFile
from googlenet.storage.files import write_bytes
from googlenet.tracking.progress import note

if TYPE_CHECKING:  # checking a source must not import a decoder
    from googlenet.data.pack import NoteHead, Task

Stop = Callable[[], bool]
Say = Callable[[str], object]


def check_source(source: DataSource) -> None:
    """Check, before any job and without opening images, that the data exist. Raises UserError naming the key."""
    known = ["ilsvrc_archives"] if source.kind == "classification" else ["ilsvrc", "ilsvrc_archives"]
    if source.blacklist and source.reader not in known:
        raise UserError(f"{source.key}.blacklist: only {' and '.join(known)} can have one; take it out")
    readers.of(source).check(source)


def prepare(
    source: DataSource, folder: Path, *, workers: int = 1, state: Path | None = None, stop: Stop = bool
) -> Manifest:
    """Read, check and pack a data set into `folder`, which has its name; return the manifest without its stamp.

    `state`: a folder for notes of finished work (`state_of`), from which an interrupted run resumes; others are
    deleted. The result depends on neither `state` nor `workers`. `stop` is polled often.
    Raises UserError if the source is missing, too many files are bad (`folder`/quarantine.csv lists all), or a class
    has nothing left in a split; Stopped when `stop()` returns true; OSError naming the file for a full disk.
    """
    from googlenet.data.pack import Task

    check_source(source)
    with tempfile.TemporaryDirectory(prefix="googlenet-") as temporary:
        scratch = Path(temporary) / "scratch"
        scratch.mkdir()
        reading = _in_name_order(readers.of(source).read(source, scratch))
        if source.kind == "classification" and len(reading.keys) == 1:
            raise UserError(f"{source.key}: has one class, '{reading.classes[0]}'; a classifier needs two, add another")
        for line in reading.notes:
            note(line)
        notes = state or Path(temporary) / "state" / "notes"
        shrink = source.resize_shorter_side_px if isinstance(source, ClassificationSource) else 0
        task = Task(reading.keys, source.min_side_px, shrink, folder, notes, scratch)
        if not notes.is_dir():  # first delete what runs with other settings left unfinished
            for left in (task.shards, notes.parent):
                shutil.rmtree(left, ignore_errors=True)
            notes.mkdir(parents=True)
        task.shards.mkdir(parents=True, exist_ok=True)
        return _pack(source, reading, task, workers, stop)


def state_of(kind: Kind, dataset: str, stamp: str) -> Path:
    """Return the folder for notes of the preparation with this stamp: outside data/, as they are not data."""
    return Path(".googlenet/prepare") / kind / dataset / stamp[:16]


@contextmanager
def prepared(source: DataSource, folder: Path, stamp: str, workers: int, stop: Stop, say: Say) -> Iterator[Manifest]:
    """Run `prepare` for the job of this stamp. The block writes the manifest; the notes are deleted after it."""
    from googlenet.data.look import warnings

    state = state_of(source.kind, folder.name, stamp)
    made = prepare(source, folder, workers=workers, state=state, stop=stop)
    yield made
    shutil.rmtree(state, ignore_errors=True)  # an interruption here only costs a little time
    for line in [f"left out: {item.split}: {item.reason}" for item in made.refused] + warnings(made.look.duplicates):
        say(line)


def _in_name_order(reading: Reading) -> Reading:
    """Sort the images of every split, so that neither the file system nor the order of a list affects a result."""
    splits = {split: sorted(items, key=lambda item: item.name.split("/")) for split, items in reading.splits.items()}
    return replace(reading, splits=splits)


def _pack(source: DataSource, reading: Reading, task: "Task", workers: int, stop: Stop) -> Manifest:
    """Pack what a reader found, check it, and describe it in a manifest."""
    from googlenet.data import look, store
    from googlenet.data.pack import cut
    from googlenet.data.workers import pack_all

    names = [split for split in SPLITS if split in reading.splits]
    work = [piece for split in names for piece in cut(split, reading.splits[split], source.shard_mb)]
    log = _RefusalLog(source, reading, task.folder)
    heads: dict[int, NoteHead] = {}
    log.record(reading.refused, len(reading.refused))
    for place, head in pack_all(work, task, workers, stop):
        heads[place] = head
        log.record([Refused(work[place].split, *item) for item in head.refused], len(work[place].candidates))
    splits = {}
    for split in names:
        of_split = [heads[i] for i, piece in enumerate(work) if piece.split == split]
        splits[split] = _packed_split(source, of_split, len(reading.keys))
    log.close(splits)
    for split in SPLITS:
        store.replace_split(task.shards, task.folder, split, splits[split].shards if split in splits else ())
    shutil.rmtree(task.shards)
    left_out = log.refused()
    notes = {split: [task.note(piece) for piece in work if piece.split == split] for split in names}
    return Manifest(
        kind=source.kind,
        dataset=task.folder.name,
        classes=tuple(reading.classes),
        class_keys=tuple(reading.keys),
        splits=splits,
        refused=tuple(RefusedFile(**asdict(item)) for item in left_out),
        look=look.look(notes, left_out, reading.classes),
        about=source.about or reading.about,
    )


def _packed_split(source: DataSource, heads: list["NoteHead"], classes: int) -> PackedSplit:
    """Return the manifest's row of a split whose pieces are packed."""
    per_class = tuple(sum(head.per_class[label] for head in heads) for label in range(classes))
    shards, objects = tuple(head.row for head in heads), sum(per_class) if source.kind == "detection" else None
    return PackedSplit(shards=shards, records=sum(row.records for row in shards), per_class=per_class, objects=objects)


class _RefusalLog:
    """Records every refused image, keeps the list, and raises UserError once too many are bad."""

    def __init__(self, source: DataSource, reading: Reading, folder: Path):
        self._source, self._key, self._limit = source, source.key, source.max_bad_fraction
        self._classes, self._list = reading.classes, folder / "quarantine.csv"
        self._total = len(reading.refused) + sum(map(len, reading.splits.values()))
        self._refused: list[Refused] = []
        self._looked_at = 0
        self._list.unlink(missing_ok=True)  # an earlier run's

    def record(self, refused: list[Refused], looked_at: int) -> None:
        """Add refusals among `looked_at` more files. Raises UserError once the total exceeds the limit."""
        self._refused += refused
        self._looked_at += looked_at
        bad = len(self._refused)
        if bad > self._limit * self._total:
            self._write()
            first, percent = self.refused()[0], 100 * bad / self._total
            stopped = f" ({self._looked_at} looked at)" if self._looked_at < self._total else ""
            what = f"{bad} of {self._total} files{stopped} are bad ({percent:.2f} %)"
            fix = (
                f"correct or remove what {self._list} lists, or raise {self._key}.max_bad_fraction (now {self._limit})"
            )
            raise UserError(f"{self._key}: {what}, first in {first.split}: {first.reason}; {fix}")

    def close(self, splits: dict[str, PackedSplit]) -> None:
        """Write the list. Raises UserError if a split, or a class in it, has nothing left."""
        if self._refused:
            self._write()
        for name, split in splits.items():
            if not split.records:
                raise UserError(f"{self._key}.splits.{name}: no image left in {name}; add some")
            for class_name, count in zip(self._classes, split.per_class, strict=True):
                if not count:
                    key, fix = f"{self._key}.splits.{name}: nothing of class '{class_name}' there", "add some"
                    if not self._source.splits.of(name):
                        key = f"{held_out(self._source)[0]}: nothing of class '{class_name}' in what is held out"
                        fix = "raise it,"
                    raise UserError(f"{key}; {fix} or remove the class")

    def refused(self) -> list[Refused]:
        """Return all refusals, in an order that does not depend on the workers' timing."""
        return sorted(self._refused, key=lambda item: (SPLITS.index(item.split), item.name, item.reason))

    def _write(self) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([("split", "name", "reason"), *map(astuple, self.refused())])
        write_bytes(self._list, text.getvalue().encode("utf-8", "surrogateescape"))
