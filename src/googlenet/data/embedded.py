"""The data set that needs no download: it writes pictures in ILSVRC's own layout and lets `ilsvrc` read them.

Writers and regions of the photographs are apart between the splits (`handwriting`); every picture has its own
random stream, so that one more picture changes no other. Digit d is called n9000000d, with its word in
LOC_synset_mapping.txt.
"""

from dataclasses import replace
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np

from googlenet.data import ilsvrc
from googlenet.data.handwriting import WRITERS, digits_of, photographs
from googlenet.data.records import SPLITS, Reading
from googlenet.errors import UserError

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
WNIDS = tuple(f"n{90000000 + digit}" for digit in range(10))
FOLDERS = {"train": "train", "validation": "val", "test": "test"}  # ILSVRC's names of the splits
SOURCES = (
    "real handwriting (UCI digits) on crops of two photographs, both bundled with scikit-learn; "
    "the inferred writers and the photographs' regions of the splits are apart"
)


def check(kind: str, settings: dict) -> None:
    """See that the recipe can be drawn. Raises UserError naming the key."""
    recipe, key = settings["embedded"], f"dataset.{kind}.embedded"
    writers = [recipe["writers"][split] for split in SPLITS]
    if min(writers) < 1 or sum(writers) > WRITERS:
        raise UserError(
            f"{key}.writers: {writers} for {', '.join(SPLITS)}; each needs 1, all together at most {WRITERS}"
        )
    if kind == "classification":
        low, high = recipe["digit_scale"]
        if not 0 < low <= high <= 1:
            raise UserError(f"{key}.digit_scale: [{low}, {high}]; needs 0 < low <= high <= 1")
    else:
        for name, least, most in (("digits_per_scene", 1, 10), ("digit_px", 8, recipe["scene_side_px"])):
            low, high = recipe[name]
            if not least <= low <= high <= most:
                raise UserError(f"{key}.{name}: [{low}, {high}]; needs {least} <= low <= high <= {most}")


def read(kind: str, settings: dict, scratch: Path) -> Reading:
    """Draw the pictures into `scratch`, then read them as ILSVRC."""
    check(kind, settings)
    recipe = settings["embedded"]
    (make_classification if kind == "classification" else make_detection)(recipe, scratch)
    layout = {"root": str(scratch), "splits": FOLDERS, "validation_per_class": 0, "classes": list(WNIDS)}
    layout |= {"negatives": True, "blacklist": ""}
    reading = ilsvrc.read(kind, layout, scratch)
    if kind == "classification":
        about = f"single digits, {recipe['side_px']} px: {SOURCES}"
    else:
        low, high = recipe["digits_per_scene"]
        about = f"scenes of {low} to {high} digits, {recipe['scene_side_px']} px: {SOURCES}"
    return replace(reading, about=about)


def make_classification(recipe: dict, folder: Path) -> None:
    """Write CLS-LOC: several composites of every training digit, one of every other digit."""
    from googlenet.data.compositions import composite
    from googlenet.data.pictures import encode_jpeg

    top = _top(folder)
    scale = tuple(recipe["digit_scale"])
    for split in SPLITS:
        digits, labels = digits_of(split, recipe["writers"])
        limit = recipe["limit_per_split"] or len(labels)
        strips = photographs(split)
        copies = recipe["composites_per_digit"] if split == "train" else 1
        for index in range(min(limit, len(labels)) * copies):
            digit = index // copies
            rng = stream(recipe["seed"], "classification", split, index)
            picture = composite(digits[digit], strips, recipe["side_px"], scale, rng)
            wnid = WNIDS[labels[digit]]
            item = f"{wnid}/{wnid}_{index:05d}" if split == "train" else f"{FOLDERS[split]}_{index:08d}"
            _write(top / "Data/CLS-LOC" / FOLDERS[split] / f"{item}.JPEG", encode_jpeg(picture))
            if split != "train":
                whole = (0, 0, recipe["side_px"] - 1, recipe["side_px"] - 1)
                xml = annotation_xml(item, recipe["side_px"], [(wnid, whole)])
                _write(top / "Annotations/CLS-LOC" / FOLDERS[split] / f"{item}.xml", xml)


def make_detection(recipe: dict, folder: Path) -> None:
    """Write DET: scenes, boxes, lists. Classes take turns as a scene's first digits, so that each occurs."""
    from googlenet.data.compositions import scene
    from googlenet.data.pictures import encode_jpeg

    top = _top(folder)
    low, high = recipe["digits_per_scene"]
    for split in SPLITS:
        digits, labels = digits_of(split, recipe["writers"])
        strips, lines = photographs(split), []
        for index in range(recipe["scenes"][split]):
            rng = stream(recipe["seed"], "detection", split, index)
            turns = (low * index + np.arange(low)) % 10
            classes = [*turns, *rng.integers(0, 10, size=rng.integers(low, high + 1) - low)]
            chosen = [rng.choice(np.flatnonzero(labels == one)) for one in classes]
            inks = [digits[one] for one in chosen]
            picture, placed = scene(inks, strips, recipe["scene_side_px"], tuple(recipe["digit_px"]), rng)
            item = f"{FOLDERS[split]}_{index:08d}"
            objects = [(WNIDS[classes[number]], box) for number, box in placed]
            _write(top / f"Data/DET/{FOLDERS[split]}/{item}.JPEG", encode_jpeg(picture))
            xml = annotation_xml(item, recipe["scene_side_px"], objects)
            _write(top / f"Annotations/DET/{FOLDERS[split]}/{item}.xml", xml)
            lines.append(f"{item} {index + 1}\n")
        _write(top / f"ImageSets/DET/{FOLDERS[split]}.txt", "".join(lines).encode())


def stream(seed: int, kind: str, split: str, index: int) -> np.random.Generator:
    """The random numbers of one picture, which depend on these four alone."""
    place = (kind == "detection") << 56 | SPLITS.index(split) << 48 | index
    return np.random.Generator(np.random.Philox(key=np.array([seed, place], np.uint64)))


def annotation_xml(item: str, side: int, objects: list[tuple[str, tuple[int, int, int, int]]]) -> bytes:
    """ILSVRC's XML of a square picture: `objects` are wnids with 0-based inclusive boxes."""
    lines = [
        "<annotation>",
        f"<folder>{escape(item.split('_')[0])}</folder>",
        f"<filename>{escape(item)}</filename>",
    ]
    lines.append(f"<size><width>{side}</width><height>{side}</height><depth>3</depth></size>")
    for wnid, (xmin, ymin, xmax, ymax) in objects:
        box = f"<xmin>{xmin}</xmin><xmax>{xmax}</xmax><ymin>{ymin}</ymin><ymax>{ymax}</ymax>"
        lines.append(
            f"<object><name>{escape(wnid)}</name><difficult>0</difficult><bndbox>{box}</bndbox></object>"
        )
    return ("\n".join([*lines, "</annotation>"]) + "\n").encode()


def _top(folder: Path) -> Path:
    """Make the ILSVRC folder, with the words of the wnids beside it."""
    words = [f"{wnid} {word}\n" for wnid, word in zip(WNIDS, WORDS, strict=True)]
    _write(folder / "LOC_synset_mapping.txt", "".join(words).encode())
    return folder / "ILSVRC"


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
