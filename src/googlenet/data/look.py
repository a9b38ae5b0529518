"""What a person should see of a data set before training on it: sizes, kinds of files, duplicates, boxes, refusals.

All of it comes from the notes that packing left, in the order of the data set; so it is the same however the work was
cut and shared.
"""

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from googlenet.data.pack import read_note
from googlenet.data.records import Refused
from googlenet.metrics.data import (
    DuplicateExamples,
    Duplicates,
    Groups,
    ImageName,
    Look,
    ObjectSizes,
    RefusalCount,
    SplitLook,
)

QUANTILES_PERCENT = (0, 5, 25, 50, 75, 95, 100)
GROUPS_SHOWN, NAMES_SHOWN = 100, 10
SMALL_PX = (20, 32)  # sides below which an object is small: two pixels of a 224 px network's last map; COCO's


def look(notes: dict[str, list[Path]], refused: list[Refused]) -> Look:
    """What is in a data set, and what was left out. `notes`: paths of each split's notes, in order."""
    tables = {split: _table(paths) for split, paths in notes.items()}
    return Look(
        quantiles_percent=QUANTILES_PERCENT,
        splits={split: _of_split(table) for split, table in tables.items()},
        duplicates=duplicates(tables),
        refused=reasons(refused),
    )


def _table(paths: list[Path]) -> pa.Table:
    return pa.concat_tables([read_note(path)[1].replace_schema_metadata() for path in paths])


def _quantiles(values: np.ndarray) -> tuple[int, ...]:
    """Whole numbers that occur, at QUANTILES_PERCENT."""
    return tuple(map(round, np.percentile(values, QUANTILES_PERCENT, method="nearest").tolist()))


def _rounded_quantiles(values: np.ndarray, digits: int) -> tuple[float, ...]:
    """Numbers that occur, at QUANTILES_PERCENT, rounded."""
    exact = np.percentile(values, QUANTILES_PERCENT, method="nearest").tolist()
    return tuple(round(value, digits) for value in exact)


def _of_split(table: pa.Table) -> SplitLook:
    """Sizes and kinds of a split's images, as they came; resizing comes after."""
    width, height, size = (table.column(name).to_numpy() for name in ("width", "height", "bytes"))
    forms = pc.value_counts(table.column("form").combine_chunks()).to_pylist()
    return SplitLook(
        pictures=len(table),
        forms={row["values"]: row["counts"] for row in forms},
        turned_by_exif=int(table.column("turned").to_numpy().sum()),
        width_px=_quantiles(width),
        height_px=_quantiles(height),
        shorter_side_px=_quantiles(np.minimum(width, height)),
        megapixels=_rounded_quantiles(width / 1e6 * height, 3),
        bytes=_quantiles(size),
        objects=_objects(table),
    )


def _objects(table: pa.Table) -> ObjectSizes | None:
    """Sizes, shapes and number of a split's objects; None where there is none."""
    lists = table.column("boxes").combine_chunks()
    boxes = pc.list_flatten(lists).to_numpy().reshape(-1, 4).astype(np.float64)
    if not len(boxes):
        return None
    sides = boxes[:, 2:] - boxes[:, :2] + 1
    side = np.sqrt(sides.prod(axis=1))
    return ObjectSizes(
        count=len(boxes),
        in_a_picture=_quantiles(pc.list_value_length(lists).to_numpy() // 4),
        side_px=_rounded_quantiles(side, 1),
        width_over_height=_rounded_quantiles(sides[:, 0] / sides[:, 1], 3),
        smaller_percent={str(px): round(100 * float((side < px).mean()), 2) for px in SMALL_PX},
    )


def duplicates(tables: dict[str, pa.Table]) -> Duplicates:
    """Images that are there twice: byte for byte, within and across splits; and those across that look the same.

    Of all such groups the counts are given, of the first GROUPS_SHOWN the names.
    """
    splits = list(tables)
    columns = {
        name: pa.chunked_array([c for t in tables.values() for c in t.column(name).chunks]).combine_chunks()
        for name in ("sha256", "looks", "name")
    }
    split = np.repeat(np.arange(len(splits)), [len(table) for table in tables.values()])
    raw = np.frombuffer(columns["sha256"].buffers()[1] or b"", "u8", count=4 * len(split)).reshape(-1, 4)
    exact = _same(raw)
    across = [group for group in exact if len(set(split[group])) > 1]
    alike = columns["looks"].to_numpy()
    of_exact = np.arange(len(split))
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

    def image(place: int) -> ImageName:
        return ImageName(split=splits[split[place]], name=columns["name"][place].as_py())

    def named(groups: list[np.ndarray]) -> tuple[tuple[ImageName, ...], ...]:
        return tuple(tuple(image(int(i)) for i in group[:NAMES_SHOWN]) for group in groups[:GROUPS_SHOWN])

    inside = [group for group in exact if len(set(split[group])) == 1]
    examples = DuplicateExamples(within=named(inside), across=named(across), likely_across=named(likely))
    return Duplicates(within=within, across=_counted(across), likely_across=_counted(likely), shown=examples)


def _counted(groups: list[np.ndarray]) -> Groups:
    return Groups(groups=len(groups), pictures=sum(map(len, groups)))


def _same(keys: np.ndarray) -> list[np.ndarray]:
    """Groups of equal rows of uint64 [n, k], each in order, by the place of their first; rows alone are no group."""
    if not len(keys):
        return []
    order = np.lexsort(keys.T[::-1])  # stable: equal rows stay in order
    ordered = keys[order]
    ends = np.flatnonzero(np.append((ordered[1:] != ordered[:-1]).any(axis=1), True)) + 1
    starts = np.append(0, ends[:-1])
    several = np.flatnonzero(ends - starts > 1)
    return sorted((order[starts[i] : ends[i]] for i in several), key=lambda group: group[0])


def reasons(refused: Iterable[Refused]) -> tuple[RefusalCount, ...]:
    """How many were left out of each split for each kind of reason, the most frequent first."""
    counts: dict[tuple[str, str], int] = {}
    for item in refused:
        key = (item.split, kind_of(item.reason))
        counts[key] = counts.get(key, 0) + 1
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return tuple(RefusalCount(split=split, kind=kind, count=count) for (split, kind), count in ordered)


def kind_of(reason: str) -> str:
    """A reason without what belongs to one file alone: its name, what stands in brackets or quotes, numbers."""
    text = reason.split(": ", 1)[-1]
    text = re.sub(r"\(.*\)", "(…)", text)
    text = re.sub(r"'[^']*'", "'…'", text)
    return re.sub(r"\w*\d[\w.,]*", "…", text)


def warnings(found: Duplicates) -> list[str]:
    """What a person should not overlook, one line each."""
    across, likely = found.across.groups, found.likely_across.groups
    lines = []
    if across:
        lines.append(f"{_pictures_are(across)} in more than one split, byte for byte: test counts too well")
    if likely:
        lines.append(f"{_pictures_are(likely)} likely in more than one split (copies that look alike)")
    return [f"warning: {line}; see look.duplicates in the manifest" for line in lines]


def _pictures_are(count: int) -> str:
    return f"{count:,} {'picture is' if count == 1 else 'pictures are'}"
