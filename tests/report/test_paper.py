"""The paper's figures, against values worked by hand from the print."""

import pytest

from googlenet.errors import UserError
from googlenet.report import paper


@pytest.mark.parametrize(
    ("printed", "value"),
    [("2.7K", 2764.8), ("112K", 114688), ("34M", 34e6), ("1.50G", 1.5e9), (6990272, 6990272), ("7", 7)],
)
def test_number_reads_the_print(printed, value):
    assert paper.number(printed) == pytest.approx(value)


def test_table_1_recount_matches_the_known_sums():
    rows, totals = paper.table_1(), paper.facts("table_1_architecture")["totals"]
    assert sum(row.recount_weights for row in rows) == totals["recount_weights"] == 6_990_272
    assert round(sum(row.recount_macs for row in rows) / 1e9, 3) == 1.583
    assert round(paper.printed_weights() / 1024) == 6798  # K, as in the rows


def test_table_1_rows_by_hand():
    rows = {row.layer: row for row in paper.table_1()}
    assert rows["conv1"].recount_weights == 7 * 7 * 3 * 64
    assert rows["conv1"].recount_macs == 112 * 112 * 9408
    assert rows["conv2"].recount_weights == 64 * 64 + 9 * 64 * 192 == 112 * 1024
    assert rows["inception_3a"].recount_weights == 12288 + 18432 + 110592 + 3072 + 12800 + 6144
    assert rows["linear"].recount_macs == 1_024_000
    assert rows["pool1"].recount_weights == 0 and rows["pool1"].printed_params is None
    assert rows["dropout"].depth is None
    assert rows["inception_5b"].branches["c5x5_reduce"] == 48


def test_table_1_marks_the_rows_that_the_print_has_wrong():
    rows = paper.table_1()
    assert [row.layer for row in rows if row.ops_disagree] == ["conv1", "inception_5a"]
    wrong = [row.layer.removeprefix("inception_") for row in rows if row.params_disagree]
    assert wrong == ["conv1", "4a", "4c", "4d", "4e", "5a", "5b"]


def test_tables_2_to_5():
    best = min(paper.table_2(), key=lambda row: row.top5_error_percent)
    assert (best.team, best.top5_error_percent, best.external_data) == ("GoogLeNet", 6.67, "none")
    assert len(paper.table_2()) == 7
    base, *_, last = paper.table_3()
    assert base.against_base is None and base.top5_error_percent == 10.07
    assert (last.models, last.crops, last.cost, last.against_base) == (7, 144, 1008, -3.45)
    assert all(row.models * row.crops == row.cost for row in paper.table_3())
    assert paper.table_4()[-1].mean_ap_percent == 43.9
    single = {row.team: row for row in paper.table_5()}
    assert single["GoogLeNet"].mean_ap_percent == 38.02
    assert (single["GoogLeNet"].contextual_model, single["Deep Insight"].box_regression) == ("no", "yes")
    assert single["UvA-Euvision"].contextual_model == "?"


def test_where_the_paper_contradicts_itself_both_figures_are_kept():
    assert paper.mean_ap_in_the_text() == (40, 43.9) and paper.mean_ap(6) == 43.9
    assert paper.times_faster() == "3 to 10 times faster (CVPR; arXiv: 2 to 3)"
    architecture, training = paper.facts("architecture_facts"), paper.facts("training_facts")
    assert {*architecture["aux_effect"]} == {*architecture["wider_and_deeper_variant"]} == {"cvpr", "arxiv"}
    assert training["random_interpolation"]["cvpr"] == "not stated"


def test_facts_are_copies_and_unknown_sections_are_named():
    paper.facts("detection")["table_4"].clear()
    assert len(paper.table_4()) == 4
    with pytest.raises(UserError, match="no section 'detecton'"):
        paper.facts("detecton")
