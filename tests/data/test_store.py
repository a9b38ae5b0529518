"""Shards give back what went in, byte for byte the same each time, and say which file is damaged."""

import pickle

import numpy as np
import pytest

from data.rooms import jpeg
from googlenet.data.records import Record
from googlenet.data.store import BATCH, open_split, verify, write_split
from googlenet.errors import UserError
from googlenet.files import write_json


def records(count: int) -> list[Record]:
    """Records with as many boxes as their number modulo 3."""
    rng = np.random.default_rng(0)
    made = []
    for number in range(count):
        boxes = rng.integers(0, 20, (number % 3, 4)).astype(np.float32)
        truth = (
            boxes,
            np.arange(number % 3),
            np.arange(number % 3) == 1,
            np.arange(number % 2, dtype=np.int32),
        )
        made.append(Record(f"r{number}", jpeg(seed=number), 32, 24, number % 5, *truth))
    return made


def store(folder, items, shard_mb=64.0):
    """Write one split and the part of a manifest that the store reads."""
    rows = write_split(folder, "train", items, shard_mb)
    empty = {"shards": []}
    write_json(
        folder / "manifest.json", {"splits": {"train": {"shards": rows}, "validation": empty, "test": empty}}
    )
    return rows


def test_round_trip_over_several_shards_and_batches(tmp_path):
    items = records(2 * BATCH + 5)
    rows = store(tmp_path, items, shard_mb=sum(len(item.image) for item in items[: BATCH + 3]) / 1e6)
    assert [row["records"] for row in rows] == [BATCH + 3, BATCH + 2]
    split = open_split(tmp_path, "train")
    assert len(split) == len(items) and split.names == [item.name for item in items]
    assert split.labels.dtype == np.int64 and split.labels.tolist() == [item.label for item in items]
    for index in (0, 1, BATCH - 1, BATCH, BATCH + 2, BATCH + 3, len(items) - 1, -1):
        for field, value in vars(items[index]).items():
            got = getattr(split[index], field)
            assert np.array_equal(got, value) and getattr(got, "dtype", None) == getattr(value, "dtype", None)
    assert split[0].boxes.shape == (0, 4) and split[1].boxes.flags.writeable
    assert split.picture(2).shape == (24, 32, 3)


def test_index_beyond_the_end(tmp_path):
    store(tmp_path, records(3))
    split = open_split(tmp_path, "train")
    for index in (3, -4):
        with pytest.raises(IndexError, match=f"3 records; no record {index}"):
            split[index]
    assert len(list(split)) == 3


def test_empty_split(tmp_path):
    store(tmp_path, [])
    split = open_split(tmp_path, "train")
    assert len(split) == 0 and split.labels.shape == (0,) and split.names == []


def test_same_records_give_the_same_bytes(tmp_path):
    rows = [store(tmp_path / name, records(40), shard_mb=0.02) for name in ("a", "b")]
    assert rows[0] == rows[1] and len(rows[0]) > 1
    for row in rows[0]:
        assert (tmp_path / "a" / row["file"]).read_bytes() == (tmp_path / "b" / row["file"]).read_bytes()


def test_shards_and_parts_of_an_earlier_run_go(tmp_path):
    assert len(store(tmp_path, records(40), shard_mb=0.01)) > 2
    (tmp_path / ".train-00007.arrow.123.part").write_bytes(b"half")
    (tmp_path / "test-00000.arrow").write_bytes(b"of another split")
    store(tmp_path, records(3))
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["manifest.json", "test-00000.arrow", "train-00000.arrow"]


def test_failure_on_the_way_leaves_no_half_shard(tmp_path):
    def breaking():
        yield records(1)[0]
        raise RuntimeError("disk")

    with pytest.raises(RuntimeError, match="disk"):
        write_split(tmp_path, "train", breaking(), 64)
    assert list(tmp_path.iterdir()) == []


def test_missing_shard_is_named(tmp_path):
    store(tmp_path, records(3))
    (tmp_path / "train-00000.arrow").unlink()
    with pytest.raises(UserError, match=r"train-00000\.arrow: shard missing; pull it or prepare"):
        open_split(tmp_path, "train")


def test_shorter_shard_is_named(tmp_path):
    store(tmp_path, records(3))
    path = tmp_path / "train-00000.arrow"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"train-00000\.arrow: \d+ bytes, not the \d+ of the manifest"):
        open_split(tmp_path, "train")


def test_verify_finds_one_changed_byte(tmp_path):
    store(tmp_path, records(3))
    verify(tmp_path)
    path = tmp_path / "train-00000.arrow"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"train-00000\.arrow: not the bytes that the manifest lists"):
        verify(tmp_path)


def test_shard_of_the_right_size_that_is_no_arrow_file(tmp_path):
    rows = store(tmp_path, records(3))
    (tmp_path / "train-00000.arrow").write_bytes(bytes(rows[0]["bytes"]))
    with pytest.raises(UserError, match=r"train-00000\.arrow: damaged shard"):
        open_split(tmp_path, "train")[0]


def test_unknown_split_and_missing_manifest(tmp_path):
    with pytest.raises(UserError, match=r"manifest\.json: not found"):
        open_split(tmp_path, "train")
    store(tmp_path, records(3))
    with pytest.raises(UserError, match="no split 'tran'; did you mean 'train'"):
        open_split(tmp_path, "tran")


def test_a_loader_worker_can_be_sent_a_split(tmp_path):
    store(tmp_path, records(3))
    split = open_split(tmp_path, "train")
    assert split[1].name == "r1"
    assert pickle.loads(pickle.dumps(split))[2].image == split[2].image
