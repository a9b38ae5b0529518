"""What a start keeps for the next one: used only while nothing that it was computed from has changed."""

import json
import shutil
import subprocess
import sys

import pytest

from conf_copy import copied, edit, override
from googlenet.config.schema.shared import Inference
from googlenet.errors import UserError
from googlenet.pipeline import experiment, experiment_files, kept
from googlenet.pipeline.experiment import Job, current
from googlenet.pipeline.experiment_files import files, write_configs
from googlenet.pipeline.job_file import MODULES
from googlenet.pipeline.registry import SETTINGS, STAGES
from googlenet.storage.files import read_json

# As the Snakefile begins: it prints which of the packages that are slow to import were imported.
START = """
import sys
from pathlib import Path
from googlenet.pipeline import experiment as experiments, experiment_files
from googlenet.pipeline.registry import STAGES
current = experiments.current(Path.cwd())
experiment_files.write_configs(current)
assert all(current.jobs(stage) for stage in ("train_classifier", "train_ablation"))
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    """A copy of conf/ from which the demo was composed once, and its jobs' files written."""
    folder = copied(tmp_path_factory.mktemp("once"))
    started(folder)
    return folder


@pytest.fixture
def root(once, tmp_path):
    """A copy of it for one test: what was kept serves in any folder."""
    return shutil.copytree(once, tmp_path / "root")


def started(folder, name=""):
    """An experiment as a new process would begin with it."""
    current.cache_clear()
    composed = current(folder, name)
    composed.written = write_configs(composed)
    return composed


def test_a_second_start_takes_what_the_first_kept(root):
    second = started(root)
    assert second.kept and not second.written


@pytest.mark.parametrize(
    "name",
    ["smoke", *(pytest.param(name, marks=pytest.mark.long) for name in ("demo", "photos", "ilsvrc2014", "bvlc"))],
)
def test_it_gives_the_same_jobs_and_files(tmp_path, name):
    root = copied(tmp_path)
    first, second = started(root, name), started(root, name)
    assert not first.kept and second.kept
    assert first.stages == second.stages and second.name == name and first.dataset == second.dataset
    assert {stage: first.jobs(stage) for stage in STAGES} == {stage: second.jobs(stage) for stage in STAGES}
    assert dict(files(first)) == dict(files(second))
    assert first.composed.where("train_classifier.epochs") == second.composed.where("train_classifier.epochs")
    for kind in (Inference, *SETTINGS.values()):
        assert first.of(kind) == second.of(kind)


def test_an_edit_composes_anew(root):
    edit(root, "predict_crops.yaml", r"^batch_size: .*", "batch_size: 7")
    edited = started(root)
    assert not edited.kept
    assert [path.parent.name for path in edited.written] == 7 * ["predict_crops"]
    job = Job("predict_crops", "m1")
    assert edited.settings(job, SETTINGS[job.stage]).batch_size == 7


@pytest.mark.parametrize("moment", ["compose", "write_json"])
def test_what_is_edited_while_it_is_composed_or_written_is_not_kept(tmp_path, monkeypatch, moment):
    """Else undoing the edit would find the edited values under the key of the former files."""
    root, module = copied(tmp_path), experiment if moment == "compose" else experiment_files
    before = (root / "conf/predict_crops.yaml").read_text()
    made = getattr(module, moment)

    def meanwhile(*given):
        edit(root, "predict_crops.yaml", r"^batch_size: .*", "batch_size: 7")
        return made(*given)

    with monkeypatch.context() as patch:
        patch.setattr(module, moment, meanwhile)
        started(root)
    (root / "conf/predict_crops.yaml").write_text(before)
    job = Job("predict_crops", "m1")
    assert started(root).settings(job, SETTINGS[job.stage]).batch_size != 7
    assert json.loads((root / current(root).config_path(*job)).read_bytes())["settings"]["batch_size"] != 7


def test_an_override_a_new_file_and_another_experiment_compose_anew(root):
    keys = {kept.key_of(root, ""), kept.key_of(root, "smoke")}
    override(root, "{train_classifier: {epochs: 3}}")
    keys.add(kept.key_of(root, ""))
    (root / "conf/dataset/new.yaml").write_text("# nothing\n")
    keys.add(kept.key_of(root, ""))
    assert len(keys) == 4


