"""Versions of what computes: recorded, warned of when they differ, and part of the settings when that is asked for."""

import subprocess
import sys
from importlib import metadata

import pytest

from conf_copy import copied, edit, job_files
from googlenet.errors import UserError
from googlenet.pipeline import versions
from googlenet.pipeline.experiment import experiment
from googlenet.planning import preflight
from googlenet.storage.files import write_json
from run_records import made_by

NOW = {"torch": "2.16.0", "numpy": "2.9.0"}


@pytest.fixture
def root(tmp_path):
    return copied(tmp_path)


def install(monkeypatch, name, version):
    """Let a library's metadata tell another version."""
    real = metadata.version
    monkeypatch.setattr(metadata, "version", lambda asked: version if asked == name else real(asked))


def record(root, path, **libraries):
    write_json(root / path, made_by(**versions.installed() | libraries).to_json())


def test_all_that_computes_is_recorded_by_its_short_name():
    recorded = versions.installed() | versions.machine()
    assert {"torch", "torchvision", "opencv", "numpy", "pillow", "scikit", "python", "cpu"} <= recorded.keys()
    assert recorded["opencv"] == metadata.version("opencv-contrib-python-headless")


def test_one_line_for_each_library_that_differs():
    records = [made_by(torch="2.15.0", numpy="2.9.0"), made_by(torch="2.14.0")]
    records += [made_by(torch="2.15.0", numpy="2.8.0", cpu="another"), made_by()]
    assert versions.differences(records, NOW) == [
        "numpy: 2.9.0 is installed, but the present results of 1 job are of 2.8.0",
        "torch: 2.16.0 is installed, but the present results of 1 job are of 2.14.0 and 2 jobs are of 2.15.0",
    ]
    assert versions.differences([made_by(**NOW)], NOW) == []


def test_a_library_that_is_not_installed_is_named(monkeypatch):
    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", absent)
    with pytest.raises(UserError, match=r"^torch: not installed here; run `make env`"):
        versions.installed()


def test_results_of_another_version_give_a_warning_before_the_first_job(root, monkeypatch):
    """Those of the experiment and of its data set; the report's own record and those of former jobs do not count."""
    record(root, "results/demo/runs/train_classifier/m1.json")
    assert preflight.warnings(experiment(root)) == []
    install(monkeypatch, "torch", "9.9.9")
    old = metadata.version("torchvision")
    record(root, "results/demo/runs/train_classifier/m1.json")  # ran again since
    record(root, "results/demo/runs/train_classifier/m2.json", torch="2.15.0")
    record(root, "data/runs/digits/prepare_detection/all.json", torch="2.15.0", torchvision="0.1")
    for former in ("train_classifier/m99", "make_report/all"):
        record(root, f"results/demo/runs/{former}.json", torch="1.0")
    record(root, "results/other/runs/train_classifier/m1.json", torch="1.0")
    lines = preflight.warnings(experiment(root))
    assert [line.split(";")[0] for line in lines] == [
        "warning: torch: 9.9.9 is installed, but the present results of 2 jobs are of 2.15.0",
        f"warning: torchvision: {old} is installed, but the present results of 1 job are of 0.1",
    ]
    edit(root, "config.yaml", "strict_versions: false", "strict_versions: true")  # all of these run again
    assert preflight.warnings(experiment(root)) == []


@pytest.mark.long
def test_an_upgrade_changes_no_settings(root, monkeypatch):
    before = job_files(root)
    install(monkeypatch, "torch", "9.9.9")
    assert job_files(root) == before
    assert not any("versions" in content for content in before.values())


@pytest.mark.long
def test_strict_versions_are_settings_of_every_job_that_computes(root, monkeypatch):
    before = job_files(root)
    edit(root, "config.yaml", "strict_versions: false", "strict_versions: true")
    strict = job_files(root)
    assert {name for name in strict if strict[name] != before[name]} == before.keys() - {"make_report/all"}
    assert strict["train_classifier/m1"] == before["train_classifier/m1"] | {"versions": versions.installed()}
    install(monkeypatch, "torch", "9.9.9")
    upgraded = job_files(root)
    assert {name for name in upgraded if upgraded[name] != strict[name]} == before.keys() - {"make_report/all"}
    assert upgraded["prepare_detection/all"]["versions"]["torch"] == "9.9.9"


def test_asking_imports_nothing_that_is_slow():
    script = "import sys; from googlenet.pipeline import versions; versions.installed(); versions.machine();"
    script += "print({'torch', 'torchvision', 'cv2', 'numpy', 'sklearn', 'PIL'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
