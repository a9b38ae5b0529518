"""A structure derived from images: the same twice, at the cost of the budget, from what the units do; and what is refused."""

import shutil

import numpy as np
import pytest
import torch

from googlenet.classification import derive
from googlenet.classification.derive import Seen, of_units, proportions, structures
from googlenet.errors import UserError
from googlenet.metrics.base import read_metrics
from googlenet.metrics.structure import StructureMetrics
from googlenet.metrics.structure_comparison import StructureComparison
from googlenet.metrics.training import TrainingMetrics
from googlenet.models.cost import multiply_adds
from googlenet.models.runtime import Runtime
from googlenet.models.structure import TOLERANCE, build
from googlenet.models.table_1 import INCEPTION, Widths
from googlenet.stages import compare_structures, derive_structure, train_structure
from googlenet.storage.checkpoint import load_arrays
from models.small import spec
from settings import settings_of
from stage_jobs import stage_job
from tiny_dataset import prepared

SETTINGS = settings_of(
    "derive_structure",
    seeds=(1, 2),
    random_structures=1,
    images=90,
    stem_epochs=1,
    module_epochs=1,
    batch_size=30,
    units_per_cluster=4.0,
)
LABELS = np.arange(90) % 3
FILES = {"outcomes": "outcomes.safetensors", "trainings": "metrics.json"}  # of a training, by their edges


