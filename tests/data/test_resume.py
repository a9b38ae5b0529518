"""A preparation that ends at any moment goes on, and ends in the bytes of an unbroken one, with any number of workers."""

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from data.datasets import class_tree, classification, put, voc_tree
from googlenet.config.schema.base import replaced
from googlenet.data.pack import read_note
from googlenet.data.prepare import prepare, prepared, state_of
from googlenet.errors import Stopped, UserError
from googlenet.storage.files import json_bytes
from tables import quick
from waiting import until

# A process of its own that ends itself at a named moment: the n-th call of os.replace, before or after it renames, or
# the n-th batch that is written. Its data are in argv.
DRIVER = """
import json, os, signal, sys
from pathlib import Path
settings, folder, state, workers, moment, number = json.loads(sys.argv[1])

if __name__ == "__main__":
    import pyarrow as pa
    from googlenet.config.schema.dataset import ClassificationSource
    from googlenet.data.prepare import prepare
    from googlenet.data import store
    count = 0
    def dies(call, after):
        def wrapped(*given):
            global count
            count += 1
            made = call(*given) if after or count < number else None
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return made
        return wrapped
    if moment in ("before", "after"):
        os.replace = dies(os.replace, moment == "after")
    if moment == "write":
        store._batch_of = dies(store._batch_of, False)
    print("begun", flush=True)
    source = ClassificationSource.model_validate(settings)
    prepare(source, Path(folder), workers=workers, state=Path(state))
"""


@pytest.fixture
def whole(tmp_path):
    """A source of several shards a split with a bad image, its settings, and the files of an unbroken run."""
    class_tree(tmp_path / "raw", images=12)
    put(tmp_path / "raw/train/cat/3.jpg", b"no image")
    settings = classification("class_folders", tmp_path / "raw", shard_mb=0.008, max_bad_fraction=0.1)
    prepared = made(settings, tmp_path / "whole/pets")
    assert len([name for name in prepared if name.startswith("train")]) >= 4
    return settings, prepared


def made(settings, folder, **given):
    """Every file of a preparation, and its manifest."""
    manifest = prepare(settings, folder, **given)
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    return files | {"manifest": json_bytes(manifest.to_json())}


def started(settings, folder, state, workers=1, moment="", number=0):

    program = folder.parent.parent / "driver.py"
    put(program, DRIVER)
    given = json.dumps([settings.model_dump(), str(folder), str(state), workers, moment, number])
    return subprocess.Popen([sys.executable, str(program), given], stdout=subprocess.PIPE, text=True)


@pytest.mark.long
@pytest.mark.parametrize("workers", quick([2, 1, 3], 1))
def test_any_number_of_workers_gives_the_same_bytes(whole, tmp_path, workers):
    settings, expected = whole
    assert made(settings, tmp_path / "b/pets", workers=workers) == expected


