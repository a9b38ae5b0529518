"""Tables of a prepared data set, from its manifest: splits, sizes, kinds of files, duplicates, objects, what was refused."""

from typing import Any

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


def tables(manifest: dict[str, Any]) -> tuple[Table, ...]:
    """All that is to be said of one data set."""
    made: list[Table | None] = [splits(manifest)]
    if "look" in manifest:
        made += [sizes(manifest), objects(manifest), forms(manifest), duplicates(manifest), reasons(manifest)]
    if manifest.get("refused"):
        made.append(refused(manifest))
    return tuple(table for table in made if table is not None)


def splits(manifest: dict[str, Any]) -> Table:
    """Records of each split of a data set, classes and shards."""
    found = manifest["splits"]
    names = in_order(found)
    has_objects = any("objects" in found[name] for name in names)
    rows = []
    for name in names:
        split = found[name]
        each = split.get("per_class") or [0]
        cells = [name, count(split["records"])] + ([count(split.get("objects"))] if has_objects else [])
        cells += [between(min(each), max(each)), str(len(split.get("shards", [])))]
        rows.append(Row(tuple(cells)))
    columns = [Column("Split", words=True), Column("Images")] + ([Column("Objects")] if has_objects else [])
    columns += [Column("In a class"), Column("Shards")]
    title = f"Splits of {manifest['dataset']}: {manifest['kind']}"
    return Table(title, f"{len(manifest['classes'])} classes.", tuple(columns), tuple(rows))


def refused(manifest: dict[str, Any], shown: int = 50) -> Table:
    """Records that preparation refused, each with its reason; the first `shown` of them."""
    records = manifest.get("refused", [])
    rows = tuple(Row((str(row["split"]), str(row["name"]), str(row["reason"]))) for row in records[:shown])
    columns = (Column("Split", words=True), Column("Record", words=True), Column("Reason", words=True))
    note = f"{count(len(records) - shown)} more are in the manifest." if len(records) > shown else ""
    caption = f"{count(len(records))} left out of every figure on this page."
    return Table("Refused records", caption, columns, rows, note)


def sizes(manifest: dict[str, Any]) -> Table:
    """Quantiles of the pictures' sizes, as they came."""
    found = manifest["look"]["splits"]
    return _quantiles(
        f"Sizes of the pictures of {manifest['dataset']}",
        "As they came, before any resizing; upright. The columns are quantiles.",
        manifest,
        {split: found[split] for split in in_order(found)},
        SIZES,
    )


def objects(manifest: dict[str, Any]) -> Table | None:
    """Quantiles of the objects' sizes, and the share of the small ones."""
    found = manifest["look"]["splits"]
    own = {split: found[split]["objects"] for split in in_order(found) if "objects" in found[split]}
    if not own:
        return None
    small = [
        f"{split}: {decimal(percent, 1)} % of {count(row['count'])} below {px} px"
        for split, row in own.items()
        for px, percent in sorted(row["smaller_percent"].items(), key=lambda item: int(item[0]))
    ]
    caption = f"Sides of small objects: {'; '.join(small)}. The columns are quantiles."
    return _quantiles(f"Objects of {manifest['dataset']}", caption, manifest, own, OBJECT_SIZES)


def _quantiles(title: str, caption: str, manifest: dict[str, Any], of_split: dict, wanted: tuple) -> Table:
    names = {0: "Smallest", 50: "Median", 100: "Largest"}
    percents = manifest["look"]["quantiles_percent"]
    rows = [
        Row((split, label, *(count(v) if not digits else decimal(v, digits) for v in row[key])))
        for split, row in of_split.items()
        for key, label, digits in wanted
        if key in row
    ]
    columns = [Column("Split", words=True), Column("What", words=True)]
    columns += [Column(names.get(percent, f"{percent} %")) for percent in percents]
    return Table(title, caption, tuple(columns), tuple(rows))


def forms(manifest: dict[str, Any]) -> Table:
    """Kinds of files and colour modes, and pictures that EXIF turns."""
    found = manifest["look"]["splits"]
    names = in_order(found)
    every = sorted({form for name in names for form in found[name]["forms"]})
    rows = [Row((form, *(count(found[name]["forms"].get(form, 0)) for name in names))) for form in every]
    rows.append(Row(("turned by EXIF", *(count(found[name]["turned_by_exif"]) for name in names))))
    columns = (Column("Format and colour mode", words=True), *(Column(name.capitalize()) for name in names))
    return Table(
        f"Kinds of files of {manifest['dataset']}", "All are decoded to upright RGB.", columns, tuple(rows)
    )


def duplicates(manifest: dict[str, Any]) -> Table:
    """Pictures that are there more than once, with the first examples."""
    found = manifest["look"]["duplicates"]
    rows = [
        _duplicate(f"the same bytes, within {split}", found["within"][split], None)
        for split in in_order(found["within"])
    ]
    rows.append(_duplicate("the same bytes, in several splits", found["across"], found["shown"]["across"]))
    likely = found["shown"]["likely_across"]
    rows.append(_duplicate("likely the same, in several splits", found["likely_across"], likely))
    columns = (Column("What", words=True), Column("Groups"), Column("Pictures"))
    columns = (*columns, Column("Examples", words=True))
    caption = (
        "A picture of test that is in training too makes the figures better than they are. "
        "Likely: equal hashes of 64 bits of the pictures made very small."
    )
    return Table(f"Duplicates in {manifest['dataset']}", caption, columns, tuple(rows))


def _duplicate(label: str, counts: dict[str, int], shown: list[list[dict]] | None) -> Row:
    examples = [" = ".join(f"{item['split']}: {item['name']}" for item in group[:3]) for group in shown or []]
    return Row(
        (label, count(counts["groups"]), count(counts["pictures"]), "; ".join(examples[:ROWS_SHOWN]) or NONE)
    )


def reasons(manifest: dict[str, Any]) -> Table | None:
    """How many were left out, by split and kind of reason."""
    found = manifest["look"]["refused"]
    if not found:
        return None
    rows = tuple(Row((row["split"], row["kind"], count(row["count"]))) for row in found)
    columns = (Column("Split", words=True), Column("Kind of reason", words=True), Column("Pictures"))
    return Table(f"Why pictures of {manifest['dataset']} were left out", "", columns, rows)
