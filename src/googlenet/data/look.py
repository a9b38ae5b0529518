"""Summary of a data set to read before training on it, made solely from the notes written during packing."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from googlenet.data.pack import read_note
from googlenet.data.records import Refused
from googlenet.errors import printable
from googlenet.metrics import data as m

QUANTILES_PERCENT = (0, 5, 25, 50, 75, 95, 100)
GROUPS_SHOWN, NAMES_SHOWN = 100, 10  # in the manifest
GROUPS_LOGGED, NAMES_LOGGED = 10, 3
SMALL_PX = (20, 32)  # sides of small objects: below the narrowest proposals of R-CNN; below COCO's limit


def look(notes: dict[str, list[Path]], refused: list[Refused], classes: Sequence[str]) -> m.Look:
    """Summarise a data set's contents and refused files. `notes`: paths of each split's notes, in order."""
    tables = {
        split: pa.concat_tables([read_note(path)[1].replace_schema_metadata() for path in paths])
        for split, paths in notes.items()
    }
    return m.Look(
        quantiles_percent=QUANTILES_PERCENT,
        splits={split: _of_split(table) for split, table in tables.items()},
        duplicates=duplicates(tables, classes),
        refused=reasons(refused),
    )


def _quantiles(values: np.ndarray, digits: int | None = None) -> tuple[Any, ...]:
    """Return the observed values at QUANTILES_PERCENT, rounded to `digits` decimals, by default to integers."""
    exact = np.percentile(values, QUANTILES_PERCENT, method="nearest").tolist()
    return tuple(round(value, digits) for value in exact)


def _of_split(table: pa.Table) -> m.SplitLook:
    """Summarise the sizes and kinds of a split's original images, before resizing."""
    width, height, size = (table.column(name).to_numpy() for name in ("width", "height", "bytes"))
    forms = pc.value_counts(table.column("form").combine_chunks()).to_pylist()
    return m.SplitLook(
        pictures=len(table),
        forms={row["values"]: row["counts"] for row in forms},
        turned_by_exif=int((table.column("orientation").to_numpy() != 1).sum()),
        width_px=_quantiles(width),
        height_px=_quantiles(height),
        shorter_side_px=_quantiles(np.minimum(width, height)),
        megapixels=_quantiles(width / 1e6 * height, 3),
        bytes=_quantiles(size),
        objects=_objects(table),
    )


