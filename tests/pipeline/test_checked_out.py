"""Results that DVC put into the workspace are told from those that Snakemake has records of."""

import os
from pathlib import Path

import pytest

from googlenet.pipeline import checked_out, links

METRICS = Path("results/smoke/train_classifier/m1/metrics.json")
# Snakemake splits the record of a path that is too long for the name of a file.
DEEP = METRICS.parent / ("m" * 120) / ("n" * 120) / "metrics.json"


@pytest.fixture(params=[METRICS, DEEP], ids=["short", "long"])
def result(request, tmp_path, monkeypatch):
    """A result whose record Snakemake's own code has written, in a clone whose dvc.lock knows results."""
    from snakemake.persistence import MetadataRecord
    from snakemake.persistence.file import FilePersistence

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(links, "linked", lambda: False)
    path = request.param
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    Path("dvc.lock").write_text("")
    FilePersistence(nolock=True)._write_record(str(path), MetadataRecord(endtime=path.stat().st_mtime))
    return path


def test_a_result_as_its_job_left_it_is_recorded(result):
    assert not checked_out.unrecorded()


def test_one_that_was_put_there_later_is_not(result):
    os.utime(result, (1, 1))
    assert checked_out.unrecorded()


def test_one_whose_job_has_not_been_recorded_yet_was_not_put_there(result):
    """Snakemake records an output once it has noticed that its job has ended."""
    from snakemake.persistence.file import FilePersistence

    os.utime(result, (1, 1))
    FilePersistence(nolock=True)._mark_incomplete(str(result), None)
    assert not checked_out.unrecorded()
    for record in checked_out.RECORDS.rglob("*"):  # the first job of a clone
        record.is_file() and record.unlink()
    assert not checked_out.unrecorded()
    other = Path("results/smoke/train_classifier/m2/metrics.json")  # and what DVC puts beside it
    other.parent.mkdir(parents=True)
    other.write_text("{}")
    assert checked_out.unrecorded()


def test_in_a_linked_cache_times_say_nothing(result, monkeypatch):
    monkeypatch.setattr(links, "linked", lambda: True)
    os.utime(result, (1, 1))
    assert not checked_out.unrecorded()


def test_one_that_is_missing_needs_no_record(result):
    result.unlink()
    assert not checked_out.unrecorded()


def test_one_that_a_running_engine_removes_meanwhile_needs_none(result, monkeypatch):
    recorded = list(checked_out.recorded_times())
    monkeypatch.setattr(checked_out, "recorded_times", lambda: recorded)
    result.unlink()
    assert not checked_out.unrecorded()


def test_results_without_any_record_are_not_recorded_but_none_may_lie_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("dvc.lock").write_text("")
    assert not checked_out.unrecorded()
    METRICS.parent.mkdir(parents=True)
    METRICS.write_text("{}")
    assert checked_out.unrecorded()
    Path("dvc.lock").unlink()
    assert not checked_out.unrecorded()  # nothing knows them
