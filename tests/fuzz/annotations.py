"""Files of boxes: VOC's XML, as VOC and ILSVRC lay it out, COCO's JSON, and Tiny ImageNet's tables."""

from functools import cache, partial
from itertools import product
from pathlib import Path

from hypothesis import strategies as st

from data import det_tree
from data.datasets import classification, coco_tree, detection, jpeg, voc_tree, xml
from data.tiny_imagenet_tree import CAT, SPLITS, TOP, tiny_imagenet_tree
from fuzz.child import Files, Format
from fuzz.mutations import DEEP, one_of_files, restructured, reworded
from fuzz.reading import MOST, prepared, tree

SNIPPETS = (
    '<!DOCTYPE a [<!ENTITY l "lol"><!ENTITY m "&l;&l;">]>',
    '<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]>',
    '<!DOCTYPE annotation SYSTEM "voc.dtd">',
    '<?xml version="1.0" encoding="utf-7"?>',
    '<?xml version="1.0" encoding="idna"?>',
    "<!--",
    "<![CDATA[",
    "&lt;",
    "&#0;",
    "&#xD800;",
    "&m;",
    "<object>",
    "</object>",
    "<object><name>cat</name></object>",
    "<bndbox/>",
    "<size/>",
    "<annotation xmlns='x'>",
)
DEEP_XML = b"<a>" * 50_000
VOC_XML, DET_XML = "Annotations/train_0.xml", "ILSVRC/Annotations/DET/train/a/1.xml"
CLS_XML = "ILSVRC/Annotations/CLS-LOC/val/val_0.xml"
TABLES = tuple(f"{TOP}/{name}" for name in ("val/val_annotations.txt", f"train/{CAT}/{CAT}_boxes.txt", "words.txt"))
COCO_JSON = ("annotations/instances_train.json", "annotations/instances_test.json")
COCO_LAYOUT = {"images": "{split}", "annotations": "annotations/instances_{split}.json", "box_origin": 0}


@cache
def voc() -> Files:
    """VOC's layout."""
    return tree(lambda root: voc_tree(root, 3))


@cache
def det() -> Files:
    """ILSVRC's detection layout."""
    return tree(det_tree.tree)


@cache
def coco() -> Files:
    """COCO's layout."""
    return tree(coco_tree)


@cache
def tiny_imagenet() -> Files:
    """Tiny ImageNet's layout."""
    return tree(tiny_imagenet_tree)


@cache
def cls() -> Files:
    """ILSVRC's classification layout, whose val images take their classes from their XML."""
    made = {}
    for split, number in product(("train", "val", "test"), range(4)):
        wnid = f"n0000000{number % 2}"
        folder = f"train/{wnid}" if split == "train" else split
        made[f"ILSVRC/Data/CLS-LOC/{folder}/{split}_{number}.JPEG"] = jpeg(seed=number)
        made[f"ILSVRC/Annotations/CLS-LOC/{split}/{split}_{number}.xml"] = xml((wnid, 1, 1, 9, 9)).encode()
    return made


def changed_xml(path: str, files: Files) -> st.SearchStrategy[Files]:
    """One XML, changed as text."""
    pretty = files[path].replace(b"><", b">\n<")
    return one_of_files({path: pretty}, partial(reworded, snippets=SNIPPETS)) | st.just({path: DEEP_XML})


def changed_json(files: Files) -> st.SearchStrategy[Files]:
    """One of COCO's JSON, changed as JSON or as text."""
    some = {path: files[path] for path in COCO_JSON}
    deep = st.just({COCO_JSON[0]: DEEP})
    return one_of_files(some, restructured) | one_of_files(some, reworded) | deep


def changed_tables(files: Files) -> st.SearchStrategy[Files]:
    """One of Tiny ImageNet's tables, changed as text."""
    return one_of_files({path: files[path] for path in TABLES}, reworded)


def read_voc(root: Path) -> list[str]:
    return prepared(detection("voc", root, max_bad_fraction=MOST))


def read_det(root: Path) -> list[str]:
    return prepared(det_tree.settings(root, max_bad_fraction=MOST))


def read_cls(root: Path) -> list[str]:
    splits = {"train": "train", "validation": "val", "test": "test"}
    return prepared(classification("ilsvrc", root, max_bad_fraction=MOST, splits=splits))


def read_coco(root: Path) -> list[str]:
    return prepared(detection("coco", root, max_bad_fraction=MOST, **COCO_LAYOUT))


def read_tiny_imagenet(root: Path) -> list[str]:
    return prepared(
        detection("tiny_imagenet", root, max_bad_fraction=MOST, splits=SPLITS, validation_images=2, box_origin=0)
    )


FORMATS = (
    Format("VOC's XML", voc, partial(changed_xml, VOC_XML), read_voc),
    Format("ILSVRC's XML of boxes", det, partial(changed_xml, DET_XML), read_det),
    Format("ILSVRC's XML of a class", cls, partial(changed_xml, CLS_XML), read_cls),
    Format("COCO's JSON", coco, changed_json, read_coco),
    Format("Tiny ImageNet's tables", tiny_imagenet, changed_tables, read_tiny_imagenet),
)
