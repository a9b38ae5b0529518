"""What a job imports: packages that are slow to import only where its stage computes with them."""

import os
import subprocess
import sys

import pytest

from googlenet.pipeline.registry import STAGES

NEVER = {
    "mlflow",
    "sklearn",
    "pandas",
    "hydra",
    "omegaconf",
    "torchvision",
    "matplotlib",
    "sqlalchemy",
    "snakemake",
    "dvc",
}
HEAVY = NEVER | {"torch", "scipy", "cv2", "PIL", "pyarrow", "jinja2"}
NETWORK = {"torch", "cv2", "pyarrow"}
ALLOWED = {
    "import_weights": {"torch"},
    "measure_cost": {"torch"},
    "train_multibox": NETWORK | {"scipy"},  # k-means of its priors
    "compare_ablations": {"jinja2"},
    "compare_structures": {"jinja2"},
    "measure_export": NETWORK | {"jinja2"},
    "make_report": {"jinja2", "pyarrow", "cv2"},
    "prepare_classification": set(),
    "prepare_detection": set(),
    "evaluate_ensemble": {"pyarrow"},
    "evaluate_detection": {"pyarrow"},
}
PRINT = """
import sys
import googlenet.stages.{stage}
print(*sorted({{name.split(".")[0] for name in sys.modules}}))
"""


def imported(stage):
    """Top-level packages that a stage's module imports, in a process of its own."""
    words = [sys.executable, "-c", PRINT.format(stage=stage)]
    return set(subprocess.run(words, capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize("stage", [name for name, row in STAGES.items() if not row.runs_network])
def test_a_stage_without_a_network_imports_what_it_names(stage):
    assert imported(stage) & HEAVY <= ALLOWED.get(stage, {"cv2", "pyarrow"})


@pytest.mark.parametrize(
    "stage",
    [
        "train_multibox",
        *(pytest.param(name, marks=pytest.mark.long) for name, row in STAGES.items() if row.runs_network),
    ],
)
def test_a_stage_with_a_network_imports_torch_and_little_else(stage):
    packages = imported(stage)
    assert "torch" in packages and packages & HEAVY <= ALLOWED.get(stage, NETWORK)


def test_a_job_looks_for_garbage_once_its_imports_are_done(tmp_path):
    """They run without: stages/__init__.py. Elsewhere, as here, importing a stage changes nothing."""
    code = "import gc; from googlenet.pipeline import job; job.perform = lambda *_: print(gc.isenabled(), gc.get_freeze_count() > 0)"
    (tmp_path / "sitecustomize.py").write_text(code)
    words = [sys.executable, "-m", "googlenet.stages.evaluate_ensemble"]
    path = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(words, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": path}, check=False)
    assert done.stdout.split() == ["True", "True"], done.stderr
    disabled = [
        sys.executable,
        "-c",
        "import sys, gc; sys.argv[0] = '-m'; import googlenet.stages; print(gc.isenabled())",
    ]
    assert subprocess.run(disabled, capture_output=True, text=True, check=True).stdout == "False\n"
    plain = [sys.executable, "-c", "import gc, googlenet.stages; print(gc.isenabled())"]
    assert subprocess.run(plain, capture_output=True, text=True, check=True).stdout == "True\n"
