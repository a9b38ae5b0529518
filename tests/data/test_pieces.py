"""How a data set is cut into pieces of work: by the source alone."""

import os
from dataclasses import replace
from pathlib import Path

from data.datasets import put
from googlenet.data.pack import FileState, Task, cut, state_of
from googlenet.data.records import Annotation, Candidate

ITEMS = [Candidate(f"p{n}", Path("/x/a.tar"), n % 2, offset=100 * n, size=300) for n in range(7)]


def test_a_piece_closes_once_its_files_reach_the_limit():
    pieces = list(cut("train", ITEMS, 900 / 1e6))
    assert [[item.name for item in piece.candidates] for piece in pieces] == [
        ["p0", "p1", "p2"], ["p3", "p4", "p5"], ["p6"]
    ]  # fmt: skip
    assert [piece.name for piece in pieces] == ["train-00000", "train-00001", "train-00002"]
    assert [len(piece.candidates) for piece in cut("train", ITEMS, 901 / 1e6)] == [4, 3]
    assert len(list(cut("train", ITEMS, 1))) == 1 and list(cut("train", [], 1)) == []


def task(keys=("cat", "dog"), scratch="/scratch"):
    return Task(list(keys), 1, 0, Path("/set"), Path("/notes"), Path(scratch))


def test_states_are_those_of_the_files_and_a_missing_one_waits_for_its_turn(tmp_path):
    path = put(tmp_path / "a.jpg", b"12345")
    os.utime(path, ns=(0, 7))
    there = Candidate("a", path)
    assert state_of(there, {}) == FileState(5, 7)
    assert state_of(replace(there, path=tmp_path / "b.jpg"), {}) == FileState(0, 0)
    assert state_of(replace(there, offset=1, size=3), {}) == FileState(3, 7)  # of an archive


def test_all_that_is_known_of_the_images_is_in_the_digest():
    boxes = Annotation("a.xml", ("cat",), ((1.0, 1.0, 5.0, 5.0),), (False,), (32, 24), 1)
    first = Candidate("a", Path("/x/a.jpg"), annotation=boxes, size=9)

    def of(keys=("cat", "dog"), modified_ns=0, **changes):
        (piece,) = cut("train", [replace(first, **changes)], 1)
        files = [FileState(file.size, modified_ns) for file in piece.files]
        return replace(piece, files=files).digest(task(keys))

    others = [{"name": "b"}, {"path": Path("/x/b.jpg")}, {"offset": 1}, {"size": 8}, {"label": 1}, {"partial": (1,)}]
    others.append({"annotation": replace(boxes, boxes=((1.0, 1.0, 5.0, 6.0),))})
    others += [{"keys": ("dog", "cat")}, {"modified_ns": 1}]
    assert len({of(), *(of(**changes) for changes in others)}) == 10


def test_a_scratch_folder_of_another_name_and_time_is_the_same(tmp_path):
    def of(scratch):
        path = put(tmp_path / scratch / "a.jpg", b"12345")
        (piece,) = cut("train", [Candidate("a", path)], 1)
        return piece.digest(task(scratch=tmp_path / scratch))

    assert of("one") == of("two")
