"""Crops of images of which only a part, or a smaller copy, is decoded: what they show, and that nothing else matters."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_images

from classification.tiny import AREA, SCALE, crop_of
from classification.tiny_training import SETTINGS
from googlenet.classification.sampling import INTERPOLATION, area_box, reduction_of, sample_into
from googlenet.classification.training_crops import TrainingCrops
from googlenet.data.decoded import DecodedImages
from googlenet.data.images import decode_part, encode_jpeg
from googlenet.data.records import Record
from googlenet.data.store import Split, write_shard
from settings import changed

LARGE = changed(AREA, area=(0.4, 1.0), interpolation="antialias")


@pytest.fixture(scope="module")
def split(tmp_path_factory) -> Split:
    """Two real photographs of 640x427 px as JPEGs, a PNG of one, and its JPEG made for being read in parts."""
    folder: Path = tmp_path_factory.mktemp("photographs")
    first, second = load_sample_images().images
    file = io.BytesIO()
    Image.fromarray(first).save(file, "PNG")
    files = {"1.jpg": encode_jpeg(first), "2.jpg": encode_jpeg(second), "1.png": file.getvalue()}
    files["3.jpg"] = encode_jpeg(first, in_parts=True)
    records = [Record(name, image, 640, 427, number) for number, (name, image) in enumerate(files.items())]
    return Split(folder, "train", (write_shard(folder / "train-0.arrow", records),))


def rng(seed):
    return np.random.Generator(np.random.Philox(seed))


def crop(images, index, sampling, seed, px=32):
    out = np.empty((px, px, 3), np.uint8)
    sample_into(out, images, index, sampling, True, rng(seed))
    return out


@pytest.mark.parametrize("interpolation", [*INTERPOLATION, "random"])
@pytest.mark.parametrize("method", [AREA, SCALE])
@pytest.mark.parametrize("cached_mb", [0, 1.7, 100])
def test_a_part_gives_the_bits_of_the_whole(split, method, interpolation, cached_mb):
    sampling = changed(method, interpolation=interpolation, photometric=0.3)
    images = DecodedImages(split, cached_mb)
    for index in range(4):
        whole = split.image(index)
        for seed in range(8):
            assert np.array_equal(crop(images, index, sampling, seed), crop_of(whole, sampling, True, 32, rng(seed)))


def test_memory_changes_no_antialiased_crop(split):
    none, some, all_ = (DecodedImages(split, limit) for limit in (0, 0.5, 100))
    for seed in range(60):
        crops = [crop(images, seed % 4, LARGE, seed, px=(24, 32, 53)[seed % 3]) for images in (none, some, all_, all_)]
        assert all(np.array_equal(crops[0], other) for other in crops[1:])


@pytest.mark.parametrize("px", [32, 48])
def test_a_reduced_photograph_is_within_a_grey_level_on_average(split, px):
    differences = []
    for index in (0, 1):
        whole = split.image(index)
        for seed in range(10):
            box = area_box(640, 427, LARGE, rng(seed))
            assert reduction_of(box, 2 * px) > 1
            reduced, exact = (
                crop(DecodedImages(split, 0), index, LARGE, seed, px),
                crop_of(whole, LARGE, True, px, rng(seed)),
            )
            assert not np.array_equal(reduced, exact)
            differences.append(np.abs(reduced.astype(int) - exact).mean())
    assert np.mean(differences) < 1 and max(differences) < 2


def test_a_reduction_leaves_both_sides_at_least_the_pixels_asked_for():
    box = 3, 5, 640, 130
    assert [reduction_of(box, px) for px in (16, 17, 32, 33, 65, 66, 200)] == [8, 4, 4, 2, 2, 1, 1]


@pytest.mark.parametrize("area", [(0.05, 0.2), (0.5, 1.0)])
def test_antialias_is_pillows_to_rounding(split, area):
    whole = split.image(0)
    for seed in range(6):
        sampling = changed(AREA, area=area, interpolation="antialias")
        left, top, w, h = area_box(640, 427, sampling, rng(seed))
        part = Image.fromarray(whole).crop((left, top, left + w, top + h))
        pillows = np.asarray(part.resize((224, 224), Image.Resampling.BILINEAR)).astype(int)
        ours = crop_of(whole, sampling, False, 224, rng(seed))
        assert np.abs(ours - pillows).max() <= 1


def test_a_batch_is_its_single_crops(split):
    crops = TrainingCrops(DecodedImages(split, 0), split.labels, SETTINGS, 32)
    keys = [(0, 2), (1, 0), (1, 2), (7, 1)]
    out = np.empty((4, 32, 32, 3), np.uint8)
    batch, labels = crops.batch(keys, out)
    assert batch is out and labels.tolist() == [2, 0, 2, 1] and labels.dtype == np.int64
    for key, one in zip(keys, batch, strict=True):
        assert np.array_equal(crops.batch([key])[0][0], one)


def test_only_what_a_crop_shows_is_decoded(split, monkeypatch):
    sizes = []

    def noted(*given):
        sizes.append(decode_part(*given).pixels.shape)
        return decode_part(*given)

    monkeypatch.setattr("googlenet.data.images.decode_part", noted)
    for seed in range(20):
        crop(DecodedImages(split, 0), 0, AREA, seed)
        crop(DecodedImages(split, 0), 3, AREA, seed)
    plain, in_parts = sizes[::2], sizes[1::2]
    assert len({height for height, _, _ in plain}) > 3 and min(plain)[0] < 300 and {w for _, w, _ in plain} == {640}
    assert len({width for _, width, _ in in_parts}) > 3
    assert all(part[0] <= top[0] for part, top in zip(in_parts, plain, strict=True))
    assert cv2.imdecode(np.frombuffer(split[0].image, np.uint8), cv2.IMREAD_COLOR).shape == (427, 640, 3)
