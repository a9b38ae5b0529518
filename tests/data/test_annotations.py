"""Boxes by hand: origins, the one pixel that is clipped, and every kind of bad annotation."""

import numpy as np
import pytest

from data.datasets import put, xml
from googlenet.data.annotations import place, read_annotation
from googlenet.errors import UserError

BOMB = """<?xml version="1.0"?>
<!DOCTYPE a [<!ENTITY l "lol"><!ENTITY m "&l;&l;&l;&l;&l;&l;&l;&l;&l;&l;"><!ENTITY n "&m;&m;&m;&m;&m;&m;">]>
<annotation><object><name>&n;</name></object></annotation>"""
OUTSIDE = """<?xml version="1.0"?><!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]>
<annotation><object><name>&f;</name></object></annotation>"""


def boxes(tmp_path, *objects, origin=1, size=(32, 24), image=(32, 24)):
    path = put(tmp_path / "a.xml", xml(*objects, size=size))
    return place(read_annotation(path, origin), *image, ["cat", "dog"])


def test_vocs_first_pixel_is_one(tmp_path):
    placed, labels, difficult = boxes(tmp_path, ("dog", 1, 1, 32, 24), ("cat", 3, 4, 10, 12))
    assert placed.tolist() == [[0, 0, 31, 23], [2, 3, 9, 11]] and placed.dtype == np.float32
    assert labels.tolist() == [1, 0] and labels.dtype == np.int64
    assert difficult.tolist() == [False, False] and difficult.dtype == bool


def test_ilsvrcs_first_pixel_is_zero(tmp_path):
    assert boxes(tmp_path, ("cat", 0, 0, 31, 23), origin=0)[0].tolist() == [[0, 0, 31, 23]]


@pytest.mark.parametrize(
    ("origin", "box", "clipped"), [(0, (0, 0, 32, 24), [0, 0, 31, 23]), (1, (0, 0, 32, 24), [0, 0, 31, 23])]
)
def test_the_one_pixel_of_doubt_is_clipped(tmp_path, origin, box, clipped):
    assert boxes(tmp_path, ("cat", *box), origin=origin)[0].tolist() == [clipped]


@pytest.mark.parametrize(
    ("origin", "box"),
    [(0, (-1, 0, 9, 9)), (0, (0, 0, 33, 9)), (1, (-1, 1, 9, 9)), (1, (1, 1, 33, 9)), (1, (1, 1, 9, 25))],
)
def test_further_out_is_refused(tmp_path, origin, box):
    with pytest.raises(UserError, match=r"^a\.xml: box \(.*\) lies outside its image of 32x24 px$"):
        boxes(tmp_path, ("cat", *box), origin=origin)


@pytest.mark.parametrize("box", [(9, 1, 5, 9), (1, 9, 9, 5), (5, 5, 5, 5), (5, 5, 5, 9)])
def test_inverted_and_empty_boxes_are_refused(tmp_path, box):
    with pytest.raises(UserError, match=r"^a\.xml: box \(.*\) is inverted or has no area$"):
        boxes(tmp_path, ("cat", *box))


def test_unknown_class_and_other_size(tmp_path):
    with pytest.raises(UserError, match=r"^a\.xml: unknown class 'cow'$"):
        boxes(tmp_path, ("cow", 1, 1, 5, 5))
    with pytest.raises(UserError, match=r"^a\.xml: made for 24x32 px; the image has 32x24 px$"):
        boxes(tmp_path, ("cat", 1, 1, 5, 5), size=(24, 32))
    for unsaid in (None, (0, 0)):
        assert len(boxes(tmp_path, ("cat", 1, 1, 5, 5), size=unsaid)[0]) == 1


@pytest.mark.parametrize(
    ("written", "flag"),
    [
        *((text, True) for text in ("1", "true", "True", " TRUE ", "yes", "1.0", "y")),
        *((text, False) for text in ("0", "false", "False", "no", "0.0", "", " ")),
        *((text, None) for text in ("2", "-1", "Unspecified", "maybe", "nan", "½")),
    ],
)
def test_difficult_in_the_spellings_of_tools_and_nothing_else(tmp_path, written, flag):
    path = put(tmp_path / "a.xml", xml(("cat", 1, 1, 5, 5), difficult=written))
    if flag is None:
        with pytest.raises(UserError, match=rf"^a\.xml: <difficult> is '{written}', not 0 or 1$"):
            read_annotation(path, 1)
    else:
        assert read_annotation(path, 1).difficult == (flag,)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is empty"),
        ("<annotation><object>", "is not XML"),
        (b"\xff\xfe\x00bad", "is not XML"),
        ('<?xml version="1.0" encoding="nonsense"?><annotation/>', "is not XML"),
        ("<annotation/>", "has no object"),
        (BOMB, "declares XML entities"),
        (OUTSIDE, "declares XML entities"),
        ("<annotation><object><bndbox/></object></annotation>", "an object has no <name>"),
        ("<annotation><object><name>cat</name></object></annotation>", "lacks a corner"),
        (xml(("cat", 1, 1, "nan", 5)), "lacks a corner or has one that is not a number"),
        (xml(("cat", 1, 1, "wide", 5)), "lacks a corner or has one that is not a number"),
        (xml(("cat", 1, 1, 5, 5), size=("big", 24)), "<width> of <size> is 'big'"),
    ],
)
def test_bad_files_are_refused_in_one_line(tmp_path, content, reason):
    path = put(tmp_path / "a.xml", content)
    with pytest.raises(UserError, match=r"^a\.xml: ") as caught:
        read_annotation(path, 1)
    assert reason in str(caught.value) and "\n" not in str(caught.value)


def test_missing_file(tmp_path):
    with pytest.raises(UserError, match=r"^a\.xml: no such annotation file$"):
        read_annotation(tmp_path / "a.xml", 1)
