"""A job that fails costs no earlier result: Snakemake deletes it, and it is put back with the record of its inputs."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from conf_copy import ROOT
from googlenet.pipeline.earlier_results import drop, keep, link_of, linked, put_back
from waiting import until

WORKFLOW = """
import atexit

from googlenet.pipeline.earlier_results import EarlierResults

EARLIER = EarlierResults(workflow)


rule all:
    input:
        "end.txt",


rule make:
    input:
        "settings.txt",
    output:
        "made.txt",
        "made_too.txt",
    shell:
        "cp {input} {output[0]}; grep -q slow {input} && touch began && sleep 30;"
        " grep -q good {input} && cp {input} {output[1]}"


rule use:
    input:
        "made.txt",
    output:
        "end.txt",
    shell:
        "cp {input} {output}"


onstart:
    EARLIER.keep()
    atexit.register(EARLIER.put_back)


onerror:
    print("gone:", *EARLIER.put_back())


onsuccess:
    EARLIER.put_back()
"""
MADE = ("made.txt", "made_too.txt", "end.txt")


def put(path: Path, text: str) -> None:
    """Write a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def texts(folder: Path) -> dict[str, str]:
    """The content of every file of a folder."""
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def test_what_is_missing_comes_back_with_its_time_and_the_shards_of_a_manifest(tmp_path):
    outputs = [str(tmp_path / "manifest.json"), str(tmp_path / "metrics.json")]
    for name in ("manifest.json", "metrics.json", "train-00000.arrow", "train-00001.arrow"):
        put(tmp_path / name, f"earlier {name}")
        os.utime(tmp_path / name, (7, 7))
    before = texts(tmp_path)
    assert keep(outputs) and linked(outputs)
    (tmp_path / "manifest.json").unlink()
    (tmp_path / "train-00001.arrow").unlink()
    put(tmp_path / "new", "later")
    (tmp_path / "new").replace(tmp_path / "train-00000.arrow")
    assert put_back(outputs) and texts(tmp_path) == before
    assert {path.stat().st_mtime for path in tmp_path.iterdir()} == {7}


def test_what_a_job_has_replaced_stays(tmp_path):
    path = tmp_path / "metrics.json"
    put(path, "earlier")
    assert keep([str(path)])
    path.unlink()
    put(path, "later")
    assert not put_back([str(path)])
    assert texts(tmp_path) == {"metrics.json": "later"}


def test_links_go_with_a_job_that_succeeds(tmp_path):
    put(tmp_path / "manifest.json", "{}")
    put(tmp_path / "train-00000.arrow", "of the earlier run")
    outputs = [str(tmp_path / "manifest.json")]
    assert keep(outputs)
    (tmp_path / "train-00000.arrow").unlink()  # the new data set has none of that name
    drop(outputs)
    assert texts(tmp_path) == {"manifest.json": "{}"}


def test_a_link_into_a_cache_stays_one(tmp_path):
    put(tmp_path / "cache/ab", "content")
    place = tmp_path / "results/metrics.json"
    place.parent.mkdir()
    place.symlink_to("../cache/ab")
    assert keep([str(place)])
    place.unlink()
    assert put_back([str(place)]) and place.is_symlink() and place.read_text() == "content"


def test_where_nothing_can_be_linked_nothing_is_left(tmp_path, monkeypatch):
    def link(path, target, **given):
        raise PermissionError("Operation not permitted")

    put(tmp_path / "metrics.json", "earlier")
    monkeypatch.setattr(os, "link", link)
    assert not keep([str(tmp_path / "metrics.json")])
    assert list(texts(tmp_path)) == ["metrics.json"]


def snakemake(folder: Path, *words: str, code: int = 0) -> str:
    """Run Snakemake in a folder."""
    process = begun(folder, *words)
    output, errors = process.communicate()
    assert process.returncode == code, errors
    return output + errors


def made(folder: Path) -> dict[str, str]:
    """Run the workflow above with settings that are good; the content of every file."""
    put(folder / "Snakefile", WORKFLOW)
    put(folder / "settings.txt", "good")
    snakemake(folder)
    return texts(folder)


def begun(folder: Path, *words: str) -> subprocess.Popen[str]:
    """A process of Snakemake that runs in a folder, in a session of its own."""
    command = [Path(sys.executable).with_name("snakemake"), "--cores", "1", "--max-checksum-file-size", "1TB", *words]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "start_new_session": True}
    return subprocess.Popen(command, cwd=folder, env=environment, text=True, **pipes)


@pytest.mark.engine
def test_snakemake_knows_what_was_put_back_by_the_inputs_that_it_was_made_from(tmp_path):
    before = made(tmp_path)
    put(tmp_path / "settings.txt", "bad")
    assert "gone:\n" in snakemake(tmp_path, code=1)
    assert texts(tmp_path) == before | {"settings.txt": "bad"}
    assert "rule make" in snakemake(tmp_path, "-n")  # not taken for what the new settings give
    put(tmp_path / "settings.txt", "good")
    assert "Nothing to be done" in snakemake(tmp_path, "-n")
    # As a killed engine leaves it: the link, and no result.
    (tmp_path / "made_too.txt").rename(link_of(tmp_path / "made_too.txt"))
    (tmp_path / "made.txt").rename(link_of(tmp_path / "made.txt"))
    put(tmp_path / "settings.txt", "bad")
    snakemake(tmp_path, code=1)
    assert texts(tmp_path) == before | {"settings.txt": "bad"}
    # Without links a failed job's results are gone. Its record, of settings that it failed with, must not pass for theirs.
    (tmp_path / "made.txt").unlink()
    put(tmp_path / "settings.txt", "bad")
    assert "gone: made.txt" in snakemake(tmp_path, code=1)
    assert "rule make" in snakemake(tmp_path, "-n")
    put(tmp_path / "settings.txt", "very good")
    snakemake(tmp_path)
    assert texts(tmp_path) == before | dict.fromkeys(("settings.txt", *MADE), "very good")


@pytest.mark.engine
def test_a_second_interrupt_costs_no_earlier_result(tmp_path):
    """Snakemake then ends without its onerror, unless the second comes too soon or too late."""
    before = made(tmp_path)
    put(tmp_path / "settings.txt", "slow")
    process = begun(tmp_path)
    until((tmp_path / "began").is_file)
    os.kill(process.pid, signal.SIGINT)  # its job goes on
    for line in process.stderr:
        if "Terminating processes on user request" in line:
            break
    time.sleep(1)  # it waits for its job
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    process.communicate()
    (tmp_path / "began").unlink()
    assert texts(tmp_path) == before | {"settings.txt": "slow"}
