"""The words on the clusters of units claim no more than the shuffles allow, and the figure follows its values."""

import io
import warnings

import pytest
from PIL import Image

from googlenet.report import module_units
from report.sample_units import analyse_units
from settings import changed


def text(units):
    return " ".join(module_units.section(units, {}).text)


def test_only_what_is_beyond_chance_is_claimed():
    words = text(analyse_units())
    assert (
        "Branches of 4a that a cluster's units come from: the clusters explain 31.0 % of the differences among "
        "units, more than expected by chance (13.0 % on average, 21.4 % in 1 of 20 shuffles; p 0.0005)"
    ) in words
    assert "Branches of 4b that a cluster's units feed: the clusters explain 14.0 %" in words
    assert "not distinguishable from chance (13.0 % on average, 21.4 % in 1 of 20 shuffles; p 0.34)" in words
    assert "Before training: 11.0 %, p 0.62." in words and "So do those of the untrained network" not in words
    units = changed(analyse_units(), untrained={"out_of": {"p": 0.02}})
    assert text(units).count("So do those of the untrained network, so this is not an effect of training alone.") == 1


@pytest.mark.parametrize(
    ("p", "verdict"), [(0.05, "not distinguishable from chance"), (0.0499, "more than expected by chance")]
)
def test_the_verdict_follows_p(p, verdict):
    units = changed(analyse_units(), trained={"out_of": {"p": p}, "feeds": {"p": p}})
    assert text(units).count(verdict) == 2


def test_the_text_describes_what_was_examined():
    words = text(analyse_units())
    assert "in m1: the 26 output units of inception 4a (2 that never vary are left out)" in words
    assert "over 200 images of validation and 4 by 4 positions" in words
    assert "mean correlation of 0.44 at the same position, two of different clusters 0.02" in words
    assert "After training, within clusters at a distance of 0 to 2 positions: 0.44, 0.22, 0.11." in words
    alone = [{"distance": 0, "same_cluster": None, "other_clusters": 0.1}]
    units = changed(analyse_units(), trained={"by_distance": alone})
    assert "too few clusters" in text(units) and "After training" not in text(units)


def test_the_table_marks_what_is_beyond_chance():
    table = module_units.clusters(analyse_units())
    assert [len(row.cells) for row in table.rows] == [11] * 4
    assert table.rows[1].cells == ("2", "7", "0.44", "1.20", "0.70", "2.10 *", "0.90", "1.20", "0.70", "2.10", "0.90")
    assert table.rows[3].cells[:5] == ("4", "1", "—", "0.00", "2.40 *")
    assert "2,000 shuffles" in table.note


@pytest.mark.long
def test_the_figure_is_drawn_without_warnings_and_follows_its_values():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = module_units.unit_clusters(analyse_units())
    assert Image.open(io.BytesIO(first)).size == (1610, 924)
    trained, untrained = analyse_units().trained, analyse_units().untrained
    near, *far = trained.feeds.beyond
    here, there, *rest = untrained.by_distance
    for changes in (
        {"trained": {"shown": {"branch": trained.shown.branch[::-1]}}},
        {"trained": {"feeds": {"beyond": [(True, *near[1:]), *far]}}},
        {"untrained": {"by_distance": [here, changed(there, same_cluster=0.1), *rest]}},
    ):
        assert module_units.unit_clusters(changed(analyse_units(), **changes)) != first
    three = {  # a naive module feeds three branches
        "branches": ["1x1", "3x3", "5x5"],
        "over_chance": [row[:3] for row in trained.feeds.over_chance],
        "beyond": [row[:3] for row in trained.feeds.beyond],
    }
    units = changed(analyse_units(), trained={"feeds": three})
    assert len(module_units.clusters(units).columns) == 10 and module_units.unit_clusters(units) != first