def seen(images=90):
    """Images of three classes: stripes of three widths in noise."""
    rng = np.random.default_rng(0)
    stripes = np.stack([np.indices((32, 32))[1] // (2 + 3 * label) % 2 for label in LABELS])[:images]
    return Seen(
        (stripes[..., None] * 120 + rng.integers(0, 120, (images, 32, 32, 3))).astype(np.uint8), LABELS[:images]
    )


def made(settings=SETTINGS, images=90, described=None):
    return structures(described or spec(), seen(images), settings, Runtime(), lambda values: None)


@pytest.fixture(scope="module")
def twice():
    return made(), made(SETTINGS.model_copy(update={"seeds": (1,)}))


def test_two_runs_derive_the_same_structures_and_each_seed_its_own(twice):
    first, second = twice
    assert second.structures == first.structures[:3]
    assert [each.variant.name for each in first.structures] == [
        *("googlenet_1", "derived_1", "random_1_1", "googlenet_2", "derived_2", "random_1_2"),
    ]
    assert first.of("googlenet_1").modules == first.of("googlenet_2").modules
    for row in ("derived", "random_1"):
        assert first.of(f"{row}_1").modules != first.of(f"{row}_2").modules


def test_all_cost_the_budget_as_the_networks_themselves_count(twice):
    table = twice[0]
    assert table.budget_macs == table.of("googlenet_1").macs
    for one in table.structures:
        modules = {name: Widths(**widths.to_json()) for name, widths in one.modules.items()}
        assert multiply_adds(build(spec(), modules).model.eval(), 32) == one.macs
        assert abs(one.macs / table.budget_macs - 1) <= TOLERANCE
        assert list(one.derived) == (list(INCEPTION) if one.variant.row == "derived" else [])


@pytest.mark.parametrize(("radius", "expected"), [(0, "n1x1"), (1, "n3x3"), (2, "n5x5")])
def test_planted_clusters_widen_the_branch_that_covers_them(radius, expected):
    rng = np.random.default_rng(0)
    padded = rng.normal(size=(80, 5, 8 + 2 * radius, 8 + 2 * radius))  # five sources, four units around each
    size = 2 * radius + 1
    sources = np.lib.stride_tricks.sliding_window_view(padded, (size, size), (-2, -1)).mean((-2, -1)) * size
    maps = np.repeat(sources, 4, 1) + 0.3 * rng.normal(size=(80, 20, 8, 8))
    found, shares = of_units("4a", torch.from_numpy(maps.astype(np.float32)), SETTINGS)
    assert (found.clusters, found.largest_cluster) == (5, 4) and found.mean_correlation > 0.8
    widths = dict(zip(Widths._fields, shares, strict=True))
    assert {key: widths[key] for key in ("n1x1", "n3x3", "n5x5")} == dict.fromkeys(("n1x1", "n3x3", "n5x5"), 0) | {
        expected: 5
    }
    if radius:  # five sources in twenty units
        assert 4 <= widths[f"{expected}_reduce"] <= 5


def test_proportions_are_in_the_order_of_table_1():
    row = INCEPTION["4a"]
    kernels, reductions = (row.n1x1, row.n3x3, row.n5x5), (row.n3x3_reduce, row.n5x5_reduce)
    assert proportions("4a", kernels, reductions) == pytest.approx(row)


def test_what_cannot_be_derived_is_one_line():
    with pytest.raises(UserError, match=r"^derive_structure\.images: 10 images are fewer than the 64 units of 5b, "):
        made(images=10)
    with pytest.raises(UserError, match=r"^derive_structure\.images: 0 images are fewer than the 64 units of 5b, "):
        made(images=0)
    cheap = SETTINGS.model_copy(update={"budget_macs": 1000})
    with pytest.raises(
        UserError, match=r"^derive_structure\.budget_macs: 1,000 is less than the smallest structure's "
    ):
        made(cheap)
    with pytest.raises(UserError, match=r"^derive_structure\.learning_rate: the loss .* was not finite; lower it$"):
        made(SETTINGS.model_copy(update={"learning_rate": 1e30}))
    with pytest.raises(UserError, match=r"^model\.network: batch_norm has no structure to derive"):
        made(described=spec(kind="batch_norm"))
    with pytest.raises(UserError, match=r"^derive_structure\.learning_rate: fewer than two units below 3a vary"):
        of_units("3a", torch.ones(8, 3, 4, 4), SETTINGS)


@pytest.mark.long
def test_the_stages_hand_the_table_on(tmp_path):
    """Derive, train and compare in files, as the rules do."""
    manifest = prepared(tmp_path / "data", {"train": 90, "validation": 8, "test": 12})
    model = {"width": 1 / 16, "input_px": 32}
    folder = tmp_path / "structures"
    table = folder / "derive_structure/metrics.json"
    settings = SETTINGS.model_copy(update={"model": SETTINGS.model.model_copy(update=model)})
    derive_structure.run(stage_job("derive_structure", settings), manifest=manifest, metrics=table)
    path = folder / "train_structure/derived_2"
    changes = {"epochs": 1, "batch_size": 20, "averaging": {"decay": 0.5}, "model": model}
    job = stage_job("train_structure", settings_of("train_structure", path.name, training=changes))
    edges = {"outcomes": path / "outcomes.safetensors", "metrics": path / "metrics.json"}
    train_structure.run(job, manifest=manifest, structures=table, **edges)
    trained = read_metrics(edges["metrics"], TrainingMetrics)
    derived = read_metrics(table, StructureMetrics).of(path.name)
    modules = {name: Widths(**widths.to_json()) for name, widths in derived.modules.items()}
    assert trained.variant.name == path.name and trained.parameters == build(spec(), modules).parameters
    assert load_arrays(edges["outcomes"])[0]["test/averaged/top1"].shape == (12,)
    names = [each.variant.name for each in read_metrics(table, StructureMetrics).structures]
    for name in {*names} - {path.name}:  # the others' results are its own here: a training takes a second
        shutil.copytree(path, path.with_name(name))
    page = {"metrics": folder / "metrics.json", "html": folder / "page.html", "markdown": folder / "page.md"}
    edges = {key: [path.with_name(name) / file for name in names] for key, file in FILES.items()}
    compare_structures.run(
        stage_job("compare_structures", settings_of("compare_structures")),
        manifest=manifest,
        structures=table,
        **edges,
        **page,
    )
    compared = read_metrics(page["metrics"], StructureComparison)
    assert (compared.seeds, compared.random_structures, compared.images.test) == ((1, 2), 1, 12)
    assert "Structures of one cost" in page["html"].read_text(encoding="utf-8")
    assert (folder / "figures/structure_widths.png").is_file() and (
        folder / "tables/widths-of-the-modules.csv"
    ).is_file()


def test_the_maps_of_a_block_depend_on_all_its_training_and_on_no_batch(monkeypatch):
    def maps(epochs=1):
        block = torch.nn.Conv2d(3, 4, 1)
        inputs = torch.from_numpy(seen().crops.astype(np.float32)).permute(0, 3, 1, 2) / 255
        training = derive.Training(LABELS, 3, SETTINGS, 1, Runtime())
        return training.maps_of(block, 4, lambda numbers: inputs[list(numbers)], epochs)

    whole = maps()
    monkeypatch.setattr(derive, "PASS", 7)
    assert torch.allclose(maps(), whole, atol=1e-6) and not torch.allclose(maps(epochs=2), whole, atol=1e-4)
