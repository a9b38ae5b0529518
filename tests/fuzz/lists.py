"""Lists, tables of classes, blacklists and detections."""

import json
from functools import cache, partial
from pathlib import Path

from hypothesis import strategies as st

from data import det_tree
from data.datasets import xml
from fuzz import annotations
from fuzz.child import Files, Format
from fuzz.mutations import DEEP, damaged, one_of_files, restructured, reworded
from fuzz.reading import MOST, prepared
from googlenet.cli.score import as_text, scored
from googlenet.imports.import_weights import classes_of

VOC_LIST, DET_LIST = "ImageSets/Main/train.txt", "ILSVRC/ImageSets/DET/val.txt"
BY_CLASS = tuple(f"ILSVRC/ImageSets/DET/train_{number}.txt" for number in (1, 2, 3))
TABLE, BLACKLIST = "ILSVRC/devkit/data/map_det.txt", "ILSVRC/black.txt"
HEAD, ROWS = "image,class,score,xmin,ymin,xmax,ymax\n", ("a,cat,0.9,0,0,9,9\n", "b,dog,0.5,1,1,8,8\n")
CLASSES = "classes.txt"


@cache
def det() -> Files:
    """ILSVRC's detection layout, with a blacklist."""
    return annotations.det() | {BLACKLIST: b"1 n02000001\nval_1 cat\n"}


@cache
def scoring() -> Files:
    """What the scoring command reads, with the detections in its three formats."""
    rows = [dict(zip(HEAD.strip().split(",")[:2], row.split(",")[:2], strict=True)) for row in ROWS]
    entries = [row | {"score": 0.5, "box": [0, 0, 9, 9]} for row in rows]
    texts = {
        "list.txt": "a 1\nb 2\n",
        "table.txt": "n02000001 1 cat\nn02000002 2 dog\n",
        "black.txt": "1 dog\nb n02000001\n",
        "d.txt": "1 1 0.9 0 0 9 9\n2 2 0.5 1 1 8 8\n",
        "d.csv": HEAD + "".join(ROWS),
        "d.json": json.dumps(entries),
        "xml/a.xml": xml(("n02000001", 0, 0, 9, 9)),
        "xml/b.xml": xml(("n02000002", 1, 1, 8, 8)),
    }
    return {name: text.encode() for name, text in texts.items()}


def names() -> Files:
    """The names of a network's outputs."""
    return {CLASSES: b"cat\ndog\nfox\n"}


def changed(paths: tuple[str, ...], files: Files) -> st.SearchStrategy[Files]:
    """One of some texts, changed as text or as bytes."""
    some = {path: files[path] for path in paths}
    return one_of_files(some, reworded) | one_of_files(some, damaged)


def changed_json(files: Files) -> st.SearchStrategy[Files]:
    """Detections in JSON, changed as such or as text."""
    return (
        one_of_files({"d.json": files["d.json"]}, restructured)
        | changed(("d.json",), files)
        | st.just({"d.json": DEEP})
    )


def read_det(root: Path) -> list[str]:
    return prepared(det_tree.settings(root, max_bad_fraction=MOST, blacklist="black.txt"))


def read_scoring(suffix: str, folder: Path) -> list[str]:
    files = {"annotations": "xml", "list": "list.txt", "classes": "table.txt", "blacklist": "black.txt"}
    as_text(scored(folder / f"d{suffix}", **{key: folder / name for key, name in files.items()}))
    return []


def read_names(folder: Path) -> list[str]:
    classes_of(str(folder / CLASSES), "ensemble.members.m1.weights")
    return []


FORMATS = (
    Format("VOC's lists", annotations.voc, partial(changed, (VOC_LIST,)), annotations.read_voc),
    Format("ILSVRC's lists", det, partial(changed, (DET_LIST,)), read_det),
    Format("ILSVRC's lists by class", det, partial(changed, BY_CLASS), read_det),
    Format("ILSVRC's table of classes", det, partial(changed, (TABLE,)), read_det),
    Format("ILSVRC's blacklist", det, partial(changed, (BLACKLIST,)), read_det),
    Format("names of outputs", names, partial(changed, (CLASSES,)), read_names),
    Format(
        "list, table, blacklist to score",
        scoring,
        partial(changed, ("list.txt", "table.txt", "black.txt")),
        partial(read_scoring, ".txt"),
    ),
    Format("detections as text", scoring, partial(changed, ("d.txt",)), partial(read_scoring, ".txt")),
    Format("detections as CSV", scoring, partial(changed, ("d.csv",)), partial(read_scoring, ".csv")),
    Format("detections as JSON", scoring, changed_json, partial(read_scoring, ".json")),
)
