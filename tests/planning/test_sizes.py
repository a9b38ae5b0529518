"""How large a data set is: from what is prepared, from a recipe, from a folder, from the official counts."""

import cv2
import numpy as np
import pytest

from conf_copy import copied
from data.tiny_imagenet_tree import tiny_imagenet_tree, zipped
from googlenet.data import prepare
from googlenet.errors import UserError
from googlenet.metrics.base import write_metrics
from googlenet.pipeline.experiment import experiment as composed
from googlenet.planning import sizes


@pytest.fixture
def root(tmp_path):
    return copied(tmp_path)


def experiment_of(root, name, overrides="{}"):
    (root / "params.yaml").write_text(f"experiment: {name}\noverrides: {overrides}\n")
    return composed(root)


@pytest.mark.long
def test_the_recipe_and_what_it_makes_have_one_size(root):
    experiment = experiment_of(root, "smoke")
    for kind in ("classification", "detection"):
        drawn = sizes.of(experiment, kind)
        folder = root / "data" / kind / experiment.dataset
        manifest = prepare.prepare(sizes.source_of(experiment, kind), folder)
        write_metrics(folder / "manifest.json", manifest, "")
        prepared = sizes.of(experiment, kind)
        assert drawn.splits == prepared.splits and drawn.classes == prepared.classes == 10
        assert drawn.image == prepared.image
        assert drawn.mean_kb == pytest.approx(prepared.mean_kb, rel=0.5)  # a shard has its index besides
        assert "recipe" in drawn.basis and "manifest.json" in prepared.basis
        assert drawn.sample and prepared.sample


def test_the_demo_has_the_images_that_its_recipe_says(root):
    experiment = experiment_of(root, "demo")
    assert sizes.of(experiment, "detection").splits == {"train": 300, "validation": 30, "test": 60}
    size = sizes.of(experiment, "classification")
    assert size.splits == {"train": 3861, "validation": 128, "test": 382}
    assert (size.width, size.height) == (96, 96)


def test_ilsvrc_is_known_by_its_official_counts(root):
    experiment = experiment_of(root, "ilsvrc2014")
    classification, detection = (sizes.of(experiment, kind) for kind in ("classification", "detection"))
    assert classification.splits == {"train": 1281167 - 10000, "validation": 10000, "test": 50000}
    assert (classification.classes, detection.classes) == (1000, 200)
    assert detection.splits == {"train": 333474, "validation": 10060, "test": 10061}
    assert "official counts" in classification.basis and classification.official and not classification.sample
    negatives = experiment_of(root, "ilsvrc2014", "{dataset: {detection: {negatives: true}}}")
    assert sizes.of(negatives, "detection").count("train") == 456567


def test_folders_are_listed_and_some_of_their_images_opened(root):
    rng = np.random.default_rng(0)
    for split, count in (("train", 4), ("validation", 2), ("test", 3)):
        for name in ("cat", "dog"):
            folder = root / "pets" / split / name
            folder.mkdir(parents=True)
            for i in range(count):
                cv2.imwrite(str(folder / f"{split}{i}.jpg"), rng.integers(0, 256, (40, 60, 3), np.uint8))
    text = f"{{dataset: {{name: pets, classification: {{root: {root}/pets}}}}, detection: {{enabled: false}}}}"
    size = sizes.of(experiment_of(root, "photos", text), "classification")
    assert size.splits == {"train": 8, "validation": 4, "test": 6} and size.classes == 2
    assert (size.width, size.height) == (60, 40) and size.mean_kb > 1 and not size.official


def test_ilsvrc_is_not_listed_even_if_it_is_there(root):
    (root / "ilsvrc/train/n01440764").mkdir(parents=True)
    text = f"{{dataset: {{classification: {{root: {root}/ilsvrc}}}}}}"
    assert sizes.of(experiment_of(root, "ilsvrc2014", text), "classification").count("test") == 50000


def test_tiny_imagenet_is_known_by_its_counts_or_listed_from_its_archive(root):
    experiment = experiment_of(root, "tiny_imagenet_cpu")
    classification, detection = (sizes.of(experiment, kind) for kind in ("classification", "detection"))
    assert classification.splits == {"train": 98000, "validation": 2000, "test": 10000}
    assert detection.splits == {"train": 4800, "validation": 200, "test": 500} and detection.classes == 10
    zipped(tiny_imagenet_tree(root), root / "tiny-imagenet-200.zip")
    text = (
        f"{{dataset: {{name: other, classification: {{root: {root}/tiny-imagenet-200.zip, validation_per_class: 1}}}}}}"
    )
    size = sizes.of(experiment_of(root, "tiny_imagenet_cpu", text), "classification")
    assert size.splits == {"train": 6, "validation": 2, "test": 4} and len(size.sample) == sizes.SAMPLED


def test_data_of_unknown_size_are_an_error(root):
    with pytest.raises(UserError, match=r"^dataset\.classification\.root: "):
        sizes.of(experiment_of(root, "photos"), "classification")
