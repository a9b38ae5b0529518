"""A full disk: one line, nothing that looks finished, and the run ends once there is room."""

import os
import shutil
import subprocess

import pytest

from workflow.houses import build, digests, snakemake

pytestmark = pytest.mark.long
ROOM_KB = 60  # for logs of jobs; a member's weights need more
TARGET = "stage_train_classifier"


@pytest.fixture
def found(tmp_path):
    """A house whose results lie on a disk of 64 MB in memory; Snakemake's own log, on which it insists, lies elsewhere."""
    found = build(tmp_path / "house")
    folder = found / "results"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs root")
    yield found
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk, left_kb):
    """Write a ballast that leaves so much."""
    free = os.statvfs(disk)
    size = free.f_bavail * free.f_frsize - left_kb * 1024
    with open(disk / "ballast", "wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)


def test_a_full_disk_is_told_and_the_run_ends_once_there_is_room(found, house):
    snakemake(found, "--cores", "2", "--", "stage_prepare_classification")
    before = digests(found)
    fill(found / "results", ROOM_KB)
    said = snakemake(found, "--cores", "1", "--", TARGET, code=1)
    errors = [line for line in said.splitlines() if line.startswith("error:")]
    assert errors and all("no space left on the disk; free some" in line for line in errors), said
    assert "Traceback" not in said
    assert digests(found) == before
    assert not list(found.glob("results/**/*.part")) and not list(found.glob("results/**/.*.part"))
    (found / "results/ballast").unlink()
    snakemake(found, "--cores", "2", "--", TARGET)
    whole = digests(house)
    mine = digests(found)
    assert mine == {name: whole[name] for name in mine}
    assert {f"results/smoke/train_classifier/{m}/weights.safetensors" for m in ("m1", "m2", "m3")} <= mine.keys()
