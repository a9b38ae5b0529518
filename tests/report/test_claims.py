"""The table of the paper's claims: a verdict by the stated rule, and a row also for what nothing tested."""

import pytest

from googlenet.config.schema.classification import Ablations
from googlenet.metrics.classification import EnsembleMetrics
from googlenet.metrics.classification_studies import CropStudyMetrics
from googlenet.metrics.detection import DetectionMetrics
from googlenet.metrics.interval import Difference
from googlenet.metrics.proposals import ProposalStudyMetrics
from googlenet.metrics.results import Results
from googlenet.report import claims, page, sections, table_files
from report import ablations_sample, sample
from settings import changed, composed

PAIRS = ("single_144_minus_ensemble_144", "single_1_minus_single_144")
MINUS = "\N{MINUS SIGN}"


def difference(low, high):
    return Difference(difference=(low + high) / 2, interval=sample.interval(low, high))


def whole(**paired):
    """The sample's results, with these paired differences in top-1 error."""
    pairs = {key: sample.paired("top1_error_percent", 1.0, 0.5, 1.5) for key in PAIRS} | paired
    return sample.results(changed(sample.evaluate_ensemble(), paired=pairs))


def verdicts(table):
    return {row.cells[0]: row.cells[5] for row in table.rows}


@pytest.mark.parametrize(
    ("low", "high", "margin", "verdict"),
    [
        (0.1, 2, 0, "holds"), (-0.1, 2, 0, "undecided"), (0, 2, 0, "undecided"), (-2, 0, 0, "undecided"), (-2, -0.1, 0, "does not hold"),
        (-0.9, 2, 1, "holds"), (-0.9, -0.1, 1, "holds"), (-1.1, 2, 1, "undecided"), (-3, -0.1, 1, "undecided"), (-3, -1.1, 1, "does not hold"),
    ],
)  # fmt: skip
def test_the_rule(low, high, margin, verdict):
    assert claims.Claim("it helps", "1", "", difference(low, high), "", margin).verdict == verdict
    assert claims.Claim("it helps", "1", "", None, "", margin).verdict == "not tested"


def test_the_claims_of_a_report_by_hand():
    table = claims.of_report(whole())
    rows = {row.cells[0]: row.cells for row in table.rows}
    assert rows["An ensemble of seven models has a lower error than one"] == (
        "An ensemble of seven models has a lower error than one",
        "7, Table 3",
        "top-5 error 7.89 to 6.67 % on 144 crops",
        "+1.00",
        "[0.50, 1.50]",
        "holds",
        "top-1 error, 450 test images: 7 models on 144 crops against one, the mean over the 7; against m1, the member with the "
        "lowest top-1 error on validation: top-1 error better by 0.50 points, 95 % interval [0.25, 1.00]",
    )
    assert rows["144 crops of an image give a lower error than one crop"][2:6] == (
        "top-5 error 10.07 to 7.89 % of one model", "+1.00", "[0.50, 1.50]", "holds"
    )  # fmt: skip
    assert rows["Average pooling is better than a fully connected layer"][3:] == (
        *("\N{EM DASH}", "\N{EM DASH}", "not tested"), "by the target `ablations`, whose page has its verdict"
    )  # fmt: skip
    assert rows["Half of selective search's boxes, with MultiBox's, cover as many objects"][2] == (
        "about 60 % of the boxes; coverage rises from 92 to 93 %"
    )
    assert rows["Fewer boxes that cover more objects raise the mean average precision"][1:] == (
        *("8", "a 1 % improvement of one model", "\N{EM DASH}", "\N{EM DASH}", "not tested"),
        "detectors are not trained a second time, on selective search's boxes alone",
    )
    assert rows["An ensemble of six detectors has a higher mean average precision than one"][2] == (
        "40 to 43.9 % in the text; 38.02 % for one in Table 5"
    )
    assert len(rows) == 9


def test_the_rule_states_its_margins_and_both_kinds_of_interval():
    note = claims.of_report(whole()).note
    assert f"above {MINUS}1 point, which is weaker than the paper's claim that coverage rises by 1 point" in note
    assert f"one auxiliary classifier to be enough, above {MINUS}0.25 points" in note
    assert "those of ablations are over seeds and test images, the others over test images" in note


