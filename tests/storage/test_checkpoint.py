"""Checkpoints: the same content gives the same bytes, and every bad file is reported in one line."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from googlenet.errors import UserError
from googlenet.storage.checkpoint import OTHER_MODEL, copy_into, load, load_arrays, save, save_arrays

ACROSS_PROCESSES = """
import sys
import numpy as np
from googlenet.storage.checkpoint import save_arrays
arrays = {name: np.full((2, 3), value, np.float32) for name, value in zip("cab", range(3))}
save_arrays(sys.argv[1], arrays, {name: name for name in sys.argv[2]})
assert "torch" not in sys.modules
"""


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Linear(4, 2))


def test_tensors_and_metadata_come_back(tmp_path):
    tensors = {
        "a": torch.arange(6.0).reshape(2, 3),
        "b": torch.tensor([1, 2]),
        "c": torch.ones((), dtype=torch.bfloat16),
    }
    save(tmp_path / "w.safetensors", tensors, {"stage": "train", "größe": "1"})
    read, metadata = load(tmp_path / "w.safetensors")
    assert metadata == {"stage": "train", "größe": "1"}
    assert read.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert read[name].dtype == tensor.dtype
        assert torch.equal(read[name], tensor)
    assert [file.name for file in tmp_path.iterdir()] == ["w.safetensors"]


def test_memory_layout_does_not_change_the_bytes(tmp_path):
    image = torch.arange(120.0).reshape(2, 3, 4, 5)
    whole = torch.arange(12.0)
    save(tmp_path / "a", {"x": image, "y": whole[4:8], "z": whole[6:], "t": whole.reshape(3, 4).T}, {})
    save(
        tmp_path / "b",
        {
            "t": whole.reshape(3, 4).T.contiguous().numpy(),
            "z": nn.Parameter(whole[6:].clone()),
            "y": whole[4:8].clone(),
            "x": image.contiguous(memory_format=torch.channels_last),
        },
        {},
    )
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert torch.equal(load(tmp_path / "b")[0]["x"], image)


def test_bytes_are_the_same_in_every_process(tmp_path):
    files = []
    for number, keys in enumerate(("abcdefgh", "hgfedcba", "abcdefgh", "badcfehg")):
        files.append(tmp_path / f"{number}.safetensors")
        environment = os.environ | {"PYTHONHASHSEED": str(number)}
        command = [sys.executable, "-c", ACROSS_PROCESSES, str(files[-1]), keys]
        subprocess.run(command, check=True, env=environment | {"PYTHONPATH": os.pathsep.join(sys.path)})
    assert len({file.read_bytes() for file in files}) == 1
    arrays = {name: np.full((2, 3), value, np.float32) for name, value in zip("cab", range(3), strict=True)}
    save(tmp_path / "torch", arrays, {name: name for name in "abcdefgh"})
    assert (tmp_path / "torch").read_bytes() == files[0].read_bytes()


def test_arrays_come_back_whatever_their_order(tmp_path):
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    arrays = {"t": array.T, "big": array.astype(">f4"), "half": array.astype(np.float16), "n": np.int64(7)}
    save_arrays(tmp_path / "p", arrays, {"crops": "144"})
    read, metadata = load_arrays(tmp_path / "p")
    assert metadata == {"crops": "144"}
    for name, value in arrays.items():
        np.testing.assert_array_equal(read[name], value)
    assert read["n"].shape == ()


def test_a_file_of_another_writer_keeps_its_metadata(tmp_path):
    from safetensors.numpy import save_file

    save_file({"a": np.zeros(1, np.float32)}, tmp_path / "theirs", metadata={"format": "pt"})
    assert load_arrays(tmp_path / "theirs")[1] == {"format": "pt"}


def test_metadata_must_be_text(tmp_path):
    with pytest.raises(TypeError, match="'epochs' is int"):
        save_arrays(tmp_path / "p", {}, {"epochs": 3})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("read", [load, load_arrays])
@pytest.mark.parametrize("kept", [0, 4, 60, -1])
def test_a_truncated_file_is_named(tmp_path, read, kept):
    path = tmp_path / "w.safetensors"
    save(path, {"a": torch.zeros(100)}, {})
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UserError, match=r"w\.safetensors: not a whole safetensors file"):
        read(path)


def test_other_files_are_named(tmp_path):
    torch.save({"a": torch.zeros(2)}, tmp_path / "pickle.pt")
    with pytest.raises(UserError, match=r"pickle\.pt: not a whole safetensors file"):
        load(tmp_path / "pickle.pt")
    with pytest.raises(UserError, match=r"absent: not found"):
        load(tmp_path / "absent")
    with pytest.raises(UserError, match="not a whole safetensors file"):
        load(tmp_path)


def test_all_is_copied():
    other = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Linear(4, 2))
    copy_into(other, network().state_dict(), "w", OTHER_MODEL)
    for ours, theirs in zip(other.parameters(), network().parameters(), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s | {"1.wieght": s.pop("1.weight")}, r"lacks '1\.weight' \(the nearest name is '1\.wieght'\)"),
        (lambda s: {"1.bias": s["1.bias"]}, r"lacks '0\.bias' and 2 more; give the config"),
        (lambda s: s | {"2.bias": s["1.bias"]}, r"has '2\.bias', which .* \(the nearest name is '[01]\.bias'\)"),
        (lambda s: s | {"1.bias": torch.zeros(5)}, r"'1\.bias' is \[5\] where the network has \[2\]"),
    ],
)
def test_copying_is_strict_and_leaves_the_network_alone(change, message):
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Linear(4, 2))
    before = [p.detach().clone() for p in model.parameters()]
    with pytest.raises(UserError, match=message) as raised:
        copy_into(model, change(dict(network().state_dict())), "file.safetensors", OTHER_MODEL)
    assert str(raised.value).startswith("file.safetensors: ")
    assert all(torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True))
