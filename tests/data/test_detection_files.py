"""Detections, lists and truth from files: the same rows from three forms, and one line for everything that is wrong."""

import json

import pytest

from data.datasets import put, xml
from googlenet.data.class_table import ClassRow, read_class_table
from googlenet.data.detection_files import blacklisted, read_detections, read_truth
from googlenet.data.image_list import read_list
from googlenet.errors import UserError

TABLE = [ClassRow("n02000001", "dog", 2), ClassRow("n02000002", "cat", 1)]
HEAD = "image,class,score,xmin,ymin,xmax,ymax\n"


@pytest.fixture
def files(tmp_path):
    """A list of two images, whose numbers are 7 and 3, with their XML; and what is read of them."""
    put(tmp_path / "list.txt", "a 7\nb/c 3\n")
    put(tmp_path / "xml/a.xml", xml(("n02000001", 0, 0, 9, 9), ("cat", 5, 5, 5, 8)))
    put(tmp_path / "xml/b/c.xml", xml(size=None))
    images = read_list(tmp_path / "list.txt")
    return tmp_path, images, *read_truth(images, tmp_path / "xml", TABLE)


def test_truth_by_wnid_and_by_name_with_boxes_as_the_xml_has_them(files):
    _, images, truth, classes = files
    assert images.names == ["a", "b/c"] and images.by_number == {"7": 0, "3": 1}
    image, label, box, difficult = (column.tolist() for column in truth)
    assert image == [0, 0] and label == [0, 1]
    assert box == [[0, 0, 9, 9], [5, 5, 5, 8]]  # one pixel wide, which the rules allow
    assert difficult == [False, False]
    assert classes.keys == ["n02000001", "n02000002"] and classes.by_number == {"2": 0, "1": 1}


def test_classes_without_a_table_are_those_that_occur(files):
    root, images, *_ = files
    truth, classes = read_truth(images, root / "xml", ())
    assert classes.keys == ["cat", "n02000001"] and truth[1].tolist() == [1, 0] and not classes.by_number


def test_three_forms_one_table(files):
    root, images, _, classes = files
    text = "7 1 0.5 1 2 3.5 4\n\n3 2 -1e3 0 0 9 9\n"
    rows = [("a", "cat", 0.5, [1, 2, 3.5, 4]), ("b/c", "n02000001", -1e3, [0, 0, 9, 9])]
    table = HEAD + "".join(f"{image},{name},{score},{','.join(map(str, box))}\n" for image, name, score, box in rows)
    turned = "\ufeff" + "score,image,class,xmax,ymax,xmin,ymin\r\n0.5,a,cat,3.5,4,1,2\r\n-1e3,b/c,n02000001,9,9,0,0\r\n"
    entries = [dict(zip(("image", "class", "score", "box"), row, strict=True)) for row in rows]
    for name, content in (("d.txt", text), ("d.csv", table), ("e.csv", turned), ("d.json", json.dumps(entries))):
        found = read_detections(put(root / name, content), images, classes)
        assert [column.tolist() for column in found] == [
            [0, 1], [1, 0], [0.5, -1000.0], [[1, 2, 3.5, 4], [0, 0, 9, 9]]
        ], name  # fmt: skip


def test_no_detections(files):
    root, images, _, classes = files
    for name, content in (("d.txt", ""), ("d.csv", HEAD), ("d.json", "[]")):
        image, _, score, box = read_detections(put(root / name, content), images, classes)
        assert len(image) == len(score) == 0 and box.shape == (0, 4)


GOOD = "7 1 0.5 1 2 3 4\n"
BAD_TEXT = [
    ("7 1 nan 1 2 3 4", r"score is 'nan', not a finite number; correct it or leave the line out$"),
    ("7 1 inf 1 2 3 4", r"score is 'inf', not a finite number"),
    ("7 1 0.5 1 2 x 4", r"xmax is 'x', not a finite number"),
    ("7 1 0.5 1 2 3", r"has 6 words, not 7; write image class score xmin ymin xmax ymax$"),
    ("8 1 0.5 1 2 3 4", r"no image '8' among the 2 of list\.txt; correct the line or the list$"),
    ("0 1 0.5 1 2 3 4", r"no image '0'"),
    ("7 3 0.5 1 2 3 4", r"no class '3'; known: 1, 2$"),
    ("7 1 0.5 3 2 1 4", r"box \(3, 2, 1, 4\) is inverted; write xmin ymin xmax ymax$"),
    ("7 1 0.5 1 4 3 2", r"box \(1, 4, 3, 2\) is inverted"),
]


@pytest.mark.parametrize(("line", "message"), BAD_TEXT, ids=[line for line, _ in BAD_TEXT])
def test_bad_lines_of_a_submission(files, line, message):
    root, images, _, classes = files
    path = put(root / "d.txt", GOOD + "\n" + line + "\n" + GOOD)
    with pytest.raises(UserError, match=rf"^d\.txt, line 3: {message}"):
        read_detections(path, images, classes)