def test_a_claim_that_fails_says_so():
    worse = sample.paired("top1_error_percent", -1.0, -1.5, -0.5)
    table = claims.of_report(whole(single_1_minus_single_144=worse))
    row = next(row.cells for row in table.rows if row.cells[0].startswith("144 crops"))
    assert row[3:6] == (f"{MINUS}1.00", f"[{MINUS}1.50, {MINUS}0.50]", "does not hold")


def test_the_maximum_over_crops_is_turned_into_the_claims_favour():
    study = sample.results().one(CropStudyMetrics)
    row = next(row for row in study.aggregations if (row.system, row.aggregation) == ("ensemble", "max_over_crops"))
    claim = claims.mean_over_crops(study)
    assert claim.ours.difference == -row.against_mean.top1_error_percent.difference
    one = claims.mean_over_crops(changed(study, crops=1))
    assert (one.verdict, one.why) == ("not tested", "1 crop alone")


def test_intervals_of_several_levels_state_theirs():
    detected = sample.results().one(DetectionMetrics)
    at_90 = changed(detected, ensemble_minus_single={"interval": {"confidence_percent": 90}})
    one, several = (
        claims.table(claims.six_detectors(other), claims.many_crops(whole().one(EnsembleMetrics)))
        for other in (detected, at_90)
    )
    assert one.columns[4].label == "95 % interval" and one.rows[0].cells[4] == "[2.40, 4.90]"
    assert several.columns[4].label == "Interval"
    assert [row.cells[4] for row in several.rows] == ["90 % interval [2.40, 4.90]", "95 % interval [0.50, 1.50]"]


def test_what_an_experiment_lacks_is_not_tested():
    ensemble, detected = sample.evaluate_ensemble(), sample.results().one(DetectionMetrics)
    assert claims.of_report(Results([])) is None
    alone = ensemble.model_copy(update={"members": {"m1": ensemble.members["m1"]}})
    assert set(verdicts(claims.of_report(Results([("", alone)]))).values()) == {"not tested"}
    two = ensemble.model_copy(update={"members": dict(list(ensemble.members.items())[:2])})
    assert two.members.keys() < ensemble.members.keys() and claims.seven_models(two, {}).why == "an ensemble of 2"
    without = claims.of_report(sample.results(without=(EnsembleMetrics, ProposalStudyMetrics)))
    assert [row.cells[5] for row in without.rows].count("not tested") == 7
    six = claims.six_detectors(detected)
    assert six.verdict == "holds" and six.why.endswith("6 detectors against one, 60 test images")
    two = claims.six_detectors(changed(detected, table_4={"detectors": 2}))
    assert (two.verdict, two.why) == ("not tested", "an ensemble of 2")
    assert claims.six_detectors(None).why == "nothing was detected"


@pytest.mark.parametrize(("crops", "why"), [((1, 10), "1 to 10 crops"), ((10, 144), "10 to 144 crops")])
def test_other_crops_than_the_papers_do_not_test_its_claim(crops, why):
    ensemble = sample.evaluate_ensemble()
    first, last = ([row for row in ensemble.table_3 if row.crops == number] for number in crops)
    pairs = {f"single_{crops[0]}_minus_single_{crops[1]}": sample.paired("top1_error_percent", 1.0, 0.5, 1.5)}
    claim = claims.many_crops(ensemble.model_copy(update={"table_3": (*first, *last), "paired": pairs}))
    assert (claim.verdict, claim.why) == ("not tested", why)


def test_the_claim_on_proposals_needs_multibox_and_larger_superpixels():
    study = sample.results().one(ProposalStudyMetrics)
    assert claims.fewer_proposals(study).verdict != "not tested"
    alone = claims.fewer_proposals(changed(study, differences={"multibox_minus_priors": None}))
    assert (alone.verdict, alone.why) == ("not tested", "MultiBox proposed no box")
    same = claims.fewer_proposals(changed(study, superpixel_scale={"ours": 1.0, "compared": 1.0}))
    assert same.verdict == "not tested" and "not halved" in same.why


def ablated(**changes):
    """The sample's ablations with these rows, each worse than the reference by 4 points of top-1 error."""
    rows = [
        ablations_sample.row(name, (4.0, 1.5, 6.5), [f"train_ablation/{name}_1"], changes=change, stalled=stalled)
        for name, (change, stalled) in changes.items()
    ]
    return changed(ablations_sample.compare_ablations(), rows=rows)


