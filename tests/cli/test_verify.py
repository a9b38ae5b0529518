"""`googlenet verify`: results against the reference of their type of machine, and of another."""

import pytest

from conf_copy import ROOT, copied
from googlenet.cli.main import main
from googlenet.metrics.base import write_metrics
from googlenet.metrics.classification import EnsembleMetrics
from googlenet.metrics.reference import Figure, Kind, MachineReference, Reference, read_reference
from googlenet.pipeline.registry import STAGES
from googlenet.report.headlines import SOURCES, headlines
from googlenet.storage.files import write_json
from report import sample
from settings import changed


def write_runs(root, **versions):
    """The records of the sample's jobs, on a machine with these versions."""
    for run in sample.runs():
        record = changed(run, versions=versions)
        write_json(root / "results/demo/runs" / run.stage / f"{run.job}.json", record.to_json())


@pytest.fixture
def finished(tmp_path, monkeypatch):
    """A clone with the results of the sample's experiment."""
    monkeypatch.chdir(copied(tmp_path))
    results = sample.results()
    for stage, row in STAGES.items():
        if row.metrics in SOURCES:
            write_metrics(tmp_path / "results/demo" / stage / "metrics.json", results.one(row.metrics), "stamp")
    write_runs(tmp_path, cpu="Example 9000", torch="2.15.0")
    return tmp_path


def worse(root, percent):
    """The same results with another error of the ensemble."""
    ensemble = sample.results().one(EnsembleMetrics)
    *rows, last = ensemble.table_3
    rows.append(changed(last, top1_error_percent=percent))
    write_metrics(root / "results/demo/evaluate_ensemble/metrics.json", changed(ensemble, table_3=rows), "stamp")


def test_results_are_their_own_reference(finished, capsys):
    assert main(["verify", "--renew"]) == 0
    known = read_reference(finished / "references/demo.yaml").machines
    keys = {line.key for line in headlines(sample.results()) if line.key}
    assert len(known) == 1 and known[0].figures.keys() == keys
    first = (finished / "references/demo.yaml").read_bytes()
    assert main(["verify", "demo", "--renew"]) == 0 and (finished / "references/demo.yaml").read_bytes() == first
    capsys.readouterr()
    assert main(["verify", "--reference"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "demo: compared with Example 9000, torch 2.15.0"
    assert lines[-1] == f"demo: {len(keys)} of {len(keys)} figures reproduced" and len(lines) == len(keys) + 2
    assert all(line.endswith(": identical") for line in lines[1:-1])


def test_on_the_same_kind_of_machine_one_bit_is_too_much(finished, capsys):
    assert main(["verify", "--renew"]) == 0
    worse(finished, 4.0000000001)
    assert main(["verify", "--reference"]) == 1
    wrong = [line for line in capsys.readouterr().out.splitlines() if "NOT REPRODUCED" in line]
    assert wrong == ["  top1_error_percent_ensemble_144: 4, reference 4: NOT REPRODUCED, not the same bits"]


@pytest.mark.parametrize(
    ("percent", "code", "word"), [(5.7, 0, "within"), (5.9, 1, "NOT REPRODUCED, outside the range")]
)
def test_on_another_kind_the_interval_decides(finished, capsys, percent, code, word):
    assert main(["verify", "--renew"]) == 0
    worse(finished, percent)
    write_runs(finished, cpu="Other 1", torch="2.15.0")
    capsys.readouterr()
    assert main(["verify", "--reference"]) == code
    out = capsys.readouterr().out
    assert out.startswith("demo: no reference for this type of machine (Other 1, torch 2.15.0)\n")
    assert f"  top1_error_percent_ensemble_144: {percent:g}, reference 4 in [2.22, 5.78]: {word}\n" in out


def of_machines(*figures):
    """A reference of one figure, f, by machine."""
    kinds = (Kind(cpu=str(number), versions={}) for number in range(len(figures)))
    return Reference(
        machines=tuple(
            MachineReference(kind=kind, figures={"f": one}) for kind, one in zip(kinds, figures, strict=True)
        )
    )


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        ([4.0, 5.0], 3.8, 4.1),  # two machines predict nothing
        ([4.0, 5.0, 6.0], 5 - 4.968, 5 + 4.968),  # t(2, 0.975) = 4.303, s = 1
        ([4.0, 4.0, 4.0], 3.8, 4.1),
        ([4.0, 4.0, 4.01], 3.8, 4.1),  # narrower than the first one's interval
    ],
)
def test_machines_predict_the_figure_of_another(values, low, high):
    first, *others = values
    known = of_machines(Figure(value=first, low=3.8, high=4.1), *(Figure(value=value) for value in others))
    accepted = known.accepted("f")
    assert (accepted.low, accepted.high) == pytest.approx((low, high), abs=0.001) and accepted.value == first
    for value, judgement in ((low + 0.01, "within"), (high - 0.01, "within"), (high + 0.01, "outside")):
        assert known.judged({"f": value}, None)["f"][0] == judgement
    # The bits still decide on a machine of the file.
    assert known.judged({"f": 3.9}, known.machines[0].kind)["f"] == ("differs", known.machines[0].figures["f"])


