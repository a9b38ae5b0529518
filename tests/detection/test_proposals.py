"""Packing boxes into arrays and joining the parts that separate jobs made."""

import numpy as np
import pytest

from googlenet.detection.proposals import counts_of, joined, pack
from googlenet.errors import UserError
from googlenet.stages import propose_regions
from googlenet.storage.checkpoint import load_arrays, save_arrays
from googlenet.storage.rows import open_rows
from settings import settings_of
from stage_jobs import stage_job


def boxes(*counts):
    """Boxes of as many images; each box encodes its image and its row."""
    return [
        np.array([[image, row, image + 9, row + 9] for row in range(count)], np.int32).reshape(-1, 4)
        for image, count in enumerate(counts)
    ]


def same(actual, expected):
    assert len(actual) == len(expected)
    for one, other in zip(actual, expected, strict=True):
        assert one.dtype == np.int32 and one.shape == other.shape and np.array_equal(one, other)


def test_pack_by_hand():
    arrays = pack({"train": boxes(2, 0, 1), "test": []})
    assert sorted(arrays) == ["test.boxes", "test.counts", "train.boxes", "train.counts"]
    assert arrays["train.boxes"].tolist() == [[0, 0, 9, 9], [0, 1, 9, 10], [2, 0, 11, 9]]
    assert arrays["train.counts"].tolist() == [2, 0, 1]
    assert arrays["test.boxes"].shape == (0, 4) and arrays["test.counts"].tolist() == []


@pytest.mark.parametrize("counts", [(), (3,), (2, 0, 1), (0, 0), (0, 4, 0), (1, 2, 3, 4, 5)])
def test_one_part_gives_back_what_was_packed(counts):
    same(joined([pack({"test": boxes(*counts)})], "test"), boxes(*counts))


@pytest.mark.parametrize("parts", [1, 2, 3, 4, 7, 9])
def test_parts_are_joined_in_the_splits_order(parts):
    train, test = boxes(1, 2, 3, 0, 5, 6, 7), boxes(4, 1)
    packed = [pack({"train": train[i::parts], "test": test[i::parts]}) for i in range(parts)]
    same(joined(packed, "train"), train)
    same(joined(packed, "test"), test)
    assert joined(packed, "train").counts.tolist() == [1, 2, 3, 0, 5, 6, 7]


@pytest.mark.parametrize("parts", [1, 3])
def test_parts_that_are_opened_give_the_same_boxes(tmp_path, parts):
    train, paths = boxes(1, 2, 3, 0, 5), [tmp_path / str(i) for i in range(parts)]
    for i, path in enumerate(paths):
        save_arrays(path, pack({"train": train[i::parts], "test": []}), {})
    opened = joined([open_rows(path)[0] for path in paths], "train")
    same(opened, train)
    same([opened[i] for i in (4, 0)], [train[4], train[0]])
    same(opened[1:4], train[1:4])
    assert counts_of(opened).tolist() == counts_of(train).tolist() == [1, 2, 3, 0, 5]
    for beyond in (5, -1):
        with pytest.raises(IndexError, match="of 5"):
            opened[beyond]
    assert list(joined([open_rows(path)[0] for path in paths], "test")) == []


class Blank:
    """A split of images in which selective search finds nothing."""

    names = ("a.jpg", "b.jpg")

    def __len__(self):
        return len(self.names)

    def image(self, index):
        return np.zeros((8, 8, 3), np.uint8)


def test_only_a_job_that_knows_all_images_refuses_those_without_a_region(tmp_path, monkeypatch):
    monkeypatch.setattr(propose_regions, "open_split", lambda folder, name: Blank())
    nothing = [np.zeros((0, 4), np.int32)]
    monkeypatch.setattr(propose_regions, "propose_each", lambda images, settings, threads: nothing * len(list(images)))
    paths = {name: tmp_path / name for name in ("manifest", "proposals", "metrics")}
    for parts in (2, 1):
        job = stage_job("propose_regions", settings_of("propose_regions", parts=parts))
        if parts == 1:
            with pytest.raises(UserError, match=r"propose_regions\.min_box_side_px: .* in any image"):
                propose_regions.run(job, **paths)
        else:
            propose_regions.run(job, **paths)
            assert load_arrays(paths["proposals"])[0]["train.counts"].tolist() == [0]