def test_the_claims_of_the_ablations():
    compared = ablated(
        heads=({"model": {"aux_heads": []}}, 0),
        fc=({"model": {"classifier": "fully_connected"}}, 1),
        bn=({"model": {"network": "batch_norm"}, "train_classifier": {"micro_batches": 1, "update": "synchronous"}}, 0),
        start=({"model": {"initialisation": "replica"}, "train_classifier": {"stall": {"enabled": False}}}, 2),
        both=({"model": {"aux_heads": [], "lrn": False}}, 0),
    )
    rows = {row.cells[0]: row.cells for row in claims.of_ablations(compared).rows}
    assert rows["The auxiliary classifiers help a little"][3:] == (
        "+4.00", "[1.50, 6.50]", "holds", "top-1 error on one crop, 3 seeds, 382 test images"
    )  # fmt: skip
    assert rows["Average pooling is better than a fully connected layer"][5:] == ("not tested", "1 training stalled")
    start = rows["He's initial weights are better than the replica's"]
    assert start[5:] == ("holds", "top-1 error on one crop, 3 seeds, 382 test images; 2 stalled")
    normalised = rows["Batch normalisation is better than response normalisation (Ioffe and Szegedy 2015)"]
    assert normalised[3:6] == (f"{MINUS}4.00", f"[{MINUS}6.50, {MINUS}1.50]", "does not hold")
    assert set(verdicts(claims.of_ablations(ablated())).values()) == {"not tested"}


@pytest.mark.parametrize(
    ("low", "high", "verdict"), [(-2, 0.2, "holds"), (-2, 0.3, "undecided"), (0.3, 2, "does not hold")]
)
def test_one_auxiliary_head_is_enough_if_it_is_not_worse_than_both_by_the_margin(low, high, verdict):
    """low, high: of the error with one head less the error with both."""
    row = ablations_sample.row(
        "one", ((low + high) / 2, low, high), ["train_ablation/one_1"], changes={"model": {"aux_heads": ["4a"]}}
    )
    claim = claims.one_auxiliary_head(changed(ablations_sample.compare_ablations(), rows=[row]))
    assert (claim.ours.interval.low, claim.ours.interval.high) == (-high, -low) and claim.verdict == verdict
    assert claim.printed == "the same effect as both (CVPR alone)"
    assert claims.one_auxiliary_head(None).why == claims.ABLATIONS


def test_a_row_of_other_weights_than_the_references_tests_no_claim():
    compared = ablated(heads=({"model": {"aux_heads": []}}, 0))
    last = changed(compared, rows=[changed(row, weights="last") for row in compared.rows])
    assert claims.auxiliary_heads(compared).verdict == "holds" and claims.auxiliary_heads(last).verdict == "not tested"


TESTED = {
    "smoke": {"The", "Batch"},
    "demo": {"Average", "The", "One", "Batch"},
    "tiny_imagenet": {"Average", "The", "He's", "Batch"},
    "tiny_imagenet_cpu": {"Average", "The", "He's", "Batch"},
}


@pytest.mark.parametrize(("experiment", "tested"), TESTED.items())
def test_each_claim_finds_its_row_in_the_tables_of_conf(experiment, tested):
    table = composed(experiment).of(Ablations)
    found = claims.of_ablations(ablated(**{row.name: (row.changes, 0) for row in table.rows}))
    words = [name for name, verdict in verdicts(found).items() if verdict != "not tested"]
    assert {name.split()[0] for name in words} == tested


def test_another_number_of_micro_batches_is_another_change():
    changes = {"model": {"network": "paper"}, "train_classifier": {"micro_batches": 1}}
    (row,) = ablated(one=(changes, 0)).rows
    assert claims.changed(row) == changes


def test_it_stands_in_the_pages_and_the_files(plain_figures):
    report = sections.build("demo", whole(), sample.runs(), plain_figures)
    assert [section.title for section in report.sections][:2] == ["What was reproduced, and how well", claims.TITLE]
    assert "does not hold if the whole interval" in page.render_html(report)
    assert "| An ensemble of six detectors" in page.render_markdown(report)
    assert {"the-paper-s-claims.csv", "the-paper-s-claims.tex"} <= {
        name.rpartition("/")[2] for name in table_files.files(report)
    }