def test_an_edit_of_the_code_composes_anew(root, tmp_path, monkeypatch):
    """Whatever it is: settings classes, and the digests in the jobs' files."""
    copy = tmp_path / "googlenet"
    shutil.copytree(kept.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(kept, "PACKAGE", copy)
    before = kept.key_of(root, "")
    with open(copy / "detection/nms.py", "a") as file:
        file.write("# a comment\n")
    assert kept.key_of(root, "") != before


def test_a_job_s_file_that_was_edited_lost_or_added_is_put_right(root):
    config = root / "results/demo/config"
    lost, edited, added = (config / f"train_classifier/{name}.json" for name in ("m1", "m2", "m99"))
    before = lost.read_bytes(), edited.read_bytes()
    lost.unlink()
    edited.write_text("{}")
    added.write_text("{}")
    assert sorted(path.stem for path in started(root).written) == ["m1", "m2"]
    assert (lost.read_bytes(), edited.read_bytes()) == before and not added.exists()
    data = root / "data/config/digits/prepare_detection.json"
    data.unlink()
    assert started(root).written == [data]


def test_an_edit_of_settings_code_or_rules_is_seen(root, tmp_path, monkeypatch):
    copy = tmp_path / "googlenet"
    shutil.copytree(kept.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(kept, "PACKAGE", copy)
    (root / "workflow").mkdir()
    (root / "workflow/Snakefile").write_text("")
    seen = [kept.sources(root)]
    assert kept.sources(root) == seen[0]
    for path in (
        root / "conf/predict_crops.yaml",
        root / "params.yaml",
        copy / "errors.py",
        root / "workflow/Snakefile",
    ):
        path.write_text(path.read_text() + "# edited\n")
        seen.append(kept.sources(root))
    assert len(set(seen)) == 5
    (root / "workflow/exports").mkdir()
    for name in ("dvc.yaml", "dvc.lock", ".gitignore"):  # as DVC does when it records the results of a target apart
        (root / "workflow/exports" / name).write_text("recorded")
    assert kept.sources(root) == seen[-1]


def test_a_source_that_goes_while_it_is_read_counts_as_none(root, monkeypatch):
    passing = root / "conf/.#predict_crops.yaml"
    passing.symlink_to("nowhere")
    without = kept.sources(root)
    passing.unlink()
    passing.write_text("")
    is_file = kept.Path.is_file

    def last_look(path):
        found = is_file(path)
        if path == passing:
            path.unlink()
        return found

    monkeypatch.setattr(kept.Path, "is_file", last_look)
    assert kept.sources(root) == without


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"key": 1}', '{"key": "%s"}', '{"key": "%s", "values": {}}']
)
def test_a_damaged_file_is_not_used(root, content):
    key = kept.key_of(root, "")
    assert kept.load(root, key)
    (root / kept.FILE).write_text(content.replace("%s", key))
    assert kept.load(root, key) is None


@pytest.mark.parametrize(
    "epochs", ["${oc.decode:${oc.env:EPOCHS}}", "${ oc.env:EPOCHS }", "${oc.env :EPOCHS}", "${oc.${kind}:EPOCHS}"]
)
def test_what_the_environment_sets_is_never_kept(root, epochs):
    """Such a value can change without any file."""
    override(root, f"{{train_classifier: {{epochs: '{epochs}'}}}}")
    assert kept.key_of(root, "") == "" and kept.load(root, "") is None


def test_the_modules_of_two_experiments_codes_are_kept_up_to_a_number(root, monkeypatch):
    demo = read_json(root / MODULES)
    started(root, "bvlc")
    both = read_json(root / MODULES)
    assert demo.items() < both.items()
    monkeypatch.setattr(experiment_files, "CODES", len(both) - 1)
    (root / MODULES).write_text("damaged")
    for name in ("", "bvlc"):
        started(root, name)
    assert demo.keys() - read_json(root / MODULES).keys()


def test_an_error_keeps_nothing(tmp_path):
    root = copied(tmp_path)
    override(root, "{train_classifier: {epochs: many}}")
    for _ in range(2):
        with pytest.raises(UserError, match="epochs"):
            started(root)


def test_a_start_with_nothing_new_imports_nothing_slow(root):
    done = subprocess.run([sys.executable, "-c", START], cwd=root, capture_output=True, text=True, check=True)
    slow = {"torch", "mlflow", "sklearn", "scipy", "pandas", "cv2", "pyarrow", "PIL", "jinja2", "matplotlib"}
    assert not (slow | {"hydra", "omegaconf", "antlr4"}) & set(done.stdout.split())


def test_other_libraries_are_another_start(root, monkeypatch):
    before, same = kept.key_of(root, ""), kept.versions.installed()
    monkeypatch.setattr(kept.versions, "installed", lambda: same | {"torch": "9"})
    assert kept.key_of(root, "") != before
