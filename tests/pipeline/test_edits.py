"""The settings of a reproduction that its commit, or its experiment's file, does not have."""

import subprocess

import pytest

from conf_copy import copied
from googlenet.pipeline.edits import edits


def git(root, *words):
    person = ["-c", "user.name=A Person", "-c", "user.email=person@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *person, *words], cwd=root, check=True, capture_output=True)


@pytest.fixture
def clone(tmp_path):
    copied(tmp_path)
    (tmp_path / "params.yaml").write_text("experiment: smoke\noverrides: {}\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "a commit")
    return tmp_path


def edit(path, before, now):
    text = path.read_text()
    assert text.count(before) == 1
    path.write_text(text.replace(before, now))


def test_an_unedited_clone_has_none(clone):
    assert edits(clone, "smoke") == {}


def test_edited_files_and_overrides_are_named(clone):
    edit(clone / "conf/evaluate_detection.yaml", "nms_iou: 0.3", "nms_iou: 0.4")
    edit(clone / "conf/model/paper.yaml", "lrn: true", "lrn: false")
    (clone / "params.yaml").write_text("experiment: smoke\noverrides: {train_classifier: {epochs: 8}}\n")
    git(clone, "add", "--all")  # staged is not committed
    with open(clone / "conf/experiment/demo.yaml", "a") as file:
        file.write("\nstrict_versions: true\n")
    with open(clone / "conf/experiment/smoke.yaml", "a") as file:
        file.write("\nstrict_versions: true\n")
    assert edits(clone, "smoke") == {
        "train_classifier.epochs": "8 (params.yaml)",
        "evaluate_detection.nms_iou": "0.3 → 0.4",
        "model.lrn": "true → false",
        "strict_versions": "absent → true",
    }


def test_an_experiment_with_an_accent_has_edits(clone):
    """Git quotes such names."""
    path = clone / "conf/experiment/été.yaml"
    path.write_text((clone / "conf/experiment/smoke.yaml").read_text())
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message", "another")
    edit(path, "width: 0.0625", "width: 0.125")
    assert edits(clone, "été") == {"model.width": "0.0625 → 0.125"}


def test_a_comment_is_no_edit_and_outside_git_overrides_are_known(clone, tmp_path_factory):
    with open(clone / "conf/evaluate_detection.yaml", "a") as file:
        file.write("# a comment\n")
    assert edits(clone, "smoke") == {}
    outside = tmp_path_factory.mktemp("outside")
    copied(outside)
    (outside / "params.yaml").write_text("overrides: {compute: {device: cuda}}\n")
    assert edits(outside, "smoke") == {"compute.device": "cuda (params.yaml)"}
