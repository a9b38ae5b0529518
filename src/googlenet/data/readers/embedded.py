"""The data set that needs no download: images generated in ILSVRC's own layout, which are then read as such.

The splits share no writers and no regions of the photographs; every image has its own random stream, so that
adding one changes no other. Digit d is called n9000000d, with its word in LOC_synset_mapping.txt. The writers of the
1,797 digits are not recorded, but every writer filled in the same sheet: 0 to 9 three times, then a fixed sequence of
100 digits. So the labels repeat in blocks of about 130 (some lack a few), and each block is taken to be one writer.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from googlenet.config.schema import dataset as schema
from googlenet.config.schema.base import replaced
from googlenet.data import ilsvrc_layout
from googlenet.data.records import SPLITS, Reading
from googlenet.errors import UserError

WRITERS = 14
SHEET_AT_LEAST = 60  # digits; no sheet is shorter, and none counts upwards again after its first thirty
STRIPS = {"train": (0.0, 0.5), "validation": (0.5, 0.7), "test": (0.7, 1.0)}  # of each photograph's width
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
WNIDS = tuple(f"n{90000000 + digit}" for digit in range(10))
FOLDERS = schema.SplitSources(train="train", validation="val", test="test")  # ILSVRC's names for the splits
SOURCES = (
    "real handwriting (UCI digits) on crops of two photographs, both bundled with scikit-learn; "
    "the inferred writers and the photographs' regions of the splits are apart"
)


def check(source: schema.DataSource) -> None:
    """Check that the recipe can be generated. Raises UserError naming the key."""
    key, splits = f"{source.key}.embedded", ", ".join(SPLITS)
    writers = [source.embedded.writers.of(split) for split in SPLITS]
    if min(writers) < 1 or sum(writers) > WRITERS:
        raise UserError(f"{key}.writers: {writers} for {splits}; each needs 1, all together at most {WRITERS}")
    if isinstance(source, schema.ClassificationSource):
        low, high = source.embedded.digit_scale
        if not 0 < low <= high <= 1:
            raise UserError(f"{key}.digit_scale: [{low}, {high}]; needs 0 < low <= high <= 1")
        return
    scenes, pixels = source.embedded.digits_per_scene, source.embedded.digit_px
    ranges = ("digits_per_scene", scenes, 1, 10), ("digit_px", pixels, 8, source.embedded.scene_side_px)
    for name, (first, last), least, most in ranges:
        if not least <= first <= last <= most:
            raise UserError(f"{key}.{name}: [{first}, {last}]; needs {least} <= low <= high <= {most}")


def read(source: schema.DataSource, scratch: Path) -> Reading:
    """Draw the images into `scratch`, then read them as ILSVRC."""
    check(source)
    if isinstance(source, schema.ClassificationSource):
        make_classification(source.embedded, scratch)
        about = f"single digits, {source.embedded.side_px} px: {SOURCES}"
        drawn: schema.DataSource = replaced(source, splits=FOLDERS, validation_per_class=0)
    else:
        make_detection(source.embedded, scratch)
        low, high = source.embedded.digits_per_scene
        about = f"scenes of {low} to {high} digits, {source.embedded.scene_side_px} px: {SOURCES}"
        drawn = replaced(source, splits=FOLDERS, classes=WNIDS, negatives=True, blacklist="", validation_images=0)
    return replace(ilsvrc_layout.read(drawn, scratch / "ILSVRC"), about=about)


def make_classification(recipe: schema.EmbeddedDigits, folder: Path) -> None:
    """Write CLS-LOC: several composites of every training digit, one of every other digit."""
    from googlenet.data.compositions import composite
    from googlenet.data.images import encode_jpeg

    top, side = _top(folder), recipe.side_px
    for split in SPLITS:
        digits, labels = digits_of(split, recipe.writers)
        limit = recipe.limit_per_split or len(labels)
        strips, part = photographs(split), FOLDERS.of(split)
        copies = recipe.composites_per_digit if split == "train" else 1
        for index in range(min(limit, len(labels)) * copies):
            digit = index // copies
            rng = stream(recipe.seed, "classification", split, index)
            image = composite(digits[digit], strips, side, recipe.digit_scale, rng)
            wnid = WNIDS[labels[digit]]
            item = f"{wnid}/{wnid}_{index:05d}" if split == "train" else f"{part}_{index:08d}"
            _write(top / "Data/CLS-LOC" / part / f"{item}.JPEG", encode_jpeg(image))
            if split != "train":
                xml = annotation_xml(item, side, [(wnid, (0, 0, side - 1, side - 1))])
                _write(top / "Annotations/CLS-LOC" / part / f"{item}.xml", xml)


def make_detection(recipe: schema.EmbeddedScenes, folder: Path) -> None:
    """Write DET: scenes, boxes, lists. Classes take turns as a scene's first digits, so that each occurs."""
    from googlenet.data.compositions import scene
    from googlenet.data.images import encode_jpeg

    top, side = _top(folder), recipe.scene_side_px
    low, high = recipe.digits_per_scene
    for split in SPLITS:
        digits, labels = digits_of(split, recipe.writers)
        strips, part, lines = photographs(split), FOLDERS.of(split), []
        for index in range(recipe.scenes.of(split)):
            rng = stream(recipe.seed, "detection", split, index)
            turns = (low * index + np.arange(low)) % 10
            classes = [*turns, *rng.integers(0, 10, size=rng.integers(low, high + 1) - low)]
            inks = [digits[rng.choice(np.flatnonzero(labels == label))] for label in classes]
            image, placed = scene(inks, strips, side, recipe.digit_px, rng)
            item = f"{part}_{index:08d}"
            objects = [(WNIDS[classes[number]], box) for number, box in placed]
            _write(top / f"Data/DET/{part}/{item}.JPEG", encode_jpeg(image))
            _write(top / f"Annotations/DET/{part}/{item}.xml", annotation_xml(item, side, objects))
            lines.append(f"{item} {index + 1}\n")
        _write(top / f"ImageSets/DET/{part}.txt", "".join(lines).encode())


