"""The model card: only what settings, manifest and metrics say."""

import pytest

from googlenet.config.schema.classification import TrainClassifier
from googlenet.metrics.classification import BaselineMetrics
from googlenet.report import model_card, page
from report import sample
from settings import changed, settings_of


@pytest.fixture(scope="module")
def settings():
    one = settings_of("train_classifier")
    assert isinstance(one, TrainClassifier)
    return {"m1": one, "m2": one, "m7": changed(one, batch_size=99)}


def test_the_card_by_its_parts(settings):
    card = model_card.build("demo", sample.results(), sample.runs(), settings, "For a test")
    assert [section.title for section in card.sections] == ["Models", "Data", "Evaluation", "Software"]
    text = page.render_markdown(card)
    for word in (
        "For a test",
        "not on ILSVRC",
        "452,178",
        "95 % interval",
        "Example 9000",
        sample.digest("commit")[:40],
    ):
        assert word in text
    assert "learning\\_rate" in text and "detector" not in text
    assert (
        page.render_markdown(model_card.build("demo", sample.results(), sample.runs(), settings, "For a test")) == text
    )


def test_settings_that_differ_name_their_members(settings):
    rows = dict(row.cells for row in model_card.training_settings(settings).rows)
    same = settings["m1"].batch_size
    assert rows["batch_size"] == f"{same} (m1, m2); 99 (m7)"
    assert rows["momentum"] == str(settings["m1"].momentum) and rows["model.lrn"] == "true"
    assert not any(key.startswith("member.") for key in rows)


def test_commits_are_counted():
    rows = [row.cells for row in model_card.commits(sample.runs()).rows]
    digest = sample.digest("commit")[:40]
    assert rows == [(digest, str(len(sample.runs()) - 1)), (f"{digest}+dirty", "1")]


def test_an_experiment_that_trained_nothing_has_no_settings(settings):
    results = sample.results(without=(BaselineMetrics,))
    card = model_card.build("demo", results, [], {})
    assert "Settings of the trainings" not in [table.title for table in card.tables]
