"""googlenet detect: the bits of the stages, COCO's results, drawings, and its errors in one line."""

import json

import cv2
import numpy as np
import pytest

from googlenet.cli.main import main
from googlenet.config.schema.detection import EvaluateDetection
from googlenet.detection import proposals as packed
from googlenet.detection.ensemble import Mean, detect
from googlenet.pipeline.experiment import Job, experiment
from googlenet.storage.checkpoint import load_arrays
from googlenet.use.detect import coco, image_ids
from googlenet.use.detectors import Detected, DetectorEnsemble
from googlenet.use.images import Images
from googlenet.use.results import Asked, Results
from use.project import CLASSES, run_detection, scenes_project


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project for the tests that only read it, and its scenes."""
    root = tmp_path_factory.mktemp("project")
    return root, scenes_project(root)


@pytest.fixture
def inside(made, monkeypatch):
    monkeypatch.chdir(made[0])
    return made[0]


def stored(root, names):
    """What evaluate_detection makes of the stored scores of some detectors, image by image."""
    parts = [
        load_arrays(path)[0] for path in sorted(root.glob("results/smoke/merge_proposals/*/proposals.safetensors"))
    ]
    boxes = packed.joined(parts, "test")
    each = [load_arrays(root / f"results/smoke/score_regions/{name}/scores.safetensors")[0] for name in names]
    scores = [one["probabilities"] for one in each]
    settings = experiment(root).settings(Job("evaluate_detection", "all"), EvaluateDetection)
    return boxes, detect(boxes, Mean(scores) if len(names) > 1 else scores[0], settings)


@pytest.mark.parametrize(
    ("switches", "engine"), [("", "eager"), ("mirror", "eager"), pytest.param("", "openvino", marks=pytest.mark.long)]
)
def test_a_scene_has_the_bits_of_the_stages(tmp_path, monkeypatch, switches, engine):
    monkeypatch.chdir(tmp_path)
    paths = [str(path) for path in scenes_project(tmp_path, switches, engine, px=64)]
    run_detection(tmp_path)
    for detector, names in (("", ("d1", "d2")), ("d2", ("d2",))):
        ensemble = DetectorEnsemble(Results.of(tmp_path), Asked(), detector)
        assert ensemble.detectors[0].runtime.engine == ensemble.proposing.engine == engine
        boxes, expected = stored(tmp_path, names)
        assert len(expected.score) > 3
        for number, found in enumerate(ensemble.detections(Images(paths, ensemble.opener))):
            of_image = expected.image == number
            assert found.proposals == len(boxes[number]) > 5
            assert np.array_equal(found.scores, expected.score[of_image])
            assert np.array_equal(found.labels, expected.label[of_image])
            assert np.array_equal(found.boxes, expected.box[of_image])


def test_cocos_results_and_drawings(inside, made, capsys, tmp_path):
    words = ["--detector", "d1", "--min-score", "0.01", "--draw", str(tmp_path / "drawn"), "--json", "-"]
    assert main(["detect", "scenes", *words]) == 0
    shown = capsys.readouterr()
    rows = json.loads(shown.out)
    assert {row["image_id"] for row in rows} == {1, 2, 3} and {row["file_name"] for row in rows} == {
        f"scenes/{number:012d}.png" for number in (1, 2, 3)
    }
    for row in rows:
        x, y, width, height = row["bbox"]
        assert min(x, y) >= 0 and min(width, height) >= 1 and 0 < row["score"] < 1
        assert CLASSES[row["category_id"] - 1] == row["category"]
    assert shown.err.startswith("3 images in ") and "; 1 detector, engine " in shown.err
    drawn = sorted((tmp_path / "drawn").iterdir())
    assert [cv2.imread(str(path)).shape[:2] for path in drawn] == [(640, 853), (853, 640), (640, 960)]


def test_a_box_in_cocos_form():
    found = Detected(np.array([[2, 3, 11, 7]]), np.array([1]), np.array([0.5]), 4)
    assert coco(found, CLASSES) == [{"category_id": 2, "category": "class 1", "bbox": [2, 3, 10, 5], "score": 0.5}]
    assert image_ids(["a/000000000139.jpg", "b/7.png"]) == [139, 7]
    assert image_ids(["a/1.jpg", "b/1.jpg"]) == image_ids(["x.jpg", "2.jpg"]) == [1, 2]


def test_what_is_no_image_is_left_out(inside, made, capsys, tmp_path):
    (tmp_path / "0.png").write_bytes(b"no image")
    (tmp_path / "1.png").write_bytes(made[1][1].read_bytes())
    assert main(["detect", str(tmp_path), "--min-score", "0"]) == 1
    shown = capsys.readouterr()
    assert "0.png: not an image; left out" in shown.err and shown.err.count("\n") == 2
    assert "1.png\n" in shown.out and " px " in shown.out


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("scenes --experiment demo --json scenes", "scenes: is a folder; name a file"),
        ("scenes --detector d11", "--detector: no 'd11'; did you mean 'd1'?"),
        (
            "scenes --experiment demo",
            "results/demo/train_detector/d1/weights.safetensors: not made yet;"
            " run `snakemake --cores 2 --config experiment=demo`",
        ),
        ("scenes --experiment bvlc", "--experiment: bvlc has no detection; name another, or run `googlenet predict`"),
    ],
)
def test_a_request_that_cannot_be_met_is_one_line(inside, capsys, words, line):
    assert main(["detect", *words.split()]) == 1
    assert capsys.readouterr().err == f"error: {line}\n"
