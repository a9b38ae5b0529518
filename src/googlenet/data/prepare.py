"""From a data set's settings to shards and a manifest: each picture opened and checked, bad ones left out.

A data set of a new layout is one reader module and one row of `READERS`.
"""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from googlenet.data import class_folders, coco, embedded, ilsvrc, ilsvrc_archives, voc
from googlenet.data.judge import Judge
from googlenet.data.records import SPLITS, Reading, Refused
from googlenet.errors import Stopped, UserError, nearest
from googlenet.files import write_json

READERS: dict[str, dict[str, ModuleType]] = {
    "classification": {
        "embedded": embedded,
        "class_folders": class_folders,
        "ilsvrc": ilsvrc,
        "ilsvrc_archives": ilsvrc_archives,
    },
    "detection": {
        "embedded": embedded,
        "voc": voc,
        "ilsvrc": ilsvrc,
        "ilsvrc_archives": ilsvrc_archives,
        "coco": coco,
    },
}
BLACKLISTS = {"classification": {"ilsvrc_archives"}, "detection": {"ilsvrc", "ilsvrc_archives"}}
KEYS = {
    "classification": {"validation_per_class", "resize_shorter_side_px", "blacklist"},
    "detection": {
        "box_origin",
        "images",
        "annotations",
        "lists",
        "classes",
        "pictures_without_objects",
        "crowd",
        "negatives",
        "blacklist",
    },
}
SHARED_KEYS = {"reader", "root", "splits", "about", "max_bad_fraction", "min_side_px", "shard_mb", "embedded"}


def check_source(kind: str, settings: dict) -> None:
    """See, before any job and opening no picture, that the data are there. UserErrors name the key."""
    key, wanted = f"dataset.{kind}", SHARED_KEYS | KEYS[kind]
    for name in sorted(settings.keys() - wanted):
        raise UserError(f"{key}.{name}: no such key{nearest(name, wanted)}")
    for name in sorted(wanted - settings.keys()):
        raise UserError(f"{key}.{name}: missing; every data set names it")
    for name, least in (("max_bad_fraction", 0), ("min_side_px", 1)):
        if settings[name] < least:
            raise UserError(f"{key}.{name}: {settings[name]}; needs {least} or more")
    if settings["shard_mb"] <= 0:
        raise UserError(f"{key}.shard_mb: {settings['shard_mb']}; needs more than 0")
    reader = _reader(kind, settings)
    if settings["blacklist"] and settings["reader"] not in BLACKLISTS[kind]:
        known = " and ".join(sorted(BLACKLISTS[kind]))
        raise UserError(f"{key}.blacklist: only {known} can have one; take it out")
    reader.check(kind, settings)


