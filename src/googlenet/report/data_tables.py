"""Tables of a prepared data set, from its manifest: splits, sizes, file types, duplicates, objects, refusals."""

from collections.abc import Iterator, Mapping, Sequence

from googlenet.metrics.data import Groups, ImageName, Manifest, ObjectSizes, SplitLook
from googlenet.report.parts import Row, Table, numbers, texts
from googlenet.report.words import NONE, between, count, decimal, in_order

Headings = Mapping[str, tuple[str, int]]
SIZES: Headings = {  # quantity of the quantiles: heading and decimals
    "width_px": ("Width, px", 0),
    "height_px": ("Height, px", 0),
    "shorter_side_px": ("Shorter side, px", 0),
    "megapixels": ("Megapixels", 2),
    "bytes": ("File size, bytes", 0),
}
OBJECT_SIZES: Headings = {
    "in_a_picture": ("Objects per image", 0),
    "side_px": ("Side (square root of the area), px", 0),
    "width_over_height": ("Width over height", 2),
}


def tables(manifest: Manifest) -> tuple[Table, ...]:
    """All tables of one data set."""
    made = [splits(manifest), sizes(manifest), objects(manifest), forms(manifest), duplicates(manifest)]
    made += [reasons(manifest), refused(manifest)]
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
    counted = ("Images", "Objects") if has_objects else ("Images",)
    columns = (*texts("Split"), *numbers(*counted, "Per class", "Shards"))
    title = f"Splits of {manifest.dataset}: {manifest.kind}"
    return Table(title, f"{len(manifest.classes)} classes.", columns, tuple(rows))


def refused(manifest: Manifest) -> Table | None:
    """The first 50 records that preparation refused, each with its reason."""
    records, shown = manifest.refused, 50
    if not records:
        return None
    rows = tuple(Row((row.split, row.name, row.reason)) for row in records[:shown])
    note = f"{count(len(records) - shown)} more are in the manifest." if len(records) > shown else ""
    caption = f"{count(len(records))} excluded from every figure on this page."
    return Table(
        f"Rejected records of {manifest.dataset}: {manifest.kind}",
        caption,
        texts("Split", "Record", "Reason"),
        rows,
        note,
    )


def sizes(manifest: Manifest) -> Table:
    """Quantiles of the original images' sizes."""
    title = f"Image sizes of {manifest.dataset}: {manifest.kind}"
    caption = "Originals, before any resizing; upright. The columns are quantiles."
    return _quantiles(title, caption, manifest, manifest.look.splits, SIZES)


def objects(manifest: Manifest) -> Table | None:
    """Quantiles of the objects' sizes, and the share of small ones."""
    splits = manifest.look.splits
    looks = {split: look for split in in_order(splits) if (look := splits[split].objects) is not None}
    if not looks:
        return None
    small = [
        f"{split}: {decimal(percent, 1)} % of {count(look.count)} below {px} px"
        for split, look in looks.items()
        for px, percent in sorted(look.smaller_percent.items(), key=lambda item: int(item[0]))
    ]
    caption = f"Sides of small objects: {'; '.join(small)}. The columns are quantiles."
    return _quantiles(f"Objects of {manifest.dataset}", caption, manifest, looks, OBJECT_SIZES)


def _quantiles(
    title: str, caption: str, manifest: Manifest, looks: Mapping[str, SplitLook | ObjectSizes], wanted: Headings
) -> Table:
    """A row for each split and each of the wanted quantiles."""
    names = in_order(looks)
    same = [label for key, (label, _) in wanted.items() if len({*_values(looks, key)}) == 1]
    rows = [
        Row((split, label, *(decimal(v, digits) if digits else count(v) for v in getattr(looks[split], key))))
        for split in names
        for key, (label, digits) in wanted.items()
        if label not in same
    ]
    fixed = [
        f"{label} {decimal(value, digits) if digits else count(value)}"
        for key, (label, digits) in wanted.items()
        if label in same and key != "megapixels"  # megapixels follow from width and height
        for value in {*_values(looks, key)}
    ]
    note = f"The same for all in {', '.join(names)}: {'; '.join(fixed)}." if fixed else ""
    known = {0: "Smallest", 50: "Median", 100: "Largest"}
    quantiles = (known.get(percent, f"{percent} %") for percent in manifest.look.quantiles_percent)
    columns = (*texts("Split", "What"), *numbers(*quantiles))
    return Table(title, caption, columns, tuple(rows), note, constant="" if rows else note)


def _values(looks: Mapping[str, SplitLook | ObjectSizes], key: str) -> Iterator[float]:
    """Every quantile of a quantity, of all splits."""
    return (value for look in looks.values() for value in getattr(look, key))


def forms(manifest: Manifest) -> Table:
    """File types and colour modes, and images turned by EXIF."""
    names = in_order(manifest.look.splits)
    looks = [manifest.look.splits[name] for name in names]
    every = sorted({form for look in looks for form in look.forms})
    rows = [Row((form, *(count(look.forms.get(form, 0)) for look in looks))) for form in every]
    rows.append(Row(("turned by EXIF", *(count(look.turned_by_exif) for look in looks))))
    columns = (*texts("Format and colour mode"), *numbers(*(name.capitalize() for name in names)))
    title = f"File types of {manifest.dataset}: {manifest.kind}"
    turned = any(look.turned_by_exif for look in looks)
    constant = f"All are {every[0]}, and none is turned by EXIF." if len(every) == 1 and not turned else ""
    return Table(title, "All are decoded to upright RGB.", columns, tuple(rows), constant=constant)


def duplicates(manifest: Manifest) -> Table:
    """Duplicate images, with the first examples."""
    look = manifest.look.duplicates
    groups: list[tuple[str, Groups, Sequence[Sequence[ImageName]]]] = [
        *((f"the same bytes, within {split}", look.within[split], ()) for split in in_order(look.within)),
        ("the same bytes, in several splits", look.across, look.shown.across),
        ("likely the same, in several splits", look.likely_across, look.shown.likely_across),
        ("the same bytes, in several classes", look.across_classes, look.shown.across_classes),
    ]
    rows = []
    for label, number, shown in groups:
        examples = [" = ".join(map(str, group[:3])) for group in shown[:5]]
        rows.append(Row((label, count(number.groups), count(number.pictures), "; ".join(examples) or NONE)))
    columns = (*texts("What"), *numbers("Groups", "Images"), *texts("Examples"))
    caption = (
        "A test image that is also in training makes the figures better than they should be. "
        "Likely: equal 64-bit hashes of strongly reduced images. Of an image's several classes only one can be right."
    )
    known = any(number.groups for _, number, _ in groups)
    constant = "" if known else "No image occurs twice: neither within a split, nor in several splits or classes."
    title = f"Duplicates in {manifest.dataset}: {manifest.kind}"
    return Table(title, caption, columns, tuple(rows), constant=constant)


def reasons(manifest: Manifest) -> Table | None:
    """Number of images left out, by split and kind of reason."""
    rows = tuple(Row((row.split, row.kind, count(row.count))) for row in manifest.look.refused)
    columns = (*texts("Split", "Kind of reason"), *numbers("Images"))
    title = f"Why images of {manifest.dataset} were excluded: {manifest.kind}"
    return Table(title, "", columns, rows) if rows else None
