"""From a data set's settings to shards and a manifest: each image opened and checked, bad ones left out."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from googlenet.config.schema.dataset import ClassificationSource, DataSource, Kind
from googlenet.data import readers
from googlenet.data.records import SPLITS, Reading, Refused
from googlenet.data.refusals import RefusalLog
from googlenet.errors import Stopped, UserError
from googlenet.metrics.data import Manifest, PackedSplit, RefusedFile

if TYPE_CHECKING:  # checking a source waits for no decoder
    from googlenet.data.pack import NoteHead

BLACKLISTS: dict[Kind, set[str]] = {
    "classification": {"ilsvrc_archives"},
    "detection": {"ilsvrc", "ilsvrc_archives"},
}


def check_source(source: DataSource) -> None:
    """See, before any job and opening no image, that the data are there. UserErrors name the key."""
    if source.blacklist and source.reader not in BLACKLISTS[source.kind]:
        known = " and ".join(sorted(BLACKLISTS[source.kind]))
        raise UserError(f"{source.key}.blacklist: only {known} can have one; take it out")
    readers.of(source).check(source)


def prepare(
    source: DataSource,
    folder: Path | str,
    *,
    workers: int = 1,
    state: Path | None = None,
    stop: Callable[[], bool] = lambda: False,
    say: Callable[[str], None] = lambda line: None,
) -> Manifest:
    """Read, check and pack a data set into `folder`, named like it; return the manifest without its stamp.

    `state`: a folder of these very settings for notes of what is done (`state_of`); a run that was cut off goes on from
    them. Other folders beside it go. It is removed (`forget`) when the manifest is written. The result depends neither on
    it nor on `workers`. `stop` is asked often; `say` is given a line of progress every ten seconds.

    Raises UserError when the source is missing, too many files are bad (all that were found are listed in
    `folder`/quarantine.csv), or a class has nothing left in a split; Stopped when `stop()` says so; OSError naming the
    file for a full disk.
    """
    check_source(source)
    with tempfile.TemporaryDirectory(prefix="googlenet-") as temporary:
        scratch = Path(temporary) / "scratch"
        scratch.mkdir()
        reading = readers.of(source).read(source, scratch)
        notes = _notes_folder(state or Path(temporary) / "state" / "notes", Path(folder))
        return _pack(source, reading, Places(Path(folder), notes, scratch), workers, stop, say)


class Places(NamedTuple):
    """The folders of one preparation."""

    shards: Path
    notes: Path
    scratch: Path


def state_of(kind: Kind, dataset: str, stamp: str) -> Path:
    """Where the notes of a preparation lie that has this stamp: outside of data/, for they are no content."""
    return Path(".googlenet/prepare") / kind / dataset / stamp[:16]


@contextmanager
def prepared(
    source: DataSource,
    folder: Path,
    stamp: str,
    workers: int,
    stop: Callable[[], bool],
    say: Callable[[str], None],
) -> Iterator[Manifest]:
    """`prepare` for the job of this stamp. The block writes the manifest; after it the notes go."""
    state = state_of(source.kind, folder.name, stamp)
    made = prepare(source, folder, workers=workers, state=state, stop=stop, say=say)
    yield made
    forget(state)
    for line in log_lines(made):
        say(line)


def log_lines(manifest: Manifest) -> list[str]:
    """What the log says of a data set: what was left out, and what a person should not overlook."""
    from googlenet.data.look import warnings

    left_out = [f"left out: {item.split}: {item.reason}" for item in manifest.refused]
    return left_out + warnings(manifest.look.duplicates)


def forget(state: Path) -> None:
    """Remove the notes of a preparation whose manifest is written. Cut off half way, it costs a little time once."""
    shutil.rmtree(state, ignore_errors=True)


def _notes_folder(notes: Path, folder: Path) -> Path:
    """Make the folder of notes; where there is none, what other settings left behind goes first."""
    from googlenet.data import store

    folder.mkdir(parents=True, exist_ok=True)
    if not notes.is_dir():
        for split in SPLITS:
            store.remove_split(folder, split)
        if notes.parent.is_dir():
            shutil.rmtree(notes.parent)
        notes.mkdir(parents=True)
    return notes


def _pack(
    source: DataSource,
    reading: Reading,
    places: Places,
    workers: int,
    stop: Callable[[], bool],
    say: Callable[[str], None],
) -> Manifest:
    """Pack what a reader found, judge it, and say what it is."""
    from googlenet.data import look, pieces, store
    from googlenet.data.pack import Task
    from googlenet.data.progress import Progress
    from googlenet.data.workers import pack_all

    names = [split for split in SPLITS if split in reading.splits]
    work = [p for split in names for p in pieces.cut(split, reading.splits[split], source.shard_mb)]
    shrink = source.resize_shorter_side_px if isinstance(source, ClassificationSource) else 0
    task = Task(reading.keys, source.min_side_px, shrink, *places)
    log = RefusalLog(source, reading, places.shards)
    heads: dict[int, NoteHead] = {}
    try:
        log.record(reading.refused, len(reading.refused))
        for place, head in pack_all(work, task, workers, stop, Progress(work, say)):
            heads[place] = head
            refused = [Refused(work[place].split, *item) for item in head.refused]
            log.record(refused, len(work[place].candidates))
        of_split = {split: [heads[i] for i, p in enumerate(work) if p.split == split] for split in names}
        splits = {split: _packed_split(source, found, len(reading.keys)) for split, found in of_split.items()}
        log.close(splits)
    except Stopped:
        raise
    except UserError:
        # A person mends files now; one mended without another size would not be looked at again.
        for place, head in heads.items():
            if head.refused:
                task.note(work[place]).unlink()
        raise
    for split in SPLITS:
        kept = splits[split].shards if split in splits else ()
        store.remove_split(places.shards, split, {shard.file for shard in kept})
    left_out = log.refused()
    notes = {split: [task.note(piece) for piece in work if piece.split == split] for split in names}
    return Manifest(
        kind=source.kind,
        dataset=places.shards.name,
        classes=tuple(reading.classes),
        class_keys=tuple(reading.keys),
        splits=splits,
        refused=tuple(RefusedFile(split=item.split, name=item.name, reason=item.reason) for item in left_out),
        look=look.look(notes, left_out),
        about=source.about or reading.about,
    )


def _packed_split(source: DataSource, heads: list["NoteHead"], classes: int) -> PackedSplit:
    """The manifest's row of a split, whose pieces are packed."""
    counts = ((0,) * classes, *(head.per_class for head in heads))
    per_class = tuple(sum(each) for each in zip(*counts, strict=True))
    return PackedSplit(
        shards=tuple(head.row for head in heads),
        records=sum(head.row.records for head in heads),
        per_class=per_class,
        objects=sum(per_class) if source.kind == "detection" else None,
    )
