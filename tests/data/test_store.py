"""Shards give back what went in, byte for byte the same each time, and say which file is damaged."""

import errno
import hashlib
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.datasets import jpeg, manifest_of, shard, write_manifest
from googlenet.data.images import decode
from googlenet.data.records import Record
from googlenet.data.store import BATCH, digest, open_split, replace_split, write_shard
from googlenet.errors import UserError


def records(count: int) -> list[Record]:
    """Records with as many boxes as their number modulo 3."""
    rng = np.random.default_rng(0)
    made = []
    for number in range(count):
        boxes = rng.integers(0, 20, (number % 3, 4)).astype(np.float32)
        truth = (boxes, np.arange(number % 3), np.arange(number % 3) == 1, np.arange(number % 2, dtype=np.int32))
        made.append(Record(f"r{number}", jpeg(seed=number), 32, 24, number % 5, *truth))
    return made


def store(folder, *groups):
    """Write one split, a shard for each list of records, and their manifest."""
    rows = [row for number, items in enumerate(groups) for row in shard(folder, "train", items, number)]
    write_manifest(folder, manifest_of({"train": rows, "validation": [], "test": []}))
    return rows


def test_round_trip_over_several_shards_and_batches(tmp_path):
    items = records(2 * BATCH + 5)
    rows = store(tmp_path, items[: BATCH + 3], [], items[BATCH + 3 :])
    assert [row.records for row in rows] == [BATCH + 3, 0, BATCH + 2]
    split = open_split(tmp_path, "train")
    assert len(split) == len(items) and split.names == [item.name for item in items]
    assert split.labels.dtype == np.int64 and split.labels.tolist() == [item.label for item in items]
    for index in (0, 1, BATCH - 1, BATCH, BATCH + 2, BATCH + 3, len(items) - 1, -1, 0):
        for field, value in (vars(items[index]) | {"sha256": digest(items[index].image)}).items():
            got = getattr(split[index], field)
            assert np.array_equal(got, value) and getattr(got, "dtype", None) == getattr(value, "dtype", None)
    assert split[0].boxes.shape == (0, 4) and split[1].boxes.flags.writeable
    assert split.image(2).shape == (24, 32, 3)


def test_images_are_those_of_their_records_for_threads_that_open_a_split_together(tmp_path):
    items = records(2 * BATCH + 5)
    store(tmp_path, items[:3], [], items[3 : BATCH + 3], items[BATCH + 3 :])
    indices = [*range(len(items)), -1, -len(items)]
    for _ in range(5):
        split = open_split(tmp_path, "train")
        with ThreadPoolExecutor(4) as threads:
            images = list(threads.map(split.image, indices))
        assert all(
            np.array_equal(image, decode(items[index].image)) for index, image in zip(indices, images, strict=True)
        )


def test_an_image_that_cannot_be_decoded_is_named(tmp_path):
    items = records(3)
    items[1] = replace(items[1], image=b"no image")
    store(tmp_path, items)
    with pytest.raises(UserError, match=r"^r1: not an image"):
        open_split(tmp_path, "train").image(1)


def test_images_outside_of_the_file_are_a_damaged_shard(tmp_path):
    store(tmp_path, records(3))
    path = tmp_path / "train-00000.arrow"
    sizes = [len(item.image) for item in records(3)]
    offsets = np.cumsum([0, *sizes]).astype(np.int64)
    whole = path.read_bytes()
    assert whole.count(offsets.tobytes()) == 1
    for damage in ([0, sizes[0], 1, offsets[3]], [0, *offsets[1:3], 10**9]):
        path.write_bytes(whole.replace(offsets.tobytes(), np.array(damage, np.int64).tobytes()))
        with pytest.raises(UserError, match=r"train-00000\.arrow: damaged shard"):
            open_split(tmp_path, "train").image(0)


def test_index_beyond_the_end(tmp_path):
    store(tmp_path, records(3))
    split = open_split(tmp_path, "train")
    for index in (3, -4):
        for read in (split.__getitem__, split.image):
            with pytest.raises(IndexError, match=f"3 records; no record {index}"):
                read(index)
    assert len(list(split)) == 3


def test_empty_split(tmp_path):
    store(tmp_path)
    split = open_split(tmp_path, "train")
    assert len(split) == 0 and split.labels.shape == (0,) and split.names == []


def test_same_records_give_the_same_bytes(tmp_path):
    rows = [store(tmp_path / name, records(40)) for name in ("a", "b")]
    assert rows[0] == rows[1]
    shards = [(tmp_path / name / "train-00000.arrow").read_bytes() for name in ("a", "b")]
    assert shards[0] == shards[1] and len(shards[0]) == rows[0][0].bytes
    assert hashlib.sha256(shards[0]).hexdigest() == rows[0][0].sha256


def test_finished_shards_take_the_place_of_an_earlier_runs(tmp_path):
    store(tmp_path, records(3), records(2))
    row = write_shard(tmp_path / "unfinished/train-00000.arrow", records(1))
    (tmp_path / ".train-00007.arrow.123.part").write_bytes(b"half")
    (tmp_path / "test-00000.arrow").write_bytes(b"of another split")
    for _ in range(2):  # also where a run that was killed had moved them already
        replace_split(tmp_path / "unfinished", tmp_path, "train", [row])
    left = sorted(path.name for path in tmp_path.iterdir() if path.is_file())
    assert left == ["manifest.json", "test-00000.arrow", "train-00000.arrow"]
    assert (tmp_path / "train-00000.arrow").stat().st_size == row.bytes


def breaking(count, error):
    yield from records(count)
    raise error


def test_failure_on_the_way_leaves_no_half_shard(tmp_path):
    with pytest.raises(RuntimeError, match="disk"):
        write_shard(tmp_path / "train-00000.arrow", breaking(1, RuntimeError("disk")))
    assert list(tmp_path.iterdir()) == []


def test_a_shard_is_written_batch_by_batch(tmp_path):
    seen = []

    def watched():
        for item in records(3 * BATCH):
            seen.append(sum(path.stat().st_size for path in tmp_path.iterdir()))
            yield item

    write_shard(tmp_path / "train-00000.arrow", watched())
    assert seen[BATCH - 1] < seen[BATCH + 1] < seen[2 * BATCH + 1]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_an_error_of_its_own_that_names_the_shard(tmp_path, monkeypatch):
    path = tmp_path / "train-00000.arrow"
    (tmp_path / f".{path.name}.{os.getpid()}.part").symlink_to("/dev/full")
    with pytest.raises(OSError) as caught:
        write_shard(path, records(3 * BATCH))
    assert caught.value.errno == errno.ENOSPC and caught.value.filename == str(path)
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


def test_shard_of_the_right_size_that_is_no_arrow_file(tmp_path):
    rows = store(tmp_path, records(3))
    (tmp_path / "train-00000.arrow").write_bytes(bytes(rows[0].bytes))
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


def test_reading_records_imports_no_decoder(tmp_path):
    store(tmp_path, records(3))
    code = f"""
import sys
from pathlib import Path
from googlenet.data.store import open_split
assert open_split(Path({str(tmp_path)!r}), "train")[1].name == "r1"
print([name for name in ("cv2", "PIL", "torch", "sklearn", "mlflow") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
