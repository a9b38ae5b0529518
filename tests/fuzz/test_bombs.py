"""Small files that ask for gigabytes end in one line, within the memory that any other input has."""

import io
import json
import zipfile

import official_archives as official
import pytest
import torch
from PIL import Image

from fuzz import archives, weights
from fuzz.child import Child
from googlenet.storage import checkpoint

pytestmark = pytest.mark.long


def image(mode, size, kind):
    """A large image of one colour, which takes little space."""
    file = io.BytesIO()
    Image.new(mode, size).save(file, kind)
    return file.getvalue()


def kit():
    """A development kit whose ground truth has fifty million lines."""
    inner = {f"{archives.KIT}/{archives.TRUTH}": b"1\n" * 50_000_000}
    return official.packed((archives.kit_members() | inner).items(), "w:gz")


def wide(folder):
    """A checkpoint whose description is of a network eight times as wide as the paper's."""
    path = folder / "w.safetensors"
    path.write_bytes(weights.own()["w.safetensors"])
    tensors, metadata = checkpoint.load(path)
    spec = json.loads(metadata["spec"])
    spec["architecture"]["width"] = 8.0
    checkpoint.save(path, tensors, metadata | {"spec": json.dumps(spec)})
    return path.read_bytes()


def view():
    """A file of torch.save whose tensor repeats one number."""
    file = io.BytesIO()
    torch.save({"fc.weight": torch.zeros(1).expand(2**34, 1024)}, file)
    return file.getvalue()


def compressed():
    """A file of torch.save, compressed: 200 MB in one."""
    file, packed = io.BytesIO(), io.BytesIO()
    torch.save({"fc.weight": torch.zeros(50_000_000)}, file)
    with zipfile.ZipFile(file) as plain, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in plain.namelist():
            archive.writestr(name, plain.read(name))
    return packed.getvalue()


CASES = {
    "a large PNG": ("images", "PNG", lambda _: {"train/cat/0.png": image("1", (12_000, 12_000), "PNG")}, "pixels are decoded"),
    "a large WebP": ("images", "WebP", lambda _: {"train/cat/0.webp": image("RGB", (9_000, 9_000), "WEBP")}, "pixels are decoded"),
    "a large text in a kit": ("archives", official.KIT, lambda _: {official.KIT: kit()}, "unpacks to more than 8 MB"),
    "a wide network": ("weights", "our checkpoint", lambda folder: {"w.safetensors": wide(folder)}, "where the network has"),
    "a view": ("weights", ".pth, a zip", lambda _: {"w.pth": view()}, "more numbers than the file"),
    "a compressed .pth": ("weights", ".pth, a zip", lambda _: {"w.pth": compressed()}, "is compressed"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_it_ends_in_one_line(case, tmp_path):
    kind, name, files, line = CASES[case]
    child = Child(kind)
    outcome = child.read(name, files(tmp_path))
    child.close()
    assert outcome.kind == "error" and line in outcome.text, outcome
    assert outcome.memory_mb < 500


def test_an_alpha_channel_of_a_large_image_is_blended_within_the_memory():
    child = Child("images")
    outcome = child.read("PNG", {"train/cat/0.png": image("RGBA", (10_000, 10_000), "PNG")})
    child.close()
    assert outcome.kind == "record", outcome