def prepare(
    kind: str,
    settings: dict,
    folder: Path | str,
    *,
    workers: int = 1,
    state: Path | None = None,
    stop: Callable[[], bool] = lambda: False,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Read, check and pack a data set into `folder`, named like it; return the manifest without its stamp.

    `state`: a folder of these very settings for notes of what is done (`state_of`); a run that was cut off goes on from
    them. Other folders beside it go. It is removed (`forget`) when the manifest is written. The result depends neither on it nor on `workers`. `stop` is asked
    often; `say` is given a line of progress every ten seconds.

    Raises UserError when the source is missing, too many files are bad (all that were found are listed in
    `folder`/quarantine.csv), or a class has nothing left in a split; Stopped when `stop()` says so; OSError naming the
    file for a full disk.
    """
    check_source(kind, settings)
    with tempfile.TemporaryDirectory(prefix="googlenet-") as temporary:
        scratch = Path(temporary) / "scratch"
        scratch.mkdir()
        reading = _reader(kind, settings).read(kind, settings, scratch)
        notes = _begun(state or Path(temporary) / "state" / "notes", Path(folder))
        return _packed(kind, settings, reading, Places(Path(folder), notes, scratch), workers, stop, say)


def prepare_to(
    manifest: Path,
    kind: str,
    settings: dict,
    stamp: str,
    workers: int,
    stop: Callable[[], bool],
    say: Callable[[str], None],
) -> dict[str, Any]:
    """`prepare` beside a manifest, which is written last, with notes on the way."""
    state = state_of(kind, manifest.parent.name, stamp)
    made = prepare(kind, settings, manifest.parent, workers=workers, state=state, stop=stop, say=say)
    write_json(manifest, made | {"stamp": stamp})
    forget(state)
    return made


class Places(NamedTuple):
    """The folders of one preparation."""

    shards: Path
    notes: Path
    scratch: Path


def state_of(kind: str, dataset: str, stamp: str) -> Path:
    """Where the notes of a preparation lie that has this stamp: outside of data/, for they are no content."""
    return Path(".googlenet/prepare") / kind / dataset / stamp[:16]


def told(manifest: dict[str, Any]) -> list[str]:
    """What the log says of a data set: what was left out, and what a person should not overlook."""
    from googlenet.data.look import warnings

    left_out = [f"left out: {item['split']}: {item['reason']}" for item in manifest["refused"]]
    return left_out + warnings(manifest["look"])


def forget(state: Path) -> None:
    """Remove the notes of a preparation whose manifest is written. Cut off half way, it costs a little time once."""
    shutil.rmtree(state, ignore_errors=True)


def _begun(notes: Path, folder: Path) -> Path:
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


def _packed(
    kind: str,
    settings: dict,
    reading: Reading,
    places: Places,
    workers: int,
    stop: Callable[[], bool],
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Pack what a reader found, judge it, and say what it is."""
    from googlenet.data import look, pieces, store
    from googlenet.data.pack import Task
    from googlenet.data.progress import Progress
    from googlenet.data.workers import packed

    splits = [split for split in SPLITS if split in reading.splits]
    work = [p for split in splits for p in pieces.cut(split, reading.splits[split], settings["shard_mb"])]
    shrink = settings.get("resize_shorter_side_px", 0)
    task = Task(reading.keys, settings["min_side_px"], shrink, *places)
    judge = Judge(kind, settings, reading, places.shards)
    heads: dict[int, dict] = {}
    try:
        judge.hear(reading.refused, len(reading.refused))
        for place, head in packed(work, task, workers, stop, Progress(work, say)):
            heads[place] = head
            refused = [Refused(work[place].split, *item) for item in head["refused"]]
            judge.hear(refused, len(work[place].candidates))
        of_split = {split: [heads[i] for i, p in enumerate(work) if p.split == split] for split in splits}
        rows = {split: _row(kind, found, len(reading.keys)) for split, found in of_split.items()}
        judge.end(rows)
    except Stopped:
        raise
    except UserError:
        # A person mends files now; one mended without another size would not be looked at again.
        for place, head in heads.items():
            if head["refused"]:
                task.note(work[place]).unlink()
        raise
    for split in SPLITS:
        store.remove_split(
            places.shards, split, {row["file"] for row in rows.get(split, {}).get("shards", [])}
        )
    refused = judge.refused()
    notes = {split: [task.note(piece) for piece in work if piece.split == split] for split in splits}
    return {
        "kind": kind,
        "dataset": places.shards.name,
        "classes": reading.classes,
        "class_keys": reading.keys,
        "splits": rows,
        "refused": [{"split": item.split, "name": item.name, "reason": item.reason} for item in refused],
        "look": look.look(notes, refused),
        "about": settings["about"] or reading.about,
    }


def _row(kind: str, heads: list[dict], classes: int) -> dict[str, Any]:
    """The manifest's row of a split."""
    per_class = [
        sum(counts) for counts in zip([0] * classes, *(head["per_class"] for head in heads), strict=True)
    ]
    shards = [head["row"] for head in heads]
    row = {"shards": shards, "records": sum(shard["records"] for shard in shards), "per_class": per_class}
    return row | ({"objects": sum(per_class)} if kind == "detection" else {})


def _reader(kind: str, settings: dict) -> ModuleType:
    name, readers = settings["reader"], READERS[kind]
    if name not in readers:
        raise UserError(f"dataset.{kind}.reader: no reader '{name}'{nearest(name, readers)}")
    return readers[name]
