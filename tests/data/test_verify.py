"""A prepared data set is compared with its digests: what differs is named, shard by shard and image by image."""

import pytest

from data.datasets import class_tree, classification, write_manifest
from googlenet.cli.data import faults
from googlenet.data.prepare import prepare
from googlenet.data.store import open_split


@pytest.fixture
def pets(tmp_path):
    """A prepared data set of two shards in training."""
    settings = classification("class_folders", class_tree(tmp_path / "raw"), shard_mb=0.004)
    manifest = prepare(settings, tmp_path / "pets")
    assert [row.records for row in manifest.splits["train"].shards] == [3, 3]
    write_manifest(tmp_path / "pets", manifest)
    return tmp_path / "pets"


def test_what_is_whole_has_no_fault_and_every_shard_is_reported(pets):
    lines = []
    assert list(faults(pets, lines.append)) == []
    assert len(lines) == 6 and lines[1] == "2 of 6 shards: train-00001.arrow"


def test_one_changed_byte_of_an_image_names_shard_and_image(pets):
    path, image = pets / "train-00001.arrow", open_split(pets, "train")[4].image
    content = bytearray(path.read_bytes())
    content[content.index(image) + len(image) // 2] ^= 1
    path.write_bytes(content)
    assert list(faults(pets)) == [
        f"{path}: not the bytes that the manifest lists (sha256)",
        f"{path}: record 4 of train, dog/1.jpg: not the image that was packed (sha256)",
    ]


def test_missing_shortened_and_overwritten_shards_are_all_named(pets):
    (pets / "train-00000.arrow").unlink()
    short, zeros = pets / "validation-00000.arrow", pets / "test-00000.arrow"
    short.write_bytes(short.read_bytes()[:-1])
    zeros.write_bytes(bytes(zeros.stat().st_size))
    found = list(faults(pets))
    assert found[0] == f"{pets / 'train-00000.arrow'}: missing" and " bytes, not the " in found[1]
    assert found[2] == f"{zeros}: not the bytes that the manifest lists (sha256)"
    assert found[3].startswith(f"{zeros}: its records cannot be read (") and len(found) == 4


@pytest.mark.long
@pytest.mark.parametrize("at", [896, 1599])  # two at which Arrow's reader aborts
def test_a_shard_on_which_arrows_reader_crashes_is_named_like_another(pets, at):
    path = pets / "train-00001.arrow"
    content = bytearray(path.read_bytes())
    content[at] ^= 64
    path.write_bytes(content)
    found = list(faults(pets))
    assert found[0] == f"{path}: not the bytes that the manifest lists (sha256)" and len(found) <= 4