@pytest.mark.long
@pytest.mark.parametrize(
    ("moment", "number"),
    [("before", 1), ("after", 1), ("before", 2), ("after", 2), ("after", 5), ("write", 1), ("write", 4)],
)
def test_a_killed_run_goes_on_to_the_same_bytes(whole, tmp_path, moment, number):
    settings, expected = whole
    folder, state = tmp_path / "b/pets", tmp_path / "state/pets/one"
    assert started(settings, folder, state, 1, moment, number).wait() == -signal.SIGKILL
    kept = {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.arrow")}
    # What was refused is looked at again.
    noted = {path.stem for path in state.glob("*.note") if not read_note(path)[0].refused}
    assert made(settings, folder, state=state) == expected
    for name, changed in kept.items():
        path = folder / name
        assert (path.stat().st_mtime_ns == changed) == (path.stem in noted), path
    assert not list(folder.rglob(".*"))


def running(pid):
    """Whether a process still does anything."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def command_of(pid):
    """A process's command line; nothing once it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes as Linux shows them")
def test_workers_do_not_outlive_a_killed_parent(whole, tmp_path):
    settings, _ = whole
    class_tree(tmp_path / "many", images=400)
    settings = replaced(settings, root=str(tmp_path / "many"), shard_mb=0.1)
    folder, state = tmp_path / "b/pets", tmp_path / "state/pets/one"
    process = started(settings, folder, state, workers=2)
    until(lambda: list(state.glob("*.note")))
    ours = children(process.pid)
    assert len(ours) >= 2
    process.kill()
    process.wait()
    assert list(folder.rglob("*.arrow")) and len(list(state.glob("*.note"))) < 18
    until(lambda: not any(map(running, ours)))
    assert made(settings, folder, state=state, workers=2) == made(settings, tmp_path / "c/pets")


@pytest.mark.parametrize("workers", quick([2, 1], 1))
def test_a_run_that_is_asked_to_stop_keeps_what_is_done(whole, tmp_path, workers):
    settings, expected = whole
    folder, state = tmp_path / "b/pets", tmp_path / "state/pets/one"
    with pytest.raises(Stopped, match="the same command goes on"):
        prepare(settings, folder, state=state, workers=workers, stop=lambda: any(state.glob("*.note")))
    done = len(list(state.glob("*.note")))
    assert 0 < done < len(expected) and not list(folder.rglob(".*"))
    assert made(settings, folder, state=state) == expected


def test_a_shard_that_is_not_what_its_note_says_is_packed_again(whole, tmp_path):
    settings, expected = whole
    folder, state = tmp_path / "b/pets", tmp_path / "state/pets/one"
    made(settings, folder, state=state)
    torn = folder / "train-00001.arrow"
    torn.write_bytes(bytes(torn.stat().st_size))
    (folder / "test-00000.arrow").unlink()
    assert made(settings, folder, state=state) == expected


def test_another_source_is_seen_shard_by_shard(whole, tmp_path):
    settings, _ = whole
    folder, state = tmp_path / "b/pets", tmp_path / "state/pets/one"
    first = made(settings, folder, state=state)
    changed = put(tmp_path / "raw/train/dog/11.jpg", (tmp_path / "raw/train/dog/0.jpg").read_bytes() + b"\0")
    after = made(settings, folder, state=state)
    assert after == made(settings, tmp_path / "c/pets") and changed.is_file()
    assert after["train-00000.arrow"] == first["train-00000.arrow"] and after["manifest"] != first["manifest"]


def test_other_settings_begin_anew_and_leave_what_is_there_until_they_are_done(whole, tmp_path):
    settings, expected = whole
    folder, state = tmp_path / "b/pets", tmp_path / "state/pets/one"
    made(settings, folder, state=state)
    other, strict = state.with_name("two"), replaced(settings, max_bad_fraction=0.0, shard_mb=0.02)
    with pytest.raises(UserError, match="are bad"):
        prepare(strict, folder, state=other)
    assert not state.exists() and other.exists()
    assert {path.name: path.read_bytes() for path in folder.glob("*.arrow")} == {
        name: content for name, content in expected.items() if name.endswith(".arrow")
    }
    put(tmp_path / "raw/train/cat/3.jpg", (tmp_path / "raw/train/cat/4.jpg").read_bytes())
    assert made(strict, folder, state=other) == made(strict, tmp_path / "c/pets")


@pytest.mark.parametrize("allowed", [0.0, 0.1])
def test_a_corrected_file_of_the_same_size_is_looked_at_again(whole, tmp_path, allowed):
    """After an error or, if it was one of few bad files, a stop; even if its time of modification is as before."""
    settings, _ = whole
    settings = replaced(settings, max_bad_fraction=allowed)
    folder, state = tmp_path / "b/pets", tmp_path / "state/pets/one"
    good = (tmp_path / "raw/train/cat/4.jpg").read_bytes()
    bad = put(tmp_path / "raw/train/cat/3.jpg", bytes(len(good)))
    times = bad.stat().st_atime_ns, bad.stat().st_mtime_ns
    with pytest.raises(Stopped if allowed else UserError):
        prepare(settings, folder, state=state, stop=lambda: len(list(state.glob("train*.note"))) > 1)
    os.utime(put(bad, good), ns=times)
    assert prepare(settings, folder, state=state).refused == ()


def test_a_good_file_that_is_replaced_by_one_of_the_same_size_is_packed_again(whole, tmp_path):
    settings, _ = whole
    folder, state = tmp_path / "b/pets", tmp_path / "state/pets/one"
    made(settings, folder, state=state)
    path = tmp_path / "raw/train/dog/5.jpg"
    content = bytearray(path.read_bytes())
    content[-20] ^= 1  # within the compressed pixels
    put(path, bytes(content))
    assert made(settings, folder, state=state) == made(settings, tmp_path / "c/pets")


def test_shards_of_another_list_of_classes_are_packed_again(tmp_path):
    """A class that is misspelt in some files stands between the others, which keep their names but not their labels."""
    from data.datasets import detection, jpeg, xml

    root = voc_tree(tmp_path / "raw", images=6)
    for split in ("train", "validation", "test"):
        put(root / f"Annotations/{split}_0.xml", xml(("Cat", 1, 1, 10, 8), ("dog", 5, 5, 32, 24)))
    put(root / "JPEGImages/train_5.jpg", "not an image")
    settings = detection("voc", root, shard_mb=0.004)
    folder, state = tmp_path / "b/pets", tmp_path / "state/pets/one"
    with pytest.raises(UserError, match="not an image"):
        prepare(settings, folder, state=state)
    assert list(state.glob("*.note"))
    for split in ("train", "validation", "test"):
        put(root / f"Annotations/{split}_0.xml", xml(("cat", 1, 1, 10, 8), ("dog", 5, 5, 32, 24)))
    put(root / "JPEGImages/train_5.jpg", jpeg())
    assert made(settings, folder, state=state) == made(settings, tmp_path / "c/pets")


def test_notes_go_when_they_are_no_longer_needed(whole, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings, _ = whole
    state = state_of(settings.kind, "pets", "0" * 64)
    with prepared(settings, tmp_path / "b/pets", "0" * 64, 1, bool, str):
        assert state.is_dir()
    assert not state.exists()
    with prepared(settings, tmp_path / "b/pets", "0" * 64, 1, bool, str):
        shutil.rmtree(state)  # they may be gone already
    assert not state.exists()


def test_a_worker_that_is_killed_is_one_line(whole, tmp_path):
    settings, _ = whole
    seen = []

    def kills():
        """Called once a second or more often, while workers work."""
        ours = [pid for pid in children(os.getpid()) if b"spawn_main" in command_of(pid)]
        if ours and not seen:
            seen.append(ours[0])
            os.kill(ours[0], signal.SIGKILL)
        return False

    with pytest.raises(UserError, match=r"prepare_workers: a worker was killed \(exit code -9\)"):
        prepare(settings, tmp_path / "b/pets", workers=2, stop=kills)


@pytest.mark.parametrize("workers", quick([1, 2], 1))
def test_a_full_disk_names_the_file(whole, tmp_path, workers):
    """The limit of a file's size stands for a disk that is full: writing fails in the middle."""
    import resource

    settings, _ = whole
    multiprocessing.RawValue("b")  # so that the file of memory shared with workers, larger than the limit, is there
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, hard))
    try:
        with pytest.raises(OSError) as caught:
            prepare(settings, tmp_path / "b/pets", workers=workers)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert caught.value.filename.endswith(".arrow") and "b/pets" in caught.value.filename
    assert not [path for path in (tmp_path / "b/pets").rglob("*") if path.is_file()]


@pytest.mark.long
def test_detection_is_the_same_with_workers(tmp_path):
    from data.datasets import detection

    settings = detection("voc", voc_tree(tmp_path / "raw", images=6), shard_mb=0.004)
    first = prepare(settings, tmp_path / "a/pets")
    assert len(first.splits["train"].shards) > 1
    assert prepare(settings, tmp_path / "b/pets", workers=2) == first
