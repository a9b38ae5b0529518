"""Every kind of bad input gives its one line: an error that ends the job, or the reason why one file is left out."""

import re

import numpy as np
import pytest

import bad_settings
from bad_input import LEFT_OUT, TABLE
from data.datasets import detection, put, voc_tree, write_manifest, xml
from googlenet.data.prepare import prepare
from googlenet.data.store import open_split
from googlenet.errors import UserError

MARKS = {bad_settings.command: pytest.mark.engine}
ROWS = [
    pytest.param(call, kind, given, line, marks=MARKS.get(call, ()))
    for _, call, kind, rows in TABLE
    for _, given, line in rows
]
IDS = [f"{title}: {what}" for title, _, _, rows in TABLE for what, _, _ in rows]
# How a line says what to do: after a semicolon, or by what the value must be, or by the right names.
REMEDY = re.compile(r"; \S|must be |needs? |did you mean |known: ")


@pytest.mark.parametrize(("call", "kind", "given", "line"), ROWS, ids=IDS)
def test_the_line(tmp_path, call, kind, given, line):
    if kind == LEFT_OUT:
        said = call(tmp_path, given)
    else:
        with pytest.raises(UserError) as caught:
            call(tmp_path, given)
        said = str(caught.value)
        assert REMEDY.search(said), f"states no remedy: {said}"
    said = said.replace(str(tmp_path), "HERE")
    assert said.isprintable() and ": " in said
    assert line == said if isinstance(line, str) else line.fullmatch(said), said


def test_the_table_is_long_and_names_no_kind_twice():
    assert len(IDS) == len(set(IDS)) >= 150


def test_what_is_unusual_and_right(tmp_path):
    """Thousands of objects in an image, a DTD without entities, and an image without objects where they are kept."""
    root = voc_tree(tmp_path / "raw", 3)
    corners = np.random.default_rng(0).integers(1, 12, (4000, 2))
    objects = [("cat", x, y, x + 9, y + 9) for x, y in corners.tolist()]
    put(root / "Annotations/train_0.xml", xml(*objects))
    put(root / "Annotations/train_1.xml", '<!DOCTYPE annotation SYSTEM "voc.dtd">' + xml(("cat", 1, 1, 9, 9)))
    put(root / "Annotations/test_0.xml", xml())
    settings = detection("voc", root, images_without_objects="keep")
    manifest = prepare(settings, tmp_path / "out")
    assert manifest.refused == ()
    write_manifest(tmp_path / "out", manifest)
    train, test = (open_split(tmp_path / "out", split) for split in ("train", "test"))
    assert [len(train[i].boxes) for i in range(3)] == [4000, 1, 2] and len(test[0].boxes) == 0
