"""Tables of a prepared data set, from its manifest: splits, sizes, kinds of files, duplicates, objects, what was refused."""

from collections.abc import Mapping, Sequence

from googlenet.metrics.data import Groups, ImageName, Manifest, ObjectSizes, SplitLook
from googlenet.report.parts import Column, Row, Table
from googlenet.report.words import NONE, between, count, decimal, in_order

ROWS_SHOWN = 5  # of examples of duplicates
SIZES = (
    ("width_px", "Width, px", 0),
    ("height_px", "Height, px", 0),
    ("shorter_side_px", "Shorter side, px", 0),
    ("megapixels", "Megapixels", 2),
    ("bytes", "Bytes of the file", 0),
)
OBJECT_SIZES = (
    ("in_a_picture", "Objects in a picture", 0),
    ("side_px", "Side (square root of the area), px", 0),
    ("width_over_height", "Width over height", 2),
)


def tables(manifest: Manifest) -> tuple[Table, ...]:
    """All that is to be said of one data set."""
    made = [splits(manifest), sizes(manifest), objects(manifest), forms(manifest), duplicates(manifest)]
    made += [reasons(manifest), refused(manifest) if manifest.refused else None]
    return tuple(table for table in made if table is not None)


def splits(manifest: Manifest) -> Table:
    """Records of each split of a data set, classes and shards."""
    has_objects = manifest.kind == "detection"
    rows = []
    for name in in_order(manifest.splits):
        split = manifest.splits[name]
        cells = [name, count(split.records)] + ([count(split.objects)] if has_objects else [])
        cells += [between(min(split.per_class), max(split.per_class)), str(len(split.shards))]
        rows.append(Row(tuple(cells)))
    columns = [Column("Split", words=True), Column("Images")] + ([Column("Objects")] if has_objects else [])
    columns += [Column("In a class"), Column("Shards")]
    title = f"Splits of {manifest.dataset}: {manifest.kind}"
    return Table(title, f"{len(manifest.classes)} classes.", tuple(columns), tuple(rows))


def refused(manifest: Manifest, shown: int = 50) -> Table:
    """Records that preparation refused, each with its reason; the first `shown` of them."""
    records = manifest.refused
    rows = tuple(Row((row.split, row.name, row.reason)) for row in records[:shown])
    columns = (Column("Split", words=True), Column("Record", words=True), Column("Reason", words=True))
    note = f"{count(len(records) - shown)} more are in the manifest." if len(records) > shown else ""
    caption = f"{count(len(records))} left out of every figure on this page."
    return Table("Refused records", caption, columns, rows, note)


def sizes(manifest: Manifest) -> Table:
    """Quantiles of the pictures' sizes, as they came."""
    of_split = manifest.look.splits
    return _quantiles(
        f"Sizes of the pictures of {manifest.dataset}",
        "As they came, before any resizing; upright. The columns are quantiles.",
        manifest,
        {split: of_split[split] for split in in_order(of_split)},
        SIZES,
    )


def objects(manifest: Manifest) -> Table | None:
    """Quantiles of the objects' sizes, and the share of the small ones."""
    looks = {split: manifest.look.splits[split].objects for split in in_order(manifest.look.splits)}
    of_split = {split: look for split, look in looks.items() if look is not None}
    if not of_split:
        return None
    small = [
        f"{split}: {decimal(percent, 1)} % of {count(look.count)} below {px} px"
        for split, look in of_split.items()
        for px, percent in sorted(look.smaller_percent.items(), key=lambda item: int(item[0]))
    ]
    caption = f"Sides of small objects: {'; '.join(small)}. The columns are quantiles."
    return _quantiles(f"Objects of {manifest.dataset}", caption, manifest, of_split, OBJECT_SIZES)


def _quantiles(
    title: str,
    caption: str,
    manifest: Manifest,
    of_split: Mapping[str, SplitLook | ObjectSizes],
    wanted: tuple[tuple[str, str, int], ...],
) -> Table:
    """wanted: which quantiles, what they are called, and their decimals."""
    names = {0: "Smallest", 50: "Median", 100: "Largest"}
    percents = manifest.look.quantiles_percent
    rows = [
        Row((split, label, *(count(v) if not digits else decimal(v, digits) for v in getattr(look, key))))
        for split, look in of_split.items()
        for key, label, digits in wanted
    ]
    columns = [Column("Split", words=True), Column("What", words=True)]
    columns += [Column(names.get(percent, f"{percent} %")) for percent in percents]
    return Table(title, caption, tuple(columns), tuple(rows))


def forms(manifest: Manifest) -> Table:
    """Kinds of files and colour modes, and pictures that EXIF turns."""
    names = in_order(manifest.look.splits)
    looks = [manifest.look.splits[name] for name in names]
    every = sorted({form for look in looks for form in look.forms})
    rows = [Row((form, *(count(look.forms.get(form, 0)) for look in looks))) for form in every]
    rows.append(Row(("turned by EXIF", *(count(look.turned_by_exif) for look in looks))))
    columns = (Column("Format and colour mode", words=True), *(Column(name.capitalize()) for name in names))
    return Table(
        f"Kinds of files of {manifest.dataset}", "All are decoded to upright RGB.", columns, tuple(rows)
    )


def duplicates(manifest: Manifest) -> Table:
    """Pictures that are there more than once, with the first examples."""
    look = manifest.look.duplicates
    rows = [
        _duplicate(f"the same bytes, within {split}", look.within[split], ())
        for split in in_order(look.within)
    ]
    rows.append(_duplicate("the same bytes, in several splits", look.across, look.shown.across))
    likely = look.shown.likely_across
    rows.append(_duplicate("likely the same, in several splits", look.likely_across, likely))
    columns = (
        *(Column("What", words=True), Column("Groups"), Column("Pictures")),
        Column("Examples", words=True),
    )
    caption = (
        "A picture of test that is in training too makes the figures better than they are. "
        "Likely: equal hashes of 64 bits of the pictures made very small."
    )
    return Table(f"Duplicates in {manifest.dataset}", caption, columns, tuple(rows))


def _duplicate(label: str, number: Groups, shown: Sequence[Sequence[ImageName]]) -> Row:
    examples = [" = ".join(f"{item.split}: {item.name}" for item in group[:3]) for group in shown]
    return Row(
        (label, count(number.groups), count(number.pictures), "; ".join(examples[:ROWS_SHOWN]) or NONE)
    )


def reasons(manifest: Manifest) -> Table | None:
    """How many were left out, by split and kind of reason."""
    refusals = manifest.look.refused
    if not refusals:
        return None
    rows = tuple(Row((row.split, row.kind, count(row.count))) for row in refusals)
    columns = (Column("Split", words=True), Column("Kind of reason", words=True), Column("Pictures"))
    return Table(f"Why pictures of {manifest.dataset} were left out", "", columns, rows)
