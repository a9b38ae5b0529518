"""Lists of images and blacklists: what of a line is the name, and whose numbers the numbers are."""

import pytest

from data.datasets import put, xml
from googlenet.data.image_list import read_blacklist, read_list
from googlenet.errors import UserError

REMEDY = "give the kit's list"
OFFICIAL = "val_01 1\nval_03 2\nval_04 3\nval_07 4\nval_09 5\n"  # as val.txt: numbers in the order of the names


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("a\nb\n", ["1", "2"]),
        ("a 5\nb 2\n", ["5", "2"]),
        ("a\t5\nb  2\n", ["5", "2"]),
        ("a 1\nb -1\n", ["1", "2"]),  # VOC's lists of one class
        ("a 1\nb 1\n", ["1", "2"]),
        ("\na 5\n\nb\n", ["1", "2"]),
        ("a.jpg 5\nb.JPEG 2\n", ["5", "2"]),
    ],
)
def test_the_numbers_of_a_list(tmp_path, text, numbers):
    images = read_list(put(tmp_path / "list.txt", text))
    assert list(images.by_number) == numbers and images.names == ["a", "b"]


def test_a_name_is_the_whole_line(tmp_path):
    images = read_list(put(tmp_path / "list.txt", "holiday (1)\nholiday\nmy cat.v2 7\n"))
    assert images.names == ["holiday (1)", "holiday", "my cat.v2"]


def test_the_annotations_decide_what_is_part_of_a_name(tmp_path):
    for name in ("scene 1", "scene 2", "b", "c.jpg", "d"):
        put(tmp_path / f"xml/{name}.xml", xml())
    path = put(tmp_path / "list.txt", "scene 1\nscene 2\nb 3\nc.jpg\nd.xml\n../e 4\n")
    assert read_list(path, tmp_path / "xml").names == ["scene 1", "scene 2", "b", "c.jpg", "d", "../e"]


def test_images_are_found_with_and_without_extension(tmp_path):
    images = read_list(put(tmp_path / "list.txt", "a.JPG\nb\nv1.2\n"))
    assert [images.find(name) for name in ("a", "a.jpg", "b.png", "v1.2", "v1", "c")] == [0, 0, 1, 2, None, None]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\nb\na\n", r"list\.txt, line 3: 'a' is listed twice"),
        ("a.jpg\na.png\n", r"list\.txt, line 2: 'a' is listed twice"),  # they would share an annotation
        ("\n", r"list\.txt: lists no image; give one name"),
    ],
)
def test_bad_lists(tmp_path, text, message):
    with pytest.raises(UserError, match=message):
        read_list(put(tmp_path / "list.txt", text))


def blacklist(folder, entries, images, numbers=None):
    """The pairs and the other entries' number of a blacklist on cats and dogs, for a list of images."""
    listed = read_list(put(folder / "list.txt", images))
    official = read_list(put(folder / "val.txt", numbers)) if numbers else listed
    known = {"cat": "n1", "traffic light": "n2"}
    path = put(folder / "black.txt", entries)
    return read_blacklist(path, listed.place, official, lambda name, where: known.get(name), REMEDY)


def test_a_part_of_a_list_skips_and_counts_what_is_outside_it(tmp_path):
    part = "val_09 5\nval_03 2\n"
    entries = "1 cat\n2 cat\n5 traffic light\n5 fox\n20121 cat\nval_04 cat\nval_09 cat\n"
    found = blacklist(tmp_path, entries, part)
    assert found.pairs == [("val_03", "n1"), ("val_09", "n2"), ("val_09", "n1")] and found.outside == 4


@pytest.mark.parametrize("images", ["val_03 1\nval_07 2\n", "val_03\nval_07\n", "val_03 2\nval_07 1\n"])
def test_a_list_with_numbers_of_its_own_is_reported_and_the_kits_list_helps(tmp_path, images):
    message = rf"^black\.txt, line 2: no image 4: the 2 of list\.txt have numbers of their own, from 1; {REMEDY}$"
    with pytest.raises(UserError, match=message):
        blacklist(tmp_path, "2 cat\n4 cat\n", images)
    found = blacklist(tmp_path, "2 cat\n4 cat\n5 cat\n", images, numbers=OFFICIAL)
    assert found.pairs == [("val_03", "n1"), ("val_07", "n1")] and found.outside == 1


def test_names_win_over_numbers_and_may_hold_blanks_and_extensions(tmp_path):
    found = blacklist(tmp_path, "2 cat\n000007 cat\nholiday (1).jpg traffic light\n", "2\n1\n000007\nholiday (1)\n")
    assert found.pairs == [("2", "n1"), ("000007", "n1"), ("holiday (1)", "n2")] and not found.outside
