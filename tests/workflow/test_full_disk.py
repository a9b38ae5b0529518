"""A full disk: one line, nothing that looks finished, and the run ends once there is space."""

import os
import shutil
import subprocess

import pytest

from workflow.clones import build, digests, snakemake

pytestmark = [pytest.mark.engine, pytest.mark.long]
FREE_KB = 60  # for logs of jobs; a member's weights need more
TARGET = "stage_train_classifier"


@pytest.fixture
def small_disk(tmp_path):
    """A clone whose results lie on a disk of 64 MB in memory; Snakemake's own log, on which it insists, lies elsewhere."""
    clone = build(tmp_path / "clone")
    folder = clone / "results"
    words = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs root")
    yield clone
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk, left_kb):
    """Write a ballast that leaves so much."""
    free = os.statvfs(disk)
    size = free.f_bavail * free.f_frsize - left_kb * 1024
    with open(disk / "ballast", "wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)


def test_a_full_disk_is_one_line_and_the_run_ends_once_there_is_room(small_disk, snakemake_build):
    snakemake(small_disk, "--cores", "2", "--", "stage_prepare_classification")
    before = digests(small_disk)
    fill(small_disk / "results", FREE_KB)
    output = snakemake(small_disk, "--cores", "1", "--", TARGET, code=1)
    errors = [line for line in output.splitlines() if line.startswith("error:")]
    assert errors and all("no space left on the disk; free some" in line for line in errors), output
    assert "Traceback" not in output
    assert digests(small_disk) == before
    assert not list(small_disk.glob("results/**/*.part")) and not list(small_disk.glob("results/**/.*.part"))
    (small_disk / "results/ballast").unlink()
    snakemake(small_disk, "--cores", "2", "--", TARGET)
    whole, results = digests(snakemake_build.folder), digests(small_disk)
    assert results == {name: whole[name] for name in results}
    assert {f"results/smoke/train_classifier/{m}/weights.safetensors" for m in ("m1", "m2", "m3")} <= results.keys()