def stream(seed: int, kind: schema.Kind, split: str, index: int) -> np.random.Generator:
    """Return the random generator of one image, which depends only on these four values."""
    place = (kind == "detection") << 56 | SPLITS.index(split) << 48 | index
    return np.random.Generator(np.random.Philox(key=np.array([seed, place], np.uint64)))


def annotation_xml(item: str, side: int, objects: list[tuple[str, tuple[int, int, int, int]]]) -> bytes:
    """Return ILSVRC's XML for a square image: `objects` are wnids with 0-based inclusive boxes."""
    lines = ["<annotation>", f"<folder>{item.split('_')[0]}</folder>", f"<filename>{item}</filename>"]
    lines.append(f"<size><width>{side}</width><height>{side}</height><depth>3</depth></size>")
    for wnid, (xmin, ymin, xmax, ymax) in objects:
        box = f"<xmin>{xmin}</xmin><xmax>{xmax}</xmax><ymin>{ymin}</ymin><ymax>{ymax}</ymax>"
        lines.append(f"<object><name>{wnid}</name><difficult>0</difficult><bndbox>{box}</bndbox></object>")
    return ("\n".join([*lines, "</annotation>"]) + "\n").encode()


def load_digits() -> tuple[np.ndarray, np.ndarray]:
    """All digits in file order: ink float32 [1797, 8, 8] from 0 (paper) to 1, and labels int64 [1797]."""
    from sklearn.datasets import load_digits as load

    digits = load()
    return (digits.images / 16).astype(np.float32), digits.target.astype(np.int64)


def writers_of(labels: np.ndarray) -> np.ndarray:
    """Each digit's inferred writer, int64 from 0: a sheet starts where the labels restart with 1 to 5 (or 0 to 5)."""
    text = "".join(map(str, labels))
    starts, at = [0], text.find("12345", SHEET_AT_LEAST)
    while at > 0:
        starts.append(at - 1 if text[at - 1] == "0" else at)
        at = text.find("12345", starts[-1] + SHEET_AT_LEAST)
    writers = np.zeros(len(labels), np.int64)
    writers[starts[1:]] = 1
    return writers.cumsum()


def digits_of(split: str, writers: schema.SplitCounts) -> tuple[np.ndarray, np.ndarray]:
    """The ink and labels of one split, whose `writers` follow those of the splits before it in file order."""
    ink, labels = load_digits()
    order = list(STRIPS)
    first = sum(writers.of(name) for name in order[: order.index(split)])
    writer = writers_of(labels)
    in_split = (writer >= first) & (writer < first + writers.of(split))
    return ink[in_split], labels[in_split]


def photographs(split: str) -> list[np.ndarray]:
    """This split's own strip of both photographs: uint8 [427, 128 to 320, 3] RGB; strips do not overlap."""
    from sklearn.datasets import load_sample_images

    left, right = STRIPS[split]
    images = load_sample_images().images
    return [image[:, round(left * image.shape[1]) : round(right * image.shape[1])] for image in images]


def _top(folder: Path) -> Path:
    """Return the path of the ILSVRC folder, after writing the words of the wnids beside it."""
    words = [f"{wnid} {word}\n" for wnid, word in zip(WNIDS, WORDS, strict=True)]
    _write(folder / "LOC_synset_mapping.txt", "".join(words).encode())
    return folder / "ILSVRC"


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
