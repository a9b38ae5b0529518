"""googlenet predict: the bits of the stage, what it prints and writes, and its errors in one line."""

import csv
import io
import json

import cv2
import numpy as np
import pytest

from classification import tiny
from googlenet.classification.class_order import Outputs
from googlenet.classification.crops import crops_144, cut
from googlenet.classification.predict import Cropping
from googlenet.cli.main import main
from googlenet.models import bundle
from googlenet.models.runtime import Runtime
from googlenet.storage.checkpoint import load_arrays
from googlenet.use import explain
from googlenet.use.classify import ClassifierEnsemble
from googlenet.use.images import Images, Opener
from googlenet.use.members import Answer, Member
from googlenet.use.results import Asked, Results
from models import small
from models.small import network
from use.project import CLASSES, MEMBERS, project, run_stage, weights


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project for the tests that only read it, and its images."""
    root = tmp_path_factory.mktemp("project")
    (root / "config").mkdir()  # a folder of this name is in every folder of results, and may be elsewhere
    return root, project(root)


@pytest.fixture
def inside(made, monkeypatch):
    monkeypatch.chdir(made[0])
    return made[0]


@pytest.mark.parametrize("engine", ["eager", pytest.param("openvino", marks=pytest.mark.long)])
def test_an_image_has_the_bits_of_its_stage(tmp_path, engine):
    root, images = tmp_path, project(tmp_path, px=64)
    params = "experiment: smoke\noverrides: {{compute: {{engine: {}, precision: fp32}}, predict_crops: {{scales: [224, 224, 256, 448]}}}}\n"
    (root / "params.yaml").write_text(params.format(engine))
    stored, metadata = load_arrays(run_stage(root, "m2"))
    use = json.loads(metadata["engine"])
    assert use["used"] == engine, use["fallback"]
    # Whatever the settings say now: the engine is the one that the stage used.
    (root / "params.yaml").write_text(params.format("compile"))
    ensemble = ClassifierEnsemble(Results.of(root), Asked(), "m2")
    for policy, expected in stored.items():
        files = Images([str(path) for path in images], ensemble.opener)
        ready = ensemble.ready(files, int(policy))
        rows = [answer.members[0] for answer in ready.answers(files)]
        assert np.array_equal(np.stack(rows), expected), policy
        alone = Images([str(images[1])], ensemble.opener)  # by itself, as among others
        (answer,) = ensemble.ready(alone, int(policy)).answers(alone)
        assert np.array_equal(answer.members[0], expected[1])


def test_the_ensemble_is_the_mean_of_its_members(inside, made):
    files = Images([str(path) for path in made[1]], Opener())
    each = [
        list(one.ready(files, 10).answers(files))
        for one in (ClassifierEnsemble(Results.of(inside), Asked(), name) for name in ("", *MEMBERS))
    ]
    for whole, *single in zip(*each, strict=True):
        assert whole.crops.shape == (3, 10, 3)
        assert np.array_equal(whole.members, np.concatenate([one.members for one in single]))
        mean = sum(one.members[0].astype(np.float64) for one in single) / 3
        assert np.array_equal(whole.probabilities, mean)


def test_members_of_two_input_sizes_each_get_crops_of_their_own_size(tmp_path, monkeypatch):
    images = project(tmp_path)
    bundle.save(weights(tmp_path, "m2"), tiny.network(small.spec(input_px=48), 1), "another stamp")
    monkeypatch.chdir(tmp_path)
    files = Images([str(path) for path in images], Opener())
    together, *alone = (
        list(one.ready(files, 1).answers(files))
        for one in (
            ClassifierEnsemble(Results.of(tmp_path), Asked("", "cpu", "eager"), name) for name in ("", *MEMBERS)
        )
    )
    for whole, *single in zip(together, *alone, strict=True):
        assert np.array_equal(whole.members, np.concatenate([one.members for one in single]))


def test_json_and_csv(inside, made, capsys, tmp_path):
    table = tmp_path / "t.csv"
    assert main(["predict", "images", "images/image 1.png", "--top", "2", "--json", "-", "--csv", str(table)]) == 0
    shown = capsys.readouterr()
    rows = json.loads(shown.out)
    assert [row["file"] for row in rows] == [f"images/image {number}.png" for number in range(4)]  # each once
    for row in rows:
        first, second = row["classes"]
        assert first["class"] in CLASSES and 1 > first["probability"] >= second["probability"] > 0
        assert row["members_agree"] in (1 / 3, 2 / 3, 1) and 0 < row["crops_agree"] <= 1
    read = list(csv.DictReader(io.StringIO(table.read_text())))
    assert [(row["rank"], row["class"], float(row["probability"])) for row in read[:2]] == [
        (str(rank), one["class"], one["probability"]) for rank, one in enumerate(rows[0]["classes"], start=1)
    ]
    assert len(read) == 8
    assert shown.err.startswith("4 images in ") and shown.err.endswith("3 members on 10 crops, engine eager\n")


def test_bars_and_a_list_on_standard_input(inside, made, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("images/image 2.png\n\nimages/image 0.png\r\n"))
    assert main(["predict", "-", "--member", "m1", "--crops", "1"]) == 0
    shown = capsys.readouterr()
    titles = [line for line in shown.out.splitlines() if not line.startswith(" ")]
    assert titles == ["images/image 2.png", "images/image 0.png"]
    assert shown.out.count(" %") == 6 and ("█" in shown.out or "#" in shown.out)
    assert "1 member on 1 crop, " in shown.err


def test_what_is_no_image_is_left_out_in_one_line(inside, made, capsys, tmp_path):
    for name, content in {"a.png": b"", "b.jpg": b"no image", "c.png": made[1][0].read_bytes()[:300]}.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "d.png").write_bytes(made[1][0].read_bytes())
    (tmp_path / "e.jpg").write_bytes(cv2.imencode(".png", np.zeros((9, 200, 3), np.uint8))[1].tobytes())
    assert main(["predict", str(tmp_path), "--json", "-"]) == 1
    shown = capsys.readouterr()
    assert [row["file"] for row in json.loads(shown.out)] == [str(tmp_path / "d.png")]
    *errors, last = shown.err.replace(str(tmp_path), "HERE").splitlines()
    assert last.startswith("1 image in ")
    assert [line.split(";")[0] for line in errors[:2]] == [
        "error: HERE/a.png: empty file",
        "error: HERE/b.jpg: not an image",
    ]
    assert errors[2].startswith("error: HERE/c.png: damaged image (") and len(errors) == 4
    assert errors[3].startswith("error: HERE/e.jpg: 200x9 px; give one of ")
    assert all("; " in line for line in errors)


def test_a_list_may_hold_any_name_but_no_zero_byte(inside, capsys, monkeypatch):
    def listed(content):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))
        assert main(["predict", "-", "--member", "m1", "--crops", "1"]) == 1
        return capsys.readouterr().err.splitlines()

    said = listed(b"images/\xff.png\nimages/image 0.png\n")
    assert "error: images/\\udcff.png: cannot be read (No such file or directory); left out" in said
    line = "error: -: a zero byte on standard input; give one path a line, with find's -print, not -print0"
    assert listed(b"images/image 0.png\0images/image 2.png\0") == [line]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("empty", "empty: no image in this folder; give files that end in .bmp, .gif, "),
        (
            "absent.png",
            "absent.png: no such file or folder; give an image, a folder, a pattern in quotes, or - for a list",
        ),
        (
            "images/*.tif",
            "images/*.tif: no file matches; give an image, a folder, a pattern in quotes, or - for a list",
        ),
        ("images --member m33", "--member: no 'm33'; did you mean 'm3'?"),
        ("images --experiment smok", "no experiment 'smok' in conf/experiment; did you mean 'smoke'?"),
        (
            "images --experiment images/",
            "--experiment: images/: not the folder results/<experiment> of a project; name",
        ),
        ("a" * 300, "aaa: no such file or folder; give an image, a folder, a pattern in quotes, or - for a list"),
        ("images --csv empty", "error: empty: is a folder; name a file"),
        ("images --json out --csv ./out", "--json and --csv: both name out; name two files"),
        ("images --json - --csv -", "--json and --csv: only one can go to standard output; name a file for the other"),
        (
            "images --experiment demo",
            "results/demo/train_classifier/m1/weights.safetensors: not made yet;"
            " run `snakemake --cores 2 --config experiment=demo`",
        ),
    ],
)
def test_a_request_that_cannot_be_met_is_one_line(inside, capsys, words, line):
    (inside / "empty").mkdir(exist_ok=True)
    assert main(["predict", *words.split()]) == 1
    shown = capsys.readouterr()
    assert line in shown.err and shown.err.count("\n") == 1 and not shown.out


def test_results_of_another_project_by_their_folder(made, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["--experiment", str(made[0] / "results/smoke"), "--json", "-"]
    assert main(["predict", str(made[1][0]), *words]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 1


def test_a_large_image_shrinks_as_in_the_preparation():
    from googlenet.data.images import decode, shrink

    file = cv2.imencode(".png", tiny.images([(120, 90)])[0])[1].tobytes()
    small, width, height = shrink(file, 40)
    assert np.array_equal(Opener(8, 40).pixels(file, "x"), decode(small)) and (width, height) == (53, 40)
    assert np.array_equal(Opener(8, 40).pixels(small, "x"), decode(small))  # what is stored is as it was


# Class activation maps.


def test_a_map_and_the_bias_are_the_logit():
    import torch

    made = network(classes=5)
    made.model.eval()
    image = tiny.images([(70, 50)])[0]
    crops = cut(image, crops_144(70, 50, 32)[:20], 32)
    with torch.inference_mode():
        logits = made.model(made.to_input(crops, "cpu"))[0].numpy()
    for column in range(5):
        maps, bias = explain.activation_maps(made, column, crops, "cpu")
        assert maps.ndim == 3 and np.abs(maps.mean((1, 2)) + bias - logits[:, column]).max() < 1e-5


def test_the_evidence_lies_where_the_crops_were_cut(monkeypatch):
    made = network()
    member = Member("m", made, made, [0, 1, 2], Outputs(["a", "b", "c"], [0, 1, 2]), Runtime())
    image, left_dark = np.zeros((40, 80, 3), np.uint8), np.array([[0.0, 1.0]], np.float32)
    # A crop's left half says nothing, its right half 1; mirrored crops the other way around.
    monkeypatch.setattr(
        explain, "activation_maps", lambda network, column, crops, device: (np.stack([left_dark] * len(crops)), 0.0)
    )
    upright = explain.evidence([member], 1, image, Cropping((1,), 8), "cpu")
    assert upright.shape == (40, 80)  # the centre crop alone
    assert (
        np.isnan(upright[:, :20]).all() and np.isnan(upright[:, 62:]).all() and not np.isnan(upright[5:35, 24:56]).any()
    )
    shown = explain.scaled(upright - 5)  # evidence against the class is less than none, but scales the map alone
    assert shown[20, 28] < 0.2 and shown[20, 52] > 0.8 and not shown[:, :20].any()
    assert upright[20, 28] < 0.2 and upright[20, 52] > 0.8
    both = explain.evidence([member], 1, image, Cropping((10,), 8), "cpu")
    assert np.abs(both[:, 22:58].mean(0) - 0.5).max() < 0.2  # a crop and its mirror image even out
    assert both[:, 22:58].mean() == pytest.approx(0.5, abs=0.01)


def test_agreement_by_hand():
    crops = np.array([[[0.9, 0.1], [0.4, 0.6]], [[0.8, 0.2], [0.7, 0.3]], [[0.2, 0.8], [0.45, 0.55]]], np.float32)
    answer = Answer(("cat", "dog"), crops)  # the members' means: cat .65, cat .75, dog .675
    assert answer.first == 0 and answer.agreement == (2 / 3, 3 / 6)
    assert [row.name for row in answer.top(5)] == ["cat", "dog"]


def test_drawings_are_written_for_each_image(inside, made, tmp_path, capsys):
    assert main(["predict", "images", "--explain", str(tmp_path / "maps"), "--crops", "10", "--member", "m1"]) == 0
    names = sorted(path.name for path in (tmp_path / "maps").iterdir())
    assert names == [f"image {number}.png.png" for number in range(4)]
    assert cv2.imread(str(tmp_path / "maps" / names[1])).shape[1] > 900


def test_a_network_whose_maps_are_not_exact_is_refused(tmp_path, monkeypatch, capsys):
    from googlenet.models import bundle

    project(tmp_path)
    monkeypatch.chdir(tmp_path)
    bundle.save(weights(tmp_path, "m1"), network(classifier="fully_connected"), "")
    assert main(["predict", "images", "--member", "m1", "--explain", "maps"]) == 1
    line = (
        "error: --explain: member m1 has a fully connected classifier, so no map of it is exact; leave --explain out\n"
    )
    assert capsys.readouterr().err == line
