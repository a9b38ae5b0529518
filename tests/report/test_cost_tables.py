"""The paper's claims on cost beside our figures: conclusions follow the turns, and untimed networks have none."""

import io

import pytest
from PIL import Image

from googlenet.metrics.cost import TimesRatio
from googlenet.report import figures, tables
from report.sample_cost import beside
from settings import changed

MINUS_NONE = "—"


def claim(comparison, about):
    """The row of the claim that begins with these words."""
    (row,) = (row.cells for row in tables.claims(comparison).rows if row.cells[0].startswith(about))
    return row


def timed(median, low, high, network="vgg_16"):
    times = TimesRatio(median=median, min=low, max=high)
    rows = beside().networks
    return changed(
        beside(), networks=[changed(row, times_googlenet=times) if row.network == network else row for row in rows]
    )


def untimed():
    rows = beside().networks
    return changed(beside(), networks=[changed(row, times_googlenet=None, forward_ms=None) for row in rows])


def test_claims_by_hand():
    words, fewer, how = claim(beside(), "12 times fewer")
    assert fewer == "8.7 times fewer" and how.startswith("60,965,224 against 6,998,552")  # 60.965 / 6.999
    assert "6,798K, 8.8 times" in how and "2012" in words  # 60,965 / 6,961 thousand
    assert claim(beside(), "about 1.5 billion multiply-adds")[1] == "1.583G"
    assert "with 9.8 times the multiply-adds" in claim(beside(), "3 to 10 times faster")[2]  # 15.47 / 1.583
    assert "7.32 % against 6.67 %" in claim(beside(), "3 to 10 times faster")[2]
    assert "not of GoogLeNet" in claim(beside(), "3 to 10 times faster (CVPR; arXiv: 2 to 3)")[2]
    naive = claim(beside(), "without reductions")
    assert naive[1] == "7.9 times the multiply-adds" and naive[2].startswith("13.9 times the parameters")
    assert "6.30 [5.67, 6.93] times GoogLeNet's" in naive[2]


def test_both_versions_of_the_paper_on_a_wider_and_deeper_network_are_given():
    note = tables.claims(beside()).note
    assert "slightly superior alone" in note.partition(" (CVPR); ")[0]
    assert "slightly inferior alone" in note.partition(" (CVPR); ")[2] and note.endswith("(arXiv).")


@pytest.mark.parametrize(
    ("median", "low", "high", "expected"),
    [
        (4.5, 3.7, 5.0, "4.5 times faster, 3.7 to 5.0 over the turns"),
        (1.2, 0.9, 1.6, "not consistently faster or slower: 1.20 [0.90, 1.60] of GoogLeNet's time"),
        (0.6, 0.5, 0.8, "slower: 0.60 [0.50, 0.80] of GoogLeNet's time"),
    ],
)
def test_faster_is_claimed_only_where_all_turns_agree(median, low, high, expected):
    assert claim(timed(median, low, high), "3 to 10 times faster")[1] == expected


def test_untimed_networks_have_no_claim_of_speed():
    assert claim(untimed(), "3 to 10 times faster")[1] == "not timed in this run"
    assert claim(untimed(), "without reductions")[2].endswith("time: not timed in this run")
    table = tables.networks(untimed())
    assert {row.cells[7:] for row in table.rows} == {(MINUS_NONE, MINUS_NONE)} and "Times" not in table.note


def test_networks_side_by_side():
    table = tables.networks(beside())
    rows = {row.cells[0]: row.cells[1:] for row in table.rows}
    assert rows["GoogLeNet"] == ("224", "22", "6,998,552", "1.583G", "14.0", "6.7", "20.0", "1")
    assert rows["AlexNet (2012)"][2:4] == ("60,965,224", "724.4M")
    assert rows["VGG-16 (2014)"][-1] == "4.70 [4.23, 5.17]"
    assert "3b, 4e, 5b" in table.note and "5 turns with 1 image on cpu, 1 thread, bf16" in table.note


@pytest.mark.long
def test_the_chart_is_drawn_with_and_without_times():
    charts = [
        Image.open(io.BytesIO(figures.cost_of_networks(comparison.networks))) for comparison in (beside(), untimed())
    ]
    assert [chart.size[0] for chart in charts] == [1540, 1540]
    longer = figures.cost_of_networks(timed(9.0, 8.0, 10.0).networks)
    assert longer != figures.cost_of_networks(beside().networks)
