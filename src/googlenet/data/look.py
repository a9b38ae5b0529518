"""Summary of a data set to read before training on it, made only from the notes written while packing."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from googlenet.data.pack import read_note
from googlenet.data.records import Refused
from googlenet.metrics import data as m

QUANTILES_PERCENT = (0, 5, 25, 50, 75, 95, 100)
GROUPS_SHOWN, NAMES_SHOWN = 100, 10
SMALL_PX = (20, 32)  # sides below which an object is small: two pixels of a 224 px network's last map; COCO's


def look(notes: dict[str, list[Path]], refused: list[Refused]) -> m.Look:
    """Summarise a data set's contents and what was left out. `notes`: paths of each split's notes, in order."""
    tables = {}
    for split, paths in notes.items():
        tables[split] = pa.concat_tables([read_note(path)[1].replace_schema_metadata() for path in paths])
    splits, twice = {split: _of_split(table) for split, table in tables.items()}, duplicates(tables)
    return m.Look(quantiles_percent=QUANTILES_PERCENT, splits=splits, duplicates=twice, refused=reasons(refused))


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
        turned_by_exif=int(table.column("turned").to_numpy().sum()),
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


def duplicates(tables: dict[str, pa.Table]) -> m.Duplicates:
    """Find duplicate images, byte for byte or, across splits, by appearance: counts, and the first names."""
    splits = list(tables)
    whole = pa.concat_tables(tables.values())
    digests, looks, names = (whole.column(name).combine_chunks() for name in ("sha256", "looks", "name"))
    split = np.repeat(np.arange(len(splits)), [len(table) for table in tables.values()])
    exact = _same(np.frombuffer(digests.buffers()[1] or b"", "u8", count=4 * len(split)).reshape(-1, 4))
    inside = [group for group in exact if len(set(split[group])) == 1]
    across = [group for group in exact if len(set(split[group])) > 1]
    alike, of_exact = looks.to_numpy(), np.arange(len(split))
    for group in exact:
        of_exact[group] = group[0]
    likely = [
        group
        for group in _same(alike[:, None])
        if alike[group[0]] and len(set(split[group])) > 1 and len(set(of_exact[group])) > 1
    ]
    within = {
        name: _counted([part for group in exact if len(part := group[split[group] == place]) > 1])
        for place, name in enumerate(splits)
    }

    def image(place: int) -> m.ImageName:
        return m.ImageName(split=splits[split[place]], name=names[place].as_py())

    def named(groups: list[np.ndarray]) -> tuple[tuple[m.ImageName, ...], ...]:
        return tuple(tuple(image(int(i)) for i in group[:NAMES_SHOWN]) for group in groups[:GROUPS_SHOWN])

    examples = m.DuplicateExamples(within=named(inside), across=named(across), likely_across=named(likely))
    return m.Duplicates(within=within, across=_counted(across), likely_across=_counted(likely), shown=examples)


def _counted(groups: list[np.ndarray]) -> m.Groups:
    return m.Groups(groups=len(groups), pictures=sum(map(len, groups)))


def _same(keys: np.ndarray) -> list[np.ndarray]:
    """Group equal rows of uint64 [n, k], each group in order, sorted by first index; unique rows form no group."""
    if not len(keys):
        return []
    order = np.lexsort(keys.T[::-1])  # stable: equal rows stay in order
    ordered = keys[order]
    ends = np.flatnonzero(np.append((ordered[1:] != ordered[:-1]).any(axis=1), True)) + 1
    starts = np.append(0, ends[:-1])
    several = np.flatnonzero(ends - starts > 1)
    return sorted((order[starts[i] : ends[i]] for i in several), key=lambda group: group[0])


def reasons(refused: Iterable[Refused]) -> tuple[m.RefusalCount, ...]:
    """Count the refusals by split and kind of reason, the most frequent first."""
    counts = Counter((item.split, kind_of(item.reason)) for item in refused)
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return tuple(m.RefusalCount(split=split, kind=kind, count=count) for (split, kind), count in ordered)


def kind_of(reason: str) -> str:
    """Strip from a reason what is specific to one file: its name, text in brackets or quotes, numbers."""
    text = reason.split(": ", 1)[-1]
    for pattern, shown in ((r"\(.*\)", "(…)"), (r"'[^']*'", "'…'"), (r"\w*\d[\w.,]*", "…")):
        text = re.sub(pattern, shown, text)
    return text


def warnings(found: m.Duplicates) -> list[str]:
    """Return warnings that the user should not overlook, one line each."""
    across = (found.across.groups, "in more than one split, byte for byte: test counts too well")
    likely = (found.likely_across.groups, "likely in more than one split (copies that look alike)")
    return [
        f"warning: {count:,} {'image is' if count == 1 else 'images are'} {what}; see look.duplicates in the manifest"
        for count, what in (across, likely)
        if count
    ]