BAD_NAMED = [
    ("d.csv", HEAD + "a,cat,0.5,1,2,3,4\na,cta,0.5,1,2,3,4\n", r"d\.csv, line 3: no class 'cta'; did you mean 'cat'"),
    ("d.csv", HEAD + "\nd,cat,0.5,1,2,3,4\n", r"d\.csv, line 3: no image 'd' among the 2 of list\.txt"),
    ("d.csv", HEAD + "a,cat,0.5,1,2,3\n", r"d\.csv, line 2: has 6 fields, not 7; correct the line"),
    ("d.csv", HEAD + "a,cat,,1,2,3,4\n", r"d\.csv, line 2: score is '', not a finite number"),
    ("d.csv", "image,class,score,box\n", r"d\.csv, line 1: the header must name image, class, score, xmin, ymin, xmax"),
    ("d.csv", "", r"d\.csv, line 1: the header must name"),
    ("d.json", "", r"d\.json: not JSON"),
    ("d.json", "[" * 100_000, r"d\.json: not JSON"),
    ("d.json", "{}", r"d\.json: is not a list; write \["),
    ("d.json", '[{"image": "a"}]', r"d\.json, entry 1: needs the texts image and class, a score, and a box of four"),
    ("d.json", '[{"image": "a", "class": "cat", "score": 1, "box": [1, 2, 3]}]', r"d\.json, entry 1: needs the texts"),
    ("d.json", '[{"image": 7, "class": "cat", "score": 1, "box": [1, 2, 3, 4]}]', r"d\.json, entry 1: needs the texts"),
    ("d.json", '[{"image": "a", "class": "cat", "score": NaN, "box": [1, 2, 3, 4]}]', r"entry 1: score is 'nan', not"),
    ("d.json", '[{"image": "a", "class": "cat", "box": [1, 2, 3, 4]}]', r"entry 1: score is 'None', not a finite"),
    ("d.json", '[{"image": "a", "class": "cat", "score": true, "box": [1, 2, 3, 4]}]', r"score is 'True', not a finite"),
    ("d.txt", b"7 1 0.5 1 2 3 4\xff\n", r"d\.txt: cannot be read as text"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "message"), BAD_NAMED, ids=[row[2] for row in BAD_NAMED])
def test_bad_files_of_the_other_forms(files, name, content, message):
    root, images, _, classes = files
    with pytest.raises(UserError, match=message) as caught:
        read_detections(put(root / name, content), images, classes)
    assert "\n" not in str(caught.value)


def test_missing_files_and_numbers_without_a_table(files):
    root, images, *_ = files
    _, unnumbered = read_truth(images, root / "xml", ())
    with pytest.raises(UserError, match=r"d\.txt: its classes are numbers; give a table .* \.csv or \.json"):
        read_detections(put(root / "d.txt", GOOD), images, unnumbered)
    with pytest.raises(UserError, match=r"none\.txt: no such file; correct the path"):
        read_detections(root / "none.txt", images, unnumbered)
    with pytest.raises(UserError, match=r"xml: cannot be read as text .*; give a UTF-8 text file"):
        read_detections(root / "xml", images, unnumbered)
    with pytest.raises(UserError, match=r"none\.csv: no such file; correct the path"):
        read_detections(root / "none.csv", images, unnumbered)
    with pytest.raises(UserError, match=r"none\.txt: no such file"):
        read_list(root / "none.txt")
    with pytest.raises(UserError, match=r"none: no such folder; give the one that holds the XML"):
        read_truth(images, root / "none", ())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"^list\.txt, 'b/c': c\.xml: no such annotation file; correct the file or the list$"),
        ("", r"^list\.txt, 'b/c': c\.xml: is empty"),
        (xml(("wolf", 0, 0, 9, 9)), r"^c\.xml: no class 'wolf'; known: cat, dog, n02000001, n02000002"),
        (xml(("dog", 9, 0, 8, 9)), r"^c\.xml: box \(9, 0, 8, 9\) is inverted; correct the file"),
        (xml(("dog", 9, 0, "nan", 9)), r"^list\.txt, 'b/c': c\.xml: an object's <bndbox> lacks a corner"),
    ],
)
def test_bad_truth(files, content, message):
    root, images, *_ = files
    (root / "xml/b/c.xml").unlink()
    if content is not None:
        put(root / "xml/b/c.xml", content)
    with pytest.raises(UserError, match=message):
        read_truth(images, root / "xml", TABLE)


def test_the_blacklist(files):
    root, images, _, classes = files
    path = put(root / "black.txt", "3 n02000001\na cat\n9 cat\n7 n02000009\n")
    pairs, outside = blacklisted(path, images, classes)
    assert pairs.tolist() == [[1, 0], [0, 1]] and outside == 2  # image 9 and the class n02000009 are not scored here
    assert blacklisted(put(path, "\n"), images, classes)[0].shape == (0, 2)
    for line, message in (("a cta", "no class 'cta'; did"), ("a", "'a' is not the")):
        with pytest.raises(UserError, match=rf"^black\.txt, line 2: {message}"):
            blacklisted(put(path, f"a cat\n{line}\n"), images, classes)


def test_without_a_table_a_blacklisted_class_need_not_occur(files):
    root, images, *_ = files
    _, classes = read_truth(images, root / "xml", ())
    pairs, outside = blacklisted(put(root / "black.txt", "7 cat\n7 fox\n"), images, classes)
    assert pairs.tolist() == [[0, 0]] and outside == 1


def test_detections_may_name_images_with_their_extension(files):
    root, images, _, classes = files
    rows = "a.jpg,cat,0.5,1,2,3,4\nb/c.JPEG,cat,0.5,1,2,3,4\n"
    assert read_detections(put(root / "d.csv", HEAD + rows), images, classes)[0].tolist() == [0, 1]


def test_tables_of_classes(tmp_path):
    text = "n02000001 17 polar_bear\nn02000002 tench, Tinca tinca\nn02000003\ntraffic light\n"
    assert read_class_table(put(tmp_path / "map.txt", text)) == [
        ("n02000001", "polar bear", 17),
        ("n02000002", "tench", 0),
        ("n02000003", "n02000003", 0),
        ("traffic light", "traffic light", 0),
    ]
    with pytest.raises(UserError, match=r"^map\.txt, line 3: '17' is already in line 1; remove one of them"):
        read_class_table(put(tmp_path / "map.txt", "n02000001 17 a\n\nn02000002 17 b\n"))