def test_a_figure_without_an_interval_is_not_compared_however_many_machines_have_it():
    known = of_machines(*(Figure(value=value) for value in (62.4, 62.5, 62.6)))
    assert known.judged({"f": 70.0}, None)["f"] == ("not compared", Figure(value=62.4))


def test_a_figure_that_few_machines_have_is_not_predicted():
    first = Figure(value=4.0, low=3.8, high=4.1)
    known = of_machines(first, Figure(value=5.0), Figure(value=6.0))
    known = Reference(machines=(*known.machines[:2], MachineReference(kind=known.machines[2].kind, figures={})))
    assert known.accepted("f") == first


def test_each_machine_of_the_demo_reproduces_the_others():
    """As far as 95 % of figures do: of 44, one lies outside."""
    machines = read_reference(ROOT / "references/demo.yaml").machines
    outside = []
    for left_out in machines:
        others = Reference(machines=tuple(machine for machine in machines if machine != left_out))
        values = {key: figure.value for key, figure in left_out.figures.items()}
        judged = others.judged(values, left_out.kind).items()
        outside += [(left_out.kind.cpu, key) for key, (judgement, _) in judged if judgement == "outside"]
    assert len(outside) <= 1, outside


def test_a_second_kind_of_machine_stands_beside_the_first(finished, capsys):
    assert main(["verify", "--renew"]) == 0
    worse(finished, 5.0)
    write_runs(finished, cpu="Other 1", torch="2.15.0")
    assert main(["verify", "--renew"]) == 0 and main(["verify", "--reference"]) == 0
    reference = read_reference(finished / "references/demo.yaml")
    assert [each.kind.cpu for each in reference.machines] == ["Example 9000", "Other 1"]
    key = "top1_error_percent_ensemble_144"
    assert [each.figures[key].value for each in reference.machines] == [4.0, 5.0]
    path = "references/demo.yaml"
    assert (
        f"{path}: 1 other type kept; after a change of settings or code, remove them there\n" in capsys.readouterr().out
    )
    write_runs(finished, cpu="Third 1", torch="2.15.0")
    assert main(["verify", "--renew"]) == 0
    write_runs(finished, cpu="Fourth 1", torch="2.15.0")
    assert main(["verify", "--reference"]) == 0
    assert "demo: compared with all 3 types that have one\n" in capsys.readouterr().out


def test_a_figure_that_is_gone_is_not_reproduced(finished, capsys):
    assert main(["verify", "--renew"]) == 0
    ensemble = sample.results().one(EnsembleMetrics).model_copy(update={"paired": {}})
    write_metrics(finished / "results/demo/evaluate_ensemble/metrics.json", ensemble, "stamp")
    assert main(["verify", "--reference"]) == 1
    assert "  ensemble_144_minus_single_1: NOT REPRODUCED, these results do not have it\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "text", "line"),
    [
        ("--reference", None, "references/demo.yaml: not found; the experiment has no reference"),
        ("--reference", "machines: []", "references/demo.yaml: machines: none; correct it"),
        ("--reference", "machines: [{kind: 1}]", "references/demo.yaml: machines.0.kind: "),
        ("nonsense --reference", None, "no experiment 'nonsense'"),
    ],
)
def test_bad_input_is_one_line(finished, capsys, words, text, line):
    if text is not None:
        (finished / "references").mkdir()
        (finished / "references/demo.yaml").write_text(text)
    assert main(["verify", *words.split()]) == 1
    err = capsys.readouterr().err
    assert line in err and err.startswith("error: ") and err.count("\n") == 1


def test_without_results_it_says_what_to_run(finished, capsys):
    (finished / "results/demo/evaluate_detection/metrics.json").unlink()
    assert main(["verify", "--reference"]) == 1
    assert capsys.readouterr().err == (
        "error: results/demo/evaluate_detection/metrics.json: no results;"
        " run `snakemake --cores 2 --config experiment=demo` first\n"
    )


def test_results_of_several_kinds_of_machine_are_no_reference(finished, capsys):
    run = changed(sample.runs()[0], versions={"cpu": "Other 1", "torch": "2.15.0"})
    write_json(finished / "results/demo/runs" / run.stage / f"{run.job}.json", run.to_json())
    assert main(["verify", "--renew"]) == 1
    assert "error: results/demo/runs: of several types of machine" in capsys.readouterr().err


def test_neither_or_both_options_are_a_wrong_command_line(finished, capsys):
    assert main(["verify"]) == 2 == main(["verify", "--reference", "--renew"])
    assert "give either --reference or --renew" in capsys.readouterr().err


def test_a_kind_of_machine_is_known_by_what_can_change_a_bit():
    def run(stage="train_classifier", device="cpu", **versions):
        return sample.runs()[1].model_copy(update={"stage": stage, "device": device, "versions": versions})

    one = run(cpu="a", torch="2", python="3.11.9", platform="x")
    assert Kind.of([one, run(cpu="a", torch="2", python="3.12.1", platform="y")]) == Kind(
        cpu="a", versions={"torch": "2"}
    )
    assert Kind.of([one, run(cpu="a", torch="3")]) is None and Kind.of([]) is None
    assert Kind.of([one, run(device="cuda", cpu="a", torch="2")]) is None
    assert Kind.of([one, run(stage="make_report", cpu="b")]) == Kind.of([one])
