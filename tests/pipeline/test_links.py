"""Results that are links into DVC's cache are made older than all that they are made from."""

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from conf_copy import ROOT
from googlenet.errors import UserError
from googlenet.pipeline import links
from googlenet.pipeline.registry import STAGES


def test_every_result_is_older_than_what_an_earlier_stage_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("data", "weights", "cached"):
        Path(name).write_text(name)
    Path("report").symlink_to("cached")
    cached = os.stat("cached").st_mtime_ns
    links.let_contents_decide([["data"], ["weights", "not there"], ["report"]])
    times = [os.lstat(name).st_mtime for name in ("data", "weights", "report")]
    assert times == sorted(times, reverse=True) and len(set(times)) == 3 and times[0] == links.LATEST_S
    assert os.stat("cached").st_mtime_ns == cached  # what a symbolic link leads to is not touched


def test_stages_stand_in_an_order_in_which_none_reads_a_later_one():
    order = list(STAGES)
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    owner = {path: name for name, stage in stages.items() for out in stage["outs"] for path in out}
    read = {(owner[dep], name) for name in stages for dep in stages[name]["deps"] if dep in owner}
    pairs = [(before, after) for before, after in read if before in order]
    assert len(pairs) > 30
    assert all(order.index(before) < order.index(after) for before, after in pairs)


@pytest.mark.engine
@pytest.mark.parametrize(
    ("kind", "linked"),
    [(None, False), ("copy", False), ("reflink,copy", False), ("hardlink", True), ("reflink, symlink,copy", True)],
)
def test_links_are_known_from_dvcs_own_settings(tmp_path, monkeypatch, kind, linked):
    monkeypatch.chdir(tmp_path)
    subprocess.run(["dvc", "init", "--no-scm", "--quiet"], check=True)
    if kind:
        subprocess.run(["dvc", "config", "cache.type", kind], check=True)
    assert links.linked() is linked


@pytest.fixture
def clone(tmp_path):
    """What is asked of an experiment in a clone with DVC: its root, and where its results are."""
    for folder in (".dvc", "data/classification/digits", "results/smoke/train_classifier/m1", "elsewhere"):
        (tmp_path / folder).mkdir(parents=True)
    return SimpleNamespace(root=tmp_path, results=lambda stage: "results/smoke")


@pytest.mark.parametrize(
    "folder",
    ["data", "results", "results/smoke", "data/classification/digits", "results/smoke/train_classifier/m1"],
)
def test_a_linked_folder_that_dvc_does_not_take_is_rejected(clone, folder):
    (clone.root / folder).rename(clone.root / "elsewhere/big")
    (clone.root / folder).symlink_to(clone.root / "elsewhere/big")
    with pytest.raises(UserError, match=rf'^{folder}: is a link to .*/elsewhere/big, .*docs/remotes.md, "Links'):
        links.check_folders(clone)
    (clone.root / ".dvc").rmdir()
    links.check_folders(clone)  # nothing is recorded there


def test_links_that_dvc_can_take_are_left_alone(clone):
    """A result's whole folder, a file in a linked cache, and raw data, which DVC does not keep."""
    (clone.root / "data/detection").symlink_to(clone.root / "elsewhere")
    (clone.root / "data/raw").symlink_to(clone.root / "elsewhere")
    (clone.root / "results/smoke/train_classifier/metrics.json").symlink_to(clone.root / "elsewhere/a_file")
    links.check_folders(clone)