def _objects(table: pa.Table) -> m.ObjectSizes | None:
    """Summarise sizes, shapes and number of a split's objects; None if there are none."""
    lists = table.column("boxes").combine_chunks()
    boxes = pc.list_flatten(lists).to_numpy().reshape(-1, 4).astype(np.float64)
    if not len(boxes):
        return None
    sides = boxes[:, 2:] - boxes[:, :2] + 1
    side = np.sqrt(sides.prod(axis=1))
    return m.ObjectSizes(
        count=len(boxes),
        in_a_picture=_quantiles(pc.list_value_length(lists).to_numpy() // 4),
        side_px=_quantiles(side, 1),
        width_over_height=_quantiles(sides[:, 0] / sides[:, 1], 3),
        smaller_percent={str(px): round(100 * float((side < px).mean()), 2) for px in SMALL_PX},
    )


def duplicates(tables: dict[str, pa.Table], classes: Sequence[str]) -> m.Duplicates:
    """Find duplicate images, byte for byte or, across splits, by appearance: counts, and the first names."""
    splits, table = list(tables), pa.concat_tables(tables.values())
    names, looks, labels = table.column("name"), table.column("looks").to_numpy(), table.column("label").to_numpy()
    split_of = np.repeat(np.arange(len(splits)), [len(part) for part in tables.values()])
    exact = _equal(table.column("sha256"))
    first = np.arange(len(table))  # of the images with the same bytes
    for group in exact:
        first[group] = group[0]

    def is_across(group: np.ndarray) -> bool:
        return len(set(split_of[group])) > 1

    def named(groups: list[np.ndarray]) -> tuple[tuple[m.ImageName, ...], ...]:
        return tuple(tuple(map(image, group[:NAMES_SHOWN].tolist())) for group in groups[:GROUPS_SHOWN])

    def image(index: int) -> m.ImageName:
        return m.ImageName(split=splits[split_of[index]], name=names[index].as_py())

    def labelled(index: int) -> m.LabelledImage:
        return m.LabelledImage(**image(index).model_dump(), label=classes[labels[index]])

    def first_of_classes(group: np.ndarray) -> list[int]:
        """Return a group's first images, beginning with one of each class, so that few names show all classes."""
        seen = group[np.sort(np.unique(labels[group], return_index=True)[1])]
        return [*seen, *np.setdiff1d(group, seen)][:NAMES_SHOWN]

    two = [group for group in exact if len(set(labels[group])) > 1]
    across = [group for group in exact if is_across(group)]
    alike = [group for group in _equal(table.column("looks")) if looks[group[0]] and is_across(group)]
    likely = [group for group in alike if len(set(first[group])) > 1]
    within = {
        name: _counted([part for group in exact if len(part := group[split_of[group] == number]) > 1])
        for number, name in enumerate(splits)
    }
    inside = [group for group in exact if not is_across(group)]
    examples = m.DuplicateExamples(
        within=named(inside),
        across=named(across),
        likely_across=named(likely),
        across_classes=tuple(tuple(map(labelled, first_of_classes(group))) for group in two[:GROUPS_SHOWN]),
    )
    counts = {"across": _counted(across), "likely_across": _counted(likely), "across_classes": _counted(two)}
    return m.Duplicates(within=within, **counts, shown=examples)


def _counted(groups: list[np.ndarray]) -> m.Groups:
    return m.Groups(groups=len(groups), pictures=sum(map(len, groups)))


def _equal(column: pa.ChunkedArray) -> list[np.ndarray]:
    """Return groups of indices of equal values, sorted, ordered by first index; unique values form no group."""
    rows = pa.table({"value": column, "index": np.arange(len(column))}).group_by("value", use_threads=False)
    groups = rows.aggregate([("index", "list"), ("index", "count")]).filter(pc.field("index_count") > 1)
    return sorted(map(np.array, groups["index_list"].to_pylist()), key=lambda group: group[0])


def reasons(refused: Iterable[Refused]) -> tuple[m.RefusalCount, ...]:
    """Count the refusals by split and kind of reason, the most frequent first."""
    counts = Counter((item.split, kind_of(item.reason)) for item in refused)
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return tuple(m.RefusalCount(split=split, kind=kind, count=count) for (split, kind), count in ordered)


def kind_of(reason: str) -> str:
    """Remove from a reason what is specific to one file: its name, text in brackets or quotes, numbers."""
    text = reason.split(": ", 1)[-1]
    for pattern, shown in ((r"\(.*\)", "(…)"), (r"'[^']*'", "'…'"), (r"\w*\d[\w.,]*", "…")):
        text = re.sub(pattern, shown, text)
    return text


def warnings(duplicates: m.Duplicates) -> list[str]:
    """Return warnings that the user should not overlook, one line each."""
    across = (duplicates.across.groups, "in more than one split, byte for byte: test counts too well")
    likely = (duplicates.likely_across.groups, "likely in more than one split (copies that look alike)")
    classes = (duplicates.across_classes.groups, "in more than one class, byte for byte: only one label can be right")
    lines = [
        f"warning: {count:,} {'image is' if count == 1 else 'images are'} {what}; see look.duplicates in the manifest"
        for count, what in (across, likely, classes)
        if count
    ]
    for group in duplicates.shown.across_classes[:GROUPS_LOGGED]:
        more = "" if len(group) <= NAMES_LOGGED else " = ..."
        lines.append(printable(f"in several classes: {' = '.join(map(str, group[:NAMES_LOGGED]))}{more}"))
    return lines
