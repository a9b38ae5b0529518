"""Arrays of which only some rows are read or written at a time: the same files, the same values."""

import errno
import pickle

import numpy as np
import pytest
import torch

from googlenet.errors import UserError
from googlenet.storage.checkpoint import save, save_arrays
from googlenet.storage.rows import Writing, open_rows, written

ARRAYS = {
    "compare.mirror.boxes": np.arange(24, dtype=np.float32).reshape(3, 2, 4),
    "probabilities": np.linspace(0, 1, 9, dtype=np.float32).reshape(3, 3),
}


def write(path, arrays, metadata, at_once=1):
    with written(path, {name: array.shape for name, array in arrays.items()}, metadata) as file:
        for start in range(0, max(map(len, arrays.values())), at_once):
            for name, array in arrays.items():
                file.add(name, array[start : start + at_once])


@pytest.mark.parametrize("at_once", [1, 2, 9])
def test_written_row_by_row_the_bytes_are_those_of_a_whole_file(tmp_path, at_once):
    metadata = {"stamp": 'ä "quoted"\n/', "b": ""}
    save_arrays(tmp_path / "whole", ARRAYS, metadata)
    write(tmp_path / "rows", ARRAYS, metadata, at_once)
    assert (tmp_path / "rows").read_bytes() == (tmp_path / "whole").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rows", "whole"]


def test_arrays_without_rows_are_written_and_read(tmp_path):
    empty = {"probabilities": np.zeros((0, 3), np.float32), "x": np.zeros((0, 2), np.float32)}
    save_arrays(tmp_path / "whole", empty, {})
    with written(tmp_path / "rows", {name: array.shape for name, array in empty.items()}, {}):
        pass
    assert (tmp_path / "rows").read_bytes() == (tmp_path / "whole").read_bytes()
    assert open_rows(tmp_path / "rows")[0]["x"][:].shape == (0, 2)


def test_rows_that_are_missing_or_of_another_shape_leave_no_file(tmp_path):
    with pytest.raises(ValueError, match="2 rows of a, of 3"), written(tmp_path / "f", {"a": (3, 2)}, {}) as f:
        f.add("a", np.zeros((2, 2)))
    with pytest.raises(ValueError, match=r"a: rows of \(3,\)"), written(tmp_path / "f", {"a": (1, 2)}, {}) as f:
        f.add("a", np.zeros((1, 3)))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_keeps_its_number():
    """numpy's own writing to a file would not say which error it was."""
    with open("/dev/full", "wb", buffering=0) as full, pytest.raises(OSError) as caught:
        Writing({"a": full}, {"a": (1, 2)}).add("a", np.zeros((1, 2)))
    assert caught.value.errno == errno.ENOSPC


def test_any_rows_are_read_alone(tmp_path):
    rng = np.random.default_rng(0)
    wanted = {
        "boxes": rng.integers(0, 99, (7, 4)).astype(np.int32),
        "counts": rng.integers(0, 9, 5),
        "small": rng.random((6, 2)).astype(np.float16),
        "flags": rng.random((8, 3)) < 0.5,
        "bytes": rng.integers(0, 255, (4, 1)).astype(np.uint8),
    }
    save_arrays(tmp_path / "f", wanted, {"stamp": "s"})
    found, metadata = open_rows(tmp_path / "f")
    assert metadata == {"stamp": "s"} and found.keys() == wanted.keys()
    found = pickle.loads(pickle.dumps(found))  # as a loader's processes take them along
    for name, array in wanted.items():
        rows = found[name]
        assert len(rows) == len(array) and rows.shape == array.shape and rows.dtype == array.dtype
        for asked in (slice(None), slice(1, 3), slice(2, 2), slice(0, 99), slice(-2, None), slice(3, 1)):
            assert np.array_equal(rows[asked], array[asked]) and rows[asked].dtype == array.dtype
    found["boxes"][0:1][0] = 7  # an array of one's own
    assert np.array_equal(found["boxes"][:], wanted["boxes"])
    with pytest.raises(ValueError, match="steps of 1"):
        found["boxes"][::2]


def test_what_numpy_lacks_is_named(tmp_path):
    save(tmp_path / "f", {"half": torch.zeros(2, dtype=torch.bfloat16)}, {})
    with pytest.raises(UserError, match=r"f: 'half' is BF16, which numpy lacks; delete it"):
        open_rows(tmp_path / "f")


def test_a_file_that_goes_or_is_cut_short_on_the_way_is_named(tmp_path):
    path = tmp_path / "f"
    save_arrays(path, ARRAYS, {})
    rows = open_rows(path)[0]["probabilities"]
    path.write_bytes(path.read_bytes()[:-4])
    assert np.array_equal(rows[:2], ARRAYS["probabilities"][:2])
    for change in (lambda: None, path.unlink):
        change()
        with pytest.raises(UserError, match="f: changed or gone while it was read"):
            rows[1:]


@pytest.mark.parametrize("kept", [0, 4, 60, -1])
def test_a_file_cut_short_is_named(tmp_path, kept):
    save_arrays(tmp_path / "p.safetensors", ARRAYS, {})
    path = tmp_path / "p.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UserError, match=r"p\.safetensors: not a whole safetensors file"):
        open_rows(path)
